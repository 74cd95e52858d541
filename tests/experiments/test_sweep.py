from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sample_runs import run_values, write_splits

from ner_danvan.errors import UserError
from ner_danvan.experiments.space import Choices, Real, Whole, read_space
from ner_danvan.experiments.sweep import run
from ner_danvan.experiments.tables import best_command, trials_table

SPACE = {
    "training": {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "batch_size": {"choices": [2, 4]}},
    "model": {"dropout": {"low": 0.0, "high": 0.4, "step": 0.1}},
}
SWEEP = {"trials": 6, "seed": 0, "sampler": "tpe", "startup": 2, "prune": {"trials": 2, "epochs": 1}, "space": SPACE}


def values(output: Path, **changes: Any) -> dict[str, Any]:
    few = run_values(Path("encoder"), Path("reports"), output)
    return few | {"keep_checkpoints": False, "sweep": SWEEP | changes}


class Quick:
    """Stands for training: F1 falls with the distance of the rate from 1e-2, and callbacks are told each epoch."""

    def __init__(self, kill_at: int | None = None, epochs: int = 3) -> None:
        self.seen: list[dict[str, Any]] = []
        self._kill_at, self._epochs = kill_at, epochs

    def __call__(self, values: dict[str, Any], score: Any, callbacks: Sequence[Any]) -> SimpleNamespace:
        self.seen.append(values)
        if len(self.seen) == self._kill_at:
            raise KeyboardInterrupt
        f1 = 1 - min(1, abs(values["training"]["learning_rate"] - 1e-2) * 10)
        rows = []
        for _ in range(self._epochs):
            rows.append({"eval_f1": f1})
            for callback in callbacks:
                callback.on_evaluate(None, SimpleNamespace(log_history=rows), None)
        return SimpleNamespace(dev_f1=f1)


def swept(monkeypatch: pytest.MonkeyPatch, quick: Quick, values: dict[str, Any]) -> Any:
    monkeypatch.setattr("ner_danvan.training.run.run", quick)
    return run(values)


def test_the_best_trial_is_the_best_and_those_behind_are_cut_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = swept(monkeypatch, Quick(), values(tmp_path, trials=10))
    whole = [trial for trial in result.trials if not trial.pruned]
    assert len(result.trials) == 10
    assert 2 <= len(whole) < 10
    assert result.best.dev_f1 == max(trial.dev_f1 for trial in whole)
    assert {trial.values["training.batch_size"] for trial in result.trials} == {2, 4}
    assert all(1e-4 <= trial.values["training.learning_rate"] <= 1e-1 for trial in result.trials)
    assert json.loads((tmp_path / "sweep.json").read_text())["trials"][0]["folder"] == "trial-000"
    assert (tmp_path / "trials.tsv").read_text().splitlines()[1].startswith(result.best.folder)
    assert trials_table(result).row_count == 10
    assert f"training.batch_size={result.best.values['training.batch_size']}" in best_command(result)


