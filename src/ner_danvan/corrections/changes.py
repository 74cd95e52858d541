"""What people changed: spans as they were predicted against spans as they were corrected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ner_danvan.document import Document
from ner_danvan.span import Span, sorted_spans

Kind = Literal["added", "removed", "relabelled", "moved"]

KINDS: tuple[Kind, ...] = ("moved", "relabelled", "removed", "added")


@dataclass(frozen=True)
class Change:
    """One change: an added span has no `before`, a removed one no `after`."""

    kind: Kind
    before: Span | None
    after: Span | None

    @property
    def span(self) -> Span:
        """The span as it was predicted, or the added one."""
        span = self.before or self.after
        assert span
        return span


@dataclass(frozen=True)
class Comparison:
    """A corrected document, the spans that it was made from, those that stayed, and what was changed, left to right."""

    document: Document
    before: tuple[Span, ...]
    kept: tuple[Span, ...]
    changes: tuple[Change, ...]


def compare(document: Document, before: Iterable[Span]) -> Comparison:
    """What leads from the spans `before` to those of the document.

    A span of the same place under another label was relabelled; one that overlaps one of the same label was moved, the
    pairs with most characters in common first. Whatever else is on one side only was removed or added.
    """
    old, new = {span.key: span for span in before}, {span.key: span for span in document.spans}
    kept = [new[key] for key in new if key in old]
    gone = sorted_spans(old[key] for key in old if key not in new)
    come = sorted_spans(new[key] for key in new if key not in old)
    relabelled = _of_one_place(gone, come)
    rest = [a for a in gone if a.key not in relabelled], _without(come, relabelled.values())
    moved = _pairs(_overlapping(*rest))
    changes = [
        *(Change("relabelled", old[key], after) for key, after in relabelled.items()),
        *(Change("moved", old[key], after) for key, after in moved.items()),
        *(Change("removed", span, None) for span in rest[0] if span.key not in moved),
        *(Change("added", None, span) for span in _without(rest[1], moved.values())),
    ]
    changes.sort(key=lambda change: (change.span.start, -change.span.end, change.span.label))
    return Comparison(document, tuple(old.values()), sorted_spans(kept), tuple(changes))


def _of_one_place(gone: Iterable[Span], come: Iterable[Span]) -> dict[tuple[int, int, str], Span]:
    """Pairs of one place, in order of their labels, by the key of the first."""
    waiting: dict[tuple[int, int], list[Span]] = {}
    for span in sorted_spans(come):
        waiting.setdefault((span.start, span.end), []).append(span)
    there = {place: iter(spans) for place, spans in waiting.items()}
    pairs = ((span.key, next(there.get((span.start, span.end), iter(())), None)) for span in sorted_spans(gone))
    return {key: after for key, after in pairs if after}


def _overlapping(gone: Iterable[Span], come: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """All pairs of one label that have characters in common: a sweep, for a document may have thousands of others."""
    open_: tuple[dict[str, list[Span]], dict[str, list[Span]]] = ({}, {})  # of each side, those that may still reach
    for span, side in sorted([(span, 0) for span in gone] + [(span, 1) for span in come], key=_start):
        reaching = [other for other in open_[1 - side].get(span.label, []) if other.end > span.start]
        open_[1 - side][span.label] = reaching
        for other in reaching:
            if _common(span, other) > 0:
                yield (span, other) if side == 0 else (other, span)
        open_[side].setdefault(span.label, []).append(span)


def _start(row: tuple[Span, int]) -> int:
    return row[0].start


def _pairs(candidates: Iterable[tuple[Span, Span]]) -> dict[tuple[int, int, str], Span]:
    """Each span in at most one pair, by the key of the first; those with most in common first."""
    pairs: dict[tuple[int, int, str], Span] = {}
    taken: set[tuple[int, int, str]] = set()
    for before, after in sorted(candidates, key=lambda pair: (-_common(*pair), pair[0].key, pair[1].key)):
        if before.key not in pairs and after.key not in taken:
            pairs[before.key] = after
            taken.add(after.key)
    return pairs


def _without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    keys = {span.key for span in taken}
    return [span for span in spans if span.key not in keys]


def _common(first: Span, second: Span) -> int:
    return min(first.end, second.end) - max(first.start, second.start)
