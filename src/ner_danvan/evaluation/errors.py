"""What kinds of errors a model makes, span by span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ner_danvan.document import Document
from ner_danvan.evaluation.alignment import Pair, align_layers
from ner_danvan.labels import LabelScheme, spans_to_tags
from ner_danvan.span import Span

NOTHING = "–"  # in a confusion table: no span on this side


class Kind(StrEnum):
    """The kinds of errors; every error is of exactly one."""

    BOUNDARY = "boundary"  # right label, another place that overlaps
    TYPE = "type"  # right place, another label of the layer
    BOUNDARY_AND_TYPE = "boundary and type"
    OTHER_LAYER = "other layer"  # right place, a label of another layer
    NESTED_LOST = "nested-lost"  # missed, though a gold span of another layer around or inside it was found
    MISSED = "missed"
    SPURIOUS = "spurious"


MEANING = {
    Kind.BOUNDARY: "right label, but it begins or ends elsewhere",
    Kind.TYPE: "right place, another label of the same layer",
    Kind.BOUNDARY_AND_TYPE: "overlaps gold of another label of the same layer",
    Kind.OTHER_LAYER: "right place, but a label of another layer",
    Kind.NESTED_LOST: "gold that nothing answers, though gold of another layer around or inside it was found",
    Kind.MISSED: "gold that nothing answers",
    Kind.SPURIOUS: "found where no gold of its layer is",
}


@dataclass(frozen=True, slots=True)
class Error:
    """One error of one document; `document` is its place in the sequence, one of the spans may be None."""

    document: int
    layer: str
    kind: Kind
    gold: Span | None
    found: Span | None

    @property
    def label(self) -> str:
        """The gold label, or that of a spurious span."""
        return Pair(self.gold, self.found).span.label


@dataclass(frozen=True, slots=True)
class CutSpan:
    """A gold span that the model's words cannot express, and the words that cross its ends."""

    document: int
    span: Span
    words: tuple[str, ...]


def find_errors(gold: Sequence[Document], predicted: Sequence[Document], scheme: LabelScheme) -> list[Error]:
    """All errors, document by document, in order of place; the spans they name are those that strict scores count."""
    errors: list[Error] = []
    for number, (wanted, found) in enumerate(zip(gold, predicted, strict=True)):
        layers = align_layers(wanted, found, scheme)
        right = [pair.gold for pairs in layers.values() for pair in pairs if pair.gold and _is_right(pair)]
        open_found = {
            (pair.found.start, pair.found.end): (layer, pair.found)
            for layer, pairs in layers.items()
            for pair in pairs
            if pair.found and not pair.gold
        }
        taken: set[Span] = set()
        here: list[Error] = []
        for layer, pairs in layers.items():
            for pair in pairs:
                if _is_right(pair) or not pair.gold:
                    continue
                if pair.found:
                    here.append(Error(number, layer, _kind_of_pair(pair.gold, pair.found), pair.gold, pair.found))
                    continue
                other = open_found.get((pair.gold.start, pair.gold.end))
                if other and other[1] not in taken:
                    taken.add(other[1])
                    here.append(Error(number, layer, Kind.OTHER_LAYER, pair.gold, other[1]))
                else:
                    kind = Kind.NESTED_LOST if _nests(pair.gold, right) else Kind.MISSED
                    here.append(Error(number, layer, kind, pair.gold, None))
        for layer, pairs in layers.items():
            spurious = (pair.found for pair in pairs if pair.found and not pair.gold and pair.found not in taken)
            here += [Error(number, layer, Kind.SPURIOUS, None, span) for span in spurious]
        errors += sorted(here, key=lambda error: Pair(error.gold, error.found).span.start)
    return errors


def count_errors(errors: Iterable[Error]) -> dict[str, dict[str, int]]:
    """Label -> kind -> how many; kinds that do not occur are left out."""
    counts: dict[str, Counter[str]] = {}
    for error in errors:
        counts.setdefault(error.label, Counter())[error.kind.value] += 1
    return {label: dict(row) for label, row in counts.items()}


def confusion(
    gold: Sequence[Document], predicted: Sequence[Document], scheme: LabelScheme
) -> dict[str, dict[str, dict[str, int]]]:
    """Layer -> gold label -> found label -> how many pairs, whatever their boundaries; NOTHING for no partner."""
    tables = {
        layer.name: {a: dict.fromkeys((*layer.labels, NOTHING), 0) for a in (*layer.labels, NOTHING)}
        for layer in scheme.layers
    }
    for wanted, found in zip(gold, predicted, strict=True):
        for layer, pairs in align_layers(wanted, found, scheme).items():
            for pair in pairs:
                row = pair.gold.label if pair.gold else NOTHING
                tables[layer][row][pair.found.label if pair.found else NOTHING] += 1
    return tables


def find_cut_spans(
    gold: Sequence[Document], words: Sequence[Sequence[tuple[int, int]]], scheme: LabelScheme
) -> list[CutSpan]:
    """Gold spans at whose ends no word ends; `words` are `[start, end)` of each document's words."""
    cut = []
    for number, (document, offsets) in enumerate(zip(gold, words, strict=True)):
        for span in spans_to_tags(document.spans, offsets, scheme)[1]:
            crossing = [
                document.text[start:end]
                for start, end in offsets
                if any(start < edge < end for edge in (span.start, span.end))
            ]
            cut.append(CutSpan(number, span, tuple(crossing)))
    return cut


def _is_right(pair: Pair) -> bool:
    return pair.gold is not None and pair.found is not None and pair.gold.key == pair.found.key


def _kind_of_pair(gold: Span, found: Span) -> Kind:
    if (gold.start, gold.end) == (found.start, found.end):
        return Kind.TYPE
    return Kind.BOUNDARY if gold.label == found.label else Kind.BOUNDARY_AND_TYPE


def _nests(span: Span, others: Iterable[Span]) -> bool:
    """Whether the span lies inside one of the others or around it; those are of other layers, for it was missed."""
    return any(
        (other.start <= span.start and span.end <= other.end) or (span.start <= other.start and other.end <= span.end)
        for other in others
    )
