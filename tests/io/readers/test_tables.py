from __future__ import annotations

import csv
import datetime
import re
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ner_danvan.document import Document
from ner_danvan.io.readers import Failure, Limits, parse_limits

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


def found(path: Path, data: str, **options: Any) -> list[str]:
    """The texts, and the messages behind the path."""
    path.write_text(data, newline="")
    return [
        item.text if isinstance(item, Document) else item.message.removeprefix(f"{path}: ")
        for item in read(path, **options)
    ]


def test_a_quote_left_open_to_the_end_is_told_with_its_line_and_rows_before_it_are_read(tmp_path: Path) -> None:
    texts = found(tmp_path / "a.csv", 'id,text\n1,"a\nb"\n2,"c\n3,d\n4,e\n')
    assert texts[0] == "a\nb"
    assert texts[1].startswith("line 4: a quote in this row is never closed")
    assert len(texts) == 2
    assert "line 1: a quote in this row" in found(tmp_path / "b.csv", '"text\na\n')[0]
    assert "line 2: a quote in this row" in found(tmp_path / "c.csv", 'text\n"')[0]


def test_rows_that_an_open_quote_ran_together_are_one_failure_and_those_behind_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    texts = found(path, 'id,text\n1,a\n2,"b\n3,"c"\n4,d\n')
    assert texts[0] == "a"
    assert texts[1].startswith("lines 3 to 4: a quote is left open")
    assert texts[2:] == ["d"]
    assert read(path)[1].id == f"{path}:3"


def test_a_stray_quote_in_a_row_of_one_line_is_text(tmp_path: Path) -> None:
    assert found(tmp_path / "a.csv", 'text,id\n"Ông "Tư" họp",1\nBà 5" Năm,2\n') == ['Ông Tư" họp"', 'Bà 5" Năm']
    both = found(tmp_path / "b.csv", 'text,note\n"a"b,"c\nd",x\ne,f\n')
    assert both[0].startswith("line 2: a quote is left open")
    assert both[-1] == "e"


def test_spaces_behind_the_quote_of_a_cell_of_several_lines_cost_nothing(tmp_path: Path) -> None:
    data = 'id,text,n\n1,"a\nb" ,2\n3,"c" ,4\n5,"d\ne"\t,"6" \n'
    assert found(tmp_path / "a.csv", data) == ["a\nb", "c ", "d\ne"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_header_with_a_line_end_in_a_cell_does_not_hide_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    write_csv(tmp_path / "a.csv", [['Nội dung\n(toàn văn, ";")', "STT"], ["Họp", "1"]], delimiter=delimiter)
    (item,) = read(tmp_path / "a.csv", column='Nội dung (toàn văn, ";")')
    assert isinstance(item, Document)
    assert item.text == "Họp"


@pytest.mark.parametrize("first", ["sep=;\r\n", "\ufeffsep=;\n", '"sep=;"\r\n', "SEP=;\r\n"])
def test_the_line_in_which_excel_names_the_delimiter_is_no_row(tmp_path: Path, first: str) -> None:
    path = tmp_path / "a.csv"
    assert found(path, first + 'id;text\r\n;"a, b"\r\n;"c')[0] == "a, b"
    assert [item.id for item in read(path)] == [f"{path}:2", str(path)]
    assert "line 4: a quote" in str(read(path)[1])


def test_a_line_of_a_csv_has_a_limit(tmp_path: Path) -> None:
    texts = found(tmp_path / "a.csv", "text\na\n" + "b," * 600 + "\nc\n", limits=Limits(file=1000))
    assert texts[0] == "a"
    assert texts[1].startswith("line 3: has more than 1000 characters")


def test_csv_in_utf_32_is_read(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS, "utf-32")
    assert [item.text for item in read(tmp_path / "a.csv") if isinstance(item, Document)] == [ROWS[1][1], ROWS[2][1]]


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


def test_bytes_in_a_parquet_are_the_text_that_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [["id", "text"], [b"\xff\x01", "Đảng ủy".encode()], [b"b", b"\xff"], [b"c", b"x"]])
    first, second, third = read(path)
    assert isinstance(first, Document)
    assert (first.id, first.text) == ("ff01", "Đảng ủy")
    assert isinstance(second, Failure)
    assert second.message.startswith(f"{path}: row 2: its text is not UTF-8")
    assert isinstance(third, Document)
    assert (third.id, third.text) == ("c", "x")


