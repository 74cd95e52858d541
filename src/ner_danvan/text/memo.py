"""Results kept by their argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_PART = 8  # of what is kept, one is forgotten at a time


class Memo(dict[_Key, _Value]):
    """`memo[key]` is `function(key)`, worked out once; when `limit` keys are kept, the oldest eighth is forgotten.

    A dict, because a lookup in one costs a fraction of a call of `functools.lru_cache`.
    """

    def __init__(self, function: Callable[[_Key], _Value], limit: int) -> None:
        super().__init__()
        self._function = function
        self._limit = limit

    def __missing__(self, key: _Key) -> _Value:
        value = self._function(key)
        forget_oldest(self, self._limit)
        self[key] = value
        return value


def forget_oldest(kept: dict[_Key, Any], limit: int) -> None:
    """If `limit` keys or more are kept, leave the newest seven eighths of so many.

    Not all, so that what a process holds stays as it is once it is full. Other threads may be here too.
    """
    if len(kept) >= limit:
        keys = list(kept)
        for key in keys[: max(0, len(keys) - limit + max(1, limit // _PART))]:
            kept.pop(key, None)
