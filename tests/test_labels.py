from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme, Layer, spans_to_tags, tags_to_spans
from ner_danvan.span import Span

TEXT = "Trưởng Ban Dân vận Quận ủy yêu cầu rà soát"
WORDS = [(0, 6), (7, 10), (11, 18), (19, 26), (27, 34), (35, 42)]


def span(start: int, end: int, label: str) -> Span:
    return Span(start, end, label, TEXT[start:end])


def test_outputs_are_the_layers_tags_one_after_the_other() -> None:
    assert DANVAN.tags[:2] == ("mention:O", "mention:B-PERSON")
    assert [len(DANVAN.tags[part]) for part in DANVAN.slices] == [7, 3, 3]


def test_a_flat_scheme_has_plain_tags() -> None:
    assert LabelScheme((Layer("flat", ("PER", "LOC")),)).tags == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_config_round_trip() -> None:
    assert LabelScheme.from_config(DANVAN.to_config()) == DANVAN


@pytest.mark.parametrize(
    "rows",
    [
        None,
        "x",
        [{"name": "a"}],
        [{"name": "a", "labels": "ORG"}],
        [],
        [{"name": "a", "labels": []}],
        [{"name": "a", "labels": ["X"]}, {"name": "b", "labels": ["X"]}],
        [{"name": "a", "labels": ["X"]}, {"name": "a", "labels": ["Y"]}],
    ],
)
def test_a_scheme_that_cannot_be_is_refused(rows: object) -> None:
    with pytest.raises(UserError):
        LabelScheme.from_config(rows)


def test_inside_follows_only_its_own_label() -> None:
    layer = Layer("l", ("A", "B"))  # O, B-A, I-A, B-B, I-B
    assert layer.may_follow[:, 2].tolist() == [False, True, True, False, False]
    assert layer.may_start.tolist() == [True, True, False, True, False]


def test_nested_spans_go_to_their_layers() -> None:
    tags, lost = spans_to_tags([span(0, 26, "POSITION"), span(7, 26, "ORG"), span(35, 42, "TASK")], WORDS, DANVAN)
    assert lost == []
    assert tags.tolist() == [[0, 3, 4, 4, 0, 0], [1, 2, 2, 2, 0, 0], [0, 0, 0, 0, 0, 1]]


def test_adjacent_spans_of_one_label_stay_two() -> None:
    spans = (span(7, 10, "ORG"), span(11, 18, "ORG"))
    tags, _ = spans_to_tags(spans, WORDS, DANVAN)
    assert tags_to_spans(tags, WORDS, TEXT, DANVAN) == spans


def test_gold_that_words_cannot_express_is_reported_and_still_tagged() -> None:
    tags, lost = spans_to_tags([span(11, 14, "ORG")], WORDS, DANVAN)
    assert lost == [span(11, 14, "ORG")]
    assert tags[0].tolist() == [0, 0, 3, 0, 0, 0]


def test_lost_gold_does_not_overwrite_what_can_be_said() -> None:
    tags, lost = spans_to_tags([span(7, 18, "ORG"), span(15, 21, "DATE")], WORDS, DANVAN)
    assert len(lost) == 1
    assert tags[0].tolist() == [0, 3, 4, 0, 0, 0]


def test_a_label_without_a_layer_is_an_error() -> None:
    with pytest.raises(ValueError, match='no layer has label "LOC"'):
        spans_to_tags([span(0, 6, "LOC")], WORDS, DANVAN)


@given(st.lists(st.tuples(st.sampled_from(DANVAN.labels), st.integers(1, 3), st.integers(0, 2)), max_size=8))
def test_spans_and_tags_are_inverse(pieces: list[tuple[str, int, int]]) -> None:
    words = [(2 * i, 2 * i + 1) for i in range(60)]
    text = "x " * 60
    spans, free = [], {layer.name: 0 for layer in DANVAN.layers}
    for label, length, gap in pieces:
        layer = DANVAN.layer_of[label]
        first = free[layer] + gap
        free[layer] = first + length
        start, end = words[first][0], words[first + length - 1][1]
        spans.append(Span(start, end, label, text[start:end]))
    tags, lost = spans_to_tags(spans, words, DANVAN)
    assert lost == []
    assert set(tags_to_spans(tags, words, text, DANVAN)) == set(spans)


def test_no_words_give_no_spans() -> None:
    tags, lost = spans_to_tags([], [], DANVAN)
    assert tags.shape == (3, 0)
    assert tags_to_spans(np.zeros((3, 0), dtype=np.int64), [], "", DANVAN) == ()
    assert lost == []


@pytest.mark.parametrize("bad", ["A\x1b[31m", "A\tB", "A\nB", "A\u202eB", "A\u2028B", "\ud800", "\u200b"])
@pytest.mark.parametrize("place", ["label", "layer"])
def test_names_that_would_drive_a_terminal_are_refused(bad: str, place: str) -> None:
    row = {"name": "l", "labels": [bad]} if place == "label" else {"name": bad, "labels": ["A"]}
    with pytest.raises(UserError, match="control characters") as raised:
        LabelScheme.from_config([row])
    assert str(raised.value).isprintable()


def test_names_in_vietnamese_with_spaces_and_marks_are_taken() -> None:
    for name in ("Chức vụ", "Tổ chức", "A|B", "=A"):  # composed and decomposed
        assert LabelScheme.from_config([{"name": "l", "labels": [name]}]).labels == (name,)
