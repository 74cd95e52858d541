from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from .reading import LINES, fault, read_one


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .docx"),
        (b"{\\rtf1\\ansi", "is RTF"),
        (b"\x89PNG\r\n", "is a picture"),
        (b"Rar!\x1a\x07", "is a RAR archive"),
        (b"7z\xbc\xaf'\x1c", "is a 7z archive"),
        (b"\x1f\x8b\x08\x00", "packed with gzip"),
    ],
)
@pytest.mark.parametrize("name", ["a.doc", "a.txt", "a.docx"])
def test_what_no_reader_takes_is_one_line_whatever_its_ending(
    tmp_path: Path, data: bytes, wanted: str, name: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert wanted in fault(tmp_path / name)


@pytest.mark.parametrize("name", ["a.docx", "a.pdf", "a.xlsx", "a.parquet", "a.zip"])
def test_an_ending_that_promises_more_than_there_is_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("only text")
    assert "whatever its ending" in fault(tmp_path / name)


def test_a_page_is_read_as_one_though_it_is_called_doc(tmp_path: Path) -> None:
    pytest.importorskip("lxml")
    (tmp_path / "a.doc").write_text(f"<html><body><p>{LINES[1]}</p></body></html>", encoding="utf-16")
    assert read_one(tmp_path / "a.doc").text == LINES[1]


def test_markup_in_a_text_does_not_make_it_a_page(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Đảng ủy <b>xã</b> <html>")
    assert read_one(tmp_path / "a.txt").text == "Đảng ủy <b>xã</b> <html>"


def test_a_letter_that_begins_like_a_mail_is_text(tmp_path: Path) -> None:
    text = "Kính gửi: Đảng ủy\nFrom: xã\nSubject: họp\n\nNội dung"
    (tmp_path / "a.txt").write_text(text)
    assert read_one(tmp_path / "a.txt").text == text


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["[Content_Types].xml", "ppt/presentation.xml"], "slides perhaps"),
        (["mimetype", "content.xml"], "is an OpenDocument file"),
    ],
)
def test_other_office_files_are_told(tmp_path: Path, names: list[str], wanted: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in names:
            file.writestr(name, "x")
    assert wanted in fault(tmp_path / "a.zip")


def test_a_text_that_speaks_of_the_mark_of_a_pdf_is_text(tmp_path: Path) -> None:
    text = "Tệp PDF bắt đầu bằng %PDF-1.7."
    for name in ("a.txt", "a.md"):
        (tmp_path / name).write_text(text)
        assert read_one(tmp_path / name).text == text
    (tmp_path / "a").write_text("Đảng ủy xã " * 20 + text)
    assert read_one(tmp_path / "a").text.endswith(text)


def test_a_pdf_behind_the_headers_of_a_server_is_known_by_its_bytes(tmp_path: Path) -> None:
    for name in ("a", "a.txt"):
        (tmp_path / name).write_bytes(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nServer: x\r\n" * 2 + b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"
        )
        assert "PDF" in fault(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "before"), [("a.pdf", b"x" * 900), ("a", b"\r\n\r\n"), ("a", b"\xef\xbb\xbf"), ("a.txt", b"")]
)
def test_a_pdf_is_found_behind_what_servers_put_before_it(tmp_path: Path, name: str, before: bytes) -> None:
    (tmp_path / name).write_bytes(before + b"%PDF-1.7 broken")
    assert "PDF" in fault(tmp_path / name)
