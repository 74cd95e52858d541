"""The settings of a pre-training run, as plain dataclasses; `configs/pretrain.yaml` says what each key means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.sections import fill, number_of, whole_number
from ner_danvan.text.segment import SEGMENTERS
from ner_danvan.training.config import output_folder
from ner_danvan.training.pretraining.model import NewEncoder
from ner_danvan.training.pretraining.word_vectors import WordVectorConfig


@dataclass(frozen=True)
class TextConfig:
    """Files of articles, how they become words, and which of them are taken."""

    files: Any  # paths
    segmenter: str
    like: Any  # paths, or None
    share: float
    held_out: int


@dataclass(frozen=True)
class MaskedConfig:
    """How the masked language model is trained."""

    steps: int
    batch_size: int
    window: int
    masked: float
    learning_rate: float
    matrix_rate: float
    warmup: float
    weight_decay: float
    max_grad_norm: float
    precision: str
    compile: str
    save_steps: int


@dataclass(frozen=True)
class PretrainConfig:
    """One pre-training run."""

    output: Path
    seed: int
    resume: str | None
    encoder: str | None  # None: a new one
    layers: int
    new: NewEncoder
    word_vectors: WordVectorConfig
    text: TextConfig
    training: MaskedConfig


def pretrain_config(values: Mapping[str, Any]) -> PretrainConfig:
    """From the resolved configuration as plain data; raises UserError that names the key whose value cannot be."""
    text, training = fill(TextConfig, "text", values["text"]), fill(MaskedConfig, "training", values["training"])
    if (resume := values["resume"]) not in (None, "auto"):
        raise UserError(f"resume={resume} is not known; leave it out to start anew, or say resume=auto to go on.")
    if text.segmenter not in SEGMENTERS:
        raise UserError(f"text.segmenter={text.segmenter} is not known; take one of {', '.join(SEGMENTERS)}.")
    for key in ("steps", "batch_size", "learning_rate", "matrix_rate", "save_steps"):
        if not getattr(training, key) > 0:
            raise UserError(f"training.{key}={getattr(training, key)} must be above 0.")
    for key, value in (("text.share", text.share), ("training.masked", training.masked)):
        if not 0 < value <= 1:
            raise UserError(f"{key}={value} must be above 0 and at most 1.")
    whole_number("text.held_out", text.held_out, 1)
    for key in ("warmup", "weight_decay", "max_grad_norm"):
        if getattr(training, key) < 0:
            raise UserError(f"training.{key}={getattr(training, key)} must not be below 0.")
    layers, seed = (number_of(key, values[key], int) for key in ("layers", "seed"))
    if seed < 0:
        raise UserError(f"seed={seed} must not be below 0.")
    new = fill(NewEncoder, "new", values["new"])
    for key in ("layers", "hidden", "heads", "intermediate", "positions", "symbols"):
        if not getattr(new, key) > 0:
            raise UserError(f"new.{key}={getattr(new, key)} must be above 0.")
    vectors = fill(WordVectorConfig, "word_vectors", values["word_vectors"])
    if vectors.epochs < 0:
        raise UserError(f"word_vectors.epochs={vectors.epochs} must not be below 0.")
    for key in ("window", "negatives", "norm"):
        if not getattr(vectors, key) > 0:
            raise UserError(f"word_vectors.{key}={getattr(vectors, key)} must be above 0.")
    if vectors.epochs and values["encoder"] is not None:
        raise UserError("word_vectors.epochs: only a new encoder starts from word vectors; set encoder=null too.")
    return PretrainConfig(
        output=output_folder(values["output"]),
        seed=seed,
        resume=resume,
        encoder=None if values["encoder"] is None else str(values["encoder"]),
        layers=layers,
        new=new,
        word_vectors=vectors,
        text=text,
        training=training,
    )


def paths_of(key: str, value: Any) -> list[Path]:
    """The paths of a key that holds a list of them; raises UserError for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise UserError(f"{key}={value} is no list of files; put it in brackets, {key}=[FILE,…].")
    return [Path(str(path)) for path in value]