def test_the_same_seed_tries_the_same_and_another_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second, other = (
        swept(monkeypatch, Quick(), values(tmp_path / name, seed=seed)).trials
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == second
    assert first != other


@pytest.mark.parametrize("kill_at", [1, 4])
def test_a_killed_sweep_goes_on_and_tries_what_an_unbroken_one_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kill_at: int
) -> None:
    unbroken = swept(monkeypatch, Quick(), values(tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        swept(monkeypatch, killed := Quick(kill_at), values(tmp_path / "killed"))
    again = Quick()
    result = swept(monkeypatch, again, values(tmp_path / "killed") | {"resume": "auto"})
    assert result == unbroken
    assert len(again.seen) == 6 - (kill_at - 1)
    before, after = killed.seen[-1], again.seen[0]
    assert (before["output"], before["training"]) == (after["output"], after["training"])
    assert (before["resume"], after["resume"]) == (None, "auto")


def test_more_trials_go_on_where_the_sweep_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = swept(monkeypatch, Quick(), values(tmp_path, trials=3))
    more = swept(monkeypatch, Quick(), values(tmp_path, trials=5) | {"resume": "auto"})
    assert more.trials[:3] == first.trials
    assert [trial.folder for trial in more.trials] == [f"trial-00{number}" for number in range(5)]


def test_without_resume_a_sweep_starts_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    swept(monkeypatch, Quick(), values(tmp_path, trials=3))
    (tmp_path / "trial-002").mkdir()
    assert len(swept(monkeypatch, Quick(), values(tmp_path, trials=2)).trials) == 2
    assert not (tmp_path / "trial-002").exists()


@pytest.mark.parametrize("name", ["a?b", "a%41", "a#b", "đợt 1"])
def test_the_study_lies_in_the_output_whatever_its_name(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    swept(monkeypatch, Quick(), values(tmp_path / name, trials=1))
    assert (tmp_path / name / "study.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_damaged_study_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(UserError, match=r"study\.db: is no study \(.*leave out resume=auto"):
        swept(monkeypatch, Quick(), values(tmp_path, trials=1) | {"resume": "auto"})


def test_another_config_or_a_second_process_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    swept(monkeypatch, Quick(), values(tmp_path, trials=1))
    with pytest.raises(UserError, match=r"begun with sweep\.startup=2, now it is 4"):
        swept(monkeypatch, Quick(), values(tmp_path, startup=4) | {"resume": "auto"})
    with (tmp_path / "sweep.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process works on this sweep"):
            swept(monkeypatch, Quick(), values(tmp_path))


def test_a_sweep_trains(encoder: Path, tmp_path: Path) -> None:
    few = run_values(encoder, write_splits(tmp_path / "reports"), tmp_path / "out", epochs=2)
    result = run(few | {"keep_checkpoints": False, "sweep": SWEEP | {"trials": 2}})
    for trial in result.trials:
        record = json.loads((tmp_path / "out" / trial.folder / "model" / "run.json").read_text(encoding="utf-8"))
        assert record["dev_f1"] == trial.dev_f1
        assert record["config"]["training"]["learning_rate"] == trial.values["training.learning_rate"]
        assert not (tmp_path / "out" / trial.folder / "checkpoints").exists()


def test_ranges_are_read_by_their_kind() -> None:
    config = {"a": 1, "b": {"c": 2.0, "d": "x"}}
    section = {
        "a": {"low": 1, "high": 9, "step": 2},
        "b": {"c": {"low": 1, "high": 2.5}, "d": {"choices": ["x", None]}},
    }
    assert read_space(section, config) == {
        "a": Whole(1, 9, log=False, step=2),
        "b.c": Real(1.0, 2.5, log=False, step=None),
        "b.d": Choices(("x", None)),
    }


@pytest.mark.parametrize(
    ("space", "wanted"),
    [
        ({}, r"sweep\.space is empty"),
        ({"training": {"rate": {"low": 1, "high": 2}}}, "no key training.rate"),
        ({"seed": 3}, r"sweep\.space\.seed=3 must be a range"),
        ({"seed": {"low": 3, "high": 1}}, r"sweep\.space\.seed: low=3 and high=1"),
        ({"seed": {"low": 3}}, "low=3 and high=None must be numbers"),
        ({"seed": {"low": 1, "high": 2, "lag": 1}}, r"sweep\.space\.seed\.lag is not known"),
        ({"seed": {"low": 0, "high": 2, "log": True}}, "true wants low above 0"),
        ({"seed": {"low": 0, "high": 2, "step": 0}}, r"step=0 must be a number above 0"),
        ({"seed": {"choices": []}}, "wants a list of choices"),
        ({"seed": {"choices": [1], "low": 2}}, "nothing beside it"),
        ({"seed": {"choices": [[1]]}}, "must be numbers, texts"),
    ],
)
def test_a_space_that_cannot_be_is_one_line(space: dict[str, Any], wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=wanted):
        run(values(tmp_path, space=space))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"trials": 0}, r"sweep\.trials=0 must be at least 1"),
        ({"sampler": "grid"}, "take one of tpe, random"),
        ({"startup": -1}, r"sweep\.startup=-1 must not be below 0"),
        ({"prune": None}, r"sweep\.prune=None is no section"),
        ({"lots": 1}, r"sweep\.lots is not known"),
    ],
)
def test_a_fault_of_the_section_is_one_line(change: dict[str, Any], wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=wanted):
        run(values(tmp_path, **change))
