from __future__ import annotations

from ner_danvan.text.memo import Memo


def test_a_key_is_worked_out_once_and_again_after_the_limit() -> None:
    asked: list[int] = []

    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    memo = Memo(double, 2)
    assert [memo[key] for key in (1, 2, 1, 3, 1)] == [2, 4, 2, 6, 2]
    assert asked == [1, 2, 3, 1]
    assert len(memo) == 2
