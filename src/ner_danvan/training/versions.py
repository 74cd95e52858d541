"""The training split in several augmented versions, one an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from datasets import Dataset
from torch.utils.data import Dataset as MapDataset
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ner_danvan.document import Document
from ner_danvan.training.augment.lexicon import read_lexicon
from ner_danvan.training.augment.pipeline import augment
from ner_danvan.training.augment.settings import AugmentConfig
from ner_danvan.training.features import Example, make_dataset

MakeExamples = Callable[[Sequence[Document]], list[Example]]


class Versions(MapDataset[dict[str, Any]]):
    """Windows of one version at a time, as long as the longest version; shorter ones begin again at their end."""

    def __init__(self, versions: Sequence[Dataset]) -> None:
        self._versions = versions
        self._length = max(map(len, versions))
        self._rows = versions[0]

    def read_epoch(self, epoch: int) -> None:
        """Read the version that belongs to an epoch, counted from 0."""
        self._rows = self._versions[epoch % len(self._versions)]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self._length:
            raise IndexError(index)
        row: dict[str, Any] = self._rows[index % len(self._rows)]
        return row


class ReadsEpochs(Protocol):
    """Training data that is not the same in every epoch."""

    def read_epoch(self, epoch: int) -> None:
        """Read what belongs to an epoch, counted from 0."""
        ...


class ReadEpoch(TrainerCallback):
    """Turns to the epoch's data, also where a killed run goes on."""

    def __init__(self, versions: ReadsEpochs) -> None:
        self._versions = versions

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """`state.epoch` may lack a rounding error of being whole."""
        self._versions.read_epoch(int((state.epoch or 0.0) + 1e-6))


def make_versions(examples: Sequence[Example], make: MakeExamples, config: AugmentConfig, seed: int) -> Versions:
    """The split's examples as they are, and augmented where `config` says so.

    A document that a version leaves as it is costs nothing. Raises UserError where the gazetteers cannot be read.
    """
    if not config.is_on:
        return Versions([make_dataset(examples)])
    lexicon = read_lexicon(config.lexicon)
    versions = []
    for version in range(config.versions):
        chosen = list(examples)
        changed: dict[int, Document] = {}
        for number, example in enumerate(examples):
            key = f"{seed}/{version}"
            if Random(f"{key}/{example.document.id}").random() < config.share:
                changed[number] = augment(example.document, lexicon, config.roles, config.rates, key)
        for number, new in zip(changed, make(list(changed.values())), strict=True):
            chosen[number] = new
        versions.append(make_dataset(chosen))
    return Versions(versions)
