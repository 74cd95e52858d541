"""Windows packed from articles, and their words masked anew each time that they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from ner_danvan.errors import UserError
from ner_danvan.labels import IGNORED
from ner_danvan.model_dir import POSITION_OFFSET
from ner_danvan.text.subwords import BOS_ID, EOS_ID, Subwords

_SPECIAL_TOKENS = 2
_MASKED, _RANDOM = 0.8, 0.1  # of the chosen subwords (Devlin et al. 2019); the rest stays as it is


@dataclass(frozen=True)
class Packed:
    """Windows `[windows, length]` of ids, special ones at the ends; `words` numbers a window's words, -1 for none."""

    ids: npt.NDArray[np.int32]
    words: npt.NDArray[np.int16]


def pack(articles: Iterable[str], subwords: Subwords, length: int) -> Packed:
    """Articles one behind the other, `</s>` between them, cut into full windows; what is left at the end is dropped."""
    room = length - _SPECIAL_TOKENS
    ids: list[npt.NDArray[np.int32]] = []
    begins: list[npt.NDArray[np.bool_]] = []
    for article in articles:
        encoded = subwords.encode(article.split())
        begin = np.zeros(len(encoded.ids), dtype=np.bool_)
        begin[encoded.firsts[:-1]] = True
        ids.append(np.append(encoded.ids, EOS_ID).astype(np.int32))
        begins.append(np.append(begin, True))
    flat = np.concatenate(ids) if ids else np.zeros(0, np.int32)
    count = len(flat) // room
    rows = flat[: count * room].reshape(count, room)
    numbers = np.cumsum(np.concatenate(begins)[: count * room].reshape(count, room) if count else rows, axis=1)
    packed = np.full((count, length), BOS_ID, np.int32)
    packed[:, 1:-1], packed[:, -1] = rows, EOS_ID
    words = np.full((count, length), -1, np.int16)
    words[:, 1:-1] = np.where(rows == EOS_ID, -1, numbers)
    return Packed(packed, words)


def split_off(packed: Packed, held_out: int) -> tuple[Packed, Packed]:
    """All but the last so many windows, and those; raises UserError if none would be left."""
    if len(packed.ids) <= held_out:
        raise UserError(
            f"text.files: {len(packed.ids)} full windows, of which text.held_out={held_out}; give more text."
        )
    return (
        Packed(packed.ids[:-held_out], packed.words[:-held_out]),
        Packed(packed.ids[-held_out:], packed.words[-held_out:]),
    )


class MaskedWindows(Dataset[dict[str, npt.NDArray[np.int64]]]):
    """Windows with whole words masked (Cui et al. 2021); the choice follows from seed, epoch and number alone.

    `places` and `targets` of a window are `[guessed]`, as many in each window so that shapes stay the same; the last
    word that is chosen may be masked in part. A window with too few words fills up with places whose target is IGNORED.
    Windows shorter than the encoder's `positions` begin at any of them, so that all are learned.
    """

    def __init__(self, packed: Packed, share: float, vocabulary: int, mask_id: int, seed: int, positions: int) -> None:
        self._packed, self._seed, self._epoch = packed, seed, 0
        self._beyond = positions - packed.ids.shape[1]
        self._count = max(1, round(share * (packed.ids.shape[1] - _SPECIAL_TOKENS)))
        self._vocabulary, self._mask_id = vocabulary, mask_id

    def read_epoch(self, epoch: int) -> None:
        """Mask as in an epoch, counted from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._packed.ids)

    def __getitem__(self, index: int) -> dict[str, npt.NDArray[np.int64]]:
        random = np.random.default_rng((self._seed, self._epoch, index))
        ids, words = self._packed.ids[index].astype(np.int64), self._packed.words[index]
        rank = random.permutation(len(ids) + 1)[words].astype(np.float64)
        rank[words < 0] = np.inf
        places = np.argsort(rank, kind="stable")[: self._count]
        targets = np.where(words[places] < 0, IGNORED, ids[places])
        draw = random.random(len(places))
        other = random.integers(EOS_ID + 2, self._vocabulary, len(places))
        new = np.where(draw < _MASKED, self._mask_id, np.where(draw < _MASKED + _RANDOM, other, ids[places]))
        ids[places] = np.where(targets == IGNORED, ids[places], new)
        row = {"input_ids": ids, "places": places, "targets": targets}
        if self._beyond > 0:  # otherwise the encoder counts them itself
            row["position_ids"] = np.arange(len(ids)) + POSITION_OFFSET + random.integers(self._beyond + 1)
        return row


def collate_masked(rows: Sequence[Mapping[str, npt.NDArray[np.int64]]]) -> dict[str, torch.Tensor]:
    """`input_ids` `[batch, length]`; `places`, counted in each window, and `targets` `[batch, guessed]`.

    And `position_ids` `[batch, length]` if the windows do not all begin at the first position.
    """
    return {key: torch.from_numpy(np.stack([row[key] for row in rows])) for key in rows[0]}
