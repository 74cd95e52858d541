"""Every limit refuses what goes beyond it, in a line whose mend can be pasted."""

from __future__ import annotations

import io
import os
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import openpyxl
import pytest

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure, Limits, parse_limits
from ner_danvan.io.readers import read_one as read_data
from ner_danvan.predict import main

from .printing import written_pdf
from .reading import fault, read

PAGE = "<html><body><p>Đảng ủy xã họp.</p></body></html>"
BODY = '<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>Đảng ủy xã họp.</w:t></w:r></w:p></w:body></w:document>'


def pack(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)


def sheet(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ("text", "một", "hai", "ba"):
        book.active.append([row])
    book.save(path)


DOCX = {"[Content_Types].xml": b"x", "_rels/.rels": b"<x/>", "word/document.xml": BODY.encode()}
FEW = {f"{number}.txt": os.urandom(100).hex().encode() for number in range(5)}
BLANKS = "".join(random.Random(1).choices(" \t\n", k=1_100_000)).encode()  # packs to a fourth, and is read at once
# of each limit: a file, how to make it, and what is one too few
CASES: dict[str, tuple[str, Callable[[Path], object], int]] = {
    "file": ("a.html", lambda path: path.write_text(PAGE), len(PAGE.encode()) - 1),
    "members": ("a.zip", lambda path: pack(path, FEW), 4),
    "unpacked": ("a.zip", lambda path: pack(path, FEW), 999),
    "part": ("a.docx", lambda path: pack(path, DOCX), len(BODY.encode()) - 1),
    "ratio": ("a.zip", lambda path: pack(path, {"a.txt": BLANKS}), 2),
    "cell": ("a.csv", lambda path: path.write_text("text\n" + "x" * 200), 199),
    "rows": ("a.xlsx", sheet, 3),
    "pages": ("a.pdf", lambda path: path.write_bytes(written_pdf("Dang uy", 3)), 2),
    "characters": ("a.pdf", lambda path: path.write_bytes(written_pdf("Dang uy", 3)), 20),
}


def test_every_limit_has_a_case() -> None:
    assert list(CASES) == [field.name for field in fields(Limits)]


@pytest.mark.parametrize("name", CASES)
def test_what_goes_beyond_a_limit_is_refused_and_the_mend_can_be_pasted(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, make, too_few = CASES[name]
    path = tmp_path / file
    make(path)
    whole = read(path)
    assert not any(isinstance(item, Failure) for item in whole)
    limits = parse_limits([f"{name}={too_few}"])
    *before, last = read(path, limits=limits)
    assert isinstance(last, Failure)
    assert before == ([] if name != "rows" else whole[: too_few - 1])
    found = re.search(rf"--limit ({name}=(\d+|N))", last.message)
    assert found, last.message
    mend = found[1].replace("N", str(too_few + 1))
    assert read(path, limits=parse_limits([mend])) == whole
    for setting, code in ((f"{name}={too_few}", 1), (mend, 0)):
        with pytest.raises(SystemExit) as left:
            main([str(path), "--limit", setting, "--format", "jsonl", "-o", str(tmp_path / f"{code}.jsonl")])
        assert left.value.code == code
    assert f"--limit {name}=" in capsys.readouterr().err


def test_limits_hold_inside_an_archive_and_in_bulk(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    pack(path, {"a.html": PAGE.encode(), "b.txt": b"x"})
    failure, document = read(path, limits=Limits(file=20))
    assert isinstance(failure, Failure)
    assert isinstance(document, Document)
    assert f"{path}/a.html: has {len(PAGE.encode())} bytes, more than 20" in failure.message
    assert isinstance(read_data(io.BytesIO(PAGE.encode()), "a.html", "a.html", Limits(file=20)), Failure)
    assert isinstance(read_data(io.BytesIO(PAGE.encode()), "a.html", "a.html"), Document)


def test_settings_of_limits() -> None:
    assert parse_limits([]) == Limits()
    assert parse_limits(["file=4G", "cell=2k", "members=7", "members=8"]) == Limits(4 * 2**30, 8, cell=2048)


@pytest.mark.parametrize("setting", ["", "file", "file=", "file=0", "file=-1", "file=1T", "file=1.5G", "FILE=1", "x=1"])
def test_a_wrong_setting_is_one_line(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="--limit"):
        parse_limits([setting])
    with pytest.raises(SystemExit) as left:
        main(["a.txt", "--limit", setting])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: --limit ")
    assert said.count("\n") == 1


def test_a_default_is_no_hindrance_to_real_files(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    pack(path, {"a.txt": b"0" * (40 * 2**20)})
    assert "as in a ZIP bomb" in fault(path)  # forty mebibytes of one character are no text


def test_a_line_of_jsonl_that_is_too_long_is_one_failure_and_those_behind_it_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    long = '{"text": "' + "x" * 3_000_000 + '"}'
    path.write_text('{"text": "a"}\n' + long + '\n{"text": "b"}\n' + "x" * 99)
    first, second, third, last = read(path, limits=Limits(file=50))
    assert isinstance(second, Failure)
    assert second.message.startswith(f"{path}:2: the line has {len(long) + 1} bytes, more than 50; ")
    assert isinstance(last, Failure)
    assert last.message.endswith("--limit file=99.")
    assert [item.text for item in (first, third) if isinstance(item, Document)] == ["a", "b"]
    whole = read(path, limits=parse_limits([f"file={len(long) + 1}"]))
    assert [type(item) for item in whole] == [Document, Document, Document, Failure]  # the last is no JSON


def test_a_part_of_an_xlsx_has_a_limit(tmp_path: Path) -> None:
    sheet(tmp_path / "a.xlsx")
    found = re.search(r"--limit (part=\d+)", fault(tmp_path / "a.xlsx", limits=Limits(part=100)))
    assert found
    assert "Failure" not in str(read(tmp_path / "a.xlsx", limits=Limits(part=100_000)))


@pytest.mark.parametrize("setting", ["cell=9999999999G", "cell=2G", "file=999999999999999G"])
def test_more_than_can_be_asked_for_is_one_line(setting: str) -> None:
    with pytest.raises(UserError, match=r"is more than can be; give \w+=\d+ or less"):
        parse_limits([setting])
