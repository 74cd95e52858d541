from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from ner_danvan.io.readers.docx import _parse
from ner_danvan.io.readers.source import Source

from .reading import LINES, fault, read_one
from .test_encodings import to_tcvn3

docx = pytest.importorskip("docx")

_OPEN = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
_CLOSE = "</w:body></w:document>"
_BARE, _END = _OPEN.removesuffix("<w:body>"), "</w:document>"


def write(path: Path, body: str, **parts: str) -> Path:
    """A file of Word's with this body, and parts such as `footnotes`."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr(
            "_rels/.rels",
            '<Relationships><Relationship Type="x/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        file.writestr("word/document.xml", _OPEN + body + _CLOSE)
        for name, content in parts.items():
            opening, closing = (_BARE, _END) if name in ("numbering", "styles") else (_OPEN, _CLOSE)
            file.writestr(f"word/{name}.xml", opening + content + closing)
    return path


def p(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_paragraphs_and_tables_come_in_reading_order_and_headers_once(tmp_path: Path) -> None:
    file = docx.Document()
    table = file.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "HUYỆN ỦY THANH SƠN\nBAN DÂN VẬN", "ĐẢNG CỘNG SẢN VIỆT NAM"
    for line in LINES:
        file.add_paragraph(line)
    inner = file.add_table(2, 2)
    for number, name in enumerate(["Họ tên", "Chức vụ", "Lò Văn Pản", "Bí thư"]):
        inner.cell(number // 2, number % 2).text = name
    file.add_section()
    for section in file.sections:
        section.header.is_linked_to_previous = section.footer.is_linked_to_previous = False
        section.header.paragraphs[0].text = "Tài liệu họp"
        section.footer.paragraphs[0].text = "Trang 1/3"
    file.save(tmp_path / "a.docx")
    document = read_one(tmp_path / "a.docx")
    assert document.text.split("\n") == [
        "Tài liệu họp",
        "HUYỆN ỦY THANH SƠN",
        "BAN DÂN VẬN",
        "ĐẢNG CỘNG SẢN VIỆT NAM",
        *LINES,
        *["Họ tên", "Chức vụ", "Lò Văn Pản", "Bí thư"],
    ]
    assert document.meta == {"source": str(tmp_path / "a.docx")}


def test_runs_tabs_breaks_and_hyphens_keep_their_places(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>Ban Dân </w:t></w:r><w:hyperlink><w:r><w:t>vận</w:t></w:r></w:hyperlink><w:r><w:tab/>"
        "<w:t>xã</w:t><w:br/><w:t>giai đoạn 2020</w:t><w:noBreakHyphen/><w:t>2025, h</w:t><w:softHyphen/><w:t>ọp</w:t>"
        "</w:r></w:p>"
    )
    assert read_one(write(tmp_path / "a.docx", body)).text == "Ban Dân vận\txã\ngiai đoạn 2020-2025, họp"


def test_what_was_deleted_hidden_or_is_a_fields_code_stays_out(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>Còn lại</w:t></w:r><w:del><w:r><w:delText>xóa</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>, thêm</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>ẩn</w:t></w:r>"
        "<w:r><w:instrText>HYPERLINK x</w:instrText></w:r></w:p>"
    )
    assert read_one(write(tmp_path / "a.docx", body)).text == "Còn lại, thêm"


def test_text_boxes_content_controls_and_footnotes_are_read_once(tmp_path: Path) -> None:
    box = "<w:txbxContent>" + p("Trong khung") + "</w:txbxContent>"
    body = (
        '<w:p><w:r><w:t>Ngoài khung</w:t></w:r><w:r><mc:AlternateContent xmlns:mc="x"><mc:Choice>'
        f"{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        f"<w:sdt><w:sdtPr/><w:sdtContent>{p('Trong điều khiển')}</w:sdtContent></w:sdt>"
    )
    notes = f'<w:footnote w:type="separator">{p("---")}</w:footnote><w:footnote w:id="2">{p("Ghi chú")}</w:footnote>'
    document = read_one(write(tmp_path / "a.docx", body, footnotes=notes))
    assert document.text.split("\n") == ["Ngoài khung", "Trong khung", "Trong điều khiển", "Ghi chú"]


def test_old_fonts_are_converted_with_a_remark(tmp_path: Path) -> None:
    body = "".join(p(to_tcvn3(line).decode("latin-1")) for line in LINES[1:])
    notes: list[str] = []
    assert read_one(write(tmp_path / "a.docx", body), notes=notes).text == "\n".join(LINES[1:])
    assert "TCVN3" in notes[0]


def test_a_docx_is_known_by_its_content(tmp_path: Path) -> None:
    assert read_one(write(tmp_path / "a.txt", p("Đảng ủy"))).text == "Đảng ủy"


def test_a_file_without_text_is_one_line(tmp_path: Path) -> None:
    assert "has no text; if it shows pictures" in fault(write(tmp_path / "a.docx", "<w:p/><w:sectPr/>"))


def test_text_in_a_file_of_another_format_inside_is_not_left_out_in_silence(tmp_path: Path) -> None:
    chunk = '<w:altChunk r:id="x" xmlns:r="r"/>'
    assert "has its text in a file of another format inside; open it in Word" in fault(
        write(tmp_path / "a.docx", chunk)
    )
    notes: list[str] = []
    document = read_one(write(tmp_path / "b.docx", p("Đảng ủy") + chunk), notes=notes)
    assert document.text == "Đảng ủy"
    (note,) = notes
    assert note.startswith(f"{tmp_path}/b.docx: left out what it has in a file of another format inside; open it")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_that_is_listed_many_times_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.docx", p("Đảng ủy"), header1=p("Huyện ủy"), numbering="")
    with zipfile.ZipFile(path, "a") as file:
        for name in ("header1", "numbering") * 20:
            file.writestr(f"word/{name}.xml", _OPEN + p("Tỉnh ủy") + _CLOSE)
    read: list[str] = []

    def parse(file: zipfile.ZipFile, name: str, source: Source) -> Any:
        read.append(name)
        return _parse(file, name, source)

    monkeypatch.setattr("ner_danvan.io.readers.docx._parse", parse)
    assert read_one(path).text == "Tỉnh ủy\nĐảng ủy"
    assert sorted(read) == ["_rels/.rels", "word/document.xml", "word/header1.xml", "word/numbering.xml"]


def test_a_relation_that_names_no_part_is_passed_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("_rels/.rels", '<x><Relationship Type="x/officeDocument" Target=""/></x>')
        file.writestr("word/document.xml", _OPEN + p("Đảng ủy") + _CLOSE)
    assert read_one(tmp_path / "a.docx").text == "Đảng ủy"


def test_parts_beside_a_document_that_lies_in_no_folder_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("_rels/.rels", '<x><Relationship Type="x/officeDocument" Target="/a.xml"/></x>')
        file.writestr("a.xml", _OPEN + p("Đảng ủy") + _CLOSE)
        file.writestr("header1.xml", _OPEN + p("Huyện ủy") + _CLOSE)
        file.writestr("word/document.xml", "<x/>")
    assert read_one(tmp_path / "a.docx").text == "Huyện ủy\nĐảng ủy"


def test_broken_xml_is_one_line(tmp_path: Path) -> None:
    assert "is no XML" in fault(write(tmp_path / "a.docx", "<w:p>"))


@pytest.mark.parametrize("before", ["", f"<!--{'x' * 2_000}-->"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_that_grow_are_refused(tmp_path: Path, before: str, encoding: str) -> None:
    with zipfile.ZipFile(tmp_path / "b.docx", "w") as file:
        file.writestr("[Content_Types].xml", "x")
        file.writestr("_rels/.rels", "<x/>")
        file.writestr("word/document.xml", (before + '<!DOCTYPE x [<!ENTITY a "aaa">]><x>&a;</x>').encode(encoding))
    assert "has a DOCTYPE" in fault(tmp_path / "b.docx")


def test_a_file_cut_short_is_one_line(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.docx", p("x" * 2000)).read_bytes()
    (tmp_path / "b.docx").write_bytes(whole[: len(whole) // 2])
    assert "is no whole ZIP file" in fault(tmp_path / "b.docx")
