from __future__ import annotations

import pytest
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.evaluation.calibration import Threshold, calibrate
from ner_danvan.evaluation.intervals import f1_intervals
from ner_danvan.span import Span

TEXT = "abcdefghij"


def document(*spans: tuple[int, str, float | None]) -> Document:
    return Document("d", TEXT, tuple(Span(at, at + 1, label, TEXT[at], score) for at, label, score in spans))


GOLD = document((0, "ORG", None), (1, "ORG", None), (2, "DATE", None), (3, "DATE", None))
FOUND = document((0, "ORG", 0.92), (1, "ORG", 0.96), (2, "DATE", 1.0), (4, "ORG", 0.90), (5, "DATE", 0.44))


def test_hand_counted_calibration_error() -> None:
    found = calibrate([GOLD], [FOUND])
    assert found is not None
    # four spans in the last bin, mean score 0.945, three of them right; one in [0.4, 0.5), wrong
    assert found.error == pytest.approx((4 * abs(0.945 - 0.75) + 1 * 0.44) / 5)
    assert found.labels["DATE"] == pytest.approx((0.0 + 0.44) / 2)
    assert [(one.spans, one.right) for one in found.bins if one.spans] == [(1, 0.0), (4, 0.75)]


def test_a_threshold_tells_the_precision_that_it_buys_and_the_recall_it_costs() -> None:
    found = calibrate([GOLD], [FOUND])
    assert found is not None
    assert found.thresholds[0] == Threshold(0.0, 5, 3 / 5, 3 / 4)
    assert Threshold(0.5, 4, 3 / 4, 3 / 4) in found.thresholds
    assert Threshold(0.95, 2, 1.0, 2 / 4) in found.thresholds


def test_spans_without_scores_are_not_calibrated() -> None:
    assert calibrate([GOLD], [GOLD]) is None


def test_nothing_found_has_no_error() -> None:
    found = calibrate([GOLD], [document()])
    assert found is not None
    assert (found.error, found.labels, found.thresholds[0].recall) == (0.0, {}, 0.0)


def test_documents_that_are_alike_leave_no_doubt_and_others_do() -> None:
    same = f1_intervals([GOLD] * 5, [FOUND] * 5, DANVAN)
    assert same["micro"] == pytest.approx((2 * 3 / 9, 2 * 3 / 9))
    mixed = f1_intervals([GOLD] * 6, [FOUND, FOUND, FOUND, GOLD, GOLD, GOLD], DANVAN)
    low, high = mixed["micro"]
    assert 2 * 3 / 9 <= low < 0.8 < high <= 1.0
    assert mixed == f1_intervals([GOLD] * 6, [FOUND, FOUND, FOUND, GOLD, GOLD, GOLD], DANVAN)
    assert "PERSON" not in mixed  # no span of it, so nothing is known


def test_documents_without_a_label_say_nothing_of_it() -> None:
    rare = document((0, "ORG", None), (1, "PERSON", None))
    plain = document((0, "ORG", None))
    assert f1_intervals([rare, *[plain] * 30], [rare, *[plain] * 30], DANVAN)["PERSON"] == (1.0, 1.0)


@pytest.mark.parametrize("score", [float("nan"), -0.5, 97.0])
def test_scores_that_are_no_probabilities_are_refused(score: float) -> None:
    with pytest.raises(UserError, match=r"d: ORG .* has the score"):
        calibrate([GOLD], [document((0, "ORG", score))])
