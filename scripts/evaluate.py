"""Score a model, or predictions from anywhere, on annotated reports.

python scripts/evaluate.py model.path=runs/danvan_mini-1/model                   # the test split
python scripts/evaluate.py model.path=MODEL data.path=FOLDER data.name=mine      # any folder of reports
python scripts/evaluate.py predictions=FILE.jsonl data.path=FOLDER data.name=mine
python scripts/evaluate.py model.path=MODEL report.write=true report.run=runs/mine  # errors.html too
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
    from ner_danvan.evaluation.table import detail_table, score_table

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    evaluation = run(values)
    console = Console()
    console.print(score_table(evaluation))
    console.print(detail_table(evaluation))
    report = ", errors.html, errors.tsv" if values["report"]["write"] else ""
    print(f"written: {values['output']}/metrics.json, scores.tsv, documents.tsv, predictions.jsonl{report}")
    return evaluation.scores.micro.f1


if __name__ == "__main__":
    run_hydra(main)
