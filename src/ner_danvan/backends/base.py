"""What every backend does: subword ids in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ner_danvan.errors import UserError, reason_of


class Backend(Protocol):
    """Runs the encoder and its head.

    `parallel` calls may run at a time, from as many threads. `batch_tokens` is how many subwords, padding included, it
    reads fastest at a time; rows are filled up to a multiple of `length_multiple`.
    """

    parallel: int
    batch_tokens: int
    length_multiple: int

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """`[batch, length]` ids and attention mask to logits `[batch, length, outputs]`."""
        ...


def run_fault(place: Path, error: Exception) -> UserError:
    """What a runtime raised over a batch, in one line; its errors have no common class."""
    return UserError(f"{place}: cannot be run ({reason_of(error)}); take another backend, or export the model again.")


def pad_batch(
    rows: Sequence[npt.NDArray[np.int64]], pad: int, multiple: int = 1
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of unequal length as ids `[batch, longest]`, filled up with `pad`, and their attention mask.

    The length is rounded up to a `multiple`.
    """
    longest = -(-max(len(row) for row in rows) // multiple) * multiple
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask
