from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import SENTENCES, make_tagger

from ner_danvan import predict
from ner_danvan.bulk import worker
from ner_danvan.bulk.parts import ERRORS, LOG, MANIFEST, Outcome, outcome_from_json, whole_part
from ner_danvan.bulk.run import Engine, Request, run_bulk
from ner_danvan.bulk.shards import Shard
from ner_danvan.bulk.worker import Job, ShardTagger
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure, Limits
from ner_danvan.tagger import Tagger

SHARD = 300  # bytes: two or three sentences


class HereEngine:
    """Runs shards in this process, the last one first; notes which, and may be cut short."""

    def __init__(self, change: Callable[[Outcome], Outcome] = lambda outcome: outcome, limit: int = 1_000) -> None:
        self.ran: list[int] = []
        self._change = change
        self._limit = limit

    def __call__(self, shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
        tagger = ShardTagger(job)
        for shard in reversed(shards):
            if len(self.ran) == self._limit:
                raise UserError("Ray gave up.")
            self.ran.append(shard.number)
            yield self._change(outcome_from_json(tagger(shard).to_json()))


@pytest.fixture(autouse=True)
def _random_model(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Tagger, "from_pretrained", lambda name, min_score=None, **_: make_tagger(vocabulary, min_score=min_score)
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number, sentence in enumerate(SENTENCES):
        (folder / f"{number}.txt").write_text(sentence, encoding="utf-8")
    rows = [{"id": f"r{number}", "text": SENTENCES[number % 6], "meta": {"n": number}} for number in range(12)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    return folder


Bulk = Callable[..., int]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def bulk(corpus: Path, tmp_path: Path, told: list[str]) -> Bulk:
    def call(engine: Engine | None = None, **changes: Any) -> int:
        request = Request([str(corpus)], tmp_path / "out", "jsonl", shard_bytes=SHARD)
        return run_bulk(replace(request, **changes), engine or HereEngine(), told.append)

    return call


@pytest.fixture
def local(corpus: Path, tmp_path: Path) -> Callable[..., bytes]:
    """What one process writes."""

    def call(*arguments: str) -> bytes:
        with pytest.raises(SystemExit):
            predict.main([str(corpus), "--format", "jsonl", "-o", str(tmp_path / "local.jsonl"), *arguments])
        return (tmp_path / "local.jsonl").read_bytes()

    return call


def joined(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("part-*.jsonl")))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return found


def test_parts_joined_are_what_one_process_writes(
    bulk: Bulk, local: Callable[..., bytes], tmp_path: Path, told: list[str]
) -> None:
    assert bulk() == 0
    assert joined(tmp_path / "out") == local()
    parts = sorted(path.name for path in (tmp_path / "out").glob("part-*"))
    assert len(parts) > 3
    found = manifest(tmp_path / "out")
    assert (found["done"], found["documents"], found["failed"]) == (True, 18, 0)
    assert [shard["part"] for shard in found["shards"]] == parts
    assert told == [f"{tmp_path / 'out'}: 18 inputs, 18 documents in {len(parts)} parts"]


def test_resume_makes_only_the_part_that_is_missing(bulk: Bulk, tmp_path: Path, told: list[str]) -> None:
    bulk()
    whole = joined(tmp_path / "out")
    (tmp_path / "out" / "part-000001.jsonl").unlink()
    part = tmp_path / "out" / "part-000002.jsonl"
    part.write_bytes(part.read_bytes()[:50])
    (tmp_path / "out" / ".part-000001.jsonl.x.tmp").write_text("left by a worker that died")
    engine = HereEngine()
    assert bulk(engine, resume=True) == 0
    assert engine.ran == [2, 1]
    assert joined(tmp_path / "out") == whole
    assert not list((tmp_path / "out").glob(".*"))
    engine = HereEngine()
    assert bulk(engine, resume=True) == 0
    assert engine.ran == []


def test_a_run_that_was_given_up_goes_on(bulk: Bulk, local: Callable[..., bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gave up"):
        bulk(HereEngine(limit=2))
    assert manifest(tmp_path / "out")["done"] is False
    with (tmp_path / "out" / LOG).open("a") as log:
        log.write('{"part": "part-000')  # cut off
    engine = HereEngine()
    assert bulk(engine, resume=True) == 0
    assert len(engine.ran) == len(manifest(tmp_path / "out")["shards"]) - 2
    assert joined(tmp_path / "out") == local()


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_was_killed_before_its_manifest_begins_anew(bulk: Bulk, tmp_path: Path, resume: bool) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".{MANIFEST}.x.tmp").write_text("{")
    assert bulk(resume=resume) == 0
    assert not list((tmp_path / "out").glob(".*"))


def test_a_folder_that_is_not_empty_is_refused(bulk: Bulk, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(UserError, match=r"out: is not empty; .* --resume"):
        bulk()
    with pytest.raises(UserError, match=r"has no _manifest.json"):
        bulk(resume=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"min_score": 0.9}, r"begun with min-score 0\.\d+, now it is 0.9"),
        ({"format": "parquet"}, "begun with format jsonl, now it is parquet"),
        ({"backend": "int8"}, "begun with model"),
    ],
)
def test_resume_refuses_other_settings(bulk: Bulk, tmp_path: Path, changes: dict[str, Any], wanted: str) -> None:
    bulk()
    before = joined(tmp_path / "out")
    with pytest.raises(UserError, match=wanted):
        bulk(resume=True, **changes)
    assert joined(tmp_path / "out") == before


def test_resume_refuses_other_inputs(bulk: Bulk, corpus: Path, tmp_path: Path) -> None:
    bulk()
    (corpus / "1.txt").write_text("Đảng ủy xã")
    part = tmp_path / "out" / "part-000000.jsonl"
    with pytest.raises(UserError, match=rf"{part}: was made of other inputs \(it now begins at 0.txt"):
        bulk(resume=True)
    part.unlink()  # the mend that the message names
    assert bulk(resume=True) == 0
    assert rows(part)[1]["text"] == "Đảng ủy xã"


def test_resume_cuts_where_the_first_run_did(bulk: Bulk, corpus: Path, tmp_path: Path) -> None:
    bulk()
    (corpus / "z.txt").write_text("Đảng ủy xã")  # what comes new goes behind
    engine = HereEngine()
    assert bulk(engine, resume=True, shard_bytes=10) == 0
    count = len(manifest(tmp_path / "out")["shards"])
    assert engine.ran == [count - 1]


def test_resume_refuses_parts_beyond_the_inputs(bulk: Bulk, corpus: Path) -> None:
    bulk()
    (corpus / "rows.jsonl").unlink()
    with pytest.raises(UserError, match="now beyond their end"):
        bulk(resume=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("{", "cannot be read"), ('{"settings": {}, "format": 99}', "format 99, this version writes 1")],
)
def test_a_manifest_of_another_kind_is_refused(bulk: Bulk, tmp_path: Path, text: str, wanted: str) -> None:
    bulk()
    (tmp_path / "out" / MANIFEST).write_text(text)
    with pytest.raises(UserError, match=wanted):
        bulk(resume=True)


