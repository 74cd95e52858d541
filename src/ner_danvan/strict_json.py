"""JSON as the standard has it (RFC 8259), and no deeper than can be written again."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from ner_danvan.errors import UserError

MOST_DEPTH = 100  # of objects and lists in one another; Python writes some 900, wherever it stands when it does


def parse_json(text: str, place: str) -> Any:
    """What JSON text holds; raises UserError with the place, and line and column.

    Refused are NaN, infinities and numbers that become one, which Python reads and other programs cannot; integers of
    more than 4,300 digits; and what is nested more than `MOST_DEPTH` deep.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        if _may_be_deep(text) and _depth(value) > MOST_DEPTH:
            raise RecursionError
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise UserError(f"{place}: no JSON at {line}column {error.colno} ({error.msg}).") from None
    except RecursionError:
        raise UserError(f"{place}: JSON that cannot be read (nested more than {MOST_DEPTH} deep).") from None
    except ValueError as error:
        raise UserError(f"{place}: JSON that cannot be read ({error}).") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON; write null")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > MOST_DEPTH


def _depth(value: Any) -> int:
    """How deep lists and objects are nested; stops one below the limit."""
    depth, level = 0, [value]
    while level and depth <= MOST_DEPTH:
        level = [child for one in level for child in _children(one)]
        depth += bool(level)
    return depth


def _children(value: Any) -> list[Any]:
    """Lists and objects count where they are empty too, so what is left out is what holds nothing."""
    if isinstance(value, dict):
        return [*value.values()] or [None]
    if isinstance(value, list):
        return value or [None]
    return []
