"""The settings of a pre-training run, as plain dataclasses; `configs/pretrain.yaml` says what each key means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.text.segment import SEGMENTERS
from ner_danvan.training.config import output_folder
from ner_danvan.training.sections import fill, number


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
    encoder: str
    layers: int
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
    if text.held_out < 1:
        raise UserError(f"text.held_out={text.held_out} must be at least 1.")
    for key in ("warmup", "weight_decay", "max_grad_norm"):
        if getattr(training, key) < 0:
            raise UserError(f"training.{key}={getattr(training, key)} must not be below 0.")
    layers, seed = (number(key, values[key], int) for key in ("layers", "seed"))
    if seed < 0:
        raise UserError(f"seed={seed} must not be below 0.")
    return PretrainConfig(
        output=output_folder(values["output"]),
        seed=seed,
        resume=resume,
        encoder=str(values["encoder"]),
        layers=layers,
        text=text,
        training=training,
    )


def paths_of(key: str, value: Any) -> list[Path]:
    """The paths of a key that holds a list of them; raises UserError for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise UserError(f"{key}={value} is no list of files; put it in brackets, {key}=[FILE,…].")
    return [Path(str(path)) for path in value]
