"""Score who-holds-which-post links on reports whose links were labelled by hand.

python scripts/evaluate_relations.py                     # the rules on gold spans
python scripts/evaluate_relations.py model.path=default  # and on what the embedded model finds
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate_relations")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns the F1 of person and post on gold spans."""
    from ner_danvan.evaluation.relations import HOLDS, run  # late: a wrong override is told at once

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    scores = run(values)
    table = Table("spans", "link", "right", "found", "gold", "F1")
    for spans, kinds in scores.items():
        for kind, score in kinds.items():
            cells = (str(score.right), str(score.found), str(score.gold), f"{100 * score.f1:.1f}")
            table.add_row(spans, kind, *cells)
    Console().print(table)
    return scores["gold spans"][HOLDS].f1


if __name__ == "__main__":
    run_hydra(main)
