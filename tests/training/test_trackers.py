from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sample_runs import breaking_scorer, run_values, write_splits
from tiny import DANVAN

from ner_danvan.errors import UserError
from ner_danvan.evaluation.scores import dev_scores
from ner_danvan.training import trackers
from ner_danvan.training.checkpoints import last_checkpoint
from ner_danvan.training.run import run

EVERY = ["tensorboard", "mlflow", "wandb"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_splits(tmp_path_factory.mktemp("reports"))


def values(encoder: Path, reports: Path, output: Path, tracker: Any = EVERY) -> dict[str, Any]:
    tracking = {"project": "reports", "mlflow": str(output.parent / "mlflow"), "wandb": "offline"}
    few = run_values(encoder, reports, output, epochs=3, patience=3)
    return few | {"run": "mine", "tracker": tracker, "tracking": tracking}


@pytest.fixture(scope="module")
def tracked(
    encoder: Path, reports: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """The output of a run that was broken off in its third epoch and gone on with, and what the Trainer logged."""
    output = tmp_path_factory.mktemp("tracked") / "run"
    with pytest.raises(KeyboardInterrupt):
        run(values(encoder, reports, output), breaking_scorer())
    run(values(encoder, reports, output) | {"resume": "auto"}, dev_scores(DANVAN))
    checkpoint = last_checkpoint(output)
    assert checkpoint is not None
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return output, state["log_history"]


def history(logged: list[dict[str, Any]], name: str) -> list[tuple[int, float]]:
    return [(row["step"], pytest.approx(row[name])) for row in logged if name in row]


@pytest.mark.parametrize(("name", "logged"), [("dev/f1", "eval_f1"), ("dev/ORG", "eval_ORG"), ("train/loss", "loss")])
def test_tensorboard_has_every_epoch_once_though_the_run_was_killed(
    tracked: tuple[Path, list[dict[str, Any]]], name: str, logged: str
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output, rows = tracked
    events = EventAccumulator(str(output / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars(name)] == history(rows, logged)
    record = json.loads((output / "model" / "run.json").read_text(encoding="utf-8"))
    assert events.Scalars("result/dev_f1")[0].value == pytest.approx(record["dev_f1"])


def test_mlflow_has_one_run_with_its_settings_curves_and_result(tracked: tuple[Path, list[dict[str, Any]]]) -> None:
    from mlflow.tracking import MlflowClient

    output, rows = tracked
    client = MlflowClient(tracking_uri=(output.parent / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("reports")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status, found.data.tags["output"]) == ("mine", "FINISHED", str(output))
    assert found.data.params["training.window"] == "128"
    curve = {(point.step, point.value) for point in client.get_metric_history(found.info.run_id, "dev/f1")}
    assert sorted(curve) == history(rows, "eval_f1")
    record = json.loads((output / "model" / "run.json").read_text(encoding="utf-8"))
    assert found.data.metrics["dev_f1"] == record["dev_f1"]


def wandb_records(data: bytes) -> Iterator[bytes]:
    """Records of a W&B file: LevelDB's log format behind a header, blocks of 32 KiB with pieces of records."""
    place, record = 7, b""
    while place + 7 <= len(data):
        if (left := 32_768 - place % 32_768) < 7:  # too short for a piece
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        record += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield record
            record = b""


def test_wandb_has_the_curves_of_both_parts_under_one_id(tracked: tuple[Path, list[dict[str, Any]]]) -> None:
    from wandb.proto import wandb_internal_pb2

    output, rows = tracked
    files = sorted((output / "wandb").glob("offline-run-*/run-*.wandb"), key=lambda path: path.stat().st_mtime_ns)
    assert len({path.name for path in files}) == 1
    curve: dict[int, float] = {}
    summary: dict[str, str] = {}
    for path in files:
        for data in wandb_records(path.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            row = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            if "dev/f1" in row:
                curve[int(row["step"])] = float(row["dev/f1"])
            summary |= {item.key or "/".join(item.nested_key): item.value_json for item in record.summary.update}
    assert sorted(curve.items()) == history(rows, "eval_f1")
    ended = json.loads((output / "model" / "run.json").read_text(encoding="utf-8"))
    assert float(summary["dev_f1"]) == ended["dev_f1"]


def test_a_new_run_in_the_same_folder_drops_the_curves_of_the_old(encoder: Path, reports: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        config = values(encoder, reports, tmp_path / "run", "tensorboard")
        config["training"] |= {"epochs": 1}
        run(config, dev_scores(DANVAN))
    assert len(EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload().Scalars("dev/f1")) == 1


@pytest.mark.parametrize(
    ("tracker", "missing", "wanted"),
    [
        ("comet", None, "tracker=comet is not known; take one or several of tensorboard, mlflow, wandb"),
        (
            ["tensorboard", "mlflow"],
            "mlflow",
            r"needs mlflow, which is not installed:  pip install 'ner-danvan\[trackers\]'",
        ),
        ("wandb", "wandb", r"pip install 'ner-danvan\[trackers\]'"),
        ("tensorboard", "tensorboard", r"pip install 'ner-danvan\[train\]'"),
    ],
)
def test_a_tracker_that_is_not_there_is_one_line_with_the_mend(
    tracker: Any, missing: str | None, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(UserError, match=wanted):
        run(values(tmp_path, tmp_path, tmp_path / "run", tracker), dev_scores(DANVAN))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("tracker", [None, []])
def test_without_trackers_nothing_is_written(tracker: Any, tmp_path: Path) -> None:
    trackers.Tracked(values(tmp_path, tmp_path, tmp_path / "run", tracker), tmp_path / "run", None).close(
        {"dev_f1": 1.0}
    )
    assert list(tmp_path.iterdir()) == []
