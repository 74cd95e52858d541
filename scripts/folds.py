"""Cross-validate a recipe: train with each fold of the documents left out, with one seed or several, and score on it.

python scripts/folds.py                                  # five folds, stratified by genre
python scripts/folds.py folds.count=10 'seeds=[1,2,3]' run=mine
python scripts/folds.py folds.count=10 'seeds=[1,2,3]' run=mine resume=auto    # goes on after a kill
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="folds")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns micro F1 over the documents of all folds, the mean of the seeds."""
    from rich.console import Console  # late: a wrong override is told before torch is loaded

    from ner_danvan.evaluation.intervals import MICRO
    from ner_danvan.experiments.cross_validation import run
    from ner_danvan.experiments.tables import folds_summary, folds_table
    from ner_danvan.training.config import with_labels

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    result = run(with_labels(values))
    Console().print(folds_table(result))
    for line in folds_summary(result):
        print(line)
    print(f"written: {values['output']}/folds.json, folds.tsv, gold.jsonl, seed-*/predictions.jsonl")
    return result.pooled[MICRO].mean


if __name__ == "__main__":
    run_hydra(main)
