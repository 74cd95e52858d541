"""The benchmark as a picture: speeds side by side, shares of the stages, growth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ner_danvan.benchmark.measure import STAGES

_COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#009e73")  # Okabe and Ito: told apart without seeing colours
_OURS, _OTHERS = "#0072b2", "#999999"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Write the picture of what `run` measured."""
    figure = Figure(figsize=(12, 8.5), layout="constrained")
    axes = figure.subplots(2, 3, width_ratios=(1, 1, 1))
    grid = axes[0, 0].get_gridspec()
    axes[0, 0].remove()
    axes[0, 1].remove()
    _speeds(figure.add_subplot(grid[0, :2]), found["characters_per_second"])
    _stages(axes[0, 2], found["stages"])
    growth = found["growth"]
    _growth(axes[1, 0], growth["characters"], "characters in a document", logarithmic=True)
    _growth(axes[1, 1], growth["documents"], "documents", logarithmic=True)
    _growth(axes[1, 2], growth["workers"], "worker processes", logarithmic=False)
    figure.savefig(path, dpi=110)


def _speeds(axes: Axes, speeds: Mapping[str, list[float]]) -> None:
    names = sorted(speeds, key=lambda name: median(speeds[name]))
    values = [median(speeds[name]) for name in names]
    ours = [name.startswith(("base", "default")) for name in names]
    bars = axes.barh(names, values, color=[_OURS if one else _OTHERS for one in ours])
    axes.bar_label(bars, [f" {value:,.0f}" for value in values])
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 2, max(values) * 4)
    axes.set_xlabel("characters a second, from raw text, median")


def _stages(axes: Axes, stages: Mapping[str, Mapping[str, Any]]) -> None:
    bottom = [0.0] * len(stages)
    for stage, colour in zip(STAGES, _COLOURS, strict=True):
        shares = [100 * row[stage] for row in stages.values()]
        axes.bar(list(stages), shares, bottom=bottom, label=stage, color=colour)
        bottom = [low + share for low, share in zip(bottom, shares, strict=True)]
    axes.set_ylabel("share of the time on one core, %")
    axes.tick_params(axis="x", rotation=90)
    axes.legend(fontsize="small", loc="center")


def _growth(axes: Axes, pairs: list[list[float]], label: str, *, logarithmic: bool) -> None:
    axes.plot([size for size, _ in pairs], [speed for _, speed in pairs], marker="o", color=_OURS)
    axes.set_ylim(0, 1.25 * max(speed for _, speed in pairs))
    axes.set_xlabel(label)
    axes.set_ylabel("characters a second")
    if logarithmic:
        axes.set_xscale("log")
    else:
        axes.set_xticks([int(size) for size, _ in pairs])
