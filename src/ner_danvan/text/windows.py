"""Overlapping windows over long documents, and their logits stitched back to one row a word.

A window holds whole words; the first and last subword of the model's input are its special tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class WindowSize:
    """`subwords` a window may hold, special ones included; `overlap` words that two neighbours share."""

    subwords: int
    overlap: int

    def __post_init__(self) -> None:
        if self.subwords <= _SPECIAL_TOKENS or self.overlap < 0:
            raise ValueError(
                f"a window of {self.subwords} subwords with an overlap of {self.overlap} words holds nothing; "
                f"take at least {_SPECIAL_TOKENS + 1} subwords and no negative overlap."
            )

    @property
    def room(self) -> int:
        """Subwords of text that fit in."""
        return self.subwords - _SPECIAL_TOKENS


def cut_windows(
    counts: npt.NDArray[np.int64], sentence_ends: Sequence[bool], size: WindowSize
) -> list[tuple[int, int]]:
    """Windows `[first word, last word)` that cover all words, in order, none empty.

    `counts` are the subwords of each word, one with more than a window holds counting as a window's worth.
    A window ends at the last sentence end of its second half, or where it is full; the next begins `overlap` words
    earlier, half the window at most, so that each gets on.
    """
    total = len(counts)
    ends = np.concatenate([[0], np.cumsum(np.minimum(counts, size.room))])
    windows: list[tuple[int, int]] = []
    start = reached = 0
    while start < total:
        end = int(np.searchsorted(ends, ends[start] + size.room, side="right")) - 1
        if end < total:
            half = start + (end - start) // 2
            end = next((i for i in range(end, max(half, reached), -1) if sentence_ends[i - 1]), end)
        windows.append((start, end))
        if end == total:
            break
        reached = end
        # so far to the right that the next word fits in too
        least = int(np.searchsorted(ends, ends[end + 1] - size.room, side="left"))
        start = max(start + 1, least, end - min(size.overlap, (end - start) // 2))
    return windows


def stitch(
    windows: Sequence[tuple[int, int]], logits: Sequence[npt.NDArray[np.float32]], total: int
) -> npt.NDArray[np.float32]:
    """One row a word, each from the window in which the word stands furthest from a cut.

    `logits[i]` is `[words of windows[i], tags]`; the document's own beginning and end are no cuts.
    Raises ValueError if a word is in no window.
    """
    if not windows:
        return np.zeros((0, 0), dtype=np.float32)
    stitched = np.zeros((total, logits[0].shape[1]), dtype=np.float32)
    best = np.full(total, -1.0)
    for (start, end), rows in zip(windows, logits, strict=True):
        places = np.arange(start, end, dtype=np.float64)
        left = places - start if start > 0 else np.full(end - start, np.inf)
        right = end - 1 - places if end < total else np.full(end - start, np.inf)
        distance = np.minimum(left, right)
        nearer = distance > best[start:end]
        best[start:end][nearer] = distance[nearer]
        stitched[start:end][nearer] = rows[nearer]
    if (best < 0).any():
        raise ValueError(f"word {int(np.argmax(best < 0))} is in no window")
    return stitched
