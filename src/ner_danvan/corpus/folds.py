"""Documents dealt into folds, one of which is left out of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ner_danvan.corpus.index import report_groups
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.sections import whole_number

HELD_OUT_FILE = "held_out.jsonl"


@dataclass(frozen=True)
class Fold:
    """Which of how many folds is left out, and how documents are dealt; `configs/folds/` says what each key means."""

    count: int
    number: int
    seed: int
    by: str | None
    index: str | None
    groups: Any  # column of the index -> group -> words that tell it


def leave_out(documents: Sequence[Document], fold: Fold) -> tuple[list[Document], list[Document]]:
    """The documents without those of the fold, and those of the fold, both in their order.

    Raises UserError for a fold that cannot be, or more folds than documents.
    """
    whole_number("folds.count", fold.count, 2)
    if not 1 <= fold.number <= fold.count:
        raise UserError(f"folds.number={fold.number} must be between 1 and folds.count={fold.count}.")
    if len(documents) < fold.count:
        raise UserError(f"folds.count={fold.count}: there are only {len(documents)} documents; take fewer folds.")
    dealt = deal(documents, fold.count, fold.seed, _groups(documents, fold))
    kept = [document for document, number in zip(documents, dealt, strict=True) if number != fold.number]
    held = [document for document, number in zip(documents, dealt, strict=True) if number == fold.number]
    return kept, held


def deal(documents: Sequence[Document], count: int, seed: int, groups: Mapping[str, str]) -> list[int]:
    """The fold of each document, from 1 to `count`: stratified by the group of its id (Kohavi 1995).

    Documents are dealt round, group after group, so that the sizes of two folds, in all and of each group, differ by
    one at most. Which fold one falls into follows from the seed and the ids, not from their order.
    """

    def place(i: int) -> tuple[str, bytes, int]:
        document = documents[i]
        return groups.get(document.id, ""), sha256(f"{seed}/{document.id}".encode()).digest(), i

    folds = [0] * len(documents)
    for turn, i in enumerate(sorted(range(len(documents)), key=place)):
        folds[i] = turn % count + 1
    return folds


def _groups(documents: Sequence[Document], fold: Fold) -> dict[str, str]:
    if fold.by is None:
        return {}
    groups = {document.id: str(document.meta[fold.by]) for document in documents if fold.by in document.meta}
    if fold.index is not None and len(groups) < len(documents):
        names = {document.id for document in documents} - set(groups)
        groups |= report_groups(Path(fold.index), fold.by, fold.groups or {}, names)
    return groups
