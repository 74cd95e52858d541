from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.decode import Chain, decode, start_scores, valid_moves, viterbi, without_crossings
from ner_danvan.labels import LabelScheme, Layer, tag_runs
from ner_danvan.span import Span, sorted_spans

LAYER = Layer("l", ("A", "B"))
MOVES, START = valid_moves(LAYER), start_scores(LAYER)


def valid_paths(length: int, layer: Layer) -> list[tuple[int, ...]]:
    return [
        path
        for path in product(range(len(layer.tags)), repeat=length)
        if layer.may_start[path[0]] and all(layer.may_follow[a, b] for a, b in pairwise(path))
    ]


def weights(
    logits: npt.NDArray[np.float64], layer: Layer, moves: npt.NDArray[np.float64] | None = None
) -> dict[tuple[int, ...], float]:
    """Every valid path of one row with its probability, by brute force."""
    steps = np.zeros((len(layer.tags), len(layer.tags))) if moves is None else moves
    scores = {
        path: float(np.exp(sum(logits[i, t] for i, t in enumerate(path)) + sum(steps[a, b] for a, b in pairwise(path))))
        for path in valid_paths(len(logits), layer)
    }
    total = sum(scores.values())
    return {path: score / total for path, score in scores.items()}


def random_moves(seed: int) -> npt.NDArray[np.float64]:
    return valid_moves(
        LAYER, np.random.default_rng(seed + 1).standard_normal((len(LAYER.tags), len(LAYER.tags))).tolist()
    )


def random_logits(seed: int, batch: int, longest: int, layer: Layer) -> npt.NDArray[np.float64]:
    return 2 * np.random.default_rng(seed).standard_normal((batch, longest, len(layer.tags)))


