"""Check the annotated reports; write each split as document JSONL, the figures, and a dataset for the hub.

python scripts/prepare_data.py
python scripts/prepare_data.py splits.train=FOLDER index=null output=DIRECTORY
python scripts/prepare_data.py readme=data/README.md    # also the tables and plots of the datasheet
"""

from __future__ import annotations

import sys
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from ner_danvan.corpus.build import CorpusError, run
from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="prepare_data")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints what each split holds, or each fault in a line."""
    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    try:
        built = run(values)
    except CorpusError as error:
        print("\n".join(error.faults), file=sys.stderr)
        raise
    splits = built.statistics.splits
    table = Table("split", box=None, padding=(0, 2, 0, 0))  # without a frame its figures fit into 80 columns
    for column in ("reports", "words", "windows", *next(iter(splits.values())).labels):
        table.add_column(column, justify="right")
    for name, split in splits.items():
        figures = (split.documents, split.words, split.windows, *(label.spans for label in split.labels.values()))
        table.add_row(name, *(f"{figure:,}" for figure in figures))
    Console().print(table)
    for line in built.skipped:
        print(f"skipped: {line}")
    print(f"written: {', '.join(str(path) for path in built.written)}")


if __name__ == "__main__":
    run_hydra(main)