def test_an_output_that_can_be_no_folder_is_refused(bulk: Bulk, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for output, wanted in [
        (tmp_path / "file", "is a file"),
        (tmp_path / "no" / "out", "there is no folder"),
        (corpus / "out", "lies in the input folder"),
        (corpus, "lies in the input folder"),
    ]:
        with pytest.raises(UserError, match=wanted):
            bulk(output=output)


def test_under_fail_a_part_that_fails_is_not_written_and_can_be_mended(
    bulk: Bulk, local: Callable[..., bytes], corpus: Path, tmp_path: Path, told: list[str]
) -> None:
    good = (corpus / "3.txt").read_bytes()
    (corpus / "3.txt").write_bytes(b"\xff")
    (corpus / "4.txt").write_bytes(b"\xff")  # of the same shard: is not read any more
    assert bulk() == 1
    first, hint, count = told
    assert "3.txt: byte 0 (0xff) is not UTF-8" in first
    assert "--resume" in hint
    assert count == f"failed: 1, see {tmp_path / 'out' / ERRORS}"
    assert [row["id"] for row in rows(tmp_path / "out" / ERRORS)] == ["3.txt"]
    assert manifest(tmp_path / "out")["done"] is False
    (corpus / "3.txt").write_bytes(good)
    (corpus / "4.txt").write_bytes(SENTENCES[4].encode())
    assert bulk(resume=True) == 0
    assert joined(tmp_path / "out") == local()
    assert not (tmp_path / "out" / ERRORS).exists()


def test_under_skip_what_fails_is_kept_and_the_rest_is_written(
    bulk: Bulk, local: Callable[..., bytes], corpus: Path, tmp_path: Path, told: list[str]
) -> None:
    (corpus / "3.txt").write_bytes(b"\xff")
    (corpus / "rows.jsonl").write_text('{"text": "x"}\n\n{\n{"id": "last", "text": "y"}\n')
    assert bulk(stop=False) == 1
    assert joined(tmp_path / "out") == local("--on-error", "skip")
    assert rows(tmp_path / "out" / ERRORS) == rows(tmp_path / "local.jsonl.errors.jsonl")
    found = manifest(tmp_path / "out")
    assert (found["done"], found["documents"], found["failed"]) == (True, 7, 2)
    del told[:]
    engine = HereEngine()
    assert bulk(engine, stop=False, resume=True) == 1
    assert engine.ran == []
    assert "error: rows.jsonl:3: no JSON" in "\n".join(told)
    assert bulk(engine, resume=True) == 1  # what was skipped does not pass under fail
    assert engine.ran


def test_what_failed_is_tried_again_under_other_limits(
    bulk: Bulk, local: Callable[..., bytes], corpus: Path, tmp_path: Path
) -> None:
    few = Limits(file=max(map(len, (corpus / "rows.jsonl").read_bytes().splitlines())) - 1)
    assert bulk(stop=False, limits=few) == 1
    assert manifest(tmp_path / "out")["failed"] > 0
    engine = HereEngine()
    assert bulk(engine, stop=False, limits=few, resume=True) == 1
    assert engine.ran == []
    assert bulk(engine, stop=False, resume=True) == 0
    assert 0 < len(engine.ran) < len(list((tmp_path / "out").glob("part-*")))
    assert joined(tmp_path / "out") == local()


def test_a_part_of_failures_only_is_an_empty_part(bulk: Bulk, corpus: Path, tmp_path: Path) -> None:
    assert bulk(stop=False, paths=["missing.txt"]) == 1
    assert (tmp_path / "out" / "part-000000.jsonl").read_bytes() == b""
    engine = HereEngine()
    assert bulk(engine, stop=False, paths=["missing.txt"], resume=True) == 1
    assert engine.ran == []


def test_under_fail_an_input_that_is_not_there_ends_the_run_before_it_begins(
    bulk: Bulk, corpus: Path, tmp_path: Path, told: list[str]
) -> None:
    engine = HereEngine()
    assert bulk(engine, paths=[str(corpus), "missing.txt", "gone.txt"]) == 1
    assert engine.ran == []
    assert told[0] == "error: missing.txt: no such file; check the path."
    assert [row["id"] for row in rows(tmp_path / "out" / ERRORS)] == ["missing.txt"]


def test_no_documents_are_no_parts(bulk: Bulk, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    assert bulk(paths=[str(tmp_path / "empty.jsonl")]) == 0
    assert manifest(tmp_path / "out")["done"] is True


def test_a_document_that_cannot_be_tagged_fails_alone(
    bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ner_danvan.text.inputs import prepare

    def broken(text: str, *rest: Any) -> object:
        if text == SENTENCES[2]:
            raise IndexError("list index out of range")
        return prepare(text, *rest)

    monkeypatch.setattr("ner_danvan.pipeline.prepare", broken)
    assert bulk(stop=False) == 1
    assert [row["id"] for row in rows(tmp_path / "out" / ERRORS)] == ["2.txt", "r2", "r8"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda outcome: replace(outcome, documents=outcome.documents - 1), "documents and 0 failures of"),
        (lambda outcome: replace(outcome, part="part-000000.jsonl"), "made twice or for other inputs"),
        (lambda outcome: replace(outcome, fault="a worker's fault"), "a worker's fault"),
        (lambda outcome: replace(outcome, size=outcome.size + 1), "is missing or cut off"),
    ],
)
def test_an_engine_that_loses_something_is_found_out(
    bulk: Bulk, change: Callable[[Outcome], Outcome], wanted: str
) -> None:
    with pytest.raises(UserError, match=wanted):
        bulk(HereEngine(change))


def test_an_engine_that_skips_a_shard_is_found_out(bulk: Bulk) -> None:
    def lazy(shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
        yield from HereEngine()(shards[1:], job)

    with pytest.raises(UserError, match=r"part-000000.jsonl: is missing"):
        bulk(lazy)


def test_a_worker_with_another_model_stops_the_run(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "fingerprint", lambda *_: "other")
    with pytest.raises(UserError, match="worker's model"):
        bulk()


def test_a_worker_that_cannot_write_stops_the_run(bulk: Bulk, tmp_path: Path) -> None:
    def elsewhere(shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
        yield from HereEngine()(shards, replace(job, folder=str(tmp_path / "no")))

    with pytest.raises(UserError, match="cannot be written"):
        bulk(elsewhere)


def test_a_model_folder_is_given_to_workers_as_an_absolute_path(
    bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ner_danvan.model_dir import find_model

    (tmp_path / "model").symlink_to(find_model(None))
    monkeypatch.chdir(tmp_path)
    asked: list[str | None] = []

    def engine(shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
        asked.append(job.model)
        yield from HereEngine()(shards, job)

    assert bulk(engine, model="model") == 0
    assert asked == [str(tmp_path / "model")]


def test_parquet_parts_hold_the_same_documents(bulk: Bulk, local: Callable[..., bytes], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert bulk(format="parquet") == 0
    found = parquet.read_table(tmp_path / "out").to_pylist()
    for row in found:
        row["meta"] = json.loads(row["meta"]) if row["meta"] else {}
    wanted = [json.loads(line) for line in local().splitlines()]
    assert found == [row | {"meta": row.get("meta", {})} for row in wanted]


def test_parquet_cannot_hold_a_lone_surrogate(bulk: Bulk, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "\\ud83d"}\n{"id": "b", "text": "x"}\n')
    assert bulk(format="parquet", paths=[str(tmp_path / "d.jsonl")], stop=False) == 1
    (row,) = rows(tmp_path / "out" / ERRORS)
    assert "lone surrogate" in row["error"]


def test_progress_is_told_on_a_terminal(bulk: Bulk, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("ner_danvan.bulk.run._EVERY", -1.0)
    assert bulk() == 0
    assert told[0].startswith("1 of ")


def test_a_part_is_whole_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError), whole_part(tmp_path / "a") as stream:
        stream.write(b"x")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_outcomes_survive_their_line() -> None:
    outcome = Outcome("part-000000.jsonl", "abc", 2, 1, 10, (Failure("\ud83d", "đ"),), True)
    assert outcome_from_json(outcome.to_json()) == outcome


def test_what_a_dead_worker_left_is_swept_away(bulk: Bulk, tmp_path: Path) -> None:
    def dying(shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
        (tmp_path / "out" / ".part-000000.jsonl.x.tmp").write_text("half")
        yield from HereEngine()(shards, job)

    assert bulk(dying) == 0
    assert not list((tmp_path / "out").glob(".*"))


def test_another_ratio_that_makes_another_plan_is_told(bulk: Bulk, corpus: Path, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(
        pa.table({"text": ["x" * 1_500_000, "y" * 1_500_000]}), corpus / "a.parquet", compression="zstd"
    )
    assert bulk(stop=False) == 1
    assert manifest(tmp_path / "out")["failed"] == 1
    with pytest.raises(UserError, match=r"in the same order and the same --limit, or another -o\.$"):
        bulk(stop=False, limits=Limits(ratio=100_000), resume=True)
    for part in (tmp_path / "out").glob("part-*"):
        part.unlink()
    assert bulk(stop=False, limits=Limits(ratio=100_000), resume=True) == 0
    assert manifest(tmp_path / "out")["documents"] == 20
