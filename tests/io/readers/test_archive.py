from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from ner_danvan.document import Document
from ner_danvan.io import readers
from ner_danvan.io.readers import Failure

from .reading import fault, read


def pack(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_members_are_read_by_the_same_rules_and_say_where_they_were(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "a.zip",
        {
            "xã/b.txt": "Đảng ủy".encode(),
            "a.csv": b"text\nx\n",
            "c.png": b"x",
            "__MACOSX/b.txt": b"x",
            "~$b.docx": b"x",
            ".d.txt": b"x",
            "d/": b"",
        },
    )
    notes: list[str] = []
    assert read(path, notes=notes) == [
        Document(f"{path}/a.csv:2", "x", meta={"source": str(path), "member": "a.csv", "row": 2}),
        Document(f"{path}/xã/b.txt", "Đảng ủy", meta={"source": str(path), "member": "xã/b.txt"}),
    ]
    assert notes == [f"{path}: passed over 2 members that no reader takes (.png 1, .d.txt 1)"]


def test_a_member_that_fails_does_not_end_the_archive(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.txt": b"\xff", "b.pdf": b"x", "c.txt": b"x"})
    assert [type(item) for item in read(path)] == [Failure, Failure, Document]


def test_a_failure_is_one_line_where_the_name_of_a_member_is_not(tmp_path: Path) -> None:
    (item,) = read(pack(tmp_path / "a.zip", {"x\n/b.txt": b"\xff"}))
    assert isinstance(item, Failure)
    assert item.id == f"{tmp_path}/a.zip/x\n/b.txt"
    assert item.message.startswith(f"{tmp_path}/a.zip/x /b.txt: ")
    assert "\n" not in item.message


def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner.zip", {"a.txt": b"x"}).read_bytes()
    (item,) = read(pack(tmp_path / "a.zip", {"b.zip": inner}))
    assert isinstance(item, Failure)
    assert "a ZIP inside another file is not opened" in item.message


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "x/../../a.txt", "..\\a.txt"])
def test_members_that_would_leave_the_archive_are_passed_over(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / "a.zip", {name: b"x", "b.txt": b"y"})
    notes: list[str] = []
    assert [item.id for item in read(path, notes=notes)] == [f"{path}/b.txt"]
    assert len(notes) == 1


def test_a_bomb_is_refused_at_once(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.txt": b"0" * (40 * 2**20)})
    begin = time.monotonic()
    message = fault(path)
    assert "as in a ZIP bomb" in message
    assert time.monotonic() - begin < 1


def test_a_bomb_in_a_docx_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.docx", {"[Content_Types].xml": b"x", "word/document.xml": b" " * (40 * 2**20)})
    assert "as in a ZIP bomb" in fault(path)


def test_a_member_that_unpacks_to_more_than_it_says_is_damaged(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.txt": b"0" * 500_000})
    data = path.read_bytes()
    path.write_bytes(data.replace((500_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    (item,) = read(path)
    assert isinstance(item, Failure)
    assert "is damaged" in item.message


def test_a_member_for_which_there_is_no_room_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    path = pack(tmp_path / "a.zip", {"a.txt": os.urandom(200_000).hex().encode(), "b.txt": b"Hop."})
    monkeypatch.setattr(readers.source, "_IN_MEMORY", 1000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        first, second = read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(first, Failure)
    assert "there is no room in" in first.message
    assert "damaged" not in first.message
    assert isinstance(second, Document)


def test_an_encrypted_member_is_one_line(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.txt": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    (item,) = read(path)
    assert isinstance(item, Failure)
    assert "is encrypted" in item.message


def test_an_archive_with_nothing_readable_is_one_line(tmp_path: Path) -> None:
    assert "nothing readable in this archive" in fault(pack(tmp_path / "a.zip", {"a.png": b"x"}))


def test_a_docx_whose_part_is_encrypted_is_one_line(tmp_path: Path) -> None:
    members = {"[Content_Types].xml": b"x", "_rels/.rels": b"<x/>", "word/document.xml": b"<x/>"}
    path = pack(tmp_path / "a.docx", members)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4) + 8] |= 1
    path.write_bytes(bytes(data))
    assert "is encrypted" in fault(path)


def test_a_docx_without_its_text_is_one_line(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.docx", {"[Content_Types].xml": b"x", "_rels/.rels": b"<x/>", "word/styles.xml": b"x"})
    assert "lacks word/document.xml" in fault(path)
