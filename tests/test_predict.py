from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import PREDICT, SENTENCES, make_tagger

from ner_danvan import predict
from ner_danvan.tagger import Tagger
from ner_danvan.text.inputs import prepare

Run = Callable[..., int]


@pytest.fixture
def run(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with a model that tags at random; gives the exit code."""
    monkeypatch.setattr(
        Tagger,
        "from_pretrained",
        lambda name, min_score=None, **_: make_tagger(vocabulary, min_score=min_score, own_min_score=0.4),
    )

    def call(*arguments: str | Path) -> int:
        with pytest.raises(SystemExit) as left:
            predict.main([str(argument) for argument in arguments])
        return int(left.value.code or 0)

    return call


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    for number, sentence in enumerate(SENTENCES):
        (folder / f"{number}.txt").write_text(sentence, encoding="utf-8")
    return folder


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def error_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_text_is_shown_with_its_spans(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--text", SENTENCES[0]) == 0
    assert "score" in capsys.readouterr().out


def test_jsonl_has_text_spans_and_scores(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--text", SENTENCES[0], "--format", "jsonl") == 0
    row = json.loads(capsys.readouterr().out)
    assert row["text"] == SENTENCES[0]
    assert row["spans"]
    for span in row["spans"]:
        assert SENTENCES[0][span["start"] : span["end"]] == span["text"]
        assert 0 <= span["score"] <= 1


def test_a_folder_goes_to_a_file_in_order(run: Run, reports: Path, tmp_path: Path) -> None:
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "o.jsonl") == 0
    assert [row["id"] for row in rows(tmp_path / "o.jsonl")] == [f"{i}.txt" for i in range(len(SENTENCES))]


def test_stdin_is_read(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Đảng ủy xã".encode())))
    assert run("-", "--format", "jsonl") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "stdin"


def test_min_score_leaves_out_what_is_less_sure(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(SENTENCES)
    run("--text", text, "--format", "jsonl", "--min-score", "0")
    every = json.loads(capsys.readouterr().out)["spans"]
    below, above = sorted(span["score"] for span in every)[len(every) // 2 :][:2]
    middle = (below + above) / 2  # scores are written rounded
    run("--text", text, "--format", "jsonl", "--min-score", str(middle))
    kept = json.loads(capsys.readouterr().out)["spans"]
    assert kept == [span for span in every if span["score"] >= middle]
    assert 0 < len(kept) < len(every)
    run("--text", text, "--format", "jsonl")
    own = json.loads(capsys.readouterr().out)["spans"]
    assert own == [span for span in every if span["score"] >= 0.4]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "nothing to read"),
        (["a.txt", "--text", "x"], "exclude each other"),
        (["a.txt", "--resume"], "--resume goes with -o"),
        ([""], "a PATH is empty"),
        (["a.txt", "--min-score", "1.5"], "1.5 is no probability"),
        (["a.txt", "--min-score", "x"], "x is no probability"),
        (["a.txt", "--format", "xml"], "invalid choice"),
        (["a.txt", "--frmat", "jsonl"], "unrecognized arguments"),
        (["a.txt", "--format", "xlsx"], "give a file with -o"),
        (["a.txt", "--format", "csv", "-o", "o", "--resume"], "--resume goes with"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    assert run(*arguments) == 2
    (line,) = error_lines(capsys)
    assert line.startswith("error: ")
    assert wanted in line


def test_an_input_that_fails_stops_and_no_output_appears(
    run: Run, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("3.txt", "4.txt"):
        (reports / name).write_bytes(b"abc\xff")
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "o.jsonl") == 1
    assert not (tmp_path / "o.jsonl").exists()
    first, hint, count = error_lines(capsys)
    assert "3.txt: byte 3 (0xff) is not UTF-8" in first
    assert "--resume" in hint
    assert "failed: 1" in count  # the second bad input was not read any more
    assert [row["id"] for row in rows(tmp_path / "o.jsonl.errors.jsonl")] == ["3.txt"]


def test_a_document_that_cannot_be_tagged_does_not_end_the_run(
    run: Run, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(text: str, *rest: Any) -> object:
        if text == SENTENCES[2]:
            raise IndexError("list index out of range")
        return prepare(text, *rest)

    monkeypatch.setattr("ner_danvan.pipeline.prepare", broken)
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "o.jsonl", "--on-error", "skip") == 1
    assert [row["id"] for row in rows(tmp_path / "o.jsonl")] == ["0.txt", "1.txt", "3.txt", "4.txt", "5.txt"]
    assert "2.txt: cannot be tagged (IndexError" in error_lines(capsys)[0]
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "p.jsonl") == 1
    assert not (tmp_path / "p.jsonl").exists()


def test_model_revision_and_device_reach_the_tagger(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str | None, dict[str, Any]]] = []

    def load(name: str | None, **options: Any) -> Tagger:
        asked.append((name, options))
        return make_tagger(vocabulary)

    monkeypatch.setattr(Tagger, "from_pretrained", load)
    with pytest.raises(SystemExit):
        predict.main(["--text", "x", "--model", "m", "--revision", "r", "--device", "cpu", "--backend", "torch"])
    assert asked == [("m", {"revision": "r", "backend": "torch", "device": "cpu", "min_score": None})]


def test_the_output_in_the_input_folder_is_not_read_again(run: Run, reports: Path) -> None:
    for _ in range(2):
        assert run(reports, "--format", "jsonl", "-o", reports / "out.jsonl") == 0
        assert len(rows(reports / "out.jsonl")) == len(SENTENCES)


@pytest.mark.parametrize("format_", ["pretty", "jsonl", "csv", "html"])
def test_a_reader_that_leaves_early_is_no_error(format_: str, vocabulary: Path, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text((SENTENCES[0] + "\n") * 400, encoding="utf-8")
    command = [sys.executable, "-c", PREDICT, str(vocabulary), str(tmp_path / "many.txt"), "--format", format_]
    path = os.pathsep.join(sys.path)  # the package that this process imports, and what the tests share
    environment = os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "ascii"}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert running.stdout is not None
    assert running.stdout.read(10)
    running.stdout.close()
    _, errors = running.communicate(timeout=120)
    assert (running.returncode, errors) == (0, b"")


def test_on_error_skip_goes_on_and_keeps_what_failed(
    run: Run, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (reports / "3.txt").write_bytes(b"abc\xff")
    assert run(reports, tmp_path / "no.txt", "--format", "jsonl", "-o", tmp_path / "o.jsonl", "--on-error", "skip") == 1
    assert [row["id"] for row in rows(tmp_path / "o.jsonl")] == ["0.txt", "1.txt", "2.txt", "4.txt", "5.txt"]
    failed = rows(tmp_path / "o.jsonl.errors.jsonl")
    assert [row["id"] for row in failed] == ["3.txt", str(tmp_path / "no.txt")]
    assert len(error_lines(capsys)) == 3


@pytest.mark.parametrize("name", ["missing.txt", "empty"])
def test_an_unreadable_input_is_one_line_and_exit_1(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / name) == 1
    assert len(error_lines(capsys)) == 1


def test_resume_gives_what_one_run_would_have(run: Run, reports: Path, tmp_path: Path) -> None:
    whole, output = tmp_path / "whole.jsonl", tmp_path / "o.jsonl"
    run(reports, "--format", "jsonl", "-o", whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    (tmp_path / "o.jsonl.part").write_bytes(b"".join(lines[:2]) + lines[2][:20])
    assert run(reports, "--format", "jsonl", "-o", output, "--resume") == 0
    assert output.read_bytes() == whole.read_bytes()


def test_resume_refuses_other_inputs(
    run: Run, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o.jsonl.part").write_text('{"id": "other", "text": "x"}\n')
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "o.jsonl", "--resume") == 2
    assert "holds other where the inputs have 0.txt" in error_lines(capsys)[0]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "html", "CONLL"])
def test_the_ending_of_the_output_says_the_format(run: Run, reports: Path, tmp_path: Path, ending: str) -> None:
    assert run(reports, "-o", tmp_path / f"a.{ending}") == 0
    assert run(reports, "--format", ending.lower(), "-o", tmp_path / f"b.{ending}") == 0
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert run(reports, "--format", "pretty", "-o", tmp_path / f"c.{ending}") == 0
    assert (tmp_path / f"c.{ending}").read_bytes() != (tmp_path / f"b.{ending}").read_bytes()


def test_pretty_goes_to_a_file_too(run: Run, reports: Path, tmp_path: Path) -> None:
    assert run(reports, "-o", tmp_path / "o.txt") == 0
    assert "0.txt" in (tmp_path / "o.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", ["csv", "xlsx", "html"])
def test_tables_and_pages_go_to_a_file(run: Run, reports: Path, tmp_path: Path, format_: str) -> None:
    if format_ == "xlsx":
        pytest.importorskip("openpyxl")
    output = tmp_path / f"o.{format_}"
    assert run(reports, "--format", format_, "-o", output) == 0
    begin = {"csv": b"\xef\xbb\xbfdocument,", "xlsx": b"PK\x03\x04", "html": b"<!doctype html>"}[format_]
    data = output.read_bytes()
    assert data.startswith(begin)
    if format_ == "xlsx":
        book = pytest.importorskip("openpyxl").load_workbook(output)
        assert book["spans"]["A2"].value == "0.txt"
    else:
        assert b"0.txt" in data
    assert sorted(path.name for path in tmp_path.iterdir()) == [output.name, "reports"]


@pytest.mark.parametrize("format_", ["csv", "html"])
def test_text_formats_go_to_stdout(run: Run, capsys: pytest.CaptureFixture[str], format_: str) -> None:
    assert run("--text", SENTENCES[0], "--format", format_) == 0
    assert SENTENCES[0].split()[0] in capsys.readouterr().out


def test_a_table_of_a_run_that_failed_does_not_appear(run: Run, reports: Path, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    (reports / "3.txt").write_bytes(b"abc\xff")
    for format_ in ("csv", "xlsx", "html"):
        assert run(reports, "--format", format_, "-o", tmp_path / "o") == 1
        assert not (tmp_path / "o").exists()


def test_a_format_whose_package_is_missing_is_told_at_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert run("--text", "x", "--format", "xlsx", "-o", tmp_path / "o.xlsx") == 2
    assert "pip install 'ner-danvan[xlsx]'" in error_lines(capsys)[0]
    assert not list(tmp_path.glob("o.xlsx*"))


def test_an_interruption_says_how_to_go_on(
    run: Run, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "_write", interrupted)
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "o.jsonl") == 130
    assert "--resume" in error_lines(capsys)[0]
    assert run(reports, "-o", tmp_path / "o.txt") == 130
    assert "--resume" not in error_lines(capsys)[0]  # pretty output cannot be gone on with


def test_progress_counts_on_a_terminal(
    run: Run, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run(reports, "--format", "jsonl", "-o", tmp_path / "o.jsonl") == 0
    assert "documents" in capsys.readouterr().err


@pytest.mark.parametrize("format_", ["pretty", "jsonl", "csv", "html"])
def test_a_lone_surrogate_can_be_shown(run: Run, tmp_path: Path, format_: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "Đảng \\ud83d ủy"}\n')
    assert run(tmp_path / "d.jsonl", "--format", format_) == 0
    assert run(tmp_path / "d.jsonl", "--format", format_, "-o", tmp_path / "o") == 0


def test_label_studio_gets_its_tasks_in_order_and_its_config(run: Run, reports: Path, tmp_path: Path) -> None:
    assert run(reports, "--format", "label-studio", "-o", tmp_path / "o.json", "--uncertain-first") == 0
    tasks = json.loads((tmp_path / "o.json").read_text())
    doubts = [
        sum(1 - region["score"] for region in task["predictions"][0]["result"]) / len(task["data"]["text"])
        for task in tasks
        if "predictions" in task
    ]
    assert doubts == sorted(doubts, reverse=True)
    assert len(tasks) == len(SENTENCES)
    assert 'value="PERSON"' in (tmp_path / "o.config.xml").read_text()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--resume", "--uncertain-first", "-o", "o.jsonl", "--format", "jsonl"], "exclude each other"),
        (["--engine", "ray", "--uncertain-first", "-o", "o", "--format", "jsonl"], "goes with --engine local"),
    ],
)
def test_sorting_goes_with_nothing_that_writes_at_once(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    assert run("x.txt", *arguments) == 2
    assert wanted in error_lines(capsys)[0]


def test_a_column_of_a_table_is_tagged_row_by_row(run: Run, tmp_path: Path) -> None:
    table = "số,mô tả\n" + "".join(f'{number},"{sentence}"\n' for number, sentence in enumerate(SENTENCES))
    (tmp_path / "a.csv").write_text(table, encoding="utf-8")
    options = ["--column", "Mô tả", "--id-column", "Số", "--format", "jsonl", "-o", tmp_path / "o.jsonl"]
    assert run(tmp_path / "a.csv", *options) == 0
    assert [row["id"] for row in rows(tmp_path / "o.jsonl")] == [str(number) for number in range(len(SENTENCES))]
    assert rows(tmp_path / "o.jsonl")[1]["meta"] == {"source": str(tmp_path / "a.csv"), "row": 3}


def test_a_table_whose_text_is_not_known_lists_its_columns(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("một,hai\nx,y\n", encoding="utf-8")
    assert run(tmp_path / "a.csv") == 1
    (line,) = error_lines(capsys)
    assert line.endswith("choose one by --column: một, hai.")


def test_columns_are_not_chosen_under_ray(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--engine", "ray", "--format", "jsonl", "-o", tmp_path / "o", "--column", "x"]
    assert run(tmp_path, *options) == 2
    assert "leave out --column" in error_lines(capsys)[0]
