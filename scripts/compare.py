"""Tell whether one model, or file of predictions, is better than another on the same annotated reports.

python scripts/compare.py a=default b=runs/mine/model                         # on the dev split
python scripts/compare.py a=old.jsonl b=new.jsonl data.path=FOLDER data.name=mine
python scripts/compare.py 'a=[runs/x-1/model,runs/x-2/model]' 'b=[runs/y-1/model,runs/y-2/model]'
"""

from __future__ import annotations

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="compare")
@one_line_errors
def main(config: DictConfig) -> float:
    """Returns the difference of micro F1."""
    from ner_danvan.evaluation.compare import run  # late: a wrong override is told at once
    from ner_danvan.evaluation.table import caution, claim, comparison_table, only_lines

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    comparison = run(values)
    console = Console()
    console.print(comparison_table(comparison))
    for line in only_lines(comparison, int(values["shown"])):
        console.print(line, markup=False, highlight=False)
    print(claim(comparison))
    print(caution(comparison))
    print(f"written: {values['output']}/comparison.json, spans.tsv")
    return comparison.differences["micro"].difference


if __name__ == "__main__":
    run_hydra(main)
