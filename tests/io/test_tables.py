from __future__ import annotations

import pytest
from sample_reports import MEETING, make

from ner_danvan.document import Document
from ner_danvan.io.cells import is_formula, protected, unprotected
from ner_danvan.io.tables import PEOPLE, SPANS, TABLES, TASKS, find_posts


def test_a_person_stands_with_post_and_body() -> None:
    first, second = PEOPLE.rows(MEETING)
    assert first[:5] == ("hop.txt", "Kiều Hữu Bách", "Phó Bí thư Đảng ủy", "Đảng ủy", 1)
    assert second[:5] == ("hop.txt", "Mai Thị Quyên", None, None, 1)  # named without a post


def test_a_task_stands_with_addressee_bodies_and_date() -> None:
    (row,) = TASKS.rows(MEETING)
    assert row[1:5] == ("rà soát hộ nghèo trước ngày 31/10/2025", "UBND xã", None, "ngày 31/10/2025")
    assert MEETING.text[int(row[5] or 0) : int(row[6] or 0)] == row[1]


def test_every_span_is_a_row_in_order() -> None:
    assert [row[2:4] for row in SPANS.rows(MEETING)] == [(span.start, span.end) for span in MEETING.spans]


def test_what_is_said_twice_is_one_row() -> None:
    once = make("Chủ tịch xã Lò Văn Hoạt nói. ", ("Chủ tịch xã", "POSITION"), ("Lò Văn Hoạt", "PERSON"))
    text = once.text * 3
    spans = [
        type(span)(span.start + shift, span.end + shift, span.label, span.text)
        for shift in (0, len(once.text), 2 * len(once.text))
        for span in once.spans
    ]
    (post,) = find_posts(Document("d", text, tuple(spans)))
    assert post.times == 3
    assert post.position is not None
    assert post.position.start == 0


def test_somebody_who_has_a_post_is_not_listed_again_without() -> None:
    document = make("Chủ tịch xã Lò Văn Hoạt. ", ("Chủ tịch xã", "POSITION"), ("Lò Văn Hoạt", "PERSON"))
    name = document.spans[1]
    again = type(name)(len(document.text), len(document.text) + len(name.text), "PERSON", name.text)
    posts = find_posts(Document("d", document.text + name.text, (*document.spans, again)))
    assert [(post.person and post.person.start, post.times) for post in posts] == [(name.start, 1)]


def test_rows_are_as_long_as_their_headings() -> None:
    for table in TABLES.values():
        assert {len(row) for row in table.rows(MEETING)} == {len(table.headings)}


def test_a_document_without_spans_has_no_rows() -> None:
    assert [row for table in TABLES.values() for row in table.rows(Document("d", "x"))] == []


@pytest.mark.parametrize("text", ["=1+1", "+84", "-1", "@x", " =1", "\t=1", "\rx", "'=1", "＝1", "\n@"])
def test_what_might_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert is_formula(text)
    assert protected(text) == "'" + text
    assert unprotected(protected(text)) == text


@pytest.mark.parametrize("text", ["Đảng ủy", "'quoted'", "a=1", "3-4", ""])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert protected(text) == unprotected(text) == text
