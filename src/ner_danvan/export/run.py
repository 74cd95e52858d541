"""An export: from a training run to a model directory that can be published."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModelForTokenClassification

from ner_danvan.atomic import whole_folder
from ner_danvan.backends.base import Backend
from ner_danvan.backends.onnx import OnnxBackend
from ner_danvan.backends.torch import TorchBackend, quiet_transformers
from ner_danvan.corpus.folds import Fold, leave_out
from ner_danvan.corpus.reports import limited, read_gold
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.evaluation.reliability import DIAGRAM_FILE, reliability_diagram
from ner_danvan.export.card import make_card
from ner_danvan.export.encoder import write_encoder
from ner_danvan.export.graph import build_graph
from ner_danvan.export.int8 import Gate, gather_ranges, write_int8
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import (
    CARD_FILE,
    CONFIG_FILE,
    METRICS_FILE,
    MODEL_FOLDER,
    ONNX_FILE,
    RUN_FILE,
    SECTION,
    SPLIT_WORDS_FILE,
    WEIGHTS_FILE,
    ModelFiles,
    file_hash,
    read_model_dir,
    write_settings,
)
from ner_danvan.model_files import read_object
from ner_danvan.sections import fill, number_of, paths, whole_number
from ner_danvan.text.subwords import BOS_ID, EOS_ID, MERGES_FILE, TOKENIZER_FILE, VOCAB_FILE

log = logging.getLogger(__name__)

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16}
_TOLERANCE = {"fp32": 1e-5, "fp16": 0.1}  # of logits, which reach about 10
_ONNX_TOLERANCE = 1e-3  # of logits, between two ways to add up the same products
_RUN_HINT = "Give model.path the output of scripts/train.py."
_COPIED = (VOCAB_FILE, MERGES_FILE, TOKENIZER_FILE, SPLIT_WORDS_FILE, RUN_FILE)


@dataclass(frozen=True)
class Int8Options:
    """Texts from which the ranges of int8 are gathered, gold on which it is judged, and the F1 it may lose (0 to 1)."""

    texts: Sequence[str]
    gold: Sequence[Document]
    max_loss: float


@dataclass(frozen=True)
class Exported:
    """The directory, its size in bytes, how far its logits are from those of the run's own weights, and int8's gate."""

    folder: Path
    size: int
    difference: float
    int8: Gate | None


def run(values: Mapping[str, Any]) -> Exported:
    """Export as the resolved configuration says. Raises UserError if the run is not whole or the output is taken."""
    if values["model"]["path"] is None:
        raise UserError(
            "model.path is not set, and nothing is to be published; give it the output of scripts/train.py."
        )
    source, target, dtype = _model_folder(Path(values["model"]["path"])), Path(values["output"]), str(values["dtype"])
    if dtype not in _DTYPES:
        raise UserError(f"dtype={dtype} is not known; take {' or '.join(_DTYPES)}.")
    if not values["head"]:
        write_encoder(source, target, _DTYPES[dtype])
        return Exported(target, _size(target), 0.0, None)
    if isinstance(values["evaluations"], str):
        raise UserError(f"evaluations={values['evaluations']} is no list; put it in brackets, evaluations=[…].")
    evaluations = [read_object(Path(path), "Write it with scripts/evaluate.py.") for path in values["evaluations"]]
    int8 = _int8_options(source, values["int8"]) if values["onnx"] else None
    name = str(values["name"] or values.get("hub", {}).get("repo_id") or target.name)
    return export(source, target, dtype, evaluations, name=name, onnx=bool(values["onnx"]), int8=int8)


def _model_folder(source: Path) -> Path:
    """The model directory in a run's output folder, or the folder itself."""
    return source / MODEL_FOLDER if (source / MODEL_FOLDER / CONFIG_FILE).is_file() else source


