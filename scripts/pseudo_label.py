"""Annotate texts with several models and keep those on which they agree, to train a student on (self-training).

python scripts/pseudo_label.py 'models=[runs/a-1/model,runs/a-2/model]' 'text.files=[articles.txt.xz]'
python scripts/train.py 'data.train=[data/built/train.jsonl,runs/silver.jsonl]' run=student
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="pseudo_label")
@one_line_errors
def main(config: DictConfig) -> int:
    """Returns how many documents were kept."""
    from ner_danvan.pseudo_labels import run  # late: a wrong override is told at once

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    found = run(values)
    print(f"{found.read} documents, the models' median agreement {found.median_agreement:.3f} (strict F1)")
    print(f"{found.confident} within the limits, {len(found.documents)} written: {values['output']}")
    return len(found.documents)


if __name__ == "__main__":
    run_hydra(main)