def write_same(path: Path, text: str, rows: int, **how: Any) -> None:
    """A file in which all rows point to one text."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    parquet.write_table(pa.table({"text": column}), path, **how)


def test_a_small_parquet_of_many_long_rows_is_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_same(path, "x" * 1_000_000, 256, compression="zstd")
    assert path.stat().st_size < 1000
    *rows, last = read(path)
    assert len(rows) < 70
    assert isinstance(last, Failure)
    wanted = re.search(r"as in a ZIP bomb; .* --limit (ratio=\d+)", last.message)
    assert wanted
    whole = read(path, limits=parse_limits([wanted[1]]))
    assert [type(item) for item in whole] == [Document] * 256


DAMAGED = Path(__file__).with_name("damaged.parquet")  # found by tests/fuzz/guided.py; its text is "a" and the like


@pytest.mark.parametrize(
    "read",
    [
        "from ner_danvan.io.readers import read_inputs as read; print(*read([sys.argv[1]], lambda: None))",
        "from ner_danvan.bulk.reading import read_shard; from pathlib import Path\n"
        "from ner_danvan.bulk.shards import find_inputs, plan_shards\n"
        "for shard in plan_shards(find_inputs([sys.argv[1]], print)): print(*read_shard(shard, Path.cwd()))",
    ],
)
def test_a_parquet_over_which_pyarrow_ends_the_process_is_a_failure(read: str) -> None:
    pytest.importorskip("pyarrow")
    command = [sys.executable, "-c", f"import sys; {read}", str(DAMAGED)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "histogram size mismatch" in ended.stdout
    assert "Failure(" in ended.stdout


def test_many_short_answers_in_a_small_parquet_are_no_bomb(tmp_path: Path) -> None:
    write_same(tmp_path / "a.parquet", "Không có ý kiến", 60_000)
    assert (tmp_path / "a.parquet").stat().st_size < 10_000
    assert [type(item) for item in read(tmp_path / "a.parquet")] == [Document] * 60_000


def test_ids_of_a_parquet_that_are_no_text_are_as_python_has_them(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    own = uuid.UUID(int=5)
    columns = {
        "2024-03-01": pa.array([datetime.date(2024, 3, 1)]),
        "2024-03-01 08:15:00": pa.array([datetime.datetime(2024, 3, 1, 8, 15)], pa.timestamp("us")),
        "08:15:00": pa.array([datetime.time(8, 15)]),
        str(own): pa.array([own.bytes], pa.uuid()),
    }
    for wanted, column in columns.items():
        parquet.write_table(pa.table({"id": column, "text": ["x"]}), tmp_path / "a.parquet")
        assert [item.id for item in read(tmp_path / "a.parquet")] == [wanted]


def test_a_column_of_a_parquet_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    write_same(tmp_path / "a.parquet", "x" * 2_000_000, 1, compression="zstd")
    assert "row group 1 in it unpacks to" in fault(tmp_path / "a.parquet")


def test_a_long_cell_of_a_parquet_is_a_failure_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [["text"], ["ab"], ["x" * 500], ["ắ" * 10], ["ắ" * 11], [None]])
    items = read(path, limits=Limits(cell=10))
    assert [getattr(item, "text", None) for item in items] == ["ab", None, "ắ" * 10, None, ""]
    assert all("--limit cell=N" in item.message for item in items if isinstance(item, Failure))


def test_other_columns_of_a_parquet_stay_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [["tags", "id", "text"], [["a"], 7, 1.5], [["b"], 8, 2.5]])
    assert [(item.id, item.text) for item in read(path) if isinstance(item, Document)] == [("7", "1.5"), ("8", "2.5")]
    assert [item.text for item in read(path, column="tags") if isinstance(item, Document)] == ["['a']", "['b']"]


def test_a_parquet_of_several_groups_whose_dictionaries_end_is_read_to_the_end(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    texts = [f"{row} " * 300 for row in range(1500)]
    parquet.write_table(
        pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=700, dictionary_pagesize_limit=100_000
    )
    assert [getattr(item, "text", item) for item in read(tmp_path / "a.parquet")] == texts


def test_what_openpyxl_has_to_say_is_not_printed(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    write_xlsx(tmp_path / "b.xlsx", [["text"], *([f"{row}"] for row in range(200))])
    more = b'</sheetData><extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst>'
    with zipfile.ZipFile(tmp_path / "b.xlsx") as plain, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as file:
        for name in plain.namelist():
            file.writestr(name, plain.read(name).replace(b"</sheetData>", more))
    assert [getattr(item, "text", item) for item in read(tmp_path / "a.xlsx")] == [str(row) for row in range(200)]
    assert not list(recwarn)


def test_rows_of_a_sheet_before_a_fault_are_read(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "b.xlsx", [["text"], *([f"{row}"] for row in range(200))])
    with zipfile.ZipFile(tmp_path / "b.xlsx") as plain, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as file:
        for name in plain.namelist():
            file.writestr(name, plain.read(name).replace(b'<row r="101"', b'<row r="x"'))
    items = read(tmp_path / "a.xlsx")
    assert [getattr(item, "text", None) for item in items] == [*map(str, range(99)), None]
