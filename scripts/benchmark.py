"""Time every way to read reports in one run: transformers by the book, underthesea, and ours.

python scripts/benchmark.py
python scripts/benchmark.py rounds=5 python=thin/bin/python
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="benchmark")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints tables and where the figures lie."""
    from ner_danvan.benchmark.run import run  # late: a wrong override is told before torch is loaded
    from ner_danvan.benchmark.table import speed_table, stage_table

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    result = run(values)
    found, console = result.values, Console()
    console.print(speed_table(found))
    console.print(stage_table(found))
    start, size = found["cold_start_seconds"], found["installed_mb"]["total"]
    print(f"matrix peak {found['matrix_peak_gflops']:.0f} GFLOP/s on one core; installed {size:.0f} MB")
    print(f"cold start {start['command']:.2f} s, {start['more']:.2f} s more than python -c pass")
    print(f"written: {result.folder}/benchmark.json, benchmark.png")


if __name__ == "__main__":
    run_hydra(main)
