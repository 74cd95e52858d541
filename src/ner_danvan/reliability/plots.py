"""A soak as a picture: memory, file handles and speed over time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_ROWS = (
    ("memory_mb", "memory", "own memory at most, MB", "{:+.2f} ± {:.2f} MB/h"),
    ("handles", "handles", "open file handles", "{:+.2f} ± {:.2f} an hour"),
    ("speed", "speed_percent", "characters a second", "{:+.1f} ± {:.1f} % an hour"),
)


def draw_soak(found: Mapping[str, Any], path: Path) -> None:
    """Write the picture of what `soak.run` measured."""
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    minutes = [sample["seconds"] / 60 for sample in found["samples"]]
    all_axes = figure.subplots(3, 1, sharex=True)
    for axes, (key, fitted, label, text) in zip(all_axes, _ROWS, strict=True):
        values = [sample[key] for sample in found["samples"]]
        axes.plot(minutes, values, color="#0072b2", linewidth=1)
        axes.axvspan(0, found["warmup_seconds"] / 60, color="#dddddd")  # what the slope leaves out
        axes.set_ylim(0, 1.25 * max(values))
        axes.set_ylabel(label)
        slope = found[fitted]
        axes.set_title(text.format(slope["per_hour"], slope["half_width"]), loc="right", fontsize="medium")
    all_axes[-1].set_xlabel("minutes (grey: warm-up)")
    figure.savefig(path, dpi=110)
