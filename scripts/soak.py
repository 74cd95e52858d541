"""Read mixed documents for a long time, and see whether memory, file handles or speed drift.

python scripts/soak.py
python scripts/soak.py minutes=150 warmup=30
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="soak")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints the slopes and where the figures lie."""
    from ner_danvan.reliability.soak import PLOT_FILE, RESULT_FILE, run  # late: a wrong override is told at once

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    result = run(values)
    print(f"{result.documents} documents, {result.characters} characters, {result.failures} broken inputs refused")
    for name, slope, unit in (
        ("memory", result.memory, "MB/h"),
        ("file handles", result.handles, "an hour"),
        ("speed", result.speed_percent, "% an hour"),
    ):
        print(f"{name}: {slope.per_hour:+.2f} ± {slope.half_width:.2f} {unit}")
    print(f"written: {values['output']}/{RESULT_FILE}, {PLOT_FILE}")


if __name__ == "__main__":
    run_hydra(main)
