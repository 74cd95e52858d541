"""Which articles of a large corpus are most like a small one (Moore and Lewis 2010)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

_KIND = 0.9  # weight of the small corpus in its own model; the rest is the large one's, so that no word has chance 0


def most_alike(articles: Sequence[str], like: Sequence[str], share: float) -> list[int]:
    """Numbers of the articles, in their order, that are most like the texts of `like`: so large a share of them.

    An article's measure is the difference of its cross-entropies, in nats a word, under two unigram models: of `like`
    and of the articles. All are word-segmented, compared in lower case.
    """
    general, kind = _counts(articles), _counts(like)
    totals = general.total(), kind.total()
    gain = {
        word: math.log(_KIND * (kind[word] / totals[1]) / (count / totals[0]) + 1 - _KIND)
        for word, count in general.items()
    }

    def alike(number: int) -> float:
        words = articles[number].lower().split()
        return sum(gain[word] for word in words) / len(words)

    measures = [alike(number) for number in range(len(articles))]
    kept = sorted(range(len(articles)), key=lambda number: (-measures[number], number))
    return sorted(kept[: round(share * len(articles))])


def _counts(texts: Sequence[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.lower().split())
    return counts
