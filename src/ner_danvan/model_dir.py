"""The model directory: its files, and what `config.json` says beyond the encoder's own settings."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ner_danvan.atomic import is_unfinished
from ner_danvan.decode import Transitions
from ner_danvan.errors import UserError, one_line
from ner_danvan.hub import Wanted, download, is_hub_id
from ner_danvan.labels import LabelScheme
from ner_danvan.model_files import MOST_TEXT, check_config, check_files, check_size, read_object, readable
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.segment import SEGMENTERS, SplitWords
from ner_danvan.text.split_lexicon import read_split_words
from ner_danvan.text.subwords import MERGES_FILE, VOCAB_FILE, Subwords
from ner_danvan.text.windows import WindowSize

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"  # the graph; its weights are those of WEIGHTS_FILE
INT8_FILE = "model.int8.onnx"
SPLIT_WORDS_FILE = "split_words.txt"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
METRICS_FILE = "metrics.json"
RUN_FILE = "run.json"
CARD_FILE = "README.md"
MODEL_FOLDER = "model"  # where a training run keeps its model directory

DEFAULT_MODEL = "danvan-mini"
EMBEDDED = "default"  # names it where a name is asked for
SECTION = "ner_danvan"  # the key of config.json under which our settings stand
VOCABULARY = "vocabulary_sha256"  # the key in it that says which vocabulary the weights were trained with
FORMAT = 1
POSITION_OFFSET = 2  # RoBERTa's positions begin behind the pad id
_TEMPERATURES = (1e-3, 1e3)  # training writes 0.08 to 12
_MOST_TRANSITION = 100.0  # of a score, either way; what a model learns has one digit
_MOST_ATTENTION = 2**30  # numbers in the attention of all heads over a window: 16 heads over 8,192 subwords

EVERYTHING = Wanted(also=("*.json", "*.txt", "*.codes", "*.safetensors", "*.onnx", "*.md", "*.svg"))
ENCODER = Wanted(needed=(CONFIG_FILE, "vocab.txt", "bpe.codes"), also=("*.json", "*.safetensors"))
ENCODER_WITH_BIN = Wanted(ENCODER.needed, (*ENCODER.also, "*.bin"))  # torch's own weight format
READ = Wanted(needed=(CONFIG_FILE, "vocab.txt", "bpe.codes", SPLIT_WORDS_FILE))  # what `read_model_dir` reads


@dataclass(frozen=True)
class ModelSettings:
    """What prediction must know of a model: labels, how it reads, transitions and temperatures by layer.

    Spans whose score is below `min_score` are left out, unless somebody asks for another limit.
    """

    scheme: LabelScheme
    inputs: InputSettings
    transitions: Transitions = field(default_factory=dict)
    temperatures: Mapping[str, float] = field(default_factory=dict)
    min_score: float = 0.0

    def to_config(self) -> dict[str, Any]:
        """The section of `config.json`."""
        return {
            "format": FORMAT,
            "scheme": self.scheme.to_config(),
            "window": self.inputs.window.subwords,
            "overlap": self.inputs.window.overlap,
            "transitions": {name: [list(row) for row in rows] for name, rows in self.transitions.items()},
            "temperatures": dict(self.temperatures),
            "min_score": self.min_score,
            "segmenter": self.inputs.segmenter,
            "line_marks": self.inputs.line_marks,
        }


@dataclass(frozen=True)
class ModelFiles:
    """Everything of a model directory but its weights."""

    folder: Path
    settings: ModelSettings
    subwords: Subwords
    split_words: SplitWords


def read_model_dir(folder: Path) -> ModelFiles:
    """Read and check a model directory; raises UserError that names the file that is missing or wrong."""
    with readable(folder):
        there = folder.is_dir()
    if not there:
        raise UserError(f"{folder}: no such model directory; give a directory, or a hub id such as owner/name.")
    check_files(folder)
    for name in (VOCAB_FILE, MERGES_FILE, SPLIT_WORDS_FILE):
        check_size(folder / name, MOST_TEXT)
    config = _read_config(folder)
    settings, vocabulary = _settings(folder, config)
    split_words = folder / SPLIT_WORDS_FILE
    if not split_words.is_file():
        raise UserError(f"{folder}: no {SPLIT_WORDS_FILE}. {_EXPORT_HINT}")
    subwords = Subwords.from_files(folder)
    if config[SECTION].get(VOCABULARY, vocabulary_hash(folder)) != vocabulary_hash(folder):  # older models have none
        raise UserError(f"{folder}: {VOCAB_FILE} or {MERGES_FILE} is of another model. {_EXPORT_HINT}")
    if subwords.vocabulary_size > vocabulary:
        raise UserError(
            f"{folder}: vocab.txt has {subwords.vocabulary_size} entries, the model {vocabulary}. {_EXPORT_HINT}"
        )
    return ModelFiles(folder, settings, subwords, read_split_words(split_words))


def write_settings(folder: Path, settings: ModelSettings) -> None:
    """Put our section into the `config.json` that is there, and write `tokenizer_config.json` beside it.

    By the latter plain transformers find the reference tokenizer and its limit. The vocabulary's files are there.
    """
    path = folder / CONFIG_FILE
    section = settings.to_config() | {VOCABULARY: vocabulary_hash(folder)}
    config = json.loads(path.read_text(encoding="utf-8")) | {SECTION: section}
    path.write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    tokenizer = {"tokenizer_class": "PhobertTokenizer", "model_max_length": settings.inputs.window.subwords}
    (folder / TOKENIZER_CONFIG_FILE).write_text(json.dumps(tokenizer, indent=2) + "\n", encoding="utf-8")


def vocabulary_hash(folder: Path) -> str:
    """SHA-256 over the hashes of vocabulary and merges: by others a text would become ids of other subwords."""
    hashes = "".join(file_hash(folder / name) for name in (VOCAB_FILE, MERGES_FILE))
    return hashlib.sha256(hashes.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_EXPORT_HINT = "Export a model there with:  python scripts/export.py model.path=RUN output=DIRECTORY"


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise UserError(f"{folder}: no {CONFIG_FILE}. {_EXPORT_HINT}")
    config = read_object(path, _EXPORT_HINT)
    check_config(config, path)
    return config


def _settings(folder: Path, config: Mapping[str, Any]) -> tuple[ModelSettings, int]:
    """The settings, and how many subwords the model knows."""
    path = folder / CONFIG_FILE
    section = config.get(SECTION)
    if not isinstance(section, dict):
        raise UserError(f'{path}: no "{SECTION}" section, so its labels have no layers; train with scripts/train.py.')
    if section.get("format") != FORMAT:
        raise UserError(f"{path}: format {section.get('format')}, this version reads {FORMAT}; export the model anew.")
    try:
        segmenter = str(section["segmenter"])
        if segmenter not in SEGMENTERS:
            raise ValueError(f"segmenter {one_line(segmenter)[:80]}, known are {' and '.join(SEGMENTERS)}")
        scheme = LabelScheme.from_config(section["scheme"])
        window = WindowSize(int(section["window"]), int(section["overlap"]))
        inputs = InputSettings(window, segmenter, section.get("line_marks", False) is True)
        transitions = {str(name): _matrix(rows, str(name), scheme) for name, rows in section["transitions"].items()}
        temperatures = {str(name): float(value) for name, value in section["temperatures"].items()}
        min_score = float(section.get("min_score", 0.0))
        outputs = tuple(str(tag) for _, tag in sorted((int(key), tag) for key, tag in config["id2label"].items()))
        positions, vocabulary = int(config["max_position_embeddings"]), int(config["vocab_size"])
    except KeyError as error:
        raise UserError(f"{path}: {error} is missing. {_EXPORT_HINT}") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f'{path}: the "{SECTION}" section cannot be used ({error}). {_EXPORT_HINT}') from None
    low, high = _TEMPERATURES
    if set(temperatures) != {layer.name for layer in scheme.layers} or not all(
        low <= value <= high for value in temperatures.values()
    ):
        raise UserError(
            f'{path}: "temperatures" wants a number from {low:g} to {high:g} for each layer of its scheme. '
            f"{_EXPORT_HINT}"
        )
    if not 0 <= min_score <= 1:
        raise UserError(f'{path}: "min_score" is {min_score}, no probability. {_EXPORT_HINT}')
    if outputs != scheme.tags:
        raise UserError(
            f"{path}: the model's {len(outputs)} outputs are not the {len(scheme.tags)} tags of its label scheme "
            f"({_first_difference(outputs, scheme.tags)}); it was trained for another one. {_EXPORT_HINT}"
        )
    if window.subwords > positions - POSITION_OFFSET:
        raise UserError(f"{path}: a window of {window.subwords} is more than the model's positions. {_EXPORT_HINT}")
    if config.get("num_attention_heads", 1) * window.subwords**2 > _MOST_ATTENTION:
        raise UserError(f"{path}: a window of {window.subwords} wants more memory than is sane. {_EXPORT_HINT}")
    return ModelSettings(scheme, inputs, transitions, temperatures, min_score), vocabulary


def _matrix(rows: Any, name: str, scheme: LabelScheme) -> list[list[float]]:
    count = next((len(layer.tags) for layer in scheme.layers if layer.name == name), 0)
    matrix = [[float(value) for value in row] for row in rows]
    if not count or len(matrix) != count or any(len(row) != count for row in matrix):
        raise ValueError(f'transitions "{name}" are not {count} x {count}')
    if not all(math.isfinite(value) for row in matrix for value in row):
        raise ValueError(f'transitions "{name}" are not finite')
    if any(abs(value) > _MOST_TRANSITION for row in matrix for value in row):
        raise ValueError(f'transitions "{name}" are beyond {_MOST_TRANSITION:g}')
    return matrix


def _first_difference(outputs: tuple[str, ...], tags: tuple[str, ...]) -> str:
    for number, (output, tag) in enumerate(zip_longest(outputs, tags, fillvalue="nothing")):
        if output != tag:
            return f"number {number} is {one_line(output)[:80]} where the scheme has {tag[:80]}"
    return "none differs"


# --- finding one ------------------------------------------------------------------------------


def find_model(name: str | Path | None, *, revision: str | None = None, wanted: Wanted = EVERYTHING) -> Path:
    """The directory of a model: the embedded one for None or "default", a directory as it is, a hub id from the hub.

    A directory that is there goes before a hub id, and a Path is never one. `revision` is a branch, tag or commit on
    the hub, `wanted` what is fetched from there. Raises UserError if the hub does not give the model, or if there is a
    revision where there is no hub id.
    """
    if isinstance(name, str):
        with readable(Path(name)):
            of_hub = is_hub_id(name)
        if of_hub:
            return download(name, wanted, revision)
    if revision is not None:
        raise UserError(
            f"{name or 'the embedded model'}: revision {revision} goes with a hub id, owner/name; leave it out."
        )
    if name is None or (name == EMBEDDED and not Path(name).is_dir()):
        return _embedded(DEFAULT_MODEL)
    if is_unfinished(Path(name)):
        raise UserError(f"{name}: was left by a run that did not end; run it again, or give it another name.")
    return Path(name)


def _embedded(name: str) -> Path:
    package = Path(__file__).resolve().parent
    for folder in (package / "models" / name, package.parents[1] / "models" / name):
        if folder.is_dir():
            return folder
    raise UserError(f"the embedded model {name} is missing; build it with:  make model   or name another one.")
