"""Runs as a picture: a row a run, or a score against a setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ner_danvan.errors import UserError
from ner_danvan.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOUR = "#3b6ea5"
_DPI = 110
_MOST = 40  # rows of a picture that can still be read


def draw_results(runs: Sequence[Run], score: str, x: str | None, columns: Sequence[str], path: Path) -> int:
    """Write a PNG of the runs that have the score, with its 95 % interval where there is one; gives their number.

    Raises UserError where none has it, or matplotlib is missing.
    """
    shown = [run for run in runs if run.value(score) is not None and (x is None or run.value(x) is not None)]
    if not shown:
        raise UserError(f"score={score}: no run has it{f' and {x}' if x else ''}; name another, or say plot=false.")
    try:
        from matplotlib.figure import Figure  # late: only who draws needs it
    except ImportError:
        raise UserError(
            "matplotlib is missing, which the plot needs; pip install matplotlib, or say plot=false."
        ) from None
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    if x is None:
        shown = shown[:_MOST]
        figure.set_size_inches(8, 1.2 + 0.28 * len(shown))
        _draw_rows(axes, shown, score, columns)
    else:
        figure.set_size_inches(6, 4)
        _draw_against(axes, shown, score, x)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    return len(shown)


def _draw_rows(axes: Axes, runs: Sequence[Run], score: str, columns: Sequence[str]) -> None:
    places = range(len(runs))
    axes.errorbar(
        [100 * run.value(score) for run in runs], places, xerr=_bars(runs, score), fmt="o", color=_COLOUR, capsize=2
    )
    axes.set_yticks(places, [_name(run, columns) for run in runs], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(f"{score}, strict micro F1 (percent)")
    axes.grid(axis="x", alpha=0.3)


def _draw_against(axes: Axes, runs: Sequence[Run], score: str, x: str) -> None:
    values = [run.value(x) for run in runs]
    scores = [100 * run.value(score) for run in runs]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not numbers:
        values = [str(value) for value in values]
    axes.errorbar(values, scores, yerr=_bars(runs, score), fmt="o", color=_COLOUR, capsize=2, alpha=0.8)
    if numbers and min(values) > 0 and max(values) >= 10 * min(values):
        axes.set_xscale("log")
    axes.set(xlabel=x, ylabel=f"{score}, strict micro F1 (percent)")
    axes.grid(alpha=0.3)


def _bars(runs: Sequence[Run], score: str) -> list[list[float]] | None:
    """Lengths below and above each point; none where no run has an interval."""
    pairs = []
    for run in runs:
        found = run.scores.get(score)
        known = found is not None and found.low is not None and found.high is not None
        pairs.append((found.f1 - found.low, found.high - found.f1) if known else (0.0, 0.0))  # type: ignore[union-attr,operator]
    if not any(any(pair) for pair in pairs):
        return None
    return [[100 * max(0.0, pair[side]) for pair in pairs] for side in (0, 1)]


def _name(run: Run, columns: Sequence[str]) -> str:
    told = ", ".join(f"{key.split('.')[-1]} {run.value(key)}" for key in columns[:3])
    return f"{run.folder}   {told}" if told else str(run.folder)
