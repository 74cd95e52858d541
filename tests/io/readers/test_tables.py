from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ner_danvan.document import Document
from ner_danvan.io.readers import Failure

from .reading import LINES, fault, read
from .test_encodings import to_tcvn3

ROWS = [["Số hiệu", "Nội dung", "Ghi chú"], ["01/BC", LINES[1], "x"], ["02/BC", 'Ông "Tư",\nbà Năm', ""]]


def write_csv(path: Path, rows: Sequence[Sequence[Any]], encoding: str = "utf-8", **how: Any) -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, **how).writerows(rows)


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def write_parquet(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table(dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))), path)


WRITERS = {"csv": write_csv, "xlsx": write_xlsx, "parquet": write_parquet}


@pytest.mark.parametrize("ending", WRITERS)
def test_each_row_is_a_document_that_knows_its_row(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    WRITERS[ending](path, ROWS)
    first = 1 if ending == "parquet" else 2  # a spreadsheet counts its header
    for options in ({}, {"column": "Nội dung"}, {"column": "noi_dung"}):
        assert read(path, **options) == [
            Document(f"{path}:{first}", ROWS[1][1], meta={"source": str(path), "row": first}),
            Document(f"{path}:{first + 1}", ROWS[2][1], meta={"source": str(path), "row": first + 1}),
        ]
    named = read(path, column="Ghi chú", id_column="Số hiệu")
    assert [(item.id, item.text) for item in named if isinstance(item, Document)] == [("01/BC", "x"), ("02/BC", "")]


@pytest.mark.parametrize("ending", WRITERS)
def test_a_column_that_is_not_there_is_one_line_that_lists_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    WRITERS[ending](path, [["Tên", "Mô tả"], ["a", "b"]])
    assert fault(path).endswith("does not say which column holds the text; choose one by --column: Tên, Mô tả.")
    assert fault(path, column="Chữ").endswith('has no column "Chữ"; choose one by --column: Tên, Mô tả.')
    assert fault(path, column="Tên", id_column="Số").endswith('no column "Số"; choose one by --id-column: Tên, Mô tả.')


def test_two_columns_that_could_hold_the_text_are_not_guessed_between(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [["text", "content"], ["a", "b"]])
    assert "--column" in fault(tmp_path / "a.csv")
    write_csv(tmp_path / "b.csv", [["whatever"], ["a"]])
    assert [item.id for item in read(tmp_path / "b.csv")] == [f"{tmp_path / 'b.csv'}:2"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_of_other_programs(tmp_path: Path, delimiter: str, encoding: str) -> None:
    write_csv(tmp_path / "a.csv", ROWS, encoding, delimiter=delimiter)
    assert [item.text for item in read(tmp_path / "a.csv") if isinstance(item, Document)] == [ROWS[1][1], ROWS[2][1]]


def test_csv_in_old_fonts_is_converted_with_a_remark(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b"id\ttext\r\n1\t" + b"\r\n2\t".join(to_tcvn3(line) for line in LINES[1:]) + b"\r\n"
    )
    notes: list[str] = []
    items = read(tmp_path / "a.csv", notes=notes)
    assert [(item.id, item.text) for item in items if isinstance(item, Document)] == [("1", LINES[1]), ("2", LINES[2])]
    assert "TCVN3" in notes[0]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "has no row at all"),
        (b"\n\n", "has no row at all"),
        (b"text\n" + b"\xff\xe1 khong doc duoc\n", "in no encoding that is known"),
        (b"id,text\n1," + b"x" * 300_000 + b"\n2,\xff\n", "save it as CSV UTF-8"),
        (b'text\n"' + b"x" * (17 * 2**20), "is a quote left open?"),
    ],
)
def test_broken_csv_is_one_line(tmp_path: Path, data: bytes, wanted: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    items = read(tmp_path / "a.csv")
    assert isinstance(items[-1], Failure)
    assert wanted in items[-1].message
    assert "\n" not in items[-1].message


def test_rows_before_a_bad_byte_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text\n" + b"x\n" * 300_000 + b"\xff\n")
    items = read(tmp_path / "a.csv")
    assert len(items) > 200_000
    assert [type(item) for item in items[-2:]] == [Document, Failure]


def test_every_sheet_that_has_the_column_is_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Ghi chú"])
    for name in ("Quý I", "Quý II"):
        sheet = book.create_sheet(name)
        sheet.append([])
        sheet.append(["STT", "Nội dung"])
        sheet.append([1, f"Họp {name}"])
        sheet.append([2, 20_24])
    book.save(tmp_path / "a.xlsx")
    items = [item for item in read(tmp_path / "a.xlsx") if isinstance(item, Document)]
    assert [item.text for item in items] == ["Họp Quý I", "2024", "Họp Quý II", "2024"]
    assert items[2].meta == {"source": str(tmp_path / "a.xlsx"), "sheet": "Quý II", "row": 3}
    assert len({item.id for item in items}) == 4


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet"])
def test_a_broken_table_is_one_line(tmp_path: Path, name: str) -> None:
    WRITERS[name[2:]](tmp_path / "whole", ROWS)
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    assert "is no whole" in fault(tmp_path / name)
