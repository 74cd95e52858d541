from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import SENTENCES

from ner_danvan import predict
from ner_danvan.bulk.engine import RayEngine, cores_each
from ner_danvan.bulk.parts import MANIFEST
from ner_danvan.bulk.run import Request, run_bulk


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        predict.main([str(argument) for argument in arguments])
    return int(left.value.code or 0)


@given(nodes=st.lists(st.integers(0, 64), max_size=5), workers=st.integers(1, 100))
def test_as_many_actors_as_asked_for_find_room(nodes: list[int], workers: int) -> None:
    cores = cores_each(nodes, workers)
    room = sum(int(node / cores + 1e-9) for node in nodes)
    assert room >= workers or sum(nodes) == 0
    if cores >= 1 and sum(nodes):
        assert sum(int(node // (cores + 1)) for node in nodes) < workers  # and none could have more


def test_without_ray_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(tmp_path, "--engine", "ray", "--format", "jsonl", "-o", tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'ner-danvan[ray]'" in line


def test_a_cluster_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray")
    (tmp_path / "a.txt").write_text("x")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{taken.getsockname()[1]}")
        assert run(tmp_path / "a.txt", "--engine", "ray", "--format", "jsonl", "-o", tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no cluster answers" in line


@pytest.mark.parametrize("address", ["cluster", None])
def test_the_cluster_of_the_environment_is_joined_or_else_one_is_started_here(
    address: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = pytest.importorskip("ray")
    asked: list[str] = []

    def init(address: str, **_: object) -> None:
        asked.append(address)
        raise ConnectionError("Failed to connect.")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if address:
        monkeypatch.setenv("RAY_ADDRESS", address)
    (tmp_path / "a.txt").write_text("x")
    assert run(tmp_path / "a.txt", "--engine", "ray", "--format", "jsonl", "-o", tmp_path / "out") == 2
    assert asked == [address or "local"]
    (line,) = capsys.readouterr().err.splitlines()
    assert "(Failed to connect)" in line


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["a.txt", "--engine", "ray", "--format", "jsonl"], "--engine ray goes with PATH, -o FOLDER and --format"),
        (["a.txt", "--engine", "ray", "-o", "out"], "--format jsonl or parquet"),
        (["--text", "x", "--engine", "ray", "--format", "jsonl", "-o", "out"], "--engine ray goes with PATH"),
        (["a.txt", "--format", "parquet"], "--format parquet goes with --engine ray"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    assert run(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert wanted in line


@pytest.fixture(scope="module")
def _two_cores() -> Iterator[None]:
    """A Ray of this machine, as small as it may be."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    ray = pytest.importorskip("ray")
    ray.init("local", num_cpus=2, object_store_memory=80 * 2**20, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("_two_cores")
def test_two_actors_write_what_one_process_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = Path("corpus")
    corpus.mkdir()
    for number, sentence in enumerate(SENTENCES):
        (corpus / f"{number}.txt").write_text(sentence, encoding="utf-8")
    rows = [{"id": f"r{number}", "text": " ".join(SENTENCES[: number % 6 + 1])} for number in range(12)]
    (corpus / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    assert run(corpus, "--format", "jsonl", "--on-error", "skip", "-o", "local.jsonl") == 1
    told: list[str] = []
    capfd.readouterr()
    request = Request(["corpus"], Path("out"), "jsonl", stop=False, shard_bytes=1_000)
    assert run_bulk(request, RayEngine(2), told.append) == 1
    assert capfd.readouterr() == ("", "")  # Ray is silent
    parts = sorted(Path("out").glob("part-*"))
    assert len(parts) > 4
    assert b"".join(part.read_bytes() for part in parts) == Path("local.jsonl").read_bytes()
    assert Path("out/_errors.jsonl").read_bytes() == Path("local.jsonl.errors.jsonl").read_bytes()
    assert told[0].startswith("error: rows.jsonl:13: no JSON")
    assert told[1] == f"out: 19 inputs, 18 documents in {len(parts)} parts"

    parts[1].unlink()
    others = {part: part.stat().st_mtime_ns for part in parts if part.exists()}
    command = (corpus, "--engine", "ray", "--workers", "2", "--format", "jsonl", "--on-error", "skip", "-o", "out")
    assert run(*command) == 2
    assert "is not empty" in capfd.readouterr().err
    assert run(*command, "--resume") == 1
    assert b"".join(part.read_bytes() for part in parts) == Path("local.jsonl").read_bytes()
    assert {part: part.stat().st_mtime_ns for part in others} == others
    assert json.loads(Path("out", MANIFEST).read_text())["done"] is True