def _int8_options(source: Path, values: Mapping[str, Any]) -> Int8Options | None:
    """What the config says, else the run's own train and dev data; None where int8 is off, or these are gone."""
    layer_of = read_model_dir(source).settings.scheme.layer_of
    if not values["write"]:
        return None
    max_loss = number_of("int8.max_loss", values["max_loss"], float)
    if max_loss < 0:
        raise UserError(f"int8.max_loss={values['max_loss']} must be a share of F1, 0 or more.")
    wanted = whole_number("int8.documents", values["documents"], 1)
    record = read_object(source / RUN_FILE, _RUN_HINT)
    data = record.get("config", {}).get("data", {})
    train, dev = (values[key] or data.get(of) for key, of in (("texts", "train"), ("gold", "dev")))
    sources = paths(train)
    if not sources or not dev or not all(path.exists() for path in [*sources, Path(dev)]):
        log.info("no int8 model: the run's data is not here; set int8.texts and int8.gold")
        return None
    documents = [document for path in sources for document in read_gold(path, layer_of)]
    if not values["texts"]:  # no more than the run has seen
        documents = limited(documents, data.get("limit", 0))
        if fold := record["config"].get("folds"):
            documents, _ = leave_out(documents, fill(Fold, "folds", fold))
    chosen = documents[:: max(1, len(documents) // wanted)][:wanted]
    return Int8Options([document.text for document in chosen], read_gold(Path(dev), layer_of), max_loss)


def export(
    source: Path,
    target: Path,
    dtype: str,
    evaluations: list[dict[str, Any]],
    *,
    name: str,
    onnx: bool = False,
    int8: Int8Options | None = None,
) -> Exported:
    """Write the model of `source` to `target` in `fp32` or `fp16`, with card and scores, and check it by loading it.

    `source` is a run's output folder or the model directory in it; an export that is already at `target` is replaced.
    Raises UserError if `target` holds anything else, or if the written model gives other logits.
    """
    source = _model_folder(source)
    files = read_model_dir(source)
    record = read_object(source / RUN_FILE, _RUN_HINT)
    _check_evaluations(evaluations, source, files.settings.scheme)
    if target.resolve() == source.resolve():
        raise UserError(f"{target}: is the run's own model; give another output.")
    if not target.name or target.is_file() or not _may_replace(target):
        raise UserError(f"{target}: exists and is no export of ours; give another output, or empty it.")
    with whole_folder(target) as fresh:
        difference, gate = _write(fresh, source, files, dtype, evaluations, record, name=name, onnx=onnx, int8=int8)
    log.info("weights %.1f MB", (target / WEIGHTS_FILE).stat().st_size / 1e6)
    return Exported(target, _size(target), difference, gate)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _write(
    fresh: Path,
    source: Path,
    files: ModelFiles,
    dtype: str,
    evaluations: list[dict[str, Any]],
    record: Mapping[str, Any],
    *,
    name: str,
    onnx: bool,
    int8: Int8Options | None,
) -> tuple[float, Gate | None]:
    """Fill the new folder; gives the difference of logits and int8's gate."""
    quiet_transformers()
    model = AutoModelForTokenClassification.from_pretrained(
        source, dtype=_DTYPES[dtype], use_safetensors=True, trust_remote_code=False
    )
    model.save_pretrained(fresh)
    for file in _COPIED:
        if not (source / file).is_file():
            raise UserError(f"{source}: no {file}; train anew with scripts/train.py.")
        shutil.copyfile(source / file, fresh / file)
    write_settings(fresh, files.settings)
    (fresh / WEIGHTS_FILE).chmod(0o644)  # safetensors writes them for the owner alone

    ids = _random_windows(files.subwords.vocabulary_size, files.settings.inputs.window.subwords)
    written = TorchBackend(fresh)
    difference = logit_difference(TorchBackend(source), written, ids)
    if not difference <= _TOLERANCE[dtype]:
        raise UserError(f"{fresh}: its logits differ by {difference:.3g} from the run's; export in dtype=fp32 instead.")
    gate = _write_onnx(fresh, written, ids, int8) if onnx else None

    metrics = json.dumps({row["name"]: row for row in evaluations}, ensure_ascii=False, indent=2)
    (fresh / METRICS_FILE).write_text(metrics + "\n", encoding="utf-8")
    card = make_card(name, files.settings, record, evaluations, onnx=onnx, int8=gate)
    (fresh / CARD_FILE).write_text(card, encoding="utf-8")
    if calibrated := [row for row in evaluations if row.get("calibration")]:
        (fresh / DIAGRAM_FILE).write_text(reliability_diagram(calibrated), encoding="utf-8")
    return difference, gate


def _write_onnx(folder: Path, written: Backend, ids: npt.NDArray[np.int64], int8: Int8Options | None) -> Gate | None:
    (folder / ONNX_FILE).write_bytes(build_graph(folder).SerializeToString())
    difference = logit_difference(written, OnnxBackend(folder / ONNX_FILE), ids)
    if not difference <= _ONNX_TOLERANCE:
        raise UserError(f"{folder}: the ONNX graph's logits differ by {difference:.3g}; set onnx=false, and report it.")
    if int8 is None:
        return None
    files = read_model_dir(folder)
    gate = write_int8(files, gather_ranges(files, int8.texts), int8.gold, int8.max_loss)
    log.info("%s", gate)
    return gate


def _may_replace(target: Path) -> bool:
    """Nothing, an empty folder, or an older export that is no git clone."""
    if not target.exists() or not any(target.iterdir()):
        return True
    config = target / CONFIG_FILE
    ours = config.is_file() and SECTION in read_object(config, "Give another output.")
    return ours and not (target / ".git").exists()


def _check_evaluations(evaluations: list[dict[str, Any]], source: Path, scheme: LabelScheme) -> None:
    """Raise UserError for scores that are not of these weights, or named alike."""
    weights = file_hash(source / WEIGHTS_FILE)
    names: set[str] = set()
    for row in evaluations:
        name = row.get("name")
        if not isinstance(name, str) or "strict" not in row:
            raise UserError("evaluations: one of the files is no metrics.json of scripts/evaluate.py; give those.")
        if row.get("weights_sha256") != weights or set(row["strict"]["labels"]) != set(scheme.labels):
            raise UserError(f'evaluations: the scores on "{name}" are of another model; evaluate {source} anew.')
        if name in names:
            raise UserError(f'evaluations: two are called "{name}"; set data.name when you evaluate.')
        names.add(name)


def _random_windows(vocabulary: int, length: int) -> npt.NDArray[np.int64]:
    """A few windows of full length."""
    random = np.random.default_rng(0)
    ids = random.integers(EOS_ID + 2, vocabulary, size=(4, length), dtype=np.int64)
    ids[:, 0], ids[:, -1] = BOS_ID, EOS_ID
    return ids


def logit_difference(first: Backend, second: Backend, ids: npt.NDArray[np.int64]) -> float:
    """The largest difference between two backends' logits on windows `[batch, length]`."""
    mask = np.ones_like(ids)
    return float(np.abs(first(ids, mask) - second(ids, mask)).max())
