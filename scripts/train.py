"""Fine-tune an encoder on annotated reports.

python scripts/train.py                                  # the embedded encoder on data/reports
python scripts/train.py model=phobert_base experiment=phobert
python scripts/train.py model.path=DIRECTORY run=mine resume=auto
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.labels import LabelScheme
from ner_danvan.launch import is_first_process, one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns the best dev F1, for sweeps."""
    from ner_danvan.evaluation.scores import dev_scores  # late: a wrong override is told before torch is loaded
    from ner_danvan.training.config import with_labels
    from ner_danvan.training.run import run

    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    values = with_labels(plain)
    result = run(values, dev_scores(LabelScheme.from_config(values["labels"]["layers"])))
    if is_first_process():
        print(f"\nmodel: {result.model}   dev micro F1 {100 * result.dev_f1:.2f}")
    return result.dev_f1


if __name__ == "__main__":
    run_hydra(main)
