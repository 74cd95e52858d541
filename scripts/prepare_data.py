"""Check the annotated reports and write each split as document JSONL.

python scripts/prepare_data.py
python scripts/prepare_data.py splits.train=FOLDER output=DIRECTORY
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
        splits = run(values)
    except CorpusError as error:
        print("\n".join(error.faults), file=sys.stderr)
        raise
    table = Table("split", "documents", "words", *splits[0].spans)
    for split in splits:
        table.add_row(split.split, str(split.documents), str(split.words), *(str(n) for n in split.spans.values()))
    Console().print(table)
    print(f"written: {values['output']}/{{{','.join(split.split for split in splits)}}}.jsonl")


if __name__ == "__main__":
    run_hydra(main)
