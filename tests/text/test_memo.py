from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan.text.memo import Memo, forget_oldest

THREADS = 8


def test_a_key_is_worked_out_once_and_again_after_it_was_forgotten() -> None:
    asked: list[int] = []

    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    memo = Memo(double, 2)
    assert [memo[key] for key in (1, 2, 1, 3, 2, 1)] == [2, 4, 2, 6, 4, 2]
    assert asked == [1, 2, 3, 1]
    assert list(memo) == [3, 1]


@given(st.lists(st.integers(0, 60)), st.integers(1, 40))
def test_what_is_kept_stays_between_seven_eighths_of_the_limit_and_the_limit(keys: list[int], limit: int) -> None:
    memo = Memo(str, limit)
    was_full = False
    for key in keys:
        assert memo[key] == str(key)
        assert key in memo
        was_full = was_full or len(memo) == limit
        assert len(memo) <= limit
        assert not was_full or len(memo) > limit - max(1, limit // 8)


@pytest.mark.parametrize(("count", "left"), [(15, range(15)), (16, range(2, 16)), (100, range(86, 100))])
def test_the_oldest_go_also_if_many_came_at_once(count: int, left: range) -> None:
    kept = dict.fromkeys(range(count))
    forget_oldest(kept, 16)
    assert list(kept) == list(left)


def test_threads_may_forget_at_the_same_time() -> None:
    memo = Memo(str, 16)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        barrier = threading.Barrier(THREADS)

        def look_up(first: int) -> bool:
            barrier.wait()
            return all(memo[key] == str(key) for key in range(first, first + 3_000))

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(pool.map(look_up, range(THREADS)))
    finally:
        sys.setswitchinterval(before)
    assert len(memo) <= 16 + THREADS
