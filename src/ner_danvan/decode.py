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
_LEAST = -600.0  # nats below the best tag of a word; what is less counts as this, so that some way always has a chance
_IMPOSSIBLE = -1e6  # as good as minus infinity, and sums of it are numbers
_LARGEST = 1e5  # of a score that is possible; what a model gives has two digits
_LONGEST_MOVE = 100.0  # of a transition over its temperature: with _LEAST it still has a power of e that is no 0

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
    al. 2017) and default to 1; they change probabilities, never the best path. Layers are decoded apart, so their spans
    could cross; see `without_crossings`.
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
            found[row] = without_crossings(document)
    return found


def without_crossings(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans of which any two are nested or apart: where two cross, the less probable one goes, the most probable stay.

    In text order. Raises ValueError if a span has no score.
    """
    crossing: dict[Span, list[Span]] = {}
    open_spans: list[Span] = []
    for span in sorted_spans(spans):
        if span.score is None:
            raise ValueError(f"span {span.key} has no score")
        open_spans = [one for one in open_spans if one.end > span.start]
        for one in open_spans:
            if one.start < span.start and one.end < span.end:
                crossing.setdefault(one, []).append(span)
                crossing.setdefault(span, []).append(one)
        open_spans.append(span)
    gone: set[Span] = set()
    for span in sorted(crossing, key=lambda span: (-(span.score or 0.0), span.key)):
        if span not in gone:
            gone.update(crossing[span])
    return tuple(span for span in sorted_spans(spans) if span not in gone)


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
    """All layers of all rows run as one batch, row after row of one layer, then of the next."""
    lengths = np.array([len(document) for document in words], dtype=np.int64)
    found: list[list[Span]] = [[] for _ in words]
    divisors = [temperatures.get(layer.name, 1.0) for layer in scheme.layers]
    scores = _by_layer(logits, int(lengths.max()), scheme, divisors)
    width = scores.shape[-1]
    moves = np.full((len(scheme.layers), width, width), -np.inf)
    start = np.full((len(scheme.layers), width), -np.inf)
    for number, (layer, divisor) in enumerate(zip(scheme.layers, divisors, strict=True)):
        count = len(layer.tags)
        steps = (valid_moves(layer, transitions.get(layer.name)) / divisor).clip(-_LONGEST_MOVE, _LONGEST_MOVE)
        moves[number, :count, :count] = np.where(layer.may_follow, steps, -np.inf)
        start[number, :count] = start_scores(layer)
    rows, repeated = len(words), np.tile(lengths, len(scheme.layers))
    moves, start = np.repeat(moves, rows, axis=0), np.repeat(start, rows, axis=0)
    tags = viterbi(scores, repeated, moves, start)
    runs = [(place, *run) for place, path in enumerate(tags) for run in tag_runs(path[: lengths[place % rows]])]
    probabilities = np.exp(Chain(scores, repeated, moves, start).span_log_probs(runs)).tolist()
    for (place, first, last, begin), probability in zip(runs, probabilities, strict=True):
        number, row = divmod(place, rows)
        document = words[row]
        start_at, end_at = document[first][0], document[last - 1][1]
        label = scheme.layers[number].labels[begin // 2]
        found[row].append(Span(start_at, end_at, label, texts[row][start_at:end_at], min(probability, 1.0)))
    return [sorted_spans(spans) for spans in found]


def _by_layer(logits: Sequence[Logits], longest: int, scheme: LabelScheme, divisors: Sequence[float]) -> Scores:
    """`[layers * rows, longest, tags]` over a layer's temperature, in bounds; narrow layers have impossible tags."""
    width = max(len(layer.tags) for layer in scheme.layers)
    padded = np.full((len(scheme.layers), len(logits), longest, width), _IMPOSSIBLE)
    for row, scores in enumerate(logits):
        for number, (part, divisor) in enumerate(zip(scheme.slices, divisors, strict=True)):
            own = scores[:, part].astype(np.float64) / divisor
            padded[number, row, : len(scores), : part.stop - part.start] = own.clip(-_LARGEST, _LARGEST)
    return padded.reshape(-1, longest, width)


def valid_moves(layer: Layer, transitions: Sequence[Sequence[float]] | None = None) -> Scores:
    """`[tags, tags]`: the score of each step from tag to tag, minus infinity where BIO forbids it."""
    scores = np.zeros_like(layer.may_follow, dtype=np.float64) if transitions is None else np.array(transitions)
    moves: Scores = np.where(layer.may_follow, scores, -np.inf)
    return moves


def start_scores(layer: Layer) -> Scores:
    """`[tags]`: 0 for those that a row may begin with, minus infinity for the others."""
    scores: Scores = np.where(layer.may_start, 0.0, -np.inf)
    return scores


def viterbi(logits: Scores, lengths: npt.NDArray[np.int64], moves: Scores, start: Scores) -> npt.NDArray[np.int64]:
    """The best valid path of each row: `[batch, words, tags]` to tags `[batch, words]`, O behind each row's length.

    `moves` is `[tags, tags]` and `start` `[tags]`, or both with a first dimension that gives each row its own. Where
    paths score the same, the lower tag wins.
    """
    batch, longest, count = logits.shape
    by_word = _rows_last(logits)
    steps = np.ascontiguousarray(np.broadcast_to(moves, (batch, count, count)).transpose(1, 2, 0))
    best = np.empty_like(by_word)  # [i, t, b]: of the paths to tag t at word i
    best[0] = by_word[0] + np.broadcast_to(start, (batch, count)).T
    for place in range(1, longest):
        np.add((best[place - 1][:, None] + steps).max(axis=0), by_word[place], out=best[place])
    rows, lasts = np.arange(batch), lengths - 1
    tags = np.zeros((longest, batch), dtype=np.int64)
    current = tags[0]
    for place in range(longest - 1, -1, -1):
        onward = np.where(place < lasts, steps[:, current, rows], 0.0)
        tags[place] = current = (best[place] + onward).argmax(axis=0)
    tags[np.arange(longest)[:, None] >= lengths] = 0
    return tags.T


class Chain:
    """The distribution over valid paths, for a batch `[batch, words, tags]`; O(words * tags^2).

    Forward and backward scores in log space; rows are independent, words behind a row's length count for nothing.
    `moves` and `start` as in `viterbi`. A tag that is more than 600 nats below the best of its word counts
    as 600 below it.
    """

    def __init__(self, logits: Scores, lengths: npt.NDArray[np.int64], moves: Scores, start: Scores) -> None:
        self._lengths = lengths
        logits = np.maximum(logits, logits.max(axis=2, keepdims=True) + _LEAST)
        self._logits = logits
        batch, longest, count = logits.shape
        self._moves = np.broadcast_to(moves, (batch, count, count))
        # from the front and from each row's end in one loop; what counts is the number of steps
        ends = np.maximum(lengths - 1, 0)[:, None] - np.arange(longest)  # below 0 behind a row's first word
        rows = np.arange(batch)[:, None]
        both = np.concatenate([logits, logits[rows, ends]])
        weights = np.exp(np.concatenate([self._moves, np.moveaxis(self._moves, 1, 2)]))
        scores = _log_sums(
            both, np.concatenate([np.broadcast_to(start, (batch, count)), np.zeros((batch, count))]), weights
        )
        # [b, i, t]: log of the sum over all ways from the front to tag t at word i, and over those from it to the end
        self._forward = scores[:batch]
        self._onward = scores[batch:][rows, ends]
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
        rows = np.arange(len(tags))[:, None]
        steps = self._moves[rows, tags[:, :-1], tags[:, 1:]]
        scores = np.where(inside, words, 0.0).sum(axis=1) + np.where(inside[:, 1:], steps, 0.0).sum(axis=1)
        result: Scores = scores - self.log_partition()
        return result

    def span_log_probs(self, spans: Sequence[tuple[int, int, int, int]]) -> Scores:
        """`[spans]`: log-probability of each `(row, first, last, begin)`, that is of words `[first, last)` of a row
        being exactly one span with B- tag `begin`.

        Raises ValueError if a span is empty or reaches past its row.
        """
        row, first, last, begin = np.array(spans, dtype=np.int64).reshape(-1, 4).T
        length = self._lengths[row]
        for i in np.flatnonzero((first < 0) | (first >= last) | (last > length)):
            raise ValueError(f"span [{first[i]}, {last[i]}) is empty or outside a row of {length[i]} words")
        inside, several, ends = begin + 1, last - first > 1, last == length
        scores = self._forward[row, first, begin] + self._sums[row, last, inside] - self._sums[row, first + 1, inside]
        # a place where nothing moves is multiplied by nothing: there the step may be impossible
        scores += np.where(several, self._moves[row, begin, inside], 0.0)
        scores += np.where(several, last - first - 2, 0) * np.where(several, self._moves[row, inside, inside], 0.0)
        goes_on = self._moves[row, np.where(several, inside, begin)]
        goes_on[np.arange(len(row)), inside] = -np.inf  # with I- behind it the span would be longer
        behind = np.logaddexp.reduce(goes_on + self._onward[row, np.minimum(last, length - 1)], axis=1)
        scores += np.where(ends, 0.0, behind)
        result: Scores = scores - np.logaddexp.reduce(self._forward[row, length - 1], axis=1)
        return result


def _log_sums(logits: Scores, start: Scores, weights: Scores) -> Scores:
    """`[batch, words, tags]`: log of the sum over all ways from the first word to each tag, that tag's logit included.

    Probabilities of a word's tags are carried along, scaled to a sum of 1 (Rabiner 1989, V.A): a step has half of the
    operations that it has in log space.
    """
    longest = logits.shape[1]
    by_word = _rows_last(logits)
    highest = by_word.max(axis=1)
    factors = np.exp(by_word - highest[:, None])
    steps = np.ascontiguousarray(weights.transpose(1, 2, 0))
    shares, totals = np.empty_like(factors), np.empty_like(highest)
    ways = np.exp(start.T) * factors[0]
    for place in range(longest):
        if place:
            ways = np.einsum("ib,ijb->jb", shares[place - 1], steps) * factors[place]
        np.sum(ways, axis=0, out=totals[place])
        np.divide(ways, totals[place], out=shares[place])
    with np.errstate(divide="ignore"):  # no way leads there: minus infinity
        result: Scores = np.log(shares)
    result += np.cumsum(np.log(totals) + highest, axis=0)[:, None]
    return result.transpose(2, 0, 1)


def _rows_last(logits: Scores) -> Scores:
    """`[batch, words, tags]` as `[words, tags, batch]`: what is done at a word runs over all rows at once."""
    return np.ascontiguousarray(logits.transpose(1, 2, 0))
