from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from ner_danvan.atomic import is_stream, partial_path
from ner_danvan.document import Document, read_jsonl, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.io.output import (
    Finished,
    Progress,
    add_untagged,
    errors_path,
    output_path,
    progress_of,
    settings_path,
    skip_finished,
    untagged_path,
    whole_file,
    write_errors,
)
from ner_danvan.io.readers import Failure

SETTINGS = {"model": "m", "min-score": 0.0}


def finished(*names: str) -> Progress:
    return Progress([Finished(name, sha256(b"").digest()) for name in names])


def test_output_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS) as stream:
        stream.write("half")
        raise RuntimeError
    assert not path.exists()
    assert partial_path(path).read_text() == "half"
    with whole_file(path, SETTINGS) as stream:
        stream.write("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert not partial_path(path).exists()


def test_an_older_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS):
        raise RuntimeError
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"), whole_file(tmp_path / "no" / "o", SETTINGS):
        pass


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    lines = [to_json_line(Document(name, "x")) for name in "abc"]
    partial_path(path).write_text(lines[0] + "\n" + lines[1] + "\n" + lines[2][:7])
    assert [row.id for row in progress_of(path, SETTINGS).finished] == ["a", "b"]
    assert partial_path(path).read_text() == lines[0] + "\n" + lines[1] + "\n"


def test_nothing_is_finished_without_a_partial_output(tmp_path: Path) -> None:
    assert progress_of(tmp_path / "o.jsonl", SETTINGS) == Progress()


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
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS):
        raise RuntimeError
    assert not progress_of(path, SETTINGS).finished
    with pytest.raises(UserError, match="begun with model m, now it is n"):
        progress_of(path, SETTINGS | {"model": "n"})


def test_nothing_is_left_beside_a_whole_output(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with whole_file(path, SETTINGS) as stream:
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
    with whole_file(Path(os.devnull), SETTINGS) as stream:
        stream.write("x")
    assert not Path(os.devnull).is_file()


def test_a_full_disk_is_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(UserError, match="cannot be written"),
        whole_file(Path("/dev/full"), SETTINGS) as stream,
    ):
        stream.write("x")


def test_settings_of_a_new_run_never_stand_beside_an_older_partial_output(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    partial_path(path).write_text("older")
    seen: list[bool] = []

    def write(target: Path, text: str) -> None:
        seen.append(partial_path(path).read_text() != "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ner_danvan.io.output.write_whole", write)
        with whole_file(path, SETTINGS):
            pass
    assert seen == [False]


def test_a_document_that_could_not_be_tagged_is_not_missed_in_the_partial_output(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    bad = Document("b", "too much")
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS) as stream:
        stream.write(to_json_line(Document("a", "x")) + "\n")
        add_untagged(path, bad, Failure("b", "b: cannot be tagged"))
        stream.write(to_json_line(Document("c", "x")) + "\n")
        raise RuntimeError
    with untagged_path(path).open("a") as cut:
        cut.write('["d", "00')
    items = [Document("a", "x"), bad, Document("c", "x"), Document("d", "x")]
    left = list(skip_finished(iter(items), progress_of(path, SETTINGS), path))
    assert left == [Failure("b", "b: cannot be tagged"), Document("d", "x")]
    with pytest.raises(UserError, match="leave out --resume"):
        list(skip_finished(iter([items[0], Document("b", "x"), *items[2:]]), progress_of(path, SETTINGS), path))
    with whole_file(path, SETTINGS):
        assert not untagged_path(path).exists()


def test_two_surrogates_that_become_a_character_are_no_change_of_the_text(tmp_path: Path) -> None:
    path, halves = tmp_path / "o.jsonl", Document("\ud83d\ude00", "a \ud83d\ude00 b \ud83d")
    partial_path(path).write_text(to_json_line(halves) + "\n")
    assert list(skip_finished(iter([halves]), progress_of(path, SETTINGS), path)) == []


def test_two_runs_do_not_write_one_output(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with whole_file(path, SETTINGS) as stream:
        stream.write(to_json_line(Document("a", "x")) + "\n{")
        stream.flush()
        with pytest.raises(UserError, match="another run writes this file"), whole_file(path, SETTINGS):
            pass
        with pytest.raises(UserError, match="another run writes this file"):
            progress_of(path, SETTINGS)
    assert path.read_text().endswith("{")


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null"])
def test_settings_that_say_nothing_are_one_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    partial_path(path).write_text("")
    settings_path(path).write_text(content)
    with pytest.raises(UserError, match=r"o\.jsonl\.part\.json: does not say .*; leave out --resume"):
        progress_of(path, SETTINGS)


def test_a_pipe_is_written_as_it_comes_and_nothing_is_put_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    (tmp_path / "63").symlink_to(path)
    assert is_stream(path)
    assert output_path(tmp_path / "63") == tmp_path / "63"  # the name that it has
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(tmp_path / "63", SETTINGS) as stream:
        stream.write("x")
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    write_errors(tmp_path / "63", [Failure("a", "bad")])
    assert {entry.name for entry in tmp_path.iterdir()} == {"pipe", "63"}


def test_a_folder_in_the_place_of_a_file_beside_the_output_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "o.jsonl.errors.jsonl").mkdir()
    with pytest.raises(UserError, match=r"o\.jsonl\.errors\.jsonl: is a folder where a file belongs to -o o\.jsonl"):
        output_path(tmp_path / "o.jsonl")


def test_a_link_to_itself_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="is a link to itself"):
        output_path(tmp_path / "loop")


