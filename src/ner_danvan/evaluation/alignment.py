"""Which predicted span answers which gold span, so that errors can be named and partial answers counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span, sorted_spans


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold span and what answers it; a missed one has no `found`, a spurious one no `gold`."""

    gold: Span | None
    found: Span | None

    @property
    def span(self) -> Span:
        """The gold span, or the spurious one."""
        span = self.gold or self.found
        assert span is not None
        return span


def align(gold: Sequence[Span], found: Sequence[Span]) -> list[Pair]:
    """Pair the spans of one layer of one document, in order of place; each has at most one partner.

    Spans of the same place belong together, whatever their labels. The others are paired where they overlap, left to
    right: with as many pairs of one label as can be, then as many pairs, then as many shared characters. Neither the
    order of the spans nor what was paired before decides. Spans of a side must not overlap one another, as in a layer.
    """
    places = {(span.start, span.end): span for span in found}
    pairs = [Pair(span, partner) for span in gold if (partner := places.pop((span.start, span.end), None))]
    exact = {(pair.span.start, pair.span.end) for pair in pairs}
    rest = sorted_spans(span for span in gold if (span.start, span.end) not in exact)
    for some_gold, some_found in _clusters(rest, sorted_spans(places.values())):
        pairs += _best(some_gold, some_found)
    return sorted(pairs, key=lambda pair: (pair.span.start, pair.span.end, pair.gold is None))


def align_layers(gold: Document, predicted: Document, scheme: LabelScheme) -> dict[str, list[Pair]]:
    """The pairs of each layer of a document; labels that the scheme lacks are left out."""
    sides = [
        {layer.name: [span for span in document.spans if span.label in layer.labels] for layer in scheme.layers}
        for document in (gold, predicted)
    ]
    return {layer.name: align(sides[0][layer.name], sides[1][layer.name]) for layer in scheme.layers}


def _clusters(gold: Sequence[Span], found: Sequence[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Spans that hang together by overlaps, both sides sorted."""
    sides: tuple[list[Span], list[Span]] = ([], [])
    reached = -1
    for span, side in sorted(
        [(span, 0) for span in gold] + [(span, 1) for span in found], key=lambda row: (row[0].start, row[0].end)
    ):
        if span.start >= reached and (sides[0] or sides[1]):
            yield sides
            sides = ([], [])
        sides[side].append(span)
        reached = max(reached, span.end)
    if sides[0] or sides[1]:
        yield sides


def _best(gold: Sequence[Span], found: Sequence[Span]) -> list[Pair]:
    """The best pairs of a cluster, by dynamic programming: spans of a side are in order, so pairs never cross."""
    # best[i][j]: pairs of one label, pairs, shared characters, of the first i gold and the first j found spans
    best = [[(0, 0, 0)] * (len(found) + 1) for _ in range(len(gold) + 1)]
    for i, wanted in enumerate(gold, 1):
        for j, one in enumerate(found, 1):
            best[i][j] = max(best[i - 1][j], best[i][j - 1])
            if shared := _shared(wanted, one):
                labels, pairs, characters = best[i - 1][j - 1]
                paired = (labels + (wanted.label == one.label), pairs + 1, characters + shared)
                best[i][j] = max(best[i][j], paired)
    pairs_found: list[Pair] = []
    i, j = len(gold), len(found)
    while i or j:
        if i and best[i][j] == best[i - 1][j]:
            i -= 1
            pairs_found.append(Pair(gold[i], None))
        elif j and best[i][j] == best[i][j - 1]:
            j -= 1
            pairs_found.append(Pair(None, found[j]))
        else:
            i, j = i - 1, j - 1
            pairs_found.append(Pair(gold[i], found[j]))
    return pairs_found


def _shared(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))
