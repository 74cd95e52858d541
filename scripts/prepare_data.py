"""Check the annotated reports; write each split as document JSONL, the figures, and a dataset for the hub.

python scripts/prepare_data.py
python scripts/prepare_data.py splits.train=FOLDER index=null output=DIRECTORY
python scripts/prepare_data.py readme=data/README.md    # also the tables and plots of the datasheet
python scripts/prepare_data.py hub.repo_id=owner/name hub.dry_run=true    # and what would be published

Or take in what people corrected in an annotation tool, as annotated reports in data/corrected.

python scripts/prepare_data.py corrections.path=EXPORT corrections.before=PREDICTIONS
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from ner_danvan.corpus.build import run
from ner_danvan.corpus.check import CorpusError
from ner_danvan.corrections.run import take_in
from ner_danvan.corrections.table import change_lines, label_table
from ner_danvan.io.terminal import visible
from ner_danvan.labels import LabelScheme
from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="prepare_data")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints what was done, or each fault in a line."""
    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    try:
        if values["corrections"]["path"] is None:
            _build(values)
        else:
            _take_in(values)
    except CorpusError as error:
        print("\n".join(visible(fault) for fault in error.faults), file=sys.stderr)
        raise


def _build(values: dict[str, Any]) -> None:
    """Prints what each split holds."""
    from ner_danvan.export.hub import dataset_publishing, publish  # late: corrections need none of it

    to = dataset_publishing(values)  # its faults are told before anything is built
    built = run(values)
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
    if to is not None:
        print(publish(Path(values["hub"]["folder"]), to))


def _take_in(values: dict[str, Any]) -> None:
    """Prints what people changed, and what was left out."""
    taken = take_in(values)
    for line in change_lines(taken.compared):
        print(line)
    if taken.compared:
        Console().print(label_table(taken.compared, LabelScheme.from_config(values["labels"]["layers"])))
        changed = sum(bool(comparison.changes) for comparison in taken.compared)
        print(f"compared: {len(taken.compared)} documents, {changed} of them changed")
    for line in taken.notes:
        print(f"skipped: {visible(' '.join(line.split()))}")
    print(f"written: {len(taken.written)} reports to {values['corrections']['output']}")


if __name__ == "__main__":
    run_hydra(main)
