"""Score a model, or predictions from anywhere, on annotated reports.

python scripts/evaluate.py model.path=runs/danvan_mini-1/model                   # the test split
python scripts/evaluate.py model.path=MODEL data.path=FOLDER data.name=mine      # any folder of reports
python scripts/evaluate.py predictions=FILE.jsonl data.path=FOLDER data.name=mine
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns the micro F1."""
    from ner_danvan.evaluation.run import run  # late: a wrong override is told at once
    from ner_danvan.evaluation.table import score_table

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    evaluation = run(values)
    Console().print(score_table(evaluation))
    print(f"written: {values['output']}/metrics.json, predictions.jsonl")
    return evaluation.scores.micro.f1


if __name__ == "__main__":
    run_hydra(main)
