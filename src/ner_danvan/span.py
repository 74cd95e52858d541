"""A labelled piece of text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kept = Literal["outermost", "innermost"]


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled piece of text, `[start, end)` in code points; `score` is a probability or None."""

    start: int
    end: int
    label: str
    text: str
    score: float | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """What strict scoring compares."""
        return self.start, self.end, self.label


def sorted_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans from left to right, the outer before the inner."""
    return tuple(sorted(spans, key=lambda span: (span.start, -span.end, span.label)))


def flat_spans(spans: Iterable[Span], keep: Kept) -> tuple[Span, ...]:
    """Spans none of which overlap, from left to right: of those that do, the longest stay, or the shortest.

    Among equals the one further left stays, then the label that comes first.
    """
    sign = -1 if keep == "outermost" else 1
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (sign * (span.end - span.start), span.start, span.label)):
        place = bisect_left(kept, span.start, key=lambda other: other.start)
        after = kept[place].start if place < len(kept) else span.end
        before = kept[place - 1].end if place else span.start
        if before <= span.start and span.end <= after:
            kept.insert(place, span)
    return tuple(kept)
