from __future__ import annotations

import io
import json
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from ner_danvan.document import Document
from ner_danvan.io import readers
from ner_danvan.io.readers import Failure, Limits, read_inputs


def read(*paths: str, stdin: bytes = b"") -> list[Document | Failure]:
    return list(read_inputs(paths, lambda: io.BytesIO(stdin)))


def test_a_text_file_is_one_document_with_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Đảng ủy\r\nxã\n".encode())
    path = str(tmp_path / "a.txt")
    assert read(path) == [Document(path, "Đảng ủy\r\nxã\n", meta={"source": path})]


def test_a_folder_gives_its_readable_files_by_name_and_passes_over_others(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.txt", "sub/a.md", "c.png"):
        (tmp_path / name).write_text(name)
    assert [item.id for item in read(str(tmp_path))] == ["b.txt", "sub/a.md"]


def test_a_folder_with_nothing_readable_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "c.png").write_text("x")
    (failure,) = read(str(tmp_path))
    assert isinstance(failure, Failure)
    assert "nothing readable in this folder" in failure.message


def test_a_file_named_by_itself_is_read_whatever_its_ending(tmp_path: Path) -> None:
    (tmp_path / "report.log").write_text("x")
    assert isinstance(read(str(tmp_path / "report.log"))[0], Document)


def test_jsonl_lines_behind_a_bad_one_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"id": "a", "text": "x"}\n{oops\n\n\xff\n{"text": "y"}\n')
    first, bad, bytes_, last = read(str(path))
    assert (first.id, last.id) == ("a", f"{path}:5")
    assert isinstance(last, Document)
    assert last.meta == {"source": str(path), "row": 5}
    assert isinstance(bad, Failure)
    assert bad.message.startswith(f"{path}:2: no JSON")
    assert isinstance(bytes_, Failure)
    assert "byte 0 (0xff) is not UTF-8" in bytes_.message


def test_stdin_is_one_document() -> None:
    assert read("-", stdin="ủy".encode()) == [Document("stdin", "ủy", meta={"source": "stdin"})]
    (failure,) = read("-", stdin=b"ab\xe1")
    assert isinstance(failure, Failure)
    assert "stdin: byte 2" in failure.message


def test_missing_files_are_failures_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    items = read(str(tmp_path / "no.txt"), str(tmp_path / "no.jsonl"), str(tmp_path / "a.txt"))
    assert [type(item) for item in items] == [Failure, Failure, Document]
    assert "no such file" in items[0].message  # type: ignore[union-attr]


def test_stdin_is_held_to_a_limit_and_what_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    limits = Limits(unpacked=1_000)
    (failure,) = read_inputs(["-"], lambda: io.BytesIO(b"x" * 1_001), limits=limits)
    assert isinstance(failure, Failure)
    assert failure.message.startswith(
        "stdin: has more than 1000 bytes; give a file, or allow more by --limit unpacked="
    )
    (document,) = read_inputs(["-"], lambda: io.BytesIO(b"x" * 1_000), limits=limits)
    assert isinstance(document, Document)
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"x" * 1_001,))
    writer.start()
    (failure,) = read_inputs([str(tmp_path / "pipe")], lambda: None, limits=limits)
    writer.join()
    assert isinstance(failure, Failure)
    with (tmp_path / "w").open("wb") as unreadable:
        (failure,) = read_inputs(["-"], lambda: unreadable)
    assert isinstance(failure, Failure)
    assert "cannot be read" in failure.message


