"""How far a span's score can be taken for the chance that the span is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError

BINS = 10
THRESHOLDS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Bin:
    """Spans whose scores lie in `[low, high)` (the last holds 1.0 too): how many, their mean score, the share right."""

    low: float
    high: float
    spans: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is kept of the found spans by `--min-score`, how much of it is right, and how much gold is still found."""

    min_score: float
    kept: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error over all spans and by label, the bins behind the first, and thresholds."""

    error: float
    labels: dict[str, float]
    bins: list[Bin]
    thresholds: list[Threshold]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `metrics.json`."""
        return asdict(self)


def calibrate(
    gold: Sequence[Document], predicted: Sequence[Document], every: Sequence[Document] | None = None
) -> Calibration | None:
    """Compare scores with what is right, by start, end and label; None where a found span has no score.

    `every` are the predictions with what the model's own limit leaves out, for the thresholds; error and bins are of
    the spans that are given.

    The error is the mean over equally wide bins, weighted by their spans, of the distance between mean score and
    share right (Naeini et al. 2015; Guo et al. 2017). Documents must be in the same order.
    """
    rows = _rows(gold, predicted)
    all_rows = rows if every is None else _rows(gold, every)
    if rows is None or all_rows is None:
        return None
    wanted = sum(len({span.key for span in document.spans}) for document in gold)
    bins = _bins(rows)
    return Calibration(
        error=_error(bins),
        labels={
            label: _error(_bins([row for row in rows if row[0] == label])) for label in sorted({r[0] for r in rows})
        },
        bins=bins,
        thresholds=[_threshold(all_rows, wanted, least) for least in THRESHOLDS],
    )


_Row = tuple[str, float, bool]  # label, score, right


def _rows(gold: Sequence[Document], predicted: Sequence[Document]) -> list[_Row] | None:
    rows = []
    for document, found in zip(gold, predicted, strict=True):
        keys = {span.key for span in document.spans}
        for span in found.spans:
            if span.score is None:
                return None
            if not 0 <= span.score <= 1:
                where = f"{found.id}: {span.label} [{span.start}, {span.end})"
                raise UserError(f"{where} has the score {span.score}; give a probability, 0 to 1, or none.")
            rows.append((span.label, span.score, span.key in keys))
    return rows


def _bins(rows: Sequence[_Row]) -> list[Bin]:
    held: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for _, score, right in rows:
        held[min(BINS - 1, int(score * BINS))].append((score, right))
    return [
        Bin(
            number / BINS,
            (number + 1) / BINS,
            len(inside),
            sum(score for score, _ in inside) / max(1, len(inside)),
            sum(right for _, right in inside) / max(1, len(inside)),
        )
        for number, inside in enumerate(held)
    ]


def _error(bins: Sequence[Bin]) -> float:
    return sum(found.spans * abs(found.score - found.right) for found in bins) / max(1, sum(b.spans for b in bins))


def _threshold(rows: Sequence[_Row], wanted: int, least: float) -> Threshold:
    kept = [right for _, score, right in rows if score >= least]
    return Threshold(least, len(kept), sum(kept) / max(1, len(kept)), sum(kept) / max(1, wanted))
