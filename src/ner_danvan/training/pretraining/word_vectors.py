"""Skip-gram vectors of subwords, from which a new encoder's embeddings may start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ner_danvan.backends.onnx import available_cores
from ner_danvan.errors import UserError
from ner_danvan.text.subwords import EOS_ID
from ner_danvan.training.pretraining.model import SparseMaskedLM


@dataclass(frozen=True)
class WordVectorConfig:
    """How the vectors are learned; with 0 epochs there are none."""

    epochs: int
    window: int
    negatives: int
    sample: float
    norm: float


class _Rows:
    """The subwords of windows `[windows, length]` as strings, read as often as one likes."""

    def __init__(self, ids: npt.NDArray[np.int32], names: list[str]) -> None:
        self._ids, self._names = ids, names

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._ids:
            yield [self._names[number] for number in row if number > EOS_ID]


def start_from_word_vectors(
    model: SparseMaskedLM, ids: npt.NDArray[np.int32], config: WordVectorConfig, seed: int
) -> int:
    """Put vectors learned from windows of ids into the model's embeddings; returns for how many subwords.

    Skip-gram with negative sampling (Mikolov et al. 2013). The vectors are centred, and scaled to a mean length of
    `norm`; subwords that do not occur, and the special ones, keep their random ones. With several threads two runs
    differ. Raises UserError if gensim is missing.
    """
    try:
        from gensim.models import Word2Vec  # late: an extra, and not needed elsewhere
    except ImportError:
        raise UserError(
            "word_vectors.epochs needs gensim, which is not installed:  pip install 'ner-danvan[pretrain]'"
        ) from None
    table: torch.Tensor = model.roberta.embeddings.word_embeddings.weight
    found = Word2Vec(
        _Rows(ids, [str(number) for number in range(len(table))]),
        vector_size=table.shape[1],
        window=config.window,
        sg=1,
        negative=config.negatives,
        sample=config.sample,
        min_count=1,
        epochs=config.epochs,
        seed=seed + 1,  # 0 is no seed to gensim
        workers=available_cores(),
    ).wv
    vectors = found.vectors - found.vectors.mean(axis=0)
    vectors *= config.norm / np.linalg.norm(vectors, axis=1).mean()
    with torch.no_grad():
        places = torch.tensor([int(name) for name in found.index_to_key])
        table[places] = torch.from_numpy(vectors).to(table.dtype)
    return len(vectors)
