"""Sections of a configuration as dataclasses, with errors that name the key."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ner_danvan.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Filled = TypeVar("Filled", bound="DataclassInstance")
Number = TypeVar("Number", int, float)


def fill(kind: type[Filled], section: str, values: Any) -> Filled:
    """A dataclass from a section of the configuration, each value in its field's type; UserError names a wrong key."""
    if not isinstance(values, Mapping):
        raise UserError(f"{section}={values} is no section; see configs/ for the keys that it has.")
    known = {field.name: str(field.type) for field in fields(kind)}
    if unknown := [key for key in values if key not in known]:
        raise UserError(f"{section}.{unknown[0]} is not known; known are {', '.join(known)}.")
    if missing := [field.name for field in fields(kind) if field.name not in values and field.default is MISSING]:
        raise UserError(f"{section}.{missing[0]} is missing; see configs/.")
    return kind(
        **{key: _value(f"{section}.{key}", values[key], kind_of) for key, kind_of in known.items() if key in values}
    )


def _value(key: str, value: Any, kind: str) -> Any:
    if kind == "Path":
        return Path(str(value))
    if kind == "tuple[Path, ...]":
        return paths(value)
    if kind == "bool":
        if not isinstance(value, bool):
            raise UserError(f"{key}={value} must be true or false.")
        return value
    if kind == "Any":
        return value
    if kind.endswith(" | None") and value is None:
        return None
    kind = kind.removesuffix(" | None")
    if kind in ("int", "float"):
        return number_of(key, value, int if kind == "int" else float)
    return "" if value is None else str(value)


def paths(value: Any) -> tuple[Path, ...]:
    """The one path or the several that a configuration names; none for null."""
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(Path(str(path)) for path in several if path)


def number_of(key: str, value: Any, kind: type[Number]) -> Number:
    """A finite number of this kind; raises UserError that names the key."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or (kind is int and value != int(value))
    ):
        raise UserError(f"{key}={value} must be a {'whole ' if kind is int else ''}number.")
    return kind(value)


def whole_number(key: str, value: Any, least: int) -> int:
    """A whole number that is not below `least`; raises UserError that names the key."""
    found = number_of(key, value, int)
    if found < least:
        raise UserError(f"{key}={value} must be at least {least}.")
    return found


def whole_numbers(key: str, values: Any, least: int) -> list[int]:
    """A list of whole numbers, none below `least`; raises UserError that names the key."""
    if not isinstance(values, list | tuple):
        raise UserError(f"{key}={values} is no list; put it in brackets, {key}=[…].")
    found = [number_of(key, value, int) for value in values]
    if too_small := [value for value in found if value < least]:
        raise UserError(f"{key}: {too_small[0]} must be at least {least}.")
    return found


def flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting with its key's whole name, training.epochs."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
