"""All runs below some folders as rows: what each was told, what it reached, and which of them are not whole."""

from __future__ import annotations

import csv
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.evaluation.intervals import MICRO
from ner_danvan.io.cells import protected
from ner_danvan.model_dir import METRICS_FILE, MODEL_FOLDER, RUN_FILE
from ner_danvan.sections import flat

RESULTS_FILE = "results.csv"
PLOT_FILE = "results.png"
ENDED, UNFINISHED, BROKEN = "ended", "unfinished", "broken"

# what a run is called and where it lies is no setting of it
_NO_SETTINGS = {"run", "output", "resume", "tracker", "tracking"}
_WHERE = re.compile(r"\s*([\w.]+)\s*(<=|>=|!=|=|<|>|~)\s*(.*?)\s*")
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Score:
    """Strict micro F1 of an evaluation and its 95 % interval, if it has one."""

    f1: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Run:
    """A run: its folder, how it stands, its settings by their whole names, and its scores by the evaluation's name.

    `fault` says in a line why it is not ended, or which file of it cannot be read.
    """

    folder: Path
    state: str
    fault: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    dev_f1: float | None = None
    best_epoch: float | None = None
    minutes: float | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)

    def value(self, key: str) -> Any:
        """Of a column: a setting, a figure, or an evaluation's F1; None where the run has none."""
        if key in self.scores:
            return self.scores[key].f1
        own = {"run": str(self.folder), "state": self.state, "dev_f1": self.dev_f1}
        own |= {"best_epoch": self.best_epoch, "minutes": self.minutes}
        return own[key] if key in own else self.settings.get(key)


def find_runs(roots: Iterable[Path]) -> list[Run]:
    """Every training run below the folders, by folder, those that are not whole too."""
    folders = {
        path.parent.parent if path.parent.name == MODEL_FOLDER else path.parent
        for root in roots
        for path in root.rglob(RUN_FILE)
    }
    return [_read(folder) for folder in sorted(folders)]


def select(runs: Sequence[Run], where: Sequence[str]) -> list[Run]:
    """The runs of which every filter holds; one that cannot be read is kept, for nobody knows what it is.

    Raises UserError for a filter that cannot be read, or names what no run has.
    """
    chosen = list(runs)
    for text in where:
        key, holds = _filter(text)
        _check_key(key, runs, f"where={text}")
        chosen = [run for run in chosen if run.state == BROKEN or holds(run.value(key))]
    return chosen


def ordered(runs: Sequence[Run], sort: str) -> list[Run]:
    """By a column, `-` before it from high to low; runs without a value of it come last."""
    key = sort.removeprefix("-")
    _check_key(key, runs, f"sort={sort}")
    known = [run for run in runs if run.value(key) is not None]
    alike = all(isinstance(run.value(key), int | float) for run in known)

    def place(run: Run) -> Any:
        return run.value(key) if alike else str(run.value(key))

    return sorted(known, key=place, reverse=sort.startswith("-")) + [run for run in runs if run.value(key) is None]


def differing(runs: Sequence[Run]) -> list[str]:
    """The settings that are not the same in all runs."""
    readable = [run for run in runs if run.state != BROKEN]
    keys = dict.fromkeys(key for run in readable for key in run.settings)
    return [
        key
        for key in keys
        if key.split(".")[0] not in _NO_SETTINGS and len({json.dumps(run.value(key)) for run in readable}) > 1
    ]


def evaluations(runs: Sequence[Run]) -> list[str]:
    """The names of all evaluations, in the order in which they are met."""
    return list(dict.fromkeys(name for run in runs for name in run.scores))


def write_results(runs: Sequence[Run], columns: Sequence[str], path: Path) -> None:
    """A row a run, UTF-8 with a byte-order mark, as spreadsheets want it; scores are shares of 1."""
    names = evaluations(runs)
    heading = ["run", "state", *columns, "dev_f1", "best_epoch", "minutes"]
    heading += [part for name in names for part in (name, f"{name} low", f"{name} high")]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*heading, "fault"])
        for run in runs:
            cells = [run.value(key) for key in heading[: 5 + len(columns)]]
            for name in names:
                score = run.scores.get(name)
                cells += [score.f1, score.low, score.high] if score else [None] * 3
            writer.writerow([protected(cell) if isinstance(cell, str) else cell for cell in [*cells, run.fault]])


def _read(folder: Path) -> Run:
    ended = folder / MODEL_FOLDER / RUN_FILE
    try:
        record = _json(ended if ended.is_file() else folder / RUN_FILE)
        settings = dict(flat(record["config"]))
        dev_f1, epoch, minutes = record.get("dev_f1"), record.get("best_epoch"), record.get("cost", {}).get("minutes")
        for figure in (dev_f1, epoch, minutes):
            if figure is not None and not isinstance(figure, int | float):
                raise UserError(f"{figure!r} in its {RUN_FILE} is no number.")
    except UserError as error:
        return Run(folder, BROKEN, str(error))
    except (KeyError, TypeError, AttributeError):
        return Run(folder, BROKEN, f"{RUN_FILE} is no record of a run")
    scores: dict[str, Score] = {}
    faults = []
    for path in sorted(folder.rglob(METRICS_FILE)):
        if path.parent.name == MODEL_FOLDER or _is_of_another(path, folder):
            continue
        try:
            metrics = _json(path)
            low, high = metrics["f1_intervals"].get(MICRO, (None, None))
            scores[str(metrics["name"])] = Score(float(metrics["strict"][MICRO]["f1"]), low, high)
        except UserError as error:
            faults.append(str(error))
        except (KeyError, TypeError, AttributeError, ValueError):
            faults.append(f"{path} has no strict micro F1")
    if not ended.is_file():
        faults.insert(0, "no model yet: killed, or still at work")
    state = ENDED if ended.is_file() else UNFINISHED
    return Run(folder, state, "; ".join(faults), settings, dev_f1, epoch, minutes, scores)


def _is_of_another(path: Path, folder: Path) -> bool:
    """Whether a run lies between, as those of a sweep do below it."""
    between = path.parent
    while between != folder:
        if (between / RUN_FILE).is_file():
            return True
        between = between.parent
    return False


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error})") from None


def _filter(text: str) -> tuple[str, Callable[[Any], bool]]:
    if not (match := _WHERE.fullmatch(text)):
        raise UserError(
            f"where={text} is no filter; write KEY=VALUE, or with != < > <= >= or ~ (contains) between them."
        )
    key, sign, wanted = match.groups()
    if sign == "~":
        return key, lambda value: value is not None and wanted in str(value)
    number = _number(wanted)
    if sign in _ORDERED:
        if number is None:
            raise UserError(f"where={text}: {wanted} is no number; compare texts with = or ~.")
        compared = _ORDERED[sign]
        return key, lambda value: isinstance(value, int | float) and compared(value, number)

    def same(value: Any) -> bool:
        if number is not None and isinstance(value, int | float) and not isinstance(value, bool):
            return value == number
        return _text(value) == wanted

    return key, same if sign == "=" else lambda value: not same(value)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_key(key: str, runs: Sequence[Run], what: str) -> None:
    own = ["run", "state", "dev_f1", "best_epoch", "minutes"]
    known = {*own, *evaluations(runs), *(name for run in runs for name in run.settings)}
    if runs and key not in known:
        alike = sorted(name for name in known if key.split(".")[-1] in name) or [*own, *evaluations(runs)]
        raise UserError(f"{what}: no run has {key}; there is {', '.join(alike[:8])}.")
