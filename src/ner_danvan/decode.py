"""From logits to scored spans: the best valid BIO path of each layer, and each span's probability.

The distribution over paths is the product of the words' softmaxes, restricted to valid BIO paths and
normalised: a linear-chain CRF whose transitions are 0 or minus infinity (Lafferty et al. 2001). A span's score is
the probability, under that distribution, that exactly these words form a span with this label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ner_danvan.document import Span, sorted_spans
from ner_danvan.labels import LabelScheme, Layer, tag_runs

Logits = npt.NDArray[np.floating]
Scores = npt.NDArray[np.float64]


def decode(
    logits: Sequence[Logits],
    words: Sequence[Sequence[tuple[int, int]]],
    texts: Sequence[str],
    scheme: LabelScheme,
    temperatures: Mapping[str, float] | None = None,
) -> list[tuple[Span, ...]]:
    """Scored spans of a batch of documents, each with logits `[words, outputs]` and words `[start, end)`.

    `temperatures` divide the logits of a layer (Guo et al. 2017); a layer without one has 1.
    """
    lengths = np.array([len(document) for document in words], dtype=np.int64)
    found: list[list[Span]] = [[] for _ in words]
    if not lengths.size or not lengths.max():
        return [() for _ in words]
    padded = _pad(logits, int(lengths.max()))
    for layer, part in zip(scheme.layers, scheme.slices, strict=True):
        scaled = padded[:, :, part] / (temperatures or {}).get(layer.name, 1.0)
        tags = viterbi(scaled, lengths, layer)
        chain = Chain(scaled, lengths, layer)
        for row, (document, text) in enumerate(zip(words, texts, strict=True)):
            for first, last, begin in tag_runs(tags[row, : lengths[row]]):
                start, end = document[first][0], document[last - 1][1]
                score = float(np.exp(chain.span_log_prob(row, first, last, begin)))
                span = Span(start, end, layer.labels[begin // 2], text[start:end], min(score, 1.0))
                found[row].append(span)
    return [sorted_spans(spans) for spans in found]


def _pad(logits: Sequence[Logits], longest: int) -> Scores:
    width = next(rows.shape[1] for rows in logits if rows.shape[0])
    padded = np.zeros((len(logits), longest, width))
    for row, rows in enumerate(logits):
        if rows.shape[0]:
            padded[row, : rows.shape[0]] = rows
    return padded


def viterbi(logits: Scores, lengths: npt.NDArray[np.int64], layer: Layer) -> npt.NDArray[np.int64]:
    """The best valid path of each row: `[batch, words, tags]` to tags `[batch, words]`, O behind each row's length.

    Where paths score the same, the lower tag wins.
    """
    batch, longest, count = logits.shape
    allowed = np.where(layer.may_follow, 0.0, -np.inf)
    best = logits[:, 0] + np.where(layer.may_start, 0.0, -np.inf)
    back = np.zeros((batch, longest, count), dtype=np.int64)
    for place in range(1, longest):
        scores = best[:, :, None] + allowed
        back[:, place] = scores.argmax(axis=1)
        step = scores.max(axis=1) + logits[:, place]
        best = np.where((place < lengths)[:, None], step, best)
    tags = np.zeros((batch, longest), dtype=np.int64)
    current = best.argmax(axis=1)
    rows = np.arange(batch)
    for place in range(longest - 1, -1, -1):
        inside = place < lengths
        tags[:, place] = np.where(inside, current, 0)
        current = np.where(inside, back[rows, place, current], current)
    return tags


class Chain:
    """The distribution over a layer's valid paths, for a batch `[batch, words, tags]`; O(words * tags^2).

    Forward and backward scores in log space; rows are independent, words behind a row's length count for nothing.
    """

    def __init__(self, logits: Scores, lengths: npt.NDArray[np.int64], layer: Layer) -> None:
        self._layer = layer
        self._lengths = lengths
        self._logits = logits
        allowed = np.where(layer.may_follow, 0.0, -np.inf)
        batch, longest, count = logits.shape
        self._forward = np.empty((batch, longest, count))
        self._forward[:, 0] = logits[:, 0] + np.where(layer.may_start, 0.0, -np.inf)
        for place in range(1, longest):
            before = self._forward[:, place - 1][:, :, None] + allowed
            self._forward[:, place] = logits[:, place] + np.logaddexp.reduce(before, axis=1)
        # backward[b, i, t]: log of the sum over what may come behind tag t at word i
        self._backward = np.zeros((batch, longest, count))
        for place in range(longest - 2, -1, -1):
            after = allowed + (logits[:, place + 1] + self._backward[:, place + 1])[:, None, :]
            inside = (place + 1 < lengths)[:, None]
            self._backward[:, place] = np.where(inside, np.logaddexp.reduce(after, axis=2), 0.0)
        # prefix sums of each tag's logits, so that a span of any length costs the same
        self._sums = np.concatenate([np.zeros((batch, 1, count)), np.cumsum(logits, axis=1)], axis=1)

    def log_partition(self) -> Scores:
        """`[batch]`: log of the sum over all valid paths; rows without words have 0."""
        last = np.maximum(self._lengths - 1, 0)
        totals = np.logaddexp.reduce(self._forward[np.arange(len(last)), last], axis=1)
        result: Scores = np.where(self._lengths > 0, totals, 0.0)
        return result

    def path_log_prob(self, tags: npt.NDArray[np.int64]) -> Scores:
        """`[batch]`: log-probability of valid tags `[batch, words]`."""
        inside = np.arange(tags.shape[1])[None] < self._lengths[:, None]
        picked = np.take_along_axis(self._logits, tags[:, :, None], axis=2)[:, :, 0]
        result: Scores = np.where(inside, picked, 0.0).sum(axis=1) - self.log_partition()
        return result

    def span_log_prob(self, row: int, first: int, last: int, begin: int) -> float:
        """Log-probability that words `[first, last)` of a row are exactly one span with B- tag `begin`.

        Raises ValueError if the span is empty or reaches past the row.
        """
        length = int(self._lengths[row])
        if not 0 <= first < last <= length:
            raise ValueError(f"span [{first}, {last}) is empty or outside a row of {length} words")
        inner = self._sums[row, last, begin + 1] - self._sums[row, first + 1, begin + 1]
        score = self._forward[row, first, begin] + inner
        if last < length:
            end = begin if last == first + 1 else begin + 1
            goes_on = self._layer.may_follow[end].copy()
            goes_on[begin + 1] = False  # with I- behind it the span would be longer
            after = self._logits[row, last] + self._backward[row, last]
            score += np.logaddexp.reduce(np.where(goes_on, after, -np.inf))
        return float(score - np.logaddexp.reduce(self._forward[row, length - 1]))
