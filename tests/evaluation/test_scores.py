from __future__ import annotations

import pytest
from hypothesis import given
from span_rows import Row, span_rows
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.evaluation.scores import dev_scores, strict_scores
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span

TEXT = "Trưởng Ban Dân vận Quận ủy yêu cầu rà soát hộ nghèo"


def document(*spans: Row, text: str = TEXT) -> Document:
    return Document("d", text, tuple(Span(s, e, label, text[s:e]) for s, e, label in spans))


def test_hand_counted_example() -> None:
    gold = [document((0, 26, "POSITION"), (7, 26, "ORG"), (35, 51, "TASK")), document((7, 18, "ORG"))]
    predicted = [
        document((0, 26, "POSITION"), (7, 18, "ORG"), (35, 42, "TASK")),
        document((7, 18, "ORG"), (19, 26, "ORG")),
    ]
    scores = strict_scores(gold, predicted, DANVAN)
    # right: POSITION and the second document's first ORG; 4 gold, 5 predicted
    assert (scores.micro.precision, scores.micro.recall) == (2 / 5, 2 / 4)
    assert scores.micro.f1 == pytest.approx(4 / 9)
    assert (scores.labels["ORG"].precision, scores.labels["ORG"].recall) == (1 / 3, 1 / 2)
    assert scores.labels["TASK"].f1 == 0
    assert scores.layers["title"].f1 == 1
    assert scores.macro.f1 == pytest.approx((1 + 0.4 + 0) / 3)
    assert (scores.micro.gold, scores.micro.predicted) == (4, 5)


def test_a_boundary_off_by_one_character_is_wrong() -> None:
    assert strict_scores([document((7, 26, "ORG"))], [document((7, 25, "ORG"))], DANVAN).micro.f1 == 0


def test_a_wrong_label_is_wrong_though_the_layer_is_right() -> None:
    scores = strict_scores([document((7, 26, "ORG"))], [document((7, 26, "PERSON"))], DANVAN)
    assert scores.layers["mention"].f1 == 0
    assert (scores.labels["PERSON"].predicted, scores.labels["ORG"].gold) == (1, 1)


def test_two_adjacent_gold_spans_are_not_one_long_prediction() -> None:
    gold = document((7, 18, "ORG"), (19, 26, "ORG"))
    assert strict_scores([gold], [document((7, 26, "ORG"))], DANVAN).micro.f1 == 0
    touching = document((0, 3, "ORG"), (3, 6, "ORG"))
    assert strict_scores([touching], [touching], DANVAN).micro.f1 == 1
    assert strict_scores([touching], [document((0, 6, "ORG"))], DANVAN).micro.f1 == 0


def test_gold_inside_a_word_counts_as_missed_and_not_as_absent() -> None:
    gold = document((7, 9, "ORG"), (11, 18, "ORG"))
    scores = strict_scores([gold], [document((11, 18, "ORG"))], DANVAN)
    assert (scores.micro.recall, scores.micro.precision) == (0.5, 1.0)


def test_gold_in_a_document_without_predictions_counts_as_missed() -> None:
    scores = strict_scores([document((7, 18, "ORG")), document()], [document(), document()], DANVAN)
    assert (scores.micro.f1, scores.micro.gold, scores.micro.predicted) == (0, 1, 0)


@pytest.mark.parametrize("count", [0, 2])
def test_nothing_to_find_and_nothing_found_is_no_error(count: int) -> None:
    scores = strict_scores([document()] * count, [document()] * count, DANVAN)
    assert scores.micro.f1 == 0
    assert scores.micro.gold == 0


def test_different_texts_are_an_error() -> None:
    with pytest.raises(ValueError, match="differ in number or text"):
        strict_scores([document()], [document(text="other")], DANVAN)


def test_labels_that_the_scheme_lacks_are_left_out_of_both() -> None:
    flat = LabelScheme((Layer("flat", ("ORG",)),))
    gold = document((0, 26, "POSITION"), (7, 26, "ORG"))
    assert strict_scores([gold], [document((7, 26, "ORG"))], flat).micro.f1 == 1


SPANS = span_rows(9, 5, 8)


@given(SPANS, SPANS)
def test_scores_are_those_of_counting_spans(gold: list[Row], predicted: list[Row]) -> None:
    scores = strict_scores([document(*gold)], [document(*predicted)], DANVAN)
    right = len(set(gold) & set(predicted))
    assert scores.micro.precision == pytest.approx(right / len(predicted) if predicted else 0)
    assert scores.micro.recall == pytest.approx(right / len(gold) if gold else 0)
    for label in DANVAN.labels:
        wanted = [row for row in gold if row[2] == label]
        found = [row for row in predicted if row[2] == label]
        hits = len(set(wanted) & set(found))
        assert scores.labels[label].f1 == pytest.approx(2 * hits / max(1, len(wanted) + len(found)))


def test_what_training_watches_is_the_micro_score_and_each_label() -> None:
    values = dev_scores(DANVAN)([document((7, 26, "ORG"))], [document((7, 26, "ORG"))])
    assert values["f1"] == 1
    assert set(values) == {"f1", *DANVAN.labels}
