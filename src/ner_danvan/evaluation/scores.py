"""Strict scores: a span counts where start, end and label agree, by seqeval in strict IOB2 mode.

Gold and predicted spans of a document become tags over the pieces between all their boundaries, so every span
can be said exactly, whatever the words were: gold that a model's words cannot express counts as missed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 in [0, 1], and how many gold and predicted spans they rest on."""

    precision: float
    recall: float
    f1: float
    gold: int
    predicted: int


@dataclass(frozen=True, slots=True)
class StrictScores:
    """`micro` over all spans, `macro` the mean over labels, and one score a layer and a label."""

    micro: Score
    macro: Score
    layers: dict[str, Score]
    labels: dict[str, Score]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `metrics.json`."""
        return asdict(self)


def strict_scores(gold: Sequence[Document], predicted: Sequence[Document], scheme: LabelScheme) -> StrictScores:
    """Score documents against gold of the same order; labels that the scheme lacks are left out of both.

    Raises ValueError if the two do not hold the same texts.
    """
    if [document.text for document in gold] != [document.text for document in predicted]:
        raise ValueError("gold and predicted documents differ in number or text")
    tags = {layer.name: _tags(gold, predicted, layer.labels) for layer in scheme.layers}
    every_gold = [row for rows, _ in tags.values() for row in rows]
    every_predicted = [row for _, rows in tags.values() for row in rows]
    by_label: dict[str, Score] = {}
    for layer in scheme.layers:
        by_label |= {label: _score(*tags[layer.name], label) for label in layer.labels}
    macro = [score for score in by_label.values() if score.gold or score.predicted]
    return StrictScores(
        micro=_score(every_gold, every_predicted),
        macro=_mean(macro),
        layers={layer.name: _score(*tags[layer.name]) for layer in scheme.layers},
        labels=by_label,
    )


def dev_scores(scheme: LabelScheme) -> Callable[[Sequence[Document], Sequence[Document]], dict[str, float]]:
    """What training watches: `f1`, the strict micro F1, and the F1 of each label."""

    def score(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, float]:
        scores = strict_scores(gold, predicted, scheme)
        return {"f1": scores.micro.f1} | {label: found.f1 for label, found in scores.labels.items()}

    return score


Tags = list[list[str]]


def _tags(gold: Sequence[Document], predicted: Sequence[Document], labels: Sequence[str]) -> tuple[Tags, Tags]:
    """IOB2 tags of one layer, a sequence a document, over the pieces between the boundaries of both sides."""
    rows: tuple[Tags, Tags] = ([], [])
    for pair in zip(gold, predicted, strict=True):
        spans = [[span for span in document.spans if span.label in labels] for document in pair]
        bounds = sorted({bound for side in spans for span in side for bound in (span.start, span.end)})
        index = {bound: i for i, bound in enumerate(bounds)}
        for row, side in zip(rows, spans, strict=True):
            row.append(_pieces(side, index))
    return rows


def _pieces(spans: list[Span], index: dict[int, int]) -> list[str]:
    tags = ["O"] * max(1, len(index) - 1)
    for span in spans:
        first, last = index[span.start], index[span.end]
        tags[first:last] = [f"B-{span.label}", *[f"I-{span.label}"] * (last - first - 1)]
    return tags


def _score(gold: Tags, predicted: Tags, label: str | None = None) -> Score:
    if label is not None:  # seqeval's own per-label figures leave out labels that nobody used
        gold, predicted = _only(gold, label), _only(predicted, label)
    counts = [sum(tag.startswith("B-") for row in rows for tag in row) for rows in (gold, predicted)]
    if not any(counts):  # seqeval raises where there is nothing to score
        return Score(0.0, 0.0, 0.0, 0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, _ = precision_recall_fscore_support(
            gold, predicted, average="micro", scheme=IOB2, zero_division=0
        )
    return Score(float(precision), float(recall), float(f1), *counts)


def _only(rows: Tags, label: str) -> Tags:
    return [[tag if tag[2:] == label else "O" for tag in row] for row in rows]


def _mean(scores: list[Score]) -> Score:
    count = max(1, len(scores))
    return Score(
        sum(score.precision for score in scores) / count,
        sum(score.recall for score in scores) / count,
        sum(score.f1 for score in scores) / count,
        sum(score.gold for score in scores),
        sum(score.predicted for score in scores),
    )
