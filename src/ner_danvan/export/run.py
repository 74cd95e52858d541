"""An export: from a training run to a model directory that can be published."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForTokenClassification

from ner_danvan.backends.torch import TorchBackend, quiet_transformers
from ner_danvan.errors import UserError
from ner_danvan.export.card import make_card
from ner_danvan.export.reliability import DIAGRAM_FILE, reliability_diagram
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import (
    CARD_FILE,
    CONFIG_FILE,
    METRICS_FILE,
    MODEL_FOLDER,
    RUN_FILE,
    SECTION,
    SPLIT_WORDS_FILE,
    WEIGHTS_FILE,
    file_hash,
    read_model_dir,
    write_settings,
)
from ner_danvan.text.subwords import BOS_ID, EOS_ID, MERGES_FILE, TOKENIZER_FILE, VOCAB_FILE

log = logging.getLogger(__name__)

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16}
_TOLERANCE = {"fp32": 1e-5, "fp16": 0.1}  # of logits, which reach about 10
_COPIED = (VOCAB_FILE, MERGES_FILE, TOKENIZER_FILE, SPLIT_WORDS_FILE, RUN_FILE)


@dataclass(frozen=True)
class Exported:
    """The directory, its size in bytes, and how far its logits are from those of the run's own weights."""

    folder: Path
    size: int
    difference: float


def run(values: Mapping[str, Any]) -> Exported:
    """Export as the resolved configuration says. Raises UserError if the run is not whole or the output is taken."""
    source, target, dtype = Path(values["model"]["path"]), Path(values["output"]), str(values["dtype"])
    if dtype not in _DTYPES:
        raise UserError(f"dtype={dtype} is not known; take {' or '.join(_DTYPES)}.")
    if isinstance(values["evaluations"], str):
        raise UserError(f"evaluations={values['evaluations']} is no list; put it in brackets, evaluations=[…].")
    evaluations = [_read_json(Path(path), "write it with scripts/evaluate.py") for path in values["evaluations"]]
    return export(source, target, dtype, evaluations, name=str(values["name"] or target.name))


def export(source: Path, target: Path, dtype: str, evaluations: list[dict[str, Any]], *, name: str) -> Exported:
    """Write the model of `source` to `target` in `fp32` or `fp16`, with card and scores, and check it by loading it.

    `source` is a run's output folder or the model directory in it; an export that is already at `target` is replaced.
    Raises UserError if `target` holds anything else, or if the written model gives other logits.
    """
    source = source / MODEL_FOLDER if (source / MODEL_FOLDER / CONFIG_FILE).is_file() else source
    files = read_model_dir(source)
    record = _read_json(source / RUN_FILE, "give model.path the output of scripts/train.py")
    _check_evaluations(evaluations, source, files.settings.scheme)
    if target.resolve() == source.resolve():
        raise UserError(f"{target}: is the run's own model; give another output.")
    if not target.name or target.is_file() or not _may_replace(target):
        raise UserError(f"{target}: exists and is no export of ours; give another output, or empty it.")
    fresh = target.with_name(target.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
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
    metrics = json.dumps({row["name"]: row for row in evaluations}, ensure_ascii=False, indent=2)
    (fresh / METRICS_FILE).write_text(metrics + "\n", encoding="utf-8")
    card = make_card(name, files.settings, record, evaluations)
    (fresh / CARD_FILE).write_text(card, encoding="utf-8")
    if calibrated := [row for row in evaluations if row.get("calibration")]:
        (fresh / DIAGRAM_FILE).write_text(reliability_diagram(calibrated), encoding="utf-8")
    (fresh / WEIGHTS_FILE).chmod(0o644)  # safetensors writes them for the owner alone

    difference = logit_difference(source, fresh, files.subwords.vocabulary_size, files.settings.inputs.window.subwords)
    if not difference <= _TOLERANCE[dtype]:
        raise UserError(f"{fresh}: its logits differ by {difference:.3g} from the run's; export in dtype=fp32 instead.")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    size = sum(path.stat().st_size for path in target.iterdir())
    log.info("weights %.1f MB", (target / WEIGHTS_FILE).stat().st_size / 1e6)
    return Exported(target, size, difference)


def _may_replace(target: Path) -> bool:
    """Nothing, an empty folder, or an older export that is no git clone."""
    if not target.exists() or not any(target.iterdir()):
        return True
    config = target / CONFIG_FILE
    return config.is_file() and SECTION in _read_json(config, "") and not (target / ".git").exists()


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


def logit_difference(first: Path, second: Path, vocabulary: int, length: int) -> float:
    """The largest difference between two models' logits on random windows of full length."""
    random = np.random.default_rng(0)
    ids = random.integers(EOS_ID + 2, vocabulary, size=(4, length), dtype=np.int64)
    ids[:, 0], ids[:, -1] = BOS_ID, EOS_ID
    mask = np.ones_like(ids)
    return float(np.abs(TorchBackend(first)(ids, mask) - TorchBackend(second)(ids, mask)).max())


def _read_json(path: Path, mend: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {mend}.") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: no valid JSON at line {error.lineno}; write it anew.") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: holds no JSON object; {mend}.")
    return found
