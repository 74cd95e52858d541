from __future__ import annotations

import sys
from collections.abc import Sequence
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_reports import HOSTILE, MEETING, documents, make
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io import xlsx
from ner_danvan.io.tables import TABLES
from ner_danvan.io.writers import FORMATS

openpyxl = pytest.importorskip("openpyxl", reason="no openpyxl: install the extra xlsx")


def workbook(*documents: Document) -> Any:
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="utf-8")
    with FORMATS["xlsx"](stream, DANVAN) as write:
        for document in documents:
            write(document)
    stream.detach()
    return openpyxl.load_workbook(raw)


def rows(sheet: Any) -> list[tuple[Any, ...]]:
    """Below the headings."""
    return list(sheet.iter_rows(min_row=2, values_only=True))


def unescaped(value: Any) -> Any:
    """As Excel shows the cell."""
    return value.replace("_x005F_", "_") if isinstance(value, str) else value


def expected(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(unescaped(xlsx.cell_text(cell)) or None if isinstance(cell, str) else cell for cell in row)


@settings(max_examples=50, deadline=None)
@given(documents())
def test_any_document_comes_back_through_openpyxl(document: Document) -> None:
    book = workbook(document)
    assert book.sheetnames == list(TABLES)
    for name, table in TABLES.items():
        found = [tuple(unescaped(value) for value in row) for row in rows(book[name])]
        assert found == [expected(row) for row in table.rows(document)]


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_text_without_control_characters_is_kept_as_it_is(text: str) -> None:
    assert unescaped(xlsx.cell_text(text)) == text.replace("_x005F_", "_")


def test_sheets_can_be_filtered_and_keep_their_headings_in_view() -> None:
    sheet = workbook(MEETING)["spans"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:F{1 + len(MEETING.spans)}"
    assert [cell.value for cell in sheet[1]] == list(TABLES["spans"].headings)


@pytest.mark.parametrize("text", ["=1+1", "#N/A", "1e5", "TRUE"])
def test_text_is_never_a_formula_an_error_or_a_number(text: str) -> None:
    cell = workbook(make(text, (text, "ORG")))["spans"]["F2"]
    assert (cell.data_type, cell.value) == ("s", text)
    assert cell.quotePrefix == (text == "=1+1")


def test_hostile_text_makes_a_workbook_that_can_be_read() -> None:
    texts = [row[5] for row in rows(workbook(HOSTILE)["spans"])]
    assert "<script>alert(1)</script>" in texts
    assert "Trần� Văn �Minh�" in texts


def test_what_looks_like_excels_escape_is_escaped() -> None:
    assert xlsx.cell_text("a_x000D_b_x1_") == "a_x005F_x000D_b_x1_"


@pytest.mark.parametrize("char", ["a", "\U0001f469"])
def test_a_text_too_long_for_a_cell_is_cut_with_a_sign(char: str) -> None:
    assert xlsx.cell_text(char * (32_767 // (2 if ord(char) > 0xFFFF else 1))).count("…") == 0
    cut = xlsx.cell_text(char * 40_000)
    assert cut.endswith(char + "…")
    assert 32_766 <= len(cut.encode("utf-16-le")) // 2 <= 32_767


def test_a_full_sheet_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS", 5)
    book = workbook(MEETING)
    assert book.sheetnames == ["spans", "people", "tasks", "spans 2"]
    assert len(rows(book["spans"])) == 4
    assert book["spans"].auto_filter.ref == "A1:F5"
    assert len(rows(book["spans"]) + rows(book["spans 2"])) == len(MEETING.spans)
    assert [cell.value for cell in book["spans 2"][1]] == list(TABLES["spans"].headings)


def test_without_openpyxl_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UserError, match=r"pip install 'ner-danvan\[xlsx\]'"):
        workbook()


def test_half_a_workbook_is_none() -> None:
    stream = TextIOWrapper(BytesIO(), encoding="utf-8")
    with pytest.raises(KeyError), FORMATS["xlsx"](stream, DANVAN) as write:
        write(MEETING)
        raise KeyError
    assert stream.detach().read() == b""
