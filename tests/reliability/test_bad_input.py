from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ner_danvan.errors import UserError
from ner_danvan.io.output import errors_path
from ner_danvan.reliability.bad_input import (
    FAULTS,
    check_document,
    check_files,
    check_lines,
    stress,
    write_files,
    write_lines,
)
from ner_danvan.reliability.watch import Run, held_by

INT8 = ["--backend", "int8"]


def test_of_lines_a_third_of_which_are_broken_none_is_lost_and_none_let_in(tmp_path: Path) -> None:
    result = stress("lines", 600, 0.33, 3, tmp_path / "out", INT8)
    assert result.wrong == []
    assert result.run.code == 1
    assert (result.tagged, result.refused) == (result.documents, result.broken)
    assert result.documents + result.broken == 600
    assert 3 < result.run.handles < 100
    assert result.run.peak_mb > 50


def test_a_document_of_many_windows_is_tagged_to_its_end(tmp_path: Path) -> None:
    result = stress("document", 30_000, 0.0, 3, tmp_path / "out", INT8)
    assert result.wrong == []
    assert result.characters >= 30_000


def test_of_a_tree_of_files_none_is_lost(tmp_path: Path) -> None:
    result = stress("files", 1_200, 0.05, 3, tmp_path / "out", INT8)
    assert result.wrong == []
    assert result.run.code == 1
    assert result.broken > 20


def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        stress("lines", 1, 0.0, 1, tmp_path, [])
    with pytest.raises(UserError, match="kind=x is not known"):
        stress("x", 1, 0.0, 1, tmp_path / "b", [])


def test_a_number_that_cannot_be_is_told_before_anything_is_written(tmp_path: Path) -> None:
    wrong: list[Any] = ["x", 1.5, None]
    for size in wrong:
        with pytest.raises(UserError, match=rf"size={size} must be a whole number\."):
            stress("lines", size, 0.0, 1, tmp_path / "b", [])
    for size, broken, message in ((0, 0.0, "size=0 must be at least 1"), (1, 1.5, r"broken=1\.5 must be a share")):
        with pytest.raises(UserError, match=message):
            stress("lines", size, broken, 1, tmp_path / "b", [])
    assert not (tmp_path / "b").exists()


RUN = Run(1, 1.0, 100.0, 9)


@pytest.fixture
def lines(tmp_path: Path) -> tuple[Path, Path, dict[int, str]]:
    """Lines, and an output as a good command would make it."""
    source, output = tmp_path / "a.jsonl", tmp_path / "o.jsonl"
    faults = write_lines(source, 200, 0.2, 1)
    rows = [json.loads(line) for i, line in enumerate(source.open("rb"), 1) if i not in faults]
    output.write_text("".join(json.dumps(row | {"spans": []}) + "\n" for row in rows))
    errors = [{"id": f"{source}:{i}", "error": f"{source}:{i}: {FAULTS[kind][1]}"} for i, kind in faults.items()]
    errors_path(output).write_text("".join(json.dumps(row) + "\n" for row in errors))
    return source, output, faults


def test_the_check_passes_what_is_right(lines: tuple[Path, Path, dict[int, str]]) -> None:
    assert check_lines(*lines, RUN).wrong == []


def test_the_check_tells_a_line_that_was_lost_doubled_or_changed(lines: tuple[Path, Path, dict[int, str]]) -> None:
    _, output, _ = lines
    rows = output.read_text().splitlines(keepends=True)
    for wrong in (rows[:-1], [*rows, rows[-1]], [rows[1], rows[0], *rows[2:]], [rows[0].replace("text", "txt")]):
        output.write_text("".join(wrong))
        assert check_lines(*lines, RUN).wrong


def test_the_check_tells_an_error_without_place_or_reason(lines: tuple[Path, Path, dict[int, str]]) -> None:
    path = errors_path(lines[1])
    rows = path.read_text().splitlines(keepends=True)
    first = json.loads(rows[0])
    for wrong in (rows[1:], [json.dumps(first | {"error": "no"}) + "\n", *rows[1:]]):
        path.write_text("".join(wrong))
        assert check_lines(*lines, RUN).wrong
    path.write_text("".join(rows))
    assert check_lines(*lines, replace(RUN, code=0)).wrong == ["exit code 0"]


def test_the_check_tells_text_that_was_changed_and_a_tenth_without_spans(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    output.write_text(json.dumps({"text": "a" * 20, "spans": [{"start": 0, "end": 1, "text": "a"}]}))
    done = replace(RUN, code=0)
    assert check_document("b" * 20, output, done).wrong == ["the text is another"]
    assert len(check_document("a" * 20, output, done).wrong) == 9


def test_the_check_tells_a_file_that_was_lost(tmp_path: Path) -> None:
    texts = write_files(tmp_path / "files", 20, 0.0, 1)
    output = tmp_path / "o.jsonl"
    rows = [json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items()]
    output.write_text("".join(rows))
    done = replace(RUN, code=0)
    assert check_files(texts, output, done).wrong == []
    output.write_text("".join(rows[1:]))
    assert check_files(texts, output, done).wrong


def test_a_process_tells_what_it_holds(tmp_path: Path) -> None:
    before = held_by()
    held = [(tmp_path / str(i)).open("w") for i in range(5)]
    assert held_by().handles == before.handles + 5
    assert 1 < before.own_mb < before.memory_mb <= held_by().peak_mb
    block = b"x" * 50_000_000
    assert 45 < held_by().own_mb - before.own_mb < 75, len(block)
    for one in held:
        one.close()