def test_a_pipe_for_which_there_is_no_room_is_one_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(readers.source, "_IN_MEMORY", 1000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        (failure,) = read("-", stdin=b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(failure, Failure)
    assert "stdin: cannot be read or kept (File too large)" in failure.message


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
def test_what_comes_by_a_pipe_is_read_by_its_content(begin: bytes) -> None:
    rows = b'{"id": "a", "text": "x"}\n{ "text" : "y"}\n'
    assert [(item.id, item.text) for item in read("-", stdin=begin + rows) if isinstance(item, Document)] == [
        ("a", "x"),
        ("stdin:2", "y"),
    ]
    (page,) = read("-", stdin=b"<!doctype html><html><body><p>Huyen uy</p></body></html>")
    assert isinstance(page, Document)
    assert page.text.strip() == "Huyen uy"
    for text in (
        '{"khoa": 1}\n',
        '{\n  "id": "a",\n  "text": "x y"\n}\n',
        '{"id": 3, "msg": "x"}\nplain\n',
        '{"id": [\n',
    ):
        (document,) = read("-", stdin=text.encode())
        assert isinstance(document, Document)
        assert document.text == text
    long = {"id": "a", "meta": {"note": "x" * 9_000}, "text": "y"}
    assert [
        item.id for item in read("-", stdin=json.dumps(long).replace('"meta"', '"text": "y", "meta"').encode())
    ] == ["a"]


def test_a_closed_stdin_is_a_failure() -> None:
    (failure,) = read_inputs(["-"], lambda: None)
    assert isinstance(failure, Failure)
    assert "is closed" in failure.message


def test_files_that_no_reader_takes_are_told_but_for_the_locks_of_word(tmp_path: Path) -> None:
    for name in ("a.txt", "b.png", "c.png", "d.doc", "~$e.docx"):
        (tmp_path / name).write_text("x")
    notes: list[str] = []
    assert len(list(read_inputs([str(tmp_path)], lambda: None, note=notes.append))) == 1
    assert notes == [f"{tmp_path}: passed over 3 files that no reader takes (.png 2, .doc 1)"]


def test_links_to_folders_are_not_followed_and_that_is_told(tmp_path: Path) -> None:
    folder, other = tmp_path / "here", tmp_path / "there"
    for each in (folder, other):
        each.mkdir()
        (each / "a.txt").write_text("x")
    (folder / "link").symlink_to(other)
    (folder / "circle").symlink_to(folder)
    notes: list[str] = []
    assert [item.id for item in read_inputs([str(folder)], lambda: None, note=notes.append)] == ["a.txt"]
    assert notes == [
        f"{folder}: passed over 2 links to folders ({folder / 'circle'} …); name them beside it to read them"
    ]


def test_the_commands_own_output_is_no_input(tmp_path: Path) -> None:
    for name in ("a.txt", "out.jsonl"):
        (tmp_path / name).write_text("{}")
    items = list(read_inputs([str(tmp_path)], lambda: None, own=[tmp_path / "out.jsonl"]))
    assert [item.id for item in items] == ["a.txt"]


def test_failures_below_a_folder_have_the_ids_that_documents_would(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff")
    (tmp_path / "b.jsonl").write_text("{oops\n")
    assert [item.id for item in read(str(tmp_path))] == ["a.txt", "b.jsonl:1"]


def test_a_row_that_says_where_it_comes_from_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "x", "meta": {"source": "a.docx"}}\n{"text": "y", "meta": {"k": 1}}\n')
    first, second = read(str(tmp_path))
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert first.meta == {"source": "a.docx"}
    assert second.meta == {"source": "d.jsonl", "row": 2, "k": 1}


def test_a_pipe_is_read_though_it_cannot_seek(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("Đảng ủy",))
    writer.start()
    (document,) = read(str(tmp_path / "pipe"))
    writer.join()
    assert isinstance(document, Document)
    assert document.text == "Đảng ủy"


@pytest.mark.parametrize(
    ("name", "package", "data"),
    [
        ("a.html", "lxml.html", b"<p>x</p>"),
        ("a.pdf", "pypdfium2", b"%PDF-1.7"),
        ("a.parquet", "pyarrow", b"PAR1"),
        ("a.zip", "openpyxl", b""),
    ],
)
def test_a_library_that_is_not_there_is_one_line_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    if name == "a.zip":  # an XLSX by its content
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            for member in ("[Content_Types].xml", "xl/workbook.xml"):
                file.writestr(member, "x")
    monkeypatch.setitem(sys.modules, package, None)
    (failure,) = read(str(tmp_path / name))
    assert isinstance(failure, Failure)
    assert failure.message.endswith(f"reading it needs {package.partition('.')[0]}; pip install 'ner-danvan[docs]'")


def test_what_a_library_raises_at_a_damaged_file_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TypeError("some\ndeep fault")

    monkeypatch.setattr("ner_danvan.io.readers.text.decode", broken)
    (tmp_path / "a.txt").write_text("x")
    (failure,) = read(str(tmp_path / "a.txt"))
    assert isinstance(failure, Failure)
    assert "cannot be read (TypeError: some deep fault)" in failure.message
