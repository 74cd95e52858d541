"""A table of all runs, with filters: what each was told and what it reached; as CSV and as a plot too.

python scripts/results.py
python scripts/results.py "where=['training.window=256','seed<=3']" sort=-test score=test
python scripts/results.py x=training.learning_rate roots=[runs/sweeps/mine]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from ner_danvan.errors import UserError
from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="results")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints the runs, those that are not whole too."""
    from ner_danvan.experiments.plots import draw_results  # late: a wrong override is told at once
    from ner_danvan.experiments.results import BROKEN, differing, find_runs, ordered, select, write_results
    from ner_danvan.experiments.tables import results_table

    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    found = find_runs([Path(root) for root in values["roots"]])
    if not found:
        raise UserError(f"roots={values['roots']}: no run.json below them; name the folders that hold your runs.")
    where = values["where"] if isinstance(values["where"], list) else [values["where"]]
    runs = ordered(select(found, [str(each) for each in where]), str(values["sort"]))
    columns = differing(runs) if values["columns"] is None else [str(each) for each in values["columns"]]
    output = Path(values["output"])
    write_results(runs, columns, output / "results.csv")
    Console().print(results_table(runs, columns))
    for run in runs:
        if run.fault:
            print(f"{run.state}: {run.folder}: {run.fault}")
    whole = sum(run.state != BROKEN for run in runs)
    print(f"{len(runs)} of {len(found)} runs, {len(runs) - whole} that cannot be read")
    written = ["results.csv"]
    if values["plot"]:
        draw_results(runs, str(values["score"]), values["x"], columns, output / "results.png")
        written.append("results.png")
    print(f"written: {output}/{', '.join(written)}")


if __name__ == "__main__":
    run_hydra(main)
