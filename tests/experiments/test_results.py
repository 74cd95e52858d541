from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ner_danvan.errors import UserError
from ner_danvan.experiments.plots import draw_results
from ner_danvan.experiments.results import (
    BROKEN,
    ENDED,
    UNFINISHED,
    differing,
    find_runs,
    ordered,
    select,
    write_results,
)
from ner_danvan.experiments.tables import results_table


def write_run(folder: Path, seed: int, window: int, dev_f1: float | None, **scores: float) -> None:
    config = {"seed": seed, "run": folder.name, "output": str(folder), "training": {"window": window, "compile": "no"}}
    record: dict[str, Any] = {"config": config}
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    if dev_f1 is not None:
        (folder / "model").mkdir()
        record |= {"dev_f1": dev_f1, "best_epoch": 2.0, "cost": {"minutes": 1.5}}
        (folder / "model" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for name, f1 in scores.items():
        metrics = {"name": name, "strict": {"micro": {"f1": f1}}, "f1_intervals": {"micro": [f1 - 0.1, f1 + 0.05]}}
        (folder / name).mkdir()
        (folder / name / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_run(tmp_path / "a", 1, 256, 0.9, test=0.8)
    write_run(tmp_path / "b", 2, 128, 0.95, test=0.7)
    write_run(tmp_path / "sweep" / "c", 3, 256, 0.5)
    write_run(tmp_path / "sweep" / "killed", 4, 256, None)
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text('{"config": {', encoding="utf-8")
    (tmp_path / "alien").mkdir()
    (tmp_path / "alien" / "run.json").write_text('["x"]', encoding="utf-8")
    return tmp_path


def names(runs: list[Any]) -> list[str]:
    return [run.folder.name for run in runs]


def test_runs_that_are_not_whole_are_named_with_the_reason(root: Path) -> None:
    runs = {run.folder.name: run for run in find_runs([root])}
    assert {name: run.state for name, run in runs.items()} == {
        **{"a": ENDED, "b": ENDED, "c": ENDED, "killed": UNFINISHED, "torn": BROKEN, "alien": BROKEN}
    }
    assert "killed, or still at work" in runs["killed"].fault
    assert "torn/run.json cannot be read" in runs["torn"].fault
    assert runs["alien"].fault == "run.json is no record of a run"
    (root / "a" / "test" / "metrics.json").write_text("{}", encoding="utf-8")
    (changed,) = (run for run in find_runs([root]) if run.folder.name == "a")
    assert (changed.state, changed.scores) == (ENDED, {})
    assert "a/test/metrics.json has no strict micro F1" in changed.fault


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (["training.window=256"], {"a", "c", "killed"}),
        (["training.window = 256", "seed<=1"], {"a"}),
        (["seed!=2"], {"a", "c", "killed"}),
        (["test>0.7"], {"a"}),
        (["test>=0.7"], {"a", "b"}),
        (["run~sweep"], {"c", "killed"}),
        (["training.compile=no", "state=ended"], {"a", "b", "c"}),
        (["dev_f1=null"], {"killed"}),
    ],
)
def test_filters_all_hold_and_hide_no_broken_run(root: Path, where: list[str], wanted: set[str]) -> None:
    assert set(names(select(find_runs([root]), where))) == wanted | {"torn", "alien"}


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("training.window", "is no filter"),
        ("window=256", r"no run has window; there is training\.window"),
        ("seed<two", "two is no number"),
    ],
)
def test_a_filter_that_cannot_be_is_one_line(root: Path, where: str, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        select(find_runs([root]), [where])


def test_runs_are_sorted_and_those_without_the_figure_come_last(root: Path) -> None:
    runs = find_runs([root])
    assert names(ordered(runs, "-dev_f1"))[:3] == ["b", "a", "c"]
    assert names(ordered(runs, "test"))[:2] == ["b", "a"]
    assert len(ordered(runs, "test")) == len(runs)


def test_the_table_shows_what_differs_and_not_where_runs_lie(root: Path) -> None:
    runs = find_runs([root])
    assert differing(runs) == ["seed", "training.window"]
    table = results_table(runs, ["seed", "training.window", "data.window"])
    assert table.row_count == 6
    assert [column.header for column in table.columns][1:4] == ["seed", "training.window", "data.window"]
    assert results_table(runs, differing(runs)).columns[2].header == "window"


def test_the_csv_has_every_run_with_scores_and_intervals(root: Path) -> None:
    path = root / "results.csv"
    write_results(find_runs([root]), ["seed"], path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = {Path(row["run"]).name: row for row in csv.DictReader(stream)}
    assert len(rows) == 6
    assert (rows["a"]["seed"], rows["a"]["dev_f1"], rows["a"]["test"]) == ("1", "0.9", "0.8")
    assert float(rows["a"]["test low"]) == pytest.approx(0.7)
    assert (rows["c"]["test"], rows["torn"]["state"]) == ("", "broken")


@pytest.mark.parametrize(("score", "x", "shown"), [("dev_f1", None, 3), ("test", None, 2), ("test", "seed", 2)])
def test_the_plot_is_a_picture_of_the_runs_that_have_the_score(
    root: Path, score: str, x: str | None, shown: int
) -> None:
    path = root / "results.png"
    assert draw_results(find_runs([root]), score, x, ["seed"], path) == shown
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="score=none: no run has it"):
        draw_results(find_runs([root]), "none", None, [], path)
