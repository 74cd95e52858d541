from __future__ import annotations

from typing import Any

import pytest
from hostile import SCHEME, documents
from hypothesis import given

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import checked, make_span
from ner_danvan.io.tools.tokens import pieces, tokens
from ner_danvan.io.tools.utf16 import Utf16
from ner_danvan.span import Span


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (Document("x", "a\ud800"), r"lone surrogate \(U\+D800\)"),
        (Document("x", "a", (), {"k": ["\ud800"]}), r"lone surrogate \(U\+D800\)"),
        (Document("x", "a", (Span(0, 1, "\ud800", "a"),)), r"lone surrogate \(U\+D800\)"),
        (Document("x", "a", (Span(0, 1, "ORG", "a", float("nan")),)), r"score of ORG \[0, 1\) is nan"),
        (Document("\udfff", "a"), r"lone surrogate \(U\+DFFF\)"),
        (Document("x", "ab", (Span(0, 3, "ORG", "ab"),)), "lies outside the text"),
        (Document("x", "ab", (Span(-2, 2, "ORG", ""),)), "lies outside the text"),
        (Document("x", "ab", (Span(1, 1, "ORG", ""),)), "is empty"),
        (Document("x", "ab", (Span(0, 1, "ORG", "b"),)), "another text"),
        (Document("x", "ab", (Span(0, 1, "LAW", "a"),)), 'unknown label "LAW".*--labels'),
    ],
)
def test_what_no_tool_could_hold_is_told(document: Document, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        list(checked([document], SCHEME.labels))


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ((0, 3, "ORG", None), "outside the text of 2"),
        ((-1, 1, "ORG", None), "outside the text"),
        ((True, 2, "ORG", None), "outside the text"),
        (("0", 1, "ORG", None), r"\['0', 1\) is empty or lies outside the text"),
        ((0, 1, "", None), "no label"),
        ((0, 1, 7, None), "no label"),
        ((0, 1, "ORG", "high"), "score of ORG"),
        ((0, 1, "ORG", True), "score of ORG"),
    ],
)
def test_a_span_that_cannot_be_is_told_with_its_place(values: tuple[Any, Any, Any, Any], wanted: str) -> None:
    with pytest.raises(UserError, match=rf"^file:7: .*{wanted}"):
        make_span("ab", *values, "file:7")


def test_utf_16_counts_a_character_above_ffff_twice() -> None:
    utf16 = Utf16("a😀b𠮷c")
    assert [utf16.units(points) for points in range(6)] == [0, 1, 3, 4, 6, 7]
    assert [utf16.points(units, "") for units in (0, 1, 3, 4, 6, 7)] == list(range(6))
    with pytest.raises(UserError, match="file: offset 5 falls inside"):
        utf16.points(5, "file")


@given(documents())
def test_utf_16_agrees_with_the_encoding(document: Document) -> None:
    utf16 = Utf16(document.text)
    for points in range(len(document.text) + 1):
        units = len(document.text[:points].encode("utf-16-le")) // 2
        assert (utf16.units(points), utf16.points(units, "")) == (units, points)


@given(documents())
def test_pieces_are_all_of_the_text_and_every_span_begins_and_ends_with_a_token(document: Document) -> None:
    assert "".join(document.text[start:end] for start, end in pieces(document.text, ())) == document.text
    words = tokens(document.text, document.spans)
    assert {span.start for span in document.spans} <= {start for start, _ in words}
    assert {span.end for span in document.spans} <= {end for _, end in words}


def test_tokens_are_syllables_and_marks() -> None:
    text = "Đảng e\u0302\u0301y, 15/7"
    assert [text[start:end] for start, end in tokens(text, ())] == ["Đảng", "e\u0302\u0301y", ",", "15", "/", "7"]
    assert tokens("ab  cd", [Span(1, 3, "ORG", "b ")]) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 6)]
