"""Elements of Word's XML: by their names without namespaces, whichever of the standard's two they have."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element


def name_of(element: Element) -> str:
    """A tag without its namespace."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element | None, name: str) -> str:
    """An attribute whatever its namespace; "" where it, or the element, is not there."""
    items = () if element is None else element.items()
    return next((value for key, value in items if key.rpartition("}")[2] == name), "")


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Those of that name; none of an element that is not there."""
    return (one for one in (element if element is not None else ()) if name_of(one) == name)


def child(element: Element | None, name: str) -> Element | None:
    """The first of that name."""
    return next(children(element, name), None)


def is_on(mark: Element | None) -> bool:
    """Whether a mark such as `vanish` is there and not switched off."""
    return mark is not None and attribute(mark, "val") not in ("0", "false")
