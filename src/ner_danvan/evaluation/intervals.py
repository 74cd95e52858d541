"""How far strict F1 would move with other documents of the same kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme

MICRO = "micro"


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
    the same seed.
    """
    columns = [MICRO, *scheme.labels]
    counts = np.zeros((len(gold), len(columns), 3), np.int64)  # right, found, gold
    for number, pair in enumerate(zip(gold, predicted, strict=True)):
        wanted, found = ({span.key for span in document.spans} for document in pair)
        for column, label in enumerate(columns):
            mine, theirs = ({key for key in keys if label in (MICRO, key[2])} for keys in (found, wanted))
            counts[number, column] = len(mine & theirs), len(mine), len(theirs)
    chosen = np.random.default_rng(seed).integers(0, max(1, len(gold)), size=(draws, len(gold)))
    sums = counts[chosen].sum(axis=1)  # [draws, columns, 3]
    f1 = 2 * sums[..., 0] / np.maximum(1, sums[..., 1] + sums[..., 2])
    low, high = np.quantile(f1, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {column: (float(low[i]), float(high[i])) for i, column in enumerate(columns)}
