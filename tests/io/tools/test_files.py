from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import inline
from ner_danvan.io.tools.files import INDEX, FileNames, entries, whole, write_folder


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b\\c", "\x00", "-rf", "~", "x\n", "C:\\x", "con", "aux.x"],
)
def test_no_id_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    file = FileNames(".txt")(name)
    assert (tmp_path / file).resolve().parent == tmp_path.resolve()
    assert Path(file).name == file
    assert file[0] not in ".-"
    assert file.lower().split(".")[0] not in ("con", "aux")


def test_ids_that_look_the_same_to_a_file_system_get_files_of_their_own() -> None:
    names = FileNames(".txt")
    files = [names(name) for name in ("a", "A", "a", "a-2", "a/b", "a\\b", "ế", "e\u0302\u0301")]
    assert len({file.casefold() for file in files}) == len(files)
    assert files[0] == "a.txt"


def test_a_long_id_still_has_a_file(tmp_path: Path) -> None:
    names = FileNames(".txt")
    files = {names("ế" * 500 + str(number)) for number in range(3)}
    assert len(files) == 3
    for file in files:
        (tmp_path / file).touch()


def test_vietnamese_ids_stay_readable() -> None:
    assert FileNames(".ann")("Báo cáo quý I/2024") == "Báo_cáo_quý_I_2024.ann"


def test_a_file_that_was_taken_out_is_no_document_and_one_that_was_added_is(tmp_path: Path) -> None:
    write_folder(((Document(name, ""), [], ".txt", {".txt": name}) for name in ("z/1", "a/2", "b/3")), tmp_path)
    (tmp_path / "a_2.txt").unlink()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "new.txt").touch()
    assert [entry.id for entry in entries(tmp_path, ".txt")] == ["z/1", "b/3", "sub/new"]


@pytest.mark.parametrize("row", [{"file": "../x.txt"}, {"file": 1}, {}, {"file": "x.txt", "meta": []}])
def test_an_index_that_leads_elsewhere_is_refused(row: object, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (folder, tmp_path):
        (path / "x.txt").touch()
    (folder / INDEX).write_text(json.dumps(row))
    with pytest.raises(UserError, match=rf"{INDEX}:1: "):
        entries(folder, ".txt")


def test_a_folder_without_documents_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \.tsv file in this folder"):
        entries(tmp_path, ".tsv")


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    for folder in (True, False):
        with pytest.raises(RuntimeError), whole(tmp_path / "out", folder=folder) as place:
            (place / "x" if folder else place).write_text("half")
            raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_and_another_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with whole(out, folder=True) as place:
        (place / "x").touch()
    with pytest.raises(UserError, match="is not empty"), whole(out, folder=True):
        pass
    assert [path.name for path in out.iterdir()] == ["x"]


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    with pytest.raises(RuntimeError), whole(out, folder=False):
        raise RuntimeError
    assert out.read_text() == "old"


@pytest.mark.parametrize(("name", "folder"), [("no/out", True), ("no/out", False), ("file", True), ("folder", False)])
def test_what_cannot_be_written_is_one_line(name: str, folder: bool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="give "), whole(tmp_path / name, folder=folder):
        pass


def test_a_score_whose_span_was_moved_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<ORG>Đảng</ORG> <ORG>ủy</ORG>", encoding="utf-8")
    row = {"file": "a.txt", "id": "a", "scores": [[0, 4, "ORG", 0.5], [5, 6, "ORG", 0.25], "x"]}
    (tmp_path / INDEX).write_text(json.dumps(row))
    (document,) = inline.read(tmp_path, SCHEME)
    assert [span.score for span in document.spans] == [0.5, None]


# --- nothing is left out in silence, and nothing but plain files is replaced -----------------------


def test_an_ending_in_capitals_is_one_too(tmp_path: Path) -> None:
    for name in (".txt", "a.TXT", "b.txt"):
        (tmp_path / name).touch()
    assert [entry.id for entry in entries(tmp_path, ".txt")] == [".txt", "a", "b"]


def test_two_files_that_differ_in_their_ending_alone_are_told(tmp_path: Path) -> None:
    for name in ("a.TXT", "a.txt"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"a\.txt: has the name of a\.TXT"):
        entries(tmp_path, ".txt")


def test_what_no_document_can_be_read_from_is_told_and_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    left_out = tmp_path / "b.txt"
    makers: list[Callable[[], None]] = [
        lambda: left_out.symlink_to("nowhere"),
        lambda: left_out.symlink_to("b.txt"),
        lambda: os.mkfifo(left_out),
    ]
    for make in makers:
        make()
        with pytest.raises(UserError, match=r"b\.txt: is no plain file"):
            entries(tmp_path, ".txt")
        left_out.unlink()


def test_hidden_links_are_nobodys_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / ".#a.txt").symlink_to("somebody@somewhere")  # as an editor locks a file
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "link").symlink_to(tmp_path)
    assert [entry.id for entry in entries(tmp_path, ".txt")] == ["a"]


def test_a_link_to_a_folder_is_told_and_not_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").touch()
    (folder / "more").symlink_to(tmp_path)
    with pytest.raises(UserError, match="more: is a link to a folder"):
        entries(folder, ".txt")


def test_a_folder_that_cannot_be_listed_is_told_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "a.txt").touch()
    real = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UserError, match=r"shut: cannot be listed \(Permission denied\)"):
        entries(tmp_path, ".txt")


def test_an_index_with_a_name_too_long_is_blamed_itself(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text(json.dumps({"file": "x" * 300 + ".txt"}))
    with pytest.raises(UserError, match=rf"{INDEX}:1: .*too long"):
        entries(tmp_path, ".txt")


def test_a_pipe_is_written_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    with whole(pipe, folder=False) as place:
        place.write_text("a\n")
    reader.join(10)
    assert got == ["a\n"]
    assert pipe.is_fifo()


def test_a_device_is_written_and_stays_one(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        device.write_text("")
    except OSError:
        pytest.skip("no device can be made here")
    with whole(device, folder=False) as place:
        place.write_text("a\n")
    with pytest.raises(UserError, match="is no folder"), whole(device, folder=True):
        pass
    assert device.is_char_device()
    assert list(tmp_path.iterdir()) == [device]


def test_a_link_stays_one_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "there" / "file")
    with whole(link, folder=False) as place:
        place.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "file").read_text() == "new"


def test_what_is_open_under_another_name_is_not_replaced(tmp_path: Path) -> None:
    with (tmp_path / "all").open("w") as stream:
        link = tmp_path / "stdout"
        link.symlink_to(f"/proc/self/fd/{stream.fileno()}")
        if not link.exists():
            pytest.skip("this system has no /proc")
        with pytest.raises(UserError, match="open already"), whole(link, folder=False):
            pass


def test_a_link_to_itself_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(UserError, match="is a link to itself"), whole(tmp_path / "a", folder=False):
        pass


def test_a_file_that_cannot_be_read_is_not_told_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"in\.txt: cannot be read"), whole(tmp_path / "out", folder=False):
        (tmp_path / "in.txt").read_text()
