from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import REPORTS, SENTENCES, write_run

from ner_danvan.benchmark import measure
from ner_danvan.benchmark import run as benchmark
from ner_danvan.benchmark.measure import (
    STAGES,
    Stages,
    installed_bytes,
    paired_rounds,
    ratio,
    share_of_peak,
    time_stages,
)
from ner_danvan.benchmark.models import Size, size_of, write_random_model
from ner_danvan.benchmark.table import speed_table, stage_table
from ner_danvan.benchmark.ways import our_way, plain_way
from ner_danvan.errors import UserError
from ner_danvan.export.run import export
from ner_danvan.tagger import Tagger

BASE = Size(layers=12, hidden=768, heads=12, intermediate=3_072)


@pytest.fixture(scope="module")
def default(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("default")
    return export(write_run(encoder, folder / "run"), folder / "mine", "fp32", [], name="mine", onnx=True).folder


@pytest.fixture(scope="module")
def random_model(default: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random") / "model"
    return write_random_model(folder, Size(1, 16, 2, 32), default, default, SENTENCES[:2])


def test_operations_are_those_of_the_products() -> None:
    assert BASE.operations(0) == 2 * 12 * (4 * 768**2 + 2 * 768 * 3_072)  # 85 million weights, two operations each
    assert BASE.operations(256) - BASE.operations(0) == 12 * 4 * 256 * 768  # queries by keys, and weights by values


def test_a_random_model_has_the_size_and_runs_on_every_backend(random_model: Path) -> None:
    assert size_of(random_model) == Size(1, 16, 2, 32)
    spans = {
        backend: Tagger.from_pretrained(random_model, backend=backend)(SENTENCES[0]).spans
        for backend in ("onnx", "torch")
    }
    assert [span.key for span in spans["onnx"]] == [span.key for span in spans["torch"]]
    assert all(our_way(random_model, backend)(SENTENCES) > 0 for backend in ("torch", "onnx", "int8"))


def test_the_plain_way_reads_sentence_by_sentence(default: Path) -> None:
    way = plain_way(default, 64)
    assert way(["\n".join(SENTENCES)]) == sum(way([sentence]) for sentence in SENTENCES) > 0


def test_in_a_round_all_ways_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_LEAST_SECONDS", 0.0)
    clock = iter([0.0, 2.0, 0.0, 1.0, 0.0, 8.0, 0.0, 1.0])
    monkeypatch.setattr("ner_danvan.benchmark.measure.time.perf_counter", lambda: next(clock))
    read: list[tuple[str, list[str]]] = []

    def way(name: str) -> Any:
        return lambda texts: read.append((name, list(texts)))

    speeds = paired_rounds({"slow": way("slow"), "fast": way("fast")}, [["ab", "cd"], ["abcd", "efgh"]])
    assert read[2:] == [(name, texts) for texts in (["ab", "cd"], ["abcd", "efgh"]) for name in ("slow", "fast")]
    assert speeds == {"slow": [2.0, 1.0], "fast": [4.0, 8.0]}
    assert ratio(speeds, "fast", "slow") == 5.0


def test_stages_are_timed_and_subwords_counted(default: Path) -> None:
    rounds = [SENTENCES, SENTENCES[:1]]
    for texts, stages in zip(rounds, time_stages(default, "onnx", rounds), strict=True):
        assert min(stages.segment, stages.encode, stages.decode) > 0
        assert stages.windows == len(texts)
        assert stages.subwords <= stages.padded
        assert share_of_peak(stages, Size(1, 1, 1, 1), 1e30) < 1e-20


def test_shares_of_the_stages_are_medians_over_rounds(default: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = [
        Stages(segment=1, tokenise=1, encode=6, decode=2, subwords=100, padded=110, windows=1),
        Stages(segment=2, tokenise=0, encode=8, decode=0, subwords=100, padded=104, windows=1),
        Stages(segment=3, tokenise=30, encode=57, decode=10, subwords=100, padded=102, windows=1),
    ]
    monkeypatch.setattr(benchmark, "time_stages", lambda *_: rounds)
    found = benchmark._stages(default, "onnx", [[]] * 3, 1e9)
    assert [found[name] for name in STAGES] == pytest.approx([0.1, 0.1, 0.6, 0.1])
    assert found["neither_encoder_nor_segmenter"] == pytest.approx(0.3)
    assert found["padding"] == pytest.approx(0.04)
    assert found["share_of_fp32_peak"] == share_of_peak(rounds[1], size_of(default), 1e9)
    assert [one["decode"] for one in found["rounds"]] == [2, 0, 10]


def test_what_is_installed_is_the_package_and_what_it_needs() -> None:
    sizes = installed_bytes()
    assert {"ner-danvan", "numpy", "onnxruntime", "underthesea"} <= set(sizes)
    assert not {"torch", "transformers", "datasets", "pytest"} & set(sizes)
    assert sizes["numpy"] > 1_000_000


def test_a_run_writes_figures_and_a_picture(
    default: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(measure, "_START_ROUNDS", 1)
    monkeypatch.setattr(benchmark, "underthesea_ner", lambda *, by_sentence: len)  # another library's time is its own
    (tmp_path / "reports").mkdir()
    for number, report in enumerate(REPORTS):
        (tmp_path / "reports" / f"{number}.txt").write_text(report.format(n=number), encoding="utf-8")
    values = {
        "model": {"path": str(default)},
        "base": {"vocabulary": "nowhere", "size": {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 32}},
        "data": {"path": str(tmp_path / "reports"), "documents": 2},
        "rounds": 2,
        "growth": {"characters": [50], "documents": [1], "workers": [0]},
        "python": None,
        "output": str(tmp_path / "out"),
    }
    monkeypatch.setattr(benchmark, "command_memory", lambda *_: 1.0)  # a model of this test has no int8 graph
    monkeypatch.setattr(benchmark, "_BACKENDS", ("torch", "onnx"))
    result = benchmark.run(values)
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert found == result.values
    assert set(found["ratios"]) == {"base, torch", "base, onnx", "default, torch", "default, onnx"}
    assert found["documents"] == 2
    assert (tmp_path / "out" / "benchmark.png").read_bytes().startswith(b"\x89PNG")
    assert speed_table(found).row_count == 7
    assert stage_table(found).row_count == 2
    with pytest.raises(UserError, match=r"3 documents, data\.documents=9"):
        benchmark.run(values | {"data": values["data"] | {"documents": 9}})
    for change, reason in (
        ({"rounds": "two"}, r"rounds=two must be a whole number\."),
        ({"data": values["data"] | {"documents": None}}, r"data\.documents=None must be a whole number\."),
        ({"base": {"vocabulary": None, "size": {"layers": 1}}}, r"base\.size\.hidden is missing"),
        ({"growth": values["growth"] | {"workers": 2}}, r"growth\.workers=2 is no list; put it in brackets"),
        ({"growth": values["growth"] | {"characters": [0]}}, r"growth\.characters: 0 must be at least 1\."),
    ):
        with pytest.raises(UserError, match=reason):
            benchmark.run(values | change)
    for rounds in (0, 3):
        with pytest.raises(UserError, match=rf"rounds={rounds} must be at least 1 and at most data\.documents=2\."):
            benchmark.run(values | {"rounds": rounds})


def test_memory_is_that_of_the_command_alone(default: Path, tmp_path: Path) -> None:
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert 20 < measure.command_memory(default, "onnx", SENTENCES, tmp_path) < 290
