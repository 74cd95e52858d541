from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from ner_danvan.atomic import partial_path
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.io.output import (
    Finished,
    errors_path,
    finished_documents,
    output_path,
    settings_path,
    skip_finished,
    whole_file,
    write_errors,
)
from ner_danvan.io.readers import Failure

SETTINGS = {"model": "m", "min-score": 0.0}


def finished(*names: str) -> list[Finished]:
    return [Finished(name, sha256(b"").digest()) for name in names]


def test_output_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS, resume=False) as stream:
        stream.write("half")
        raise RuntimeError
    assert not path.exists()
    assert partial_path(path).read_text() == "half"
    with whole_file(path, SETTINGS, resume=False) as stream:
        stream.write("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert not partial_path(path).exists()


def test_an_older_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS, resume=False):
        raise RuntimeError
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"), whole_file(tmp_path / "no" / "o", SETTINGS, resume=False):
        pass


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    lines = [to_json_line(Document(name, "x")) for name in "abc"]
    partial_path(path).write_text(lines[0] + "\n" + lines[1] + "\n" + lines[2][:7])
    assert [row.id for row in finished_documents(path, SETTINGS)] == ["a", "b"]
    assert partial_path(path).read_text() == lines[0] + "\n" + lines[1] + "\n"


def test_nothing_is_finished_without_a_partial_output(tmp_path: Path) -> None:
    assert finished_documents(tmp_path / "o.jsonl", SETTINGS) == []


def test_finished_documents_are_passed_over_and_failures_are_told_again(tmp_path: Path) -> None:
    items = [Document("a", ""), Failure("b", "bad"), Document("c", ""), Document("d", "")]
    left = list(skip_finished(iter(items), finished("a", "c"), tmp_path / "o"))
    assert [item.id for item in left] == ["b", "d"]


@pytest.mark.parametrize("names", [["x", "b"], ["a"]])
def test_a_partial_output_of_other_inputs_is_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leave out --resume"):
        list(skip_finished(iter([Document(name, "") for name in names]), finished("a", "b"), tmp_path / "o"))


def test_failures_are_kept_and_an_old_file_of_them_goes(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    write_errors(path, [Failure("b", "bad ủy")])
    assert json.loads(errors_path(path).read_text(encoding="utf-8")) == {"id": "b", "error": "bad ủy"}
    write_errors(path, [])
    assert not errors_path(path).exists()


def test_a_changed_text_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another text of a"):
        list(skip_finished(iter([Document("a", "new")]), finished("a"), tmp_path / "o"))


def test_a_partial_output_of_other_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS, resume=False):
        raise RuntimeError
    assert finished_documents(path, SETTINGS) == []
    with pytest.raises(UserError, match="begun with model m, now it is n"):
        finished_documents(path, SETTINGS | {"model": "n"})


def test_nothing_is_left_beside_a_whole_output(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with whole_file(path, SETTINGS, resume=False) as stream:
        assert settings_path(path).exists()
        stream.write("x")
    assert [file.name for file in tmp_path.iterdir()] == ["o.jsonl"]


def test_a_folder_is_no_output_and_a_link_is_followed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        output_path(tmp_path)
    with pytest.raises(UserError, match="there is no folder"):
        output_path(tmp_path / "no" / "o")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert output_path(tmp_path / "link") == (tmp_path / "target").resolve()


def test_what_is_no_plain_file_is_written_directly() -> None:
    with whole_file(Path(os.devnull), SETTINGS, resume=False) as stream:
        stream.write("x")
    assert not Path(os.devnull).is_file()


def test_a_full_disk_is_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(UserError, match="cannot be written"),
        whole_file(Path("/dev/full"), SETTINGS, resume=False) as stream,
    ):
        stream.write("x")


def test_settings_of_a_new_run_never_stand_beside_an_older_partial_output(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    partial_path(path).write_text("older")
    seen: list[bool] = []

    def write(target: Path, text: str) -> None:
        seen.append(partial_path(path).exists())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ner_danvan.io.output.write_whole", write)
        with whole_file(path, SETTINGS, resume=False):
            pass
    assert seen == [False]
