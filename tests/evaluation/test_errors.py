from __future__ import annotations

from hypothesis import given
from span_rows import Row, span_rows
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.evaluation.errors import NOTHING, Kind, confusion, count_errors, find_cut_spans, find_errors
from ner_danvan.span import Span

TEXT = "Trưởng Ban Dân vận Quận ủy yêu cầu rà soát hộ nghèo"


def document(*rows: Row) -> Document:
    return Document("d", TEXT, tuple(Span(s, e, label, TEXT[s:e]) for s, e, label in rows))


def kinds(gold: list[Row], found: list[Row]) -> list[tuple[str, str]]:
    return [(error.label, error.kind.value) for error in find_errors([document(*gold)], [document(*found)], DANVAN)]


def test_each_kind_of_error_is_told_from_the_others() -> None:
    assert kinds([(7, 26, "ORG")], [(7, 18, "ORG")]) == [("ORG", "boundary")]
    assert kinds([(7, 26, "ORG")], [(7, 26, "PERSON")]) == [("ORG", "type")]
    assert kinds([(7, 26, "ORG")], [(7, 18, "PERSON")]) == [("ORG", "boundary and type")]
    assert kinds([(7, 26, "ORG")], [(7, 26, "POSITION")]) == [("ORG", "other layer")]
    assert kinds([(7, 26, "ORG")], []) == [("ORG", "missed")]
    assert kinds([], [(7, 26, "ORG")]) == [("ORG", "spurious")]


def test_what_is_right_is_no_error() -> None:
    assert kinds([(0, 26, "POSITION"), (7, 26, "ORG")], [(7, 26, "ORG"), (0, 26, "POSITION")]) == []


def test_a_nested_span_is_lost_where_the_one_around_or_inside_it_was_found() -> None:
    both: list[Row] = [(0, 26, "POSITION"), (7, 26, "ORG")]
    assert kinds(both, [(0, 26, "POSITION")]) == [("ORG", "nested-lost")]
    assert kinds(both, [(7, 26, "ORG")]) == [("POSITION", "nested-lost")]
    # the outer one was found too short, so nothing that is right tells of the inner one
    assert kinds(both, [(0, 18, "POSITION")]) == [("POSITION", "boundary"), ("ORG", "missed")]


def test_one_found_span_answers_one_gold_span_of_another_layer() -> None:
    gold: list[Row] = [(7, 26, "ORG"), (7, 26, "POSITION")]
    assert sorted(kinds(gold, [(7, 26, "TASK")])) == [("ORG", "other layer"), ("POSITION", "missed")]


ROWS = span_rows(25, 12, 8)


@given(ROWS, ROWS)
def test_every_span_that_is_not_right_is_in_one_error(gold: list[Row], found: list[Row]) -> None:
    errors = find_errors([document(*gold)], [document(*found)], DANVAN)
    wanted = sorted(error.gold.key for error in errors if error.gold)
    wrong = sorted(error.found.key for error in errors if error.found)
    assert wanted == sorted(set(gold) - set(found))
    assert wrong == sorted(set(found) - set(gold))
    counted = count_errors(errors)
    assert sum(count for row in counted.values() for count in row.values()) == len(errors)


def test_confusion_counts_pairs_whatever_their_boundaries() -> None:
    gold = [(7, 18, "ORG"), (19, 26, "ORG"), (35, 51, "TASK")]
    table = confusion([document(*gold)], [document((7, 15, "PERSON"), (19, 26, "ORG"), (27, 30, "DATE"))], DANVAN)
    assert table["mention"]["ORG"] == {"PERSON": 1, "ORG": 1, "DATE": 0, NOTHING: 0}
    assert table["mention"][NOTHING]["DATE"] == 1
    assert table["task"]["TASK"] == {"TASK": 0, NOTHING: 1}


def test_a_cut_span_names_the_words_that_cross_its_ends() -> None:
    words = [(0, 6), (7, 18), (19, 26), (27, 34), (35, 51)]
    (cut,) = find_cut_spans([document((7, 18, "ORG"), (30, 40, "TASK"))], [words], DANVAN)
    assert (cut.span.label, cut.words) == ("TASK", ("yêu cầu", "rà soát hộ nghèo"))


def test_kinds_are_in_the_order_in_which_reports_show_them() -> None:
    assert next(iter(Kind)) is Kind.BOUNDARY
    assert list(Kind)[-1] is Kind.SPURIOUS
