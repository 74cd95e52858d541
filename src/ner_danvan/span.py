"""A labelled piece of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
