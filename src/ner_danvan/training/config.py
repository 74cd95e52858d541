"""The settings of a training run, as plain dataclasses; `configs/` says what each key means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_danvan.corpus.folds import Fold
from ner_danvan.corpus.tagged import is_tagged, labels_of, read_tagged
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme
from ner_danvan.sections import fill, number_of, paths, whole_number
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.segment import SEGMENTERS
from ner_danvan.text.windows import WindowSize
from ner_danvan.training.augment.settings import AugmentConfig, Rates, Roles

FROM_DATA = "from_data"  # the labels are those of the training data
SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt")


@dataclass(frozen=True)
class EncoderConfig:
    """The pre-trained encoder: a directory in PhoBERT's layout or a hub id, and what the card says of it."""

    name: str
    path: str
    license: str
    allow_bin: bool
    dropout: float
    attention_dropout: float
    about: str | None = None  # a sentence for the model card


@dataclass(frozen=True)
class DataConfig:
    """Annotated reports of each split: a folder, a document JSONL file, or tagged words in CoNLL or JSON lines.

    `train` may be several of these. `limit` says how many training documents are taken, 0 for all; `segmenter` how
    their texts become words.
    """

    train: tuple[Path, ...]
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
    compile: str
    workers: int
    line_marks: bool
    layer_decay: float
    layer_weights: Any  # layer name to weight
    label_smoothing: float
    boundary_weight: float
    adversarial: float
    consistency: float
    average: int
    min_score: float | None


@dataclass(frozen=True)
class RunConfig:
    """One training run."""

    output: Path
    seed: int
    resume: str | None
    model: EncoderConfig
    scheme: LabelScheme
    inputs: InputSettings
    data: DataConfig
    split_words: SplitWordsConfig
    augment: AugmentConfig
    training: OptimConfig
    fold: Fold | None = None


def run_config(values: Mapping[str, Any]) -> RunConfig:
    """From the resolved configuration as plain data; raises UserError that names the key whose value cannot be."""
    training = dict(values["training"])
    if (resume := values["resume"]) not in (None, "auto"):
        raise UserError(f"resume={resume} is not known; leave it out to start anew, or say resume=auto to go on.")
    size = {key: number_of(f"training.{key}", training.pop(key), int) for key in ("window", "overlap")}
    try:
        window = WindowSize(size["window"], size["overlap"])
    except ValueError as error:
        raise UserError(f"training.window: {error}") from None
    split_words = fill(SplitWordsConfig, "training.split_words", training.pop("split_words"))
    options = fill(OptimConfig, "training", training)
    for key in ("epochs", "patience", "batch_size", "accumulation", "learning_rate"):
        if not getattr(options, key) > 0:
            raise UserError(f"training.{key}={getattr(options, key)} must be above 0.")
    for key in (
        *("warmup", "weight_decay", "max_grad_norm", "workers", "head_factor", "transition_factor"),
        *("label_smoothing", "boundary_weight", "adversarial", "consistency", "average"),
    ):
        if getattr(options, key) < 0:
            raise UserError(f"training.{key}={getattr(options, key)} must not be below 0.")
    if options.schedule not in SCHEDULES:
        raise UserError(f"training.schedule={options.schedule} is not known; take one of {', '.join(SCHEDULES)}.")
    if options.min_score is not None and not 0 <= options.min_score <= 1:
        raise UserError(f"training.min_score={options.min_score} must be between 0 and 1, or null.")
    if not 0 < options.layer_decay <= 1:
        raise UserError(f"training.layer_decay={options.layer_decay} must be above 0 and at most 1.")
    if options.label_smoothing >= 1:
        raise UserError(f"training.label_smoothing={options.label_smoothing} must be below 1.")
    scheme = LabelScheme.from_config(values["labels"]["layers"])
    _check_layer_weights(options.layer_weights, scheme)
    data = fill(DataConfig, "data", values["data"])
    if not data.train:
        raise UserError(f"data.train={values['data']['train']}: name a folder or a file to train on.")
    if data.limit < 0:
        raise UserError(f"data.limit={data.limit} must not be below 0; 0 takes every document.")
    if data.segmenter not in SEGMENTERS:
        raise UserError(f"data.segmenter={data.segmenter} is not known; take one of {', '.join(SEGMENTERS)}.")
    augment = _augment(values["augment"], scheme)
    if augment.is_on and data.segmenter == "spaces":
        raise UserError("augment: changes running text, not words that are segmented already; say augment=none.")
    return RunConfig(
        output=output_folder(values["output"]),
        seed=number_of("seed", values["seed"], int),
        resume=resume,
        model=fill(EncoderConfig, "model", values["model"]),
        scheme=scheme,
        inputs=InputSettings(window, data.segmenter, options.line_marks),
        data=data,
        split_words=split_words,
        augment=augment,
        training=options,
        fold=fill(Fold, "folds", values["folds"]) if values.get("folds") else None,
    )


def _check_layer_weights(weights: Any, scheme: LabelScheme) -> None:
    known = [layer.name for layer in scheme.layers]
    if not isinstance(weights, Mapping):
        raise UserError(f"training.layer_weights={weights} is no section; give {{}} or weights of {', '.join(known)}.")
    for name, weight in weights.items():
        if name not in known:
            raise UserError(f"training.layer_weights.{name}: no such layer; known are {', '.join(known)}.")
        if number_of(f"training.layer_weights.{name}", weight, float) < 0:
            raise UserError(f"training.layer_weights.{name}={weight} must not be below 0.")


def with_labels(values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with `labels.layers=from_data` resolved: one layer with every label of the training data."""
    if values["labels"]["layers"] != FROM_DATA:
        return dict(values)
    train = paths(values["data"]["train"])
    for path in train:
        if not path.is_file():
            raise UserError(f"data.train={path}: no such file; check the path.")
        if not is_tagged(path):
            raise UserError(f"labels=from_data: data.train={path} is no file of tagged words (CoNLL or JSON lines).")
    labels = labels_of([sentence for path in train for sentence in read_tagged(path)])
    if not labels:
        raise UserError(f"data.train={values['data']['train']}: every tag is O, so there is no label to learn.")
    return {**values, "labels": {"layers": [{"name": "entity", "labels": labels}]}}


@dataclass(frozen=True)
class _AugmentSection:
    lexicon: Path
    versions: int
    share: float
    roles: Any
    rates: Any


def _augment(values: Any, scheme: LabelScheme) -> AugmentConfig:
    section = fill(_AugmentSection, "augment", values)
    rates = fill(Rates, "augment.rates", section.rates)
    roles = fill(Roles, "augment.roles", section.roles)
    for key, value in [("share", section.share), *((f"rates.{kind}", rate) for kind, rate in vars(rates).items())]:
        if not 0 <= value <= 1:
            raise UserError(f"augment.{key}={value} must be between 0 and 1.")
    whole_number("augment.versions", section.versions, 1)
    config = AugmentConfig(section.lexicon, section.versions, section.share, roles, rates)
    for role, label in vars(roles).items():
        if config.is_on and label and label not in scheme.labels:
            known = ", ".join(scheme.labels)
            raise UserError(
                f"augment.roles.{role}={label} is not in the scheme ({known}); mend it, or say augment=none."
            )
    return config


def output_folder(value: Any) -> Path:
    """The folder that `output` names; raises UserError if it is a file."""
    path = Path(str(value))
    if path.exists() and not path.is_dir():
        raise UserError(f"output={path} is a file; name a folder.")
    return path
