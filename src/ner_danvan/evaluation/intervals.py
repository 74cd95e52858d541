"""How far a score would move with other documents of the same kind.

Every score here is an F1 of sums over documents: what is right, of what was found, of what is gold. So a document is a
row of such triples, and a resample is a weight a document.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme

MICRO = "micro"

Triples = npt.NDArray[np.float64]  # [..., 3]: right (or the credit for it), found, gold
Figures = npt.NDArray[np.float64]

_AT_ONCE = 500  # draws, so that memory stays bounded whatever the number of documents


def f1_intervals(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    scheme: LabelScheme,
    *,
    draws: int = 2_000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals (Efron 1979) of strict F1, micro and by label.

    Documents are drawn with replacement, not spans, for those of one document stand and fall together. The same for
    the same seed. Draws that hold no span of a label say nothing of it; a label without any span has no interval.
    """
    columns = [MICRO, *scheme.labels]
    bounds = f1_bounds(strict_triples(gold, predicted, columns), draws=draws, level=level, seed=seed)
    return {name: ends for name, ends in zip(columns, bounds, strict=True) if ends}


def strict_triples(gold: Sequence[Document], predicted: Sequence[Document], columns: Sequence[str]) -> Triples:
    """`[documents, columns, 3]`: right spans, found and gold ones; a column is a label or MICRO.

    A span is right where start, end and label agree. Spans of a label that is no column are counted nowhere, so neither
    in MICRO.
    """
    counts = np.zeros((len(gold), len(columns), 3))
    known = set(columns)
    for number, pair in enumerate(zip(gold, predicted, strict=True)):
        wanted, found = ({span.key for span in document.spans if span.label in known} for document in pair)
        for column, label in enumerate(columns):
            mine, theirs = ({key for key in keys if label in (MICRO, key[2])} for keys in (found, wanted))
            counts[number, column] = len(mine & theirs), len(mine), len(theirs)
    return counts


def resampled(triples: Triples, draws: int, seed: int) -> Triples:
    """`[draws, columns, 3]`: sums over documents drawn with replacement, as many as there are.

    `triples` are `[documents, columns, 3]`. The same seed draws the same documents whatever the columns, so systems
    side by side in the columns are resampled in pairs.
    """
    random = np.random.default_rng(seed)
    count = len(triples)
    flat = triples.reshape(count, -1)
    sums = []
    for begin in range(0, draws, _AT_ONCE):
        chosen = random.integers(0, count, (min(_AT_ONCE, draws - begin), count))
        weights = np.stack([np.bincount(row, minlength=count) for row in chosen])
        sums.append(weights @ flat)
    return np.concatenate(sums).reshape(-1, *triples.shape[1:])


def f1_of(sums: Triples) -> Figures:
    """F1 of sums `[..., 3]`; NaN where there is nothing to find and nothing found."""
    spans = sums[..., 1] + sums[..., 2]
    with np.errstate(invalid="ignore"):
        figures: Figures = 2 * sums[..., 0] / spans
    return figures


def bounds_of(figures: Figures, level: float) -> tuple[float, float] | None:
    """Percentile interval of drawn figures `[draws]`; None where no draw says anything."""
    told = figures[~np.isnan(figures)]
    if not len(told):
        return None
    low, high = np.quantile(told, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def f1_bounds(
    triples: Triples, *, draws: int = 2_000, level: float = 0.95, seed: int = 0
) -> list[tuple[float, float] | None]:
    """An interval of each column of `[documents, columns, 3]`; None for a column without any span, or without draws."""
    if not len(triples) or not draws:
        return [None] * triples.shape[1]
    figures = f1_of(resampled(triples, draws, seed))
    return [bounds_of(figures[:, column], level) for column in range(triples.shape[1])]
