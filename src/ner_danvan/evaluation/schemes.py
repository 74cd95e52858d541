"""Four ways to count an answer, after SemEval-2013 task 9 (Segura-Bedmar, Martínez and Herrero-Zazo 2013).

All four judge the same pairs of gold and found spans, so a found span is right in one scheme and wrong in another, but
never spurious in one and wrong in another. The released nervaluate 1.2.1 pairs anew for each scheme, in the order of
predictions, and takes an overlap of less than 1 % for none; it missed two of the hand-counted cases of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ner_danvan.document import Document
from ner_danvan.evaluation.alignment import Pair, align_layers
from ner_danvan.evaluation.intervals import MICRO, Triples, f1_bounds
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span


class Outcome(IntEnum):
    """What an answer is, in the words of MUC-5 (Chinchor and Sundheim 1993)."""

    CORRECT = 0
    INCORRECT = 1
    PARTIAL = 2
    MISSED = 3
    SPURIOUS = 4


class Scheme(Protocol):
    """A way to judge a gold span and the found span that answers it."""

    @property
    def name(self) -> str:
        """How the scheme is called in files and tables."""
        ...

    def judge(self, gold: Span, found: Span) -> Outcome:
        """CORRECT, INCORRECT or PARTIAL."""
        ...


class Strict:
    """Right where both place and label are."""

    name = "strict"

    def judge(self, gold: Span, found: Span) -> Outcome:
        return Outcome.CORRECT if gold.key == found.key else Outcome.INCORRECT


class BoundaryOnly:
    """Right where the place is, whatever the label; *exact* in SemEval's words."""

    name = "boundary"

    def judge(self, gold: Span, found: Span) -> Outcome:
        return Outcome.CORRECT if (gold.start, gold.end) == (found.start, found.end) else Outcome.INCORRECT


class Partial:
    """As BoundaryOnly, but another place that overlaps is half right."""

    name = "partial"

    def judge(self, gold: Span, found: Span) -> Outcome:
        return Outcome.CORRECT if (gold.start, gold.end) == (found.start, found.end) else Outcome.PARTIAL


class TypeOnly:
    """Right where the label is and the places overlap."""

    name = "type"

    def judge(self, gold: Span, found: Span) -> Outcome:
        return Outcome.CORRECT if gold.label == found.label else Outcome.INCORRECT


SCHEMES: tuple[Scheme, ...] = (Strict(), BoundaryOnly(), Partial(), TypeOnly())

Counts = npt.NDArray[np.int64]  # [..., 5], in the order of Outcome


@dataclass(frozen=True, slots=True)
class SchemeScore:
    """Counts of outcomes and what they make, in [0, 1]; `interval` is of F1, None where there is no span."""

    correct: int
    incorrect: int
    partial: int
    missed: int
    spurious: int
    precision: float
    recall: float
    f1: float
    interval: tuple[float, float] | None


SchemeScores = dict[str, dict[str, SchemeScore]]  # scheme -> micro, layer or label


def outcome(pair: Pair, scheme: Scheme) -> Outcome:
    """The outcome of a pair; one without a partner is missed or spurious in every scheme."""
    if pair.found is None:
        return Outcome.MISSED
    if pair.gold is None:
        return Outcome.SPURIOUS
    return scheme.judge(pair.gold, pair.found)


def count_outcomes(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelScheme, scheme: Scheme
) -> tuple[list[str], Counts]:
    """Names of the columns, and counts `[documents, columns, 5]`: MICRO, each layer, each label.

    A label's column is of that label against the rest: where gold and found span differ in label, the one's gold is
    missed and the other's found span spurious. A scheme that does not ask for labels so gives more in MICRO than in
    its labels.
    """
    columns = [MICRO, *(f"layer {layer.name}" for layer in labels.layers), *labels.labels]
    place = {name: number for number, name in enumerate(columns)}
    counts = np.zeros((len(gold), len(columns), len(Outcome)), np.int64)
    for row, (wanted, found) in enumerate(zip(gold, predicted, strict=True)):
        for layer, pairs in align_layers(wanted, found, labels).items():
            for pair in pairs:
                result = outcome(pair, scheme)
                counts[row, place[MICRO], result] += 1
                counts[row, place[f"layer {layer}"], result] += 1
                if pair.gold and pair.found and pair.gold.label != pair.found.label:
                    counts[row, place[pair.gold.label], Outcome.MISSED] += 1
                    counts[row, place[pair.found.label], Outcome.SPURIOUS] += 1
                else:
                    counts[row, place[pair.span.label], result] += 1
    return columns, counts


def triples_of(counts: Counts) -> Triples:
    """Counts `[..., 5]` as credit, found and gold `[..., 3]`; a partial answer has half the credit."""
    correct, incorrect, partial, missed, spurious = np.moveaxis(counts, -1, 0)
    answered = correct + incorrect + partial
    return np.stack([correct + 0.5 * partial, answered + spurious, answered + missed], axis=-1)


def scheme_scores(
    gold: Sequence[Document], predicted: Sequence[Document], labels: LabelScheme, *, draws: int = 2_000, seed: int = 0
) -> SchemeScores:
    """Scores of every scheme, micro, by layer and by label, with 95 % intervals over documents."""
    scores: SchemeScores = {}
    for scheme in SCHEMES:
        columns, counts = count_outcomes(gold, predicted, labels, scheme)
        triples = triples_of(counts)
        bounds = f1_bounds(triples, draws=draws, seed=seed)
        sums = counts.sum(axis=0)
        scores[scheme.name] = {name: _score(sums[column], bounds[column]) for column, name in enumerate(columns)}
    return scores


def scheme_f1(gold: Document, predicted: Document, labels: LabelScheme, scheme: Scheme) -> float:
    """Micro F1 of one document; 1 where there is nothing to find and nothing found."""
    credit, found, wanted = triples_of(count_outcomes([gold], [predicted], labels, scheme)[1][0, 0])
    return float(2 * credit / (found + wanted)) if found + wanted else 1.0


def to_plain(scores: SchemeScores) -> dict[str, Any]:
    """Plain data for `metrics.json`."""
    return {name: {column: asdict(score) for column, score in row.items()} for name, row in scores.items()}


def _score(counts: Counts, bounds: tuple[float, float] | None) -> SchemeScore:
    credit, found, wanted = triples_of(counts)
    correct, incorrect, partial, missed, spurious = (int(count) for count in counts)
    return SchemeScore(
        *(correct, incorrect, partial, missed, spurious),
        precision=float(credit / max(1, found)),
        recall=float(credit / max(1, wanted)),
        f1=float(2 * credit / max(1, found + wanted)),
        interval=bounds,
    )
