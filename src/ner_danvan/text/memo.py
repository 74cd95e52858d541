"""Results kept by their argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Memo(dict[_Key, _Value]):
    """`memo[key]` is `function(key)`, worked out once; when `limit` keys are kept, all are forgotten.

    A dict, because a lookup in one costs a fraction of a call of `functools.lru_cache`.
    """

    def __init__(self, function: Callable[[_Key], _Value], limit: int) -> None:
        super().__init__()
        self._function = function
        self._limit = limit

    def __missing__(self, key: _Key) -> _Value:
        value = self._function(key)
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value
