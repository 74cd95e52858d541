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
    the same seed. Draws that hold no span of a label say nothing of it; a label without any span has no interval.
    """
    columns = [MICRO, *scheme.labels]
    counts = np.zeros((len(gold), len(columns), 3), np.int64)  # right, found, gold
    for number, pair in enumerate(zip(gold, predicted, strict=True)):
        wanted, found = ({span.key for span in document.spans} for document in pair)
        for column, label in enumerate(columns):
            mine, theirs = ({key for key in keys if label in (MICRO, key[2])} for keys in (found, wanted))
            counts[number, column] = len(mine & theirs), len(mine), len(theirs)
    random = np.random.default_rng(seed)
    sums = np.stack([counts[random.integers(0, len(gold), len(gold))].sum(axis=0) for _ in range(draws)])
    spans = sums[..., 1] + sums[..., 2]  # [draws, columns]
    intervals: dict[str, tuple[float, float]] = {}
    for place, name in enumerate(columns):
        drawn = spans[:, place] > 0
        if drawn.any():
            f1 = 2 * sums[drawn, place, 0] / spans[drawn, place]
            low, high = np.quantile(f1, [(1 - level) / 2, (1 + level) / 2])
            intervals[name] = (float(low), float(high))
    return intervals
