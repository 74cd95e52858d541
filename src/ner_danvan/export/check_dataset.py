"""What must hold of a dataset's folder before it may be published."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import DatasetCard

from ner_danvan.corpus.export import DATA_FOLDER, features
from ner_danvan.errors import UserError, one_line
from ner_danvan.export.check import Upload, check_secrets, holds_token, read_card, upload
from ner_danvan.model_dir import CARD_FILE

_MEND = "build it anew with scripts/prepare_data.py."
_FILE = re.compile(rf"{DATA_FOLDER}/[^/]+\.parquet")


def is_dataset_file(name: str) -> bool:
    """Whether a file of a repository is one that a dataset of ours has, and a later one may take away."""
    return bool(_FILE.fullmatch(name))


def check_dataset(folder: Path) -> list[Upload]:
    """The files of a dataset's folder, in order of name, if it is whole, loads, and agrees with its card.

    Raises UserError for the first fault: a missing or foreign file, front matter that cannot be read, no licence, other
    splits, rows or columns than the card names, a span that is not where it says, a text that holds a token.
    """
    uploads = _uploads(folder)
    card = folder / CARD_FILE
    told = read_card(card, DatasetCard, _MEND).data.to_dict()
    if not told.get("license"):
        raise UserError(f"{card}: no licence; set hub.license, and {_MEND}")
    check_secrets(uploads)
    splits = _load(folder)
    _check_splits(card, told, splits)
    for split, (_, rows) in splits.items():
        for row in rows:
            _check_row(f"{folder}: {split}: {row['id']}", row)
    return uploads


def _uploads(folder: Path) -> list[Upload]:
    if not (folder / CARD_FILE).is_file():
        raise UserError(f"{folder}: no {CARD_FILE}; {_MEND}")
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    found.pop(DATA_FOLDER, None)
    for name, path in found.items():
        if not (name == CARD_FILE or is_dataset_file(name)) or path.is_symlink() or not path.is_file():
            raise UserError(f"{path}: is no file of a dataset, and would not be published; take it away.")
    return [upload(path, name) for name, path in found.items()]


def _load(folder: Path) -> dict[str, tuple[Any, list[dict[str, Any]]]]:
    """Features and rows of the splits, as whoever loads the folder gets them."""
    from datasets import load_dataset
    from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        with TemporaryDirectory() as cache:
            loaded = load_dataset(str(folder.resolve()), cache_dir=cache)
            return {str(split): (found.features, found.to_list()) for split, found in loaded.items()}
    except Exception as error:  # of a damaged file anything may come
        reason = one_line(f"{type(error).__name__}: {error}")[:150]
        raise UserError(f"{folder}: cannot be loaded ({reason}); {_MEND}") from None
    finally:
        if shown:
            enable_progress_bar()


def _check_splits(card: Path, told: Mapping[str, Any], splits: Mapping[str, tuple[Any, list[Any]]]) -> None:
    """Raise UserError unless splits, rows and columns are those that the card names."""
    named = {split["name"]: split["num_examples"] for split in told.get("dataset_info", {}).get("splits", ())}
    if named != {split: len(rows) for split, (_, rows) in splits.items()}:
        raise UserError(f"{card}: names other splits or rows than the files have; {_MEND}")
    for split, (columns, _) in splits.items():
        if columns != features():
            raise UserError(f"{card.parent}: {split}: has other columns than a dataset of ours; {_MEND}")


def _check_row(place: str, row: Mapping[str, Any]) -> None:
    text: str = row["text"]
    for span in row["spans"]:
        if text[span["start"] : span["end"]] != span["text"]:
            raise UserError(f"{place}: {span['label']} at {span['start']}: its text is not there; {_MEND}")
    if any(holds_token(value) for value in row.values() if isinstance(value, str)):
        raise UserError(f"{place}: holds what looks like a token of the hub; take it out before you publish.")
