from __future__ import annotations

import json
from pathlib import Path

import pytest

from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.io.output import errors_path, finished_ids, partial_path, skip_finished, whole_file, write_errors
from ner_danvan.io.readers import Failure


def test_output_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with pytest.raises(RuntimeError), whole_file(path, resume=False) as stream:
        stream.write("half")
        raise RuntimeError
    assert not path.exists()
    assert partial_path(path).read_text() == "half"
    with whole_file(path, resume=False) as stream:
        stream.write("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert not partial_path(path).exists()


def test_an_older_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path, resume=False):
        raise RuntimeError
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"), whole_file(tmp_path / "no" / "o", resume=False):
        pass


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    lines = [to_json_line(Document(name, "x")) for name in "abc"]
    partial_path(path).write_text(lines[0] + "\n" + lines[1] + "\n" + lines[2][:7])
    assert finished_ids(path) == ["a", "b"]
    assert partial_path(path).read_text() == lines[0] + "\n" + lines[1] + "\n"


def test_nothing_is_finished_without_a_partial_output(tmp_path: Path) -> None:
    assert finished_ids(tmp_path / "o.jsonl") == []


def test_finished_documents_are_passed_over_and_failures_are_told_again(tmp_path: Path) -> None:
    items = [Document("a", ""), Failure("b", "bad"), Document("c", ""), Document("d", "")]
    left = list(skip_finished(iter(items), ["a", "c"], tmp_path / "o"))
    assert [item.id for item in left] == ["b", "d"]


@pytest.mark.parametrize("names", [["x", "b"], ["a"]])
def test_a_partial_output_of_other_inputs_is_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leave out --resume"):
        list(skip_finished(iter([Document(name, "") for name in names]), ["a", "b"], tmp_path / "o"))


def test_failures_are_kept_and_an_old_file_of_them_goes(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    write_errors(path, [Failure("b", "bad ủy")])
    assert json.loads(errors_path(path).read_text(encoding="utf-8")) == {"id": "b", "error": "bad ủy"}
    write_errors(path, [])
    assert not errors_path(path).exists()
