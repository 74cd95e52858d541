"""Where the command reads and writes: odd files, closed streams, outputs that are inputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tiny import PREDICT, SENTENCES, make_tagger

from ner_danvan import predict
from ner_danvan.tagger import Tagger

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(vocabulary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with a model that tags at random; gives the exit code and what stderr got."""
    monkeypatch.setattr(Tagger, "from_pretrained", lambda name, **_: make_tagger(vocabulary))

    def call(*arguments: str | Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            predict.main([str(argument) for argument in arguments])
        return int(left.value.code or 0), capsys.readouterr().err

    return call


@pytest.fixture
def shell(vocabulary: Path) -> Callable[[str, Sequence[str | Path]], subprocess.CompletedProcess[bytes]]:
    """Runs the command in a process of its own, its streams as a shell's redirections say."""

    def call(redirected: str, arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", PREDICT, str(vocabulary), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        script = ["sh", "-c", f'"$@" {redirected}', "sh", *command]
        return subprocess.run(script, capture_output=True, env=environment, timeout=120, check=False)

    return call


Shell = Callable[[str, Sequence[str | Path]], subprocess.CompletedProcess[bytes]]


def report(path: Path, text: str = SENTENCES[0]) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "output", "format_"),
    [
        ("a.txt", "a.txt", "csv"),
        ("o.jsonl.errors.jsonl", "o.jsonl", "jsonl"),
        ("o.jsonl.part", "o.jsonl", "jsonl"),
        ("o.jsonl.part.json", "o.jsonl", "jsonl"),
        ("o.config.xml", "o.json", "label-studio"),
    ],
)
def test_an_output_that_would_take_the_place_of_an_input_is_refused(
    name: str, output: str, format_: str, run: Run, tmp_path: Path
) -> None:
    place = report(tmp_path / name)
    (tmp_path / "link").symlink_to(place)
    for given in (place, tmp_path / "link"):
        code, said = run(given, "--format", format_, "-o", tmp_path / output)
        assert (code, said.count("\n")) == (2, 1)
        assert f"{given}: is an input, and -o" in said
    assert place.read_text(encoding="utf-8") == SENTENCES[0]


def test_odd_files_of_a_folder_keep_nobody_from_the_others(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    report(folder / "a.txt")
    (folder / "loop.txt").symlink_to("loop.txt")
    os.mkfifo(folder / "pipe.txt")
    names = ["x" * 300, str(folder), str(folder / "a.txt" / "b")]
    code, said = run(*names, "--format", "jsonl", "-o", tmp_path / "o.jsonl", "--on-error", "skip")
    assert code == 1
    assert "Traceback" not in said
    assert "passed over 1 files that no reader takes (.txt 1)" in said
    (row,) = (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(row)["id"] == "a.txt"
    failed = [json.loads(line)["id"] for line in (tmp_path / "o.jsonl.errors.jsonl").read_text().splitlines()]
    assert failed == [names[0], "loop.txt", names[2]]


def test_a_partial_output_of_another_model_is_not_gone_on_with(run: Run, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    report(tmp_path / "a.jsonl", json.dumps({"id": "a", "text": "x"}) + "\n{broken\n")
    command = [tmp_path / "a.jsonl", "--model", f"{model}", "--format", "jsonl", "-o", tmp_path / "o.jsonl"]
    assert run(*command)[0] == 1
    (model / "config.json").write_text('{"min_score": 1}')
    code, said = run(*command, "--resume")
    assert code == 2
    assert f"begun with model {model} (" in said
    assert said.count("\n") == 1
    (model / "config.json").write_text("{}")
    assert run(*command, "--resume")[0] == 1  # for the broken line


def test_who_follows_the_hints_of_a_limit_goes_on(run: Run, tmp_path: Path) -> None:
    names = [report(tmp_path / "a.txt", "Họp."), report(tmp_path / "b.txt", "x" * 101)]
    command = [*names, "--format", "jsonl", "-o", tmp_path / "o.jsonl"]
    code, said = run(*command, "--limit", "file=100")
    assert (code, "allow more by --limit file=101" in said, "--resume" in said) == (1, True, True)
    assert run(*command, "--limit", "file=101", "--resume") == (0, "")
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("redirected", [">", ">>", "| cat >"])
def test_a_workbook_to_stdout_is_whole(redirected: str, shell: Shell, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    output = tmp_path / "o.xlsx"
    arguments = ["--text", SENTENCES[0], "--format", "xlsx", "-o", "/dev/stdout"]
    assert shell(f"{redirected} {output}", arguments).returncode == 0
    assert openpyxl.load_workbook(output).sheetnames == ["spans", "people", "tasks"]


@pytest.mark.parametrize("place", ["no/o.jsonl", "x" * 300, "a.txt/o.jsonl"])
def test_a_place_that_cannot_be_written_is_one_line(place: str, run: Run, tmp_path: Path) -> None:
    code, said = run(report(tmp_path / "a.txt"), "--format", "jsonl", "-o", tmp_path / place)
    assert (code, said.count("\n")) == (2, 1)


@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_stdout_may_be_named_and_is_added_to(output: str, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "o").write_text("before\n")
    ended = shell(f">> {tmp_path}/o", ["--text", SENTENCES[0], "--format", "jsonl", "-o", output])
    assert (ended.returncode, ended.stderr) == (0, b"")
    before, row = (tmp_path / "o").read_text(encoding="utf-8").splitlines()
    assert before == "before"
    assert json.loads(row)["id"] == "text"


@pytest.mark.parametrize("redirected", ["2>&-", "<&-"])
def test_closed_streams_that_are_not_wanted_are_no_fault(redirected: str, shell: Shell, tmp_path: Path) -> None:
    ended = shell(redirected, ["--text", SENTENCES[0], "--format", "jsonl", "-o", tmp_path / "o.jsonl"])
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert len((tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_closed_stderr_sends_no_error_to_stdout(shell: Shell) -> None:
    ended = shell("2>&-", ["--nosuch"])
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_closed_stdout_is_one_line_but_for_an_output_elsewhere(shell: Shell, tmp_path: Path) -> None:
    ended = shell(">&-", ["--text", SENTENCES[0]])
    assert (ended.returncode, ended.stderr) == (2, b"error: stdout: is closed; give a file with -o OUT.\n")
    assert shell(">&-", ["--text", "x", "--format", "jsonl", "-o", tmp_path / "o.jsonl"]).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("count", [1, 3_000])
def test_a_full_disk_behind_stdout_is_one_line(count: int, shell: Shell, tmp_path: Path) -> None:
    rows = "".join(json.dumps({"id": str(number), "text": "Họp."}) + "\n" for number in range(count))
    ended = shell("> /dev/full", [report(tmp_path / "a.jsonl", rows), "--format", "jsonl"])
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert b"cannot be written (No space left on device)" in ended.stderr
