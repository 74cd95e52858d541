"""Write a trained model as a directory that can be published, and publish it.

python scripts/export.py model.path=runs/danvan_mini-1 output=models/mine
python scripts/export.py output=models/mine hub.repo_id=owner/mine hub.dry_run=true
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="export")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints where the model lies, and where it was published."""
    from ner_danvan.export.hub import publish, publishing

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    to = publishing(values)
    if to is None or values["model"]["path"] is not None:
        from ner_danvan.export.run import run  # late: a fault of the settings is told before torch is loaded

        exported = run(values)
        print(f"exported: {exported.folder}   {exported.size / 1e6:.1f} MB, logits within {exported.difference:.2g}")
        if exported.int8:
            print(exported.int8)
    if to is not None:
        print(publish(Path(values["output"]), to))


if __name__ == "__main__":
    run_hydra(main)
