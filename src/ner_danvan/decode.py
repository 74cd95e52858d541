"""From logits to scored spans: the best valid BIO path of each layer, and each span's probability.

The distribution over a layer's paths is a linear-chain conditional random field (Lafferty et al. 2001): a path scores
the sum of its words' logits and of its transitions, and invalid BIO paths are impossible. A span's score is the
probability, under that distribution, that exactly these words form a span with this label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ner_danvan.labels import LabelScheme, Layer, tag_runs
from ner_danvan.span import Span, sorted_spans

_BUCKET_WORDS = 50_000  # words decoded together, padding included

Logits = npt.NDArray[np.floating]
Scores = npt.NDArray[np.float64]
Transitions = Mapping[str, Sequence[Sequence[float]]]  # layer name -> [tags, tags], from the first to the second


def decode(
    logits: Sequence[Logits],
    words: Sequence[Sequence[tuple[int, int]]],
    texts: Sequence[str],
    scheme: LabelScheme,
    transitions: Transitions | None = None,
    temperatures: Mapping[str, float] | None = None,
) -> list[tuple[Span, ...]]:
    """Scored spans of a batch of documents, each with logits `[words, outputs]` and words `[start, end)`.

    `transitions` of a layer default to 0 for every valid pair. `temperatures` divide all scores of a layer (Guo et
    al. 2017) and default to 1; they change probabilities, never the best path.
    """
    found: list[tuple[Span, ...]] = [() for _ in words]
    for rows in _buckets([len(document) for document in words]):
        spans = _decode_bucket(
            [logits[row] for row in rows],
            [words[row] for row in rows],
            [texts[row] for row in rows],
            scheme,
            transitions or {},
            temperatures or {},
        )
        for row, document in zip(rows, spans, strict=True):
            found[row] = document
    return found


def sure_spans(spans: Sequence[Span], min_score: float) -> tuple[Span, ...]:
    """Those whose score is at least so high."""
    return tuple(span for span in spans if (span.score or 0.0) >= min_score)


def _buckets(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows that have words, by length, so many together that padding them costs bounded memory."""
    bucket: list[int] = []
    for row in sorted((row for row, length in enumerate(lengths) if length), key=lambda row: lengths[row]):
        if bucket and (len(bucket) + 1) * lengths[row] > _BUCKET_WORDS:
            yield bucket
            bucket = []
        bucket.append(row)
    if bucket:
        yield bucket


def _decode_bucket(
    logits: Sequence[Logits],
    words: Sequence[Sequence[tuple[int, int]]],
    texts: Sequence[str],
    scheme: LabelScheme,
    transitions: Transitions,
    temperatures: Mapping[str, float],
) -> list[tuple[Span, ...]]:
    lengths = np.array([len(document) for document in words], dtype=np.int64)
    found: list[list[Span]] = [[] for _ in words]
    padded = _pad(logits, int(lengths.max()))
    for layer, part in zip(scheme.layers, scheme.slices, strict=True):
        temperature = temperatures.get(layer.name, 1.0)
        moves = valid_moves(layer, transitions.get(layer.name)) / temperature
        scaled = padded[:, :, part] / temperature
        tags = viterbi(scaled, lengths, layer, moves)
        chain = Chain(scaled, lengths, layer, moves)
        for row, (document, text) in enumerate(zip(words, texts, strict=True)):
            for first, last, begin in tag_runs(tags[row, : lengths[row]]):
                start, end = document[first][0], document[last - 1][1]
                score = float(np.exp(chain.span_log_prob(row, first, last, begin)))
                span = Span(start, end, layer.labels[begin // 2], text[start:end], min(score, 1.0))
                found[row].append(span)
    return [sorted_spans(spans) for spans in found]


def _pad(logits: Sequence[Logits], longest: int) -> Scores:
    padded = np.zeros((len(logits), longest, logits[0].shape[1]))
    for row, rows in enumerate(logits):
        padded[row, : rows.shape[0]] = rows
    return padded


def valid_moves(layer: Layer, transitions: Sequence[Sequence[float]] | None = None) -> Scores:
    """`[tags, tags]`: the score of each step from tag to tag, minus infinity where BIO forbids it."""
    scores = np.zeros_like(layer.may_follow, dtype=np.float64) if transitions is None else np.array(transitions)
    moves: Scores = np.where(layer.may_follow, scores, -np.inf)
    return moves


def viterbi(
    logits: Scores, lengths: npt.NDArray[np.int64], layer: Layer, moves: Scores | None = None
) -> npt.NDArray[np.int64]:
    """The best valid path of each row: `[batch, words, tags]` to tags `[batch, words]`, O behind each row's length.

    Where paths score the same, the lower tag wins.
    """
    batch, longest, count = logits.shape
    moves = valid_moves(layer) if moves is None else moves
    best = logits[:, 0] + np.where(layer.may_start, 0.0, -np.inf)
    back = np.zeros((batch, longest, count), dtype=np.int64)
    for place in range(1, longest):
        scores = best[:, :, None] + moves
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

    def __init__(
        self, logits: Scores, lengths: npt.NDArray[np.int64], layer: Layer, moves: Scores | None = None
    ) -> None:
        self._moves = valid_moves(layer) if moves is None else moves
        self._lengths = lengths
        self._logits = logits
        batch, longest, count = logits.shape
        self._forward = np.empty((batch, longest, count))
        self._forward[:, 0] = logits[:, 0] + np.where(layer.may_start, 0.0, -np.inf)
        for place in range(1, longest):
            before = self._forward[:, place - 1][:, :, None] + self._moves
            self._forward[:, place] = logits[:, place] + np.logaddexp.reduce(before, axis=1)
        # backward[b, i, t]: log of the sum over what may come behind tag t at word i
        self._backward = np.zeros((batch, longest, count))
        for place in range(longest - 2, -1, -1):
            after = self._moves + (logits[:, place + 1] + self._backward[:, place + 1])[:, None, :]
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
        words = np.take_along_axis(self._logits, tags[:, :, None], axis=2)[:, :, 0]
        steps = self._moves[tags[:, :-1], tags[:, 1:]]
        scores = np.where(inside, words, 0.0).sum(axis=1) + np.where(inside[:, 1:], steps, 0.0).sum(axis=1)
        result: Scores = scores - self.log_partition()
        return result

    def span_log_prob(self, row: int, first: int, last: int, begin: int) -> float:
        """Log-probability that words `[first, last)` of a row are exactly one span with B- tag `begin`.

        Raises ValueError if the span is empty or reaches past the row.
        """
        length = int(self._lengths[row])
        if not 0 <= first < last <= length:
            raise ValueError(f"span [{first}, {last}) is empty or outside a row of {length} words")
        inside = begin + 1
        score = self._forward[row, first, begin] + self._sums[row, last, inside] - self._sums[row, first + 1, inside]
        if last - first > 1:
            score += self._moves[begin, inside] + (last - first - 2) * self._moves[inside, inside]
        if last < length:
            goes_on = self._moves[begin if last == first + 1 else inside].copy()
            goes_on[inside] = -np.inf  # with I- behind it the span would be longer
            score += np.logaddexp.reduce(goes_on + self._logits[row, last] + self._backward[row, last])
        return float(score - np.logaddexp.reduce(self._forward[row, length - 1]))