@given(st.integers(0, 10**6), st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_viterbi_finds_the_best_valid_path_of_each_row(seed: int, lengths: list[int]) -> None:
    logits = random_logits(seed, len(lengths), max(lengths), LAYER)
    moves = random_moves(seed)
    tags = viterbi(logits, np.array(lengths), moves, START)
    for row, length in enumerate(lengths):
        probabilities = weights(logits[row, :length], LAYER, moves)
        assert probabilities[tuple(tags[row, :length].tolist())] == pytest.approx(max(probabilities.values()))
        assert not tags[row, length:].any()


@given(st.integers(0, 10**6), st.lists(st.integers(1, 5), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_span_probability_is_the_sum_over_all_paths_that_have_the_span(seed: int, lengths: list[int]) -> None:
    logits = random_logits(seed, len(lengths), max(lengths), LAYER)
    moves = random_moves(seed)
    chain = Chain(logits, np.array(lengths), moves, START)
    for row, length in enumerate(lengths):
        probabilities = weights(logits[row, :length], LAYER, moves)
        for first in range(length):
            for last in range(first + 1, length + 1):
                for begin in (1, 3):
                    wanted = sum(
                        p for path, p in probabilities.items() if (first, last, begin) in tag_runs(np.array(path))
                    )
                    (found,) = np.exp(chain.span_log_probs([(row, first, last, begin)]))
                    assert found == pytest.approx(wanted, abs=1e-9)


def test_partition_is_the_sum_over_valid_paths_only() -> None:
    logits = random_logits(3, 1, 4, LAYER)
    total = sum(np.exp(sum(logits[0, i, t] for i, t in enumerate(path))) for path in valid_paths(4, LAYER))
    assert Chain(logits, np.array([4]), MOVES, START).log_partition()[0] == pytest.approx(np.log(total))


def test_path_probabilities_of_a_row_sum_to_one() -> None:
    logits = random_logits(5, 1, 3, LAYER)
    chain = Chain(logits, np.array([3]), random_moves(5), START)
    total = sum(np.exp(chain.path_log_prob(np.array([path]))[0]) for path in valid_paths(3, LAYER))
    assert total == pytest.approx(1.0)


def test_padding_changes_no_probability() -> None:
    logits = random_logits(7, 1, 6, LAYER)
    short = Chain(logits[:, :3], np.array([3]), MOVES, START).span_log_probs([(0, 1, 3, 1)])
    assert Chain(logits, np.array([3]), MOVES, START).span_log_probs([(0, 1, 3, 1)]) == pytest.approx(short)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (2, 1), (0, 4), (-1, 1)])
def test_span_outside_the_row_is_an_error(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="empty or outside"):
        Chain(random_logits(0, 1, 3, LAYER), np.array([3]), MOVES, START).span_log_probs([(0, first, last, 1)])


def test_probabilities_of_very_long_rows_stay_finite() -> None:
    logits = 30 * random_logits(1, 1, 5_000, LAYER)
    chain = Chain(logits, np.array([5_000]), MOVES, START)
    tags = viterbi(logits, np.array([5_000]), MOVES, START)[0]
    scores = chain.span_log_probs([(0, *run) for run in tag_runs(tags)])
    assert len(scores) > 100
    assert np.isfinite(scores).all()
    assert scores.max() <= 1e-6


def test_tag_that_no_path_can_reach_leaves_chances_to_the_others() -> None:
    logits = np.zeros((1, 2, len(LAYER.tags)))
    logits[0, :, 2] = 1_000.0  # I- behind nothing, and far above what may stand there
    chain = Chain(logits, np.array([1]), MOVES, START)
    assert np.exp(chain.path_log_prob(np.array([[0, 0]]))) == pytest.approx([1 / 3])
    total = sum(np.exp(chain.path_log_prob(np.array([[*path, 0]]))[0]) for path in valid_paths(1, LAYER))
    assert total == pytest.approx(1)
    assert np.isfinite(Chain(logits, np.array([2]), MOVES, START).log_partition()).all()


def words_of(text: str) -> list[tuple[int, int]]:
    places, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        places.append((start, position))
    return places


def test_layers_decode_apart_so_that_spans_nest() -> None:
    text = "Trưởng Ban Dân vận"
    logits = np.zeros((4, 13))
    for word, tags in enumerate([(0, 8, 10), (3, 9, 10), (4, 9, 10), (4, 9, 10)]):
        logits[word, list(tags)] = 8.0
    (spans,) = decode([logits], [words_of(text)], [text], DANVAN)
    assert [(s.label, s.text) for s in spans] == [("POSITION", text), ("ORG", "Ban Dân vận")]
    assert all(0.9 < (s.score or 0) <= 1 for s in spans)


def test_temperature_lowers_the_score_and_keeps_the_spans() -> None:
    text = "Đảng ủy họp"
    logits = np.zeros((3, 13))
    logits[0, 3] = logits[1, 4] = 3.0
    (plain,) = decode([logits], [words_of(text)], [text], DANVAN)
    (warm,) = decode([logits], [words_of(text)], [text], DANVAN, temperatures={"mention": 2.0})
    assert [s.key for s in plain] == [s.key for s in warm]
    assert (warm[0].score or 0) < (plain[0].score or 0)


def test_documents_without_words_are_empty_beside_others() -> None:
    text = "Đảng"
    logits = np.zeros((1, 13))
    logits[0, 3] = 9.0
    empty = np.zeros((0, 0))
    spans = decode([empty, logits, empty], [[], [(0, 4)], []], ["", text, " "], DANVAN)
    assert [len(found) for found in spans] == [0, 1, 0]
    assert decode([empty], [[]], [""], DANVAN) == [()]


def test_learned_transitions_keep_a_long_span_together() -> None:
    text = "rà soát hộ nghèo"
    logits = np.zeros((4, 13))
    for word, tag in enumerate((11, 12, 10, 12)):  # B I O B: words by themselves would break the span
        logits[word, tag] = 2.0
    logits[2, 12] = 0.5
    logits[3, 11] = 2.5
    (broken,) = decode([logits], [words_of(text)], [text], DANVAN)
    sticky = {"task": [[0.0, 0.0, 0.0], [-3.0, 0.0, 3.0], [-3.0, 0.0, 3.0]]}
    (whole,) = decode([logits], [words_of(text)], [text], DANVAN, sticky)
    assert text not in [span.text for span in broken]
    assert [span.text for span in whole] == [text]


def test_a_long_document_does_not_pad_the_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    monkeypatch.setattr(
        "ner_danvan.decode.viterbi", lambda logits, *rest: (seen.append(logits.shape), viterbi(logits, *rest))[1]
    )
    monkeypatch.setattr("ner_danvan.decode._BUCKET_WORDS", 100)
    lengths = [90, 3, 2, 5, 40]
    words = [[(2 * i, 2 * i + 1) for i in range(length)] for length in lengths]
    logits = [np.eye(13)[[3] + [0] * (length - 1)] * 9 for length in lengths]
    spans = decode(logits, words, ["x " * 100] * 5, DANVAN)
    assert [len(found) for found in spans] == [1] * 5
    assert max(rows * longest for rows, longest, _ in seen) <= len(DANVAN.layers) * 100


def crosses(one: Span, other: Span) -> bool:
    first, second = sorted((one, other), key=lambda span: (span.start, -span.end))
    return first.start < second.start < first.end < second.end


SPANS = st.lists(
    st.builds(
        lambda start, length, label, score: Span(start, start + length, label, "x" * length, score),
        st.integers(0, 20),
        st.integers(1, 8),
        st.sampled_from(DANVAN.labels),
        st.floats(0, 1),
    ),
    max_size=12,
    unique_by=lambda span: span.key,
)


@given(spans=SPANS)
def test_of_two_spans_that_cross_the_less_probable_goes(spans: list[Span]) -> None:
    kept = without_crossings(spans)
    assert kept == sorted_spans(set(kept))
    assert not any(crosses(one, other) for one in kept for other in kept)
    for gone in set(spans) - set(kept):
        assert any(crosses(gone, one) and (one.score or 0) >= (gone.score or 0) for one in kept)
    assert set(kept) <= set(spans)


def test_layers_that_cross_give_the_more_probable_span() -> None:
    text = "Thủ tướng Chính phủ Phúc"
    logits = np.zeros((5, 13))
    for word, tags in enumerate(((0, 8), (0, 9), (3, 9), (4, 9), (4, 7))):  # POSITION words 0 to 3, ORG words 2 to 4
        for tag in tags:
            logits[word, tag] = 9.0
    logits[:, 10] = 9.0
    (spans,) = decode([logits], [words_of(text)], [text], DANVAN)
    assert [(span.label, span.text) for span in spans] == [("POSITION", "Thủ tướng Chính phủ")]


def test_spans_without_scores_cannot_be_weighed() -> None:
    with pytest.raises(ValueError, match="has no score"):
        without_crossings([Span(0, 2, "ORG", "xx")])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("score", [-100.0, 100.0])
def test_the_most_that_a_model_may_say_still_gives_probabilities(temperature: float, score: float) -> None:
    logits = 100 * random_logits(3, 1, 12, LAYER)[0]
    words = [(2 * i, 2 * i + 1) for i in range(12)]
    scheme, count = LabelScheme((LAYER,)), len(LAYER.tags)
    for steps in (np.full((count, count), score), score * np.sign(random_logits(4, 1, count, LAYER)[0])):
        (spans,) = decode([logits], [words], ["x " * 12], scheme, {"l": steps.tolist()}, {"l": temperature})
        assert spans
        assert all(span.score is not None and 0 <= span.score <= 1 for span in spans)
