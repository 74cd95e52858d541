from __future__ import annotations

import csv
from io import StringIO

from hypothesis import given
from sample_reports import MEETING, documents, make, written

from ner_danvan.document import Document
from ner_danvan.io.cells import unprotected


def read(text: str) -> list[list[str]]:
    """Rows without the headings."""
    assert text.startswith("\ufeff")
    return list(csv.reader(StringIO(text[1:], newline="")))[1:]


@given(documents())
def test_any_document_comes_back_through_a_csv_reader(document: Document) -> None:
    rows = [
        (unprotected(name), unprotected(label), int(start), int(end), score and float(score), unprotected(text))
        for name, label, start, end, score, text in read(written("csv", document))
    ]
    assert rows == [
        (document.id, span.label, span.start, span.end, "" if span.score is None else round(span.score, 6), span.text)
        for span in document.spans
    ]


def test_excel_is_told_that_it_is_utf8() -> None:
    assert written("csv", MEETING).encode().startswith(b"\xef\xbb\xbfdocument,label,start,end,score,text\r\n")


def test_a_formula_in_a_report_stays_text() -> None:
    document = make("=HYPERLINK(1)", ("=HYPERLINK(1)", "ORG"), id="@SUM(1)")
    ((name, *_, text),) = read(written("csv", document))
    assert (name, text) == ("'@SUM(1)", "'=HYPERLINK(1)")


def test_no_documents_give_the_headings() -> None:
    assert read(written("csv")) == []
