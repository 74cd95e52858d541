"""Search for better settings of a training run: which are tried, and how, configs/sweep/ says.

python scripts/sweep.py experiment=screening sweep.trials=20
python scripts/sweep.py experiment=screening sweep.trials=40 resume=auto      # goes on, after a kill or for more trials
python scripts/sweep.py +sweep.space.model.dropout.choices=[0.0,0.1,0.2] '~sweep.space.training.batch_size' run=mine
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="sweep")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns the best dev F1."""
    from rich.console import Console  # late: a wrong override is told before torch is loaded

    from ner_danvan.experiments.sweep import run
    from ner_danvan.experiments.tables import best_command, trials_table
    from ner_danvan.training.config import with_labels

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    result = run(with_labels(values))
    Console().print(trials_table(result))
    print(f"the best trial's values:  {best_command(result)}")
    print(f"written: {values['output']}/sweep.json, trials.tsv, {result.best.folder}/model")
    return result.best.dev_f1


if __name__ == "__main__":
    run_hydra(main)
