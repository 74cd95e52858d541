"""Go on with a masked language model, on more text or on text of a kind, or begin one from scratch.

python scripts/pretrain.py 'text.files=[articles.txt.xz]' training.steps=3000
python scripts/pretrain.py 'text.files=[a.txt.xz]' training.steps=900 'text.like=[data/built/train.jsonl]' text.share=.3
python scripts/pretrain.py 'text.files=[articles.txt.xz]' encoder=null new.layers=4 training.steps=4000   # from scratch
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import is_first_process, one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="pretrain")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns the held-out loss, for sweeps."""
    from ner_danvan.training.pretraining.run import run  # late: a wrong override is told before torch is loaded

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    result = run(values)
    if is_first_process():
        print(f"\nencoder: {result.model}   held-out loss {result.before:.3f} before, {result.after:.3f} after")
    return result.after


if __name__ == "__main__":
    run_hydra(main)
