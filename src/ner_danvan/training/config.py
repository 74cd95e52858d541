"""The settings of a training run, as plain dataclasses; `configs/` says what each key means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme
from ner_danvan.text.windows import WindowSize


@dataclass(frozen=True)
class EncoderConfig:
    """The pre-trained encoder: a directory in PhoBERT's layout or a hub id, and what the card says of it."""

    name: str
    path: str
    license: str
    allow_bin: bool
    dropout: float


@dataclass(frozen=True)
class DataConfig:
    """Annotated reports of each split: a folder, or a document JSONL file."""

    train: Path
    dev: Path


@dataclass(frozen=True)
class SplitWordsConfig:
    """When a word that gold spans cut enters the split lexicon."""

    min_cuts: int
    min_share: float


@dataclass(frozen=True)
class OptimConfig:
    """How the model is fitted."""

    epochs: float
    patience: int
    batch_size: int
    accumulation: int
    learning_rate: float
    head_factor: float
    transitions: bool
    transition_factor: float
    warmup: float
    schedule: str
    weight_decay: float
    max_grad_norm: float
    precision: str
    workers: int


@dataclass(frozen=True)
class RunConfig:
    """One training run."""

    output: Path
    seed: int
    resume: str | None
    model: EncoderConfig
    scheme: LabelScheme
    window: WindowSize
    data: DataConfig
    split_words: SplitWordsConfig
    training: OptimConfig


def run_config(values: dict[str, Any]) -> RunConfig:
    """From the resolved configuration as plain data; raises UserError for a value that cannot be."""
    training = dict(values["training"])
    resume = values["resume"]
    if resume not in (None, "auto"):
        raise UserError(f"resume={resume} is not known; leave it out to start anew, or say resume=auto to go on.")
    try:
        window = WindowSize(training.pop("window"), training.pop("overlap"))
    except ValueError as error:
        raise UserError(f"training.window: {error}") from None
    return RunConfig(
        output=Path(values["output"]),
        seed=int(values["seed"]),
        resume=resume,
        model=EncoderConfig(**values["model"]),
        scheme=LabelScheme.from_config(values["labels"]["layers"]),
        window=window,
        data=DataConfig(train=Path(values["data"]["train"]), dev=Path(values["data"]["dev"])),
        split_words=SplitWordsConfig(**training.pop("split_words")),
        training=OptimConfig(**training),
    )
