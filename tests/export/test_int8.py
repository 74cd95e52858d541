from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import DANVAN, RECORD, SENTENCES, RandomBackend, write_run

from ner_danvan.backends.base import pad_batch
from ner_danvan.backends.onnx import OnnxBackend
from ner_danvan.corpus.folds import Fold, leave_out
from ner_danvan.corpus.reports import limited
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation.run import evaluate_model
from ner_danvan.evaluation.scores import StrictScores, strict_scores
from ner_danvan.export.int8 import Gate, gather_ranges, speedup, write_int8
from ner_danvan.export.run import Int8Options, export, run
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import ModelFiles, read_model_dir
from ner_danvan.tagger import Tagger


@pytest.fixture(scope="module")
def exported(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    """A model directory with a graph in fp32."""
    folder = tmp_path_factory.mktemp("int8")
    target = export(write_run(encoder, folder / "run"), folder / "mine", "fp32", [], name="mine", onnx=True).folder
    return read_model_dir(target)


@pytest.fixture(scope="module")
def gold(exported: ModelFiles) -> list[Document]:
    """What the model in fp32 finds, but for the layers that a random one lets cross."""
    tagger = Tagger(exported, OnnxBackend(exported.folder / "model.onnx"))
    found = tagger.stream(Document(f"d{i}", sentence) for i, sentence in enumerate(SENTENCES))
    labels = DANVAN.layers[0].labels
    return [replace(document, spans=tuple(s for s in document.spans if s.label in labels)) for document in found]


def test_ranges_hold_all_that_products_read(exported: ModelFiles) -> None:
    ranges = gather_ranges(exported, SENTENCES[:3])
    assert len(ranges) == 4 * 2  # attention, its output, and both feed-forward products of two layers
    assert all(low < 0 < high for low, high in ranges.values())
    wider = gather_ranges(exported, SENTENCES)
    assert all(wider[name][0] <= low and wider[name][1] >= high for name, (low, high) in ranges.items())
    assert wider != ranges
    assert not (exported.folder / "probe.onnx").exists()


def test_int8_logits_are_near_and_do_not_depend_on_the_batch(exported: ModelFiles, gold: list[Document]) -> None:
    write_int8(exported, gather_ranges(exported, SENTENCES), gold, max_loss=1.0)
    fp32, int8 = exported.folder / "model.onnx", exported.folder / "model.int8.onnx"
    if not int8.exists():  # of so small a model it need not be faster
        from ner_danvan.export.graph import build_graph

        int8.write_bytes(build_graph(exported.folder, ranges=gather_ranges(exported, SENTENCES)).SerializeToString())
    rows = [ids for text in SENTENCES for ids in Tagger(exported, RandomBackend(13)).prepare(text).ids]
    ids, mask = pad_batch(rows, 1)
    wanted, found = OnnxBackend(fp32)(ids, mask)[mask > 0], OnnxBackend(int8)(ids, mask)
    error = np.abs(found[mask > 0] - wanted)
    assert 0 < error.mean() < 0.05 * np.abs(wanted).mean()
    for row, alone in enumerate(rows):
        np.testing.assert_allclose(OnnxBackend(int8)(*pad_batch([alone], 1))[0], found[row, : len(alone)], atol=1e-4)


@pytest.mark.parametrize(
    ("int8", "speed", "reason", "wanted"),
    [
        (0.947, 1.5, None, "int8 written (F1 95.00 in fp32, 94.70 in int8, 1.50 times as fast)"),
        (0.96, 1.5, None, "int8 written (F1 95.00 in fp32, 96.00 in int8, 1.50 times as fast)"),
        (0.946, 1.5, "it loses more than 0.3 points", "int8 not written, it loses more than 0.3 points (F1 95.00"),
        (0.95, 1.0, "it is not faster", "int8 not written, it is not faster (F1 95.00 in fp32, 95.00 in int8, 1.00"),
    ],
)
def test_the_gate_says_what_it_measured(int8: float, speed: float, reason: str | None, wanted: str) -> None:
    gate = Gate(0.95, int8, speed, 0.0031)
    assert gate.reason == (reason and reason.replace("0.3 ", "0.31 "))
    assert str(gate).startswith(wanted.replace("than 0.3 ", "than 0.31 "))


def test_an_int8_model_that_does_not_pass_is_not_left_there(
    exported: ModelFiles, gold: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_danvan.export.int8.speedup", lambda *_: 0.9)
    gate = write_int8(exported, gather_ranges(exported, SENTENCES), gold, max_loss=1.0)
    assert gate.reason == "it is not faster"
    assert not (exported.folder / "model.int8.onnx").exists()


def test_an_int8_model_that_finds_less_is_stopped_and_one_that_finds_as_much_is_kept(
    exported: ModelFiles, gold: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_danvan.export.int8.speedup", lambda *_: 2.0)
    measured: list[list[Document]] = []

    def keeping(gold: Sequence[Document], found: list[Document], scheme: LabelScheme) -> StrictScores:
        measured.append(found)
        return strict_scores(gold, found, scheme)

    monkeypatch.setattr("ner_danvan.export.int8.strict_scores", keeping)
    ranges = gather_ranges(exported, SENTENCES)
    zero = dict.fromkeys(ranges, (-1e-9, 1e-9))  # nothing gets through a product
    exact = evaluate_model(Tagger(exported, OnnxBackend(exported.folder / "model.onnx")), gold, "x")[0].scores.micro.f1
    broken = write_int8(exported, zero, gold, max_loss=-1.0)
    assert broken.fp32 == exact
    fp32, int8 = ([span.score for document in found for span in document.spans] for found in measured)
    assert fp32 != int8  # F1 may be the same by chance: the vocabulary of so small a model is another each time
    assert broken.reason == "it loses more than -100 points"
    assert not (exported.folder / "model.int8.onnx").exists()
    assert write_int8(exported, ranges, gold, max_loss=1.0).reason is None
    assert (exported.folder / "model.int8.onnx").exists()


def test_speed_is_the_seconds_of_the_first_over_those_of_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([second for round_ in range(6) for second in (0.0, 3.0 + round_, 3.0 + round_, 4.0 + round_)])
    monkeypatch.setattr("ner_danvan.export.int8.time.perf_counter", lambda: next(clock))
    backend = RandomBackend(13)
    assert speedup(backend, backend, [np.array([0, 5, 2])] * 3) == 6.0


def test_an_export_judges_int8_on_the_runs_own_data(
    encoder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_danvan.export.int8.speedup", lambda *_: 2.0)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "a.txt").write_text("<ORG>Ban Dân vận Huyện ủy</ORG> họp.", encoding="utf-8")
    trained = write_run(encoder, tmp_path / "run")
    config = RECORD["config"] | {"data": {"train": str(tmp_path / "dev"), "dev": str(tmp_path / "dev")}}
    (trained / "model" / "run.json").write_text(json.dumps(RECORD | {"config": config}))
    values: dict[str, Any] = {"model": {"path": str(trained)}, "output": str(tmp_path / "o"), "dtype": "fp16"}
    values |= {"name": None, "head": True, "evaluations": [], "onnx": True}
    int8 = {"write": True, "texts": None, "documents": 3, "gold": None, "max_loss": 1.0}
    done = run(values | {"int8": int8})
    assert done.int8
    assert done.int8.reason is None
    assert (done.folder / "model.int8.onnx").is_file()
    assert "`model.int8.onnx` (`--backend int8`) is 2.0 times as fast" in (done.folder / "README.md").read_text()
    assert run(values | {"int8": int8 | {"write": False}}).int8 is None
    assert not (done.folder / "model.int8.onnx").exists()
    (trained / "model" / "run.json").write_text(json.dumps(RECORD))
    with caplog.at_level(logging.INFO):
        assert run(values | {"int8": int8}).int8 is None
    assert "set int8.texts and int8.gold" in caplog.text


def test_ranges_are_gathered_from_no_more_than_the_run_has_seen(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def gather(files: ModelFiles, texts: Sequence[str]) -> dict[str, tuple[float, float]]:
        seen[:] = texts
        return gather_ranges(files, texts)

    monkeypatch.setattr("ner_danvan.export.run.gather_ranges", gather)
    documents = [Document(f"d{i}", f"{SENTENCES[i % 6]} {i}") for i in range(12)]
    (tmp_path / "train.jsonl").write_text("".join(to_json_line(each) + "\n" for each in documents), encoding="utf-8")
    fold = {"count": 4, "number": 2, "seed": 1, "by": None, "index": None, "groups": None}
    kept, held = leave_out(limited(documents, 10), Fold(**fold))
    trained = write_run(encoder, tmp_path / "run")
    data = {"train": str(tmp_path / "train.jsonl"), "dev": str(tmp_path / "train.jsonl"), "limit": 10}
    (trained / "model" / "run.json").write_text(
        json.dumps(RECORD | {"config": RECORD["config"] | {"data": data, "folds": fold}})
    )
    int8 = {"write": True, "texts": None, "documents": 100, "gold": None, "max_loss": 1.0}
    values: dict[str, Any] = {"model": {"path": str(trained)}, "output": str(tmp_path / "o"), "dtype": "fp16"}
    values |= {"name": None, "head": True, "evaluations": [], "onnx": True}
    run(values | {"int8": int8})
    assert held
    assert seen == [document.text for document in kept]
    run(values | {"int8": int8 | {"texts": str(tmp_path / "train.jsonl")}})
    assert seen == [document.text for document in documents]


def test_a_graph_with_other_logits_is_not_exported(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    differences = iter([0.0, 0.5])
    monkeypatch.setattr("ner_danvan.export.run.logit_difference", lambda *_: next(differences))
    with pytest.raises(UserError, match=r"the ONNX graph's logits differ by 0\.5"):
        export(write_run(encoder, tmp_path / "run"), tmp_path / "o", "fp32", [], name="mine", onnx=True)
    assert not (tmp_path / "o").exists()


def test_the_card_says_why_there_is_no_int8_model(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_danvan.export.int8.speedup", lambda *_: 0.8)
    document = Document("a", SENTENCES[0])
    options = Int8Options([SENTENCES[0]], [document], 1.0)
    run_folder = write_run(encoder, tmp_path / "run")
    folder = export(run_folder, tmp_path / "o", "fp32", [], name="mine", onnx=True, int8=options).folder
    assert "There is no int8 model: it is not faster" in (folder / "README.md").read_text()
    assert set(DANVAN.labels) <= set(read_model_dir(folder).settings.scheme.labels)
