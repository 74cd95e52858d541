"""The benchmark as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from rich.table import Table

from ner_danvan.benchmark.measure import STAGES
from ner_danvan.benchmark.run import NER, NER_SENTENCES, PLAIN


def speed_table(found: Mapping[str, Any]) -> Table:
    """Characters a second and how many times as fast as the others, medians over rounds."""
    table = Table("way", "characters/s", f"x {PLAIN}", f"x {NER}", f"x {NER_SENTENCES}")
    for name, speeds in found["characters_per_second"].items():
        ratios = found["ratios"].get(name, {})
        cells = [f"{ratios[other]:,.1f}" if ratios else "" for other in (PLAIN, NER, NER_SENTENCES)]
        table.add_row(name, f"{median(speeds):,.0f}", *cells)
    return table


def stage_table(found: Mapping[str, Any]) -> Table:
    """Shares of the stages on one core, of the machine's peak, and padding, medians over rounds."""
    table = Table("model", *(f"{name} %" for name in STAGES), "of fp32 peak %", "padding %", "memory MB")
    for name, row in found["stages"].items():
        shares = [f"{100 * row[stage]:.1f}" for stage in STAGES]
        peak, padding = (f"{100 * row[key]:.1f}" for key in ("share_of_fp32_peak", "padding"))
        table.add_row(name, *shares, peak, padding, f"{found['peak_memory_mb'][name]:.0f}")
    return table