def test_who_may_not_read_the_older_output_may_not_read_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text("older")
    path.chmod(0o600)
    with whole_file(path, SETTINGS) as stream:
        assert partial_path(path).stat().st_mode & 0o777 == 0o600
        stream.write("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_an_older_partial_output_is_replaced_and_nothing_is_written_through_it(kind: str, tmp_path: Path) -> None:
    kept, path = tmp_path / "kept", tmp_path / "o"
    kept.write_text("precious")
    if kind == "pipe":
        os.mkfifo(partial_path(path))
    elif kind == "link":
        partial_path(path).symlink_to(kept)
    else:
        partial_path(path).hardlink_to(kept)
    with whole_file(path, SETTINGS) as stream:
        stream.write("new")
    assert (kept.read_text(), path.read_text(), path.is_symlink()) == ("precious", "new", False)


def test_a_stream_can_be_gone_back_in(tmp_path: Path) -> None:
    with whole_file(tmp_path / "o", SETTINGS) as stream:
        stream.write("aaaa")
        stream.seek(0)
        stream.write("b")
    assert (tmp_path / "o").read_text() == "baaa"


def test_who_may_not_write_the_older_output_may_go_on_with_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "o"
    path.write_text("older")
    path.chmod(0o444)
    with pytest.raises(RuntimeError), whole_file(path, SETTINGS):
        raise RuntimeError
    assert partial_path(path).stat().st_mode & 0o777 == 0o644
    with whole_file(path, SETTINGS, progress_of(path, SETTINGS)):
        pass
    assert path.stat().st_mode & 0o777 == 0o444


def test_what_another_run_has_ended_meanwhile_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    partial_path(path).write_text(to_json_line(Document("a", "x")) + "\n")
    stale = progress_of(path, SETTINGS)
    with whole_file(path, SETTINGS, progress_of(path, SETTINGS)) as stream:
        stream.write(to_json_line(Document("b", "x")) + "\n")
        stream.flush()
        with pytest.raises(UserError, match="another run writes"), whole_file(path, SETTINGS, stale):
            pass
    with pytest.raises(UserError, match="another run writes"), whole_file(path, SETTINGS, stale):
        pass
    assert [document.id for document in read_jsonl(path)] == ["a", "b"]
