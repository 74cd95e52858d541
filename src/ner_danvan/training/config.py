"""The settings of a training run, as plain dataclasses; `configs/` says what each key means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ner_danvan.corpus.tagged import is_tagged, labels_of, read_tagged
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme
from ner_danvan.text.segment import SEGMENTERS
from ner_danvan.text.windows import WindowSize
from ner_danvan.training.augment.settings import AugmentConfig, Rates, Roles

FROM_DATA = "from_data"  # the labels are those of the training data
SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt")

Filled = TypeVar(
    "Filled", "DataConfig", "EncoderConfig", "OptimConfig", "SplitWordsConfig", "_AugmentSection", Roles, Rates
)
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class EncoderConfig:
    """The pre-trained encoder: a directory in PhoBERT's layout or a hub id, and what the card says of it."""

    name: str
    path: str
    license: str
    allow_bin: bool
    dropout: float
    attention_dropout: float


@dataclass(frozen=True)
class DataConfig:
    """Annotated reports of each split: a folder, a document JSONL file, or tagged words in CoNLL or JSON lines.

    `limit` says how many training documents are taken, 0 for all; `segmenter` how their texts become words.
    """

    train: Path
    dev: Path
    limit: int
    segmenter: str


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
    augment: AugmentConfig
    training: OptimConfig


def run_config(values: Mapping[str, Any]) -> RunConfig:
    """From the resolved configuration as plain data; raises UserError that names the key whose value cannot be."""
    training = dict(values["training"])
    if (resume := values["resume"]) not in (None, "auto"):
        raise UserError(f"resume={resume} is not known; leave it out to start anew, or say resume=auto to go on.")
    size = {key: _number(f"training.{key}", training.pop(key), int) for key in ("window", "overlap")}
    try:
        window = WindowSize(size["window"], size["overlap"])
    except ValueError as error:
        raise UserError(f"training.window: {error}") from None
    split_words = _fill(SplitWordsConfig, "training.split_words", training.pop("split_words"))
    options = _fill(OptimConfig, "training", training)
    for key in ("epochs", "patience", "batch_size", "accumulation", "learning_rate"):
        if not getattr(options, key) > 0:
            raise UserError(f"training.{key}={getattr(options, key)} must be above 0.")
    for key in ("warmup", "weight_decay", "max_grad_norm", "workers", "head_factor", "transition_factor"):
        if getattr(options, key) < 0:
            raise UserError(f"training.{key}={getattr(options, key)} must not be below 0.")
    if options.schedule not in SCHEDULES:
        raise UserError(f"training.schedule={options.schedule} is not known; take one of {', '.join(SCHEDULES)}.")
    data = _fill(DataConfig, "data", values["data"])
    if data.limit < 0:
        raise UserError(f"data.limit={data.limit} must not be below 0; 0 takes every document.")
    if data.segmenter not in SEGMENTERS:
        raise UserError(f"data.segmenter={data.segmenter} is not known; take one of {', '.join(SEGMENTERS)}.")
    scheme = LabelScheme.from_config(values["labels"]["layers"])
    augment = _augment(values["augment"], scheme)
    if augment.is_on and data.segmenter == "spaces":
        raise UserError("augment: changes running text, not words that are segmented already; say augment=none.")
    return RunConfig(
        output=_output(values["output"]),
        seed=_number("seed", values["seed"], int),
        resume=resume,
        model=_fill(EncoderConfig, "model", values["model"]),
        scheme=scheme,
        window=window,
        data=data,
        split_words=split_words,
        augment=augment,
        training=options,
    )


def with_labels(values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with `labels.layers=from_data` resolved: one layer with every label of the training data."""
    if values["labels"]["layers"] != FROM_DATA:
        return dict(values)
    path = Path(str(values["data"]["train"]))
    if not path.is_file():
        raise UserError(f"data.train={path}: no such file; check the path.")
    if not is_tagged(path):
        raise UserError(f"labels=from_data: data.train={path} is no file of tagged words (CoNLL or JSON lines).")
    labels = labels_of(read_tagged(path))
    if not labels:
        raise UserError(f"{path}: every tag is O, so there is no label to learn.")
    return {**values, "labels": {"layers": [{"name": "entity", "labels": labels}]}}


@dataclass(frozen=True)
class _AugmentSection:
    lexicon: Path
    versions: int
    share: float
    roles: Any
    rates: Any


def _augment(values: Any, scheme: LabelScheme) -> AugmentConfig:
    section = _fill(_AugmentSection, "augment", values)
    rates = _fill(Rates, "augment.rates", section.rates)
    roles = _fill(Roles, "augment.roles", section.roles)
    for key, value in [("share", section.share), *((f"rates.{kind}", rate) for kind, rate in vars(rates).items())]:
        if not 0 <= value <= 1:
            raise UserError(f"augment.{key}={value} must be between 0 and 1.")
    if section.versions < 1:
        raise UserError(f"augment.versions={section.versions} must be at least 1.")
    config = AugmentConfig(section.lexicon, section.versions, section.share, roles, rates)
    for role, label in vars(roles).items():
        if config.is_on and label and label not in scheme.labels:
            known = ", ".join(scheme.labels)
            raise UserError(
                f"augment.roles.{role}={label} is not in the scheme ({known}); mend it, or say augment=none."
            )
    return config


def _output(value: Any) -> Path:
    path = Path(str(value))
    if path.exists() and not path.is_dir():
        raise UserError(f"output={path} is a file; name a folder.")
    return path


def _fill(kind: type[Filled], section: str, values: Any) -> Filled:
    """A dataclass from a section of the configuration, each value in its field's type."""
    if not isinstance(values, Mapping):
        raise UserError(f"{section}={values} is no section; see configs/ for the keys that it has.")
    known = {field.name: field.type for field in fields(kind)}
    if unknown := [key for key in values if key not in known]:
        raise UserError(f"{section}.{unknown[0]} is not known; known are {', '.join(known)}.")
    if missing := [key for key in known if key not in values]:
        raise UserError(f"{section}.{missing[0]} is missing; see configs/.")
    return kind(**{key: _value(f"{section}.{key}", values[key], str(known[key])) for key in known})


def _value(key: str, value: Any, kind: str) -> Any:
    if kind == "Path":
        return Path(str(value))
    if kind == "bool":
        if not isinstance(value, bool):
            raise UserError(f"{key}={value} must be true or false.")
        return value
    if kind == "Any":
        return value
    if kind in ("int", "float"):
        return _number(key, value, int if kind == "int" else float)
    return "" if value is None else str(value)


def _number(key: str, value: Any, kind: type[Number]) -> Number:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or (kind is int and value != int(value))
    ):
        raise UserError(f"{key}={value} must be a {'whole ' if kind is int else ''}number.")
    return kind(value)
