from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_danvan.text.windows import WindowSize, cut_windows, stitch

COUNTS = st.lists(st.integers(1, 12), max_size=120)


def cut(counts: list[int], subwords: int, overlap: int, ends: list[bool] | None = None) -> list[tuple[int, int]]:
    return cut_windows(np.array(counts, dtype=np.int64), ends or [False] * len(counts), WindowSize(subwords, overlap))


@given(COUNTS, st.integers(3, 40), st.integers(0, 30), st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_windows_cover_every_word_fit_and_get_on(
    counts: list[int], subwords: int, overlap: int, random: object
) -> None:
    ends = [random.random() < 0.2 for _ in counts]  # type: ignore[attr-defined]
    windows = cut(counts, subwords, overlap, ends)
    assert [first for first, _ in windows][:1] == ([0] if counts else [])
    for first, last in windows:
        assert first < last
        assert sum(counts[first:last]) <= subwords - 2 or last == first + 1
    for (a, b), (c, d) in itertools.pairwise(windows):
        assert a < c <= b < d
        assert 2 * (c - a) >= b - a  # the number of windows stays linear in the length
    assert not windows or windows[-1][1] == len(counts)


def test_a_short_document_is_one_window() -> None:
    assert cut([1] * 254, 256, 48) == [(0, 254)]
    assert len(cut([1] * 255, 256, 48)) == 2


def test_neighbours_share_the_overlap() -> None:
    assert cut([1] * 30, 12, 3) == [(0, 10), (7, 17), (14, 24), (21, 30)]


def test_a_window_ends_with_a_sentence_where_one_ends_in_its_second_half() -> None:
    ends = [i in (3, 7) for i in range(30)]
    assert cut([1] * 30, 12, 2, ends)[0] == (0, 8)


def test_a_sentence_that_ends_in_the_first_half_does_not_cut() -> None:
    assert cut([1] * 30, 12, 2, [i == 3 for i in range(30)])[0] == (0, 10)


def test_a_word_longer_than_a_window_stands_alone() -> None:
    assert cut([1, 99, 1], 12, 3) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(("subwords", "overlap"), [(2, 0), (0, 0), (10, -1)])
def test_a_window_that_holds_nothing_is_refused(subwords: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        WindowSize(subwords, overlap)


@given(COUNTS.filter(bool), st.integers(3, 30), st.integers(0, 20))
def test_stitching_takes_each_word_from_where_it_is_furthest_from_a_cut(
    counts: list[int], subwords: int, overlap: int
) -> None:
    total, windows = len(counts), cut(counts, subwords, overlap)

    def distance(word: int, window: tuple[int, int]) -> float:
        left = word - window[0] if window[0] > 0 else float("inf")
        right = window[1] - 1 - word if window[1] < total else float("inf")
        return min(left, right)

    logits = [np.full((last - first, 1), number, dtype=np.float32) for number, (first, last) in enumerate(windows)]
    chosen = stitch(windows, logits, total)[:, 0].astype(int).tolist()
    for word, window in enumerate(chosen):
        options = [distance(word, other) for other in windows if other[0] <= word < other[1]]
        assert distance(word, windows[window]) == max(options)


def test_a_word_in_no_window_is_an_error() -> None:
    with pytest.raises(ValueError, match="word 2 is in no window"):
        stitch([(0, 2)], [np.zeros((2, 1), dtype=np.float32)], 3)


def test_no_windows_stitch_to_nothing() -> None:
    assert stitch([], [], 0).shape[0] == 0
