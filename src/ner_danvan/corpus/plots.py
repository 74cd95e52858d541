"""Plots of the figures, small PNG files that a page shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_danvan.corpus.statistics import Statistics
from ner_danvan.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#3b6ea5", "#e08b2c", "#5a9a5a", "#8d6cab", "#777777")
_BIN = 25  # words
_DPI = 90


def draw_plots(statistics: Statistics, folder: Path) -> list[Path]:
    """Write each plot whose figures are not those of the file that is there; gives the paths of all.

    A file carries its figures in its description, so that a test can tell whether it is up to date. Raises
    UserError where one has to be drawn and matplotlib is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (select, draw) in _PLOTS.items():
        figures = select(statistics)
        if not figures:
            continue
        path = folder / f"{name}.png"
        description = json.dumps(figures)
        if not path.is_file() or description.encode("ascii") not in path.read_bytes():
            _save(draw, figures, path, description)
        paths.append(path)
    return paths


def _save(draw: Callable[[Figure, Any], None], figures: Any, path: Path, description: str) -> None:
    try:
        from matplotlib.figure import Figure  # late: only who draws needs it
    except ImportError:
        raise UserError(
            "matplotlib is missing and the plots are out of date; pip install -c constraints.txt -e '.[dev]'."
        ) from None
    figure = Figure(layout="constrained")
    draw(figure, figures)
    figure.savefig(path, dpi=_DPI, metadata={"Description": description, "Software": None})


# --- what is drawn ----------------------------------------------------------------------------


def _size_figures(statistics: Statistics) -> dict[str, Any]:
    return {
        split: {"lengths": figures.lengths, "labels": {label: row.spans for label, row in figures.labels.items()}}
        for split, figures in statistics.splits.items()
    }


def _draw_sizes(figure: Figure, figures: Mapping[str, Any]) -> None:
    """Share of reports by length, and share of spans by label: whether the splits are alike."""
    figure.set_size_inches(9, 3.4)
    left, right = figure.subplots(1, 2)
    least = min(min(split["lengths"]) for split in figures.values())
    most = max(max(split["lengths"]) for split in figures.values())
    bins = range(least // _BIN * _BIN, most + 2 * _BIN, _BIN)
    lengths = [split["lengths"] for split in figures.values()]
    weights = [[100 / len(each)] * len(each) for each in lengths]
    left.hist(lengths, bins=list(bins), weights=weights, color=_colours(figures), label=list(figures))
    left.set(xlabel="words", ylabel="percent")
    left.set_title("reports of a split by length", fontsize=9, loc="left")
    left.legend(frameon=False, fontsize=8)
    labels = list(next(iter(figures.values()))["labels"])
    bars = {
        name: [100 * split["labels"][label] / max(1, sum(split["labels"].values())) for label in labels]
        for name, split in figures.items()
    }
    _draw_bars(right, "spans of a split by label", labels, bars)
    _without_frame(left, right)


def _seen_figures(statistics: Statistics) -> dict[str, Any]:
    return {
        kind: {
            split: {label: getattr(seen, kind) for label, seen in labels.items()}
            for split, labels in statistics.seen.items()
        }
        for kind in ("distinct", "spans")
        if statistics.seen
    }


def _draw_seen(figure: Figure, figures: Mapping[str, Any]) -> None:
    """How much of the other splits' strings the first has, of different strings and of all spans."""
    figure.set_size_inches(9, 3.2)
    for axes, (kind, text) in zip(
        figure.subplots(1, 2, sharey=True),
        (("distinct", "different strings"), ("spans", "spans")),
        strict=True,
    ):
        splits = figures[kind]
        labels = list(dict.fromkeys(label for shares in splits.values() for label in shares))
        bars = {name: [100 * shares.get(label, 0) for label in labels] for name, shares in splits.items()}
        _draw_bars(axes, f"{text} that training has too", labels, bars, first=1)
        axes.set_ylim(0, 100)
        _without_frame(axes)


def _group_figures(statistics: Statistics) -> dict[str, dict[str, int]]:
    return {
        column: {group: sum(counts.values()) for group, counts in groups.items()}
        for column, groups in statistics.groups.items()
    }


def _draw_groups(figure: Figure, figures: Mapping[str, Mapping[str, int]]) -> None:
    """Reports of all splits by each column of the index, largest first, years in order."""
    figure.set_size_inches(9, 0.8 + 0.24 * sum(map(len, figures.values())) / 2)
    halves = figure.add_gridspec(1, 2)
    for half, names in enumerate((list(figures)[0::2], list(figures)[1::2])):
        part = figure.add_subfigure(halves[half])
        grid = part.add_gridspec(len(names) or 1, 1, height_ratios=[len(figures[name]) + 2 for name in names] or None)
        for place, name in enumerate(names):
            _draw_counts(part.add_subplot(grid[place]), f"reports by {name}", figures[name])


def _draw_counts(axes: Axes, title: str, counts: Mapping[str, int]) -> None:
    bars = axes.barh(list(counts), list(counts.values()), color=_COLOURS[0])
    axes.bar_label(bars, padding=2, fontsize=7)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7, length=0)
    axes.set_xticks([])
    axes.margins(x=0.12, y=0.02)
    axes.spines[:].set_visible(False)


_PLOTS: dict[str, tuple[Callable[[Statistics], Any], Callable[[Figure, Any], None]]] = {
    "sizes": (_size_figures, _draw_sizes),
    "seen": (_seen_figures, _draw_seen),
    "groups": (_group_figures, _draw_groups),
}


# --- how --------------------------------------------------------------------------------------


def _draw_bars(
    axes: Axes, title: str, labels: Sequence[str], bars: Mapping[str, Sequence[float]], *, first: int = 0
) -> None:
    """Bars side by side: of each label one a split, the splits in the same colours as everywhere."""
    width = 0.8 / len(bars)
    for number, (name, heights) in enumerate(bars.items()):
        places = [i + (number - (len(bars) - 1) / 2) * width for i in range(len(labels))]
        drawn = axes.bar(places, heights, width, color=_COLOURS[(first + number) % len(_COLOURS)], label=name)
        axes.bar_label(drawn, fmt="%.0f", padding=1, fontsize=7)
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylabel("percent")
    axes.set_title(title, fontsize=9, loc="left")
    axes.legend(frameon=False, fontsize=8)


def _colours(splits: Mapping[str, Any]) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(len(splits))]


def _without_frame(*many: Axes) -> None:
    for axes in many:
        axes.spines[["top", "right"]].set_visible(False)
