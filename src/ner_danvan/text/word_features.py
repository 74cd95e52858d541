"""Features of a token as underthesea's featurizer writes them: `T[0]=uỷ`, `T[0,1].istitle=False`."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import NamedTuple

REACH = 2  # tokens to either side that a template may see
WIDEST = 3  # tokens in the longest n-gram
FLAGS = ("isdigit", "istitle", "is_in_dict")  # views that are True or False, the others being text

_TEMPLATE = re.compile(r"T\[(-?\d)(?:,(-?\d))?\](?:\.(lower|isdigit|istitle|is_in_dict))?")


class Template(NamedTuple):
    """What a feature looks at: tokens `[first, last]` from the position on, as written ("") or in another view."""

    name: str
    first: int
    last: int
    view: str


def read_template(name: str) -> Template:
    """The template of a name; raises ValueError if there is none."""
    match = _TEMPLATE.fullmatch(name)
    if not match:
        raise ValueError(f"unknown template {name!r}")
    first = int(match[1])
    last = int(match[2] or first)
    if not -REACH <= first <= last <= REACH or last - first >= WIDEST:
        raise ValueError(f"template {name!r} reaches too far")
    return Template(name, first, last, match[3] or "")


def features(
    templates: Sequence[Template], tokens: Sequence[str], position: int, dictionary: Container[str]
) -> list[str]:
    """One feature a template, in their order."""
    found = []
    for name, first, last, view in templates:
        if position + first < 0:
            value = "BOS"
        elif position + last >= len(tokens):
            value = "EOS"
        else:
            value = _seen(view, " ".join(tokens[position + first : position + last + 1]), dictionary)
        found.append(f"{name}={value}")
    return found


def _seen(view: str, text: str, dictionary: Container[str]) -> str:
    if view in ("", "lower"):
        return text.lower() if view else text
    if view == "isdigit":
        return str(is_number(text))
    return str(is_title(text) if view == "istitle" else text.lower() in dictionary)


def is_title(text: str) -> bool:
    """Whether no token begins with a small letter; figures and marks do not.

    In Pythons whose Unicode version knows no capital of it yet, neither does "ɤ".
    """
    return all(token[0].upper() == token[0] for token in text.split(" "))


def is_number(text: str) -> bool:
    """Whether there is nothing but 0 to 9; so no pair is one, having a space in it."""
    return text.isascii() and text.isdigit()
