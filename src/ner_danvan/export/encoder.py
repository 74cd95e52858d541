"""The encoder of a fine-tuned model by itself, to be fine-tuned again with a new head."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ner_danvan.errors import UserError
from ner_danvan.model_dir import CONFIG_FILE, SECTION, WEIGHTS_FILE, read_model_dir
from ner_danvan.text.subwords import MERGES_FILE, VOCAB_FILE

_ENCODER = "roberta."
_OF_A_HEAD = ("id2label", "label2id", "classifier_dropout", SECTION)


def write_encoder(source: Path, target: Path, dtype: torch.dtype) -> None:
    """Write the encoder of a model directory to `target`: weights, config and vocabulary, as PhoBERT has them.

    Raises UserError if `source` holds no RoBERTa model, or if `target` is there already.
    """
    read_model_dir(source)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target}: is there already; give another output, or remove it.")
    weights = {name: value for name, value in load_file(source / WEIGHTS_FILE).items() if name.startswith(_ENCODER)}
    if not weights:
        raise UserError(f"{source}: no weights of a RoBERTa encoder; only such models have head=false.")
    config = json.loads((source / CONFIG_FILE).read_text(encoding="utf-8"))
    kept = {key: value for key, value in config.items() if key not in _OF_A_HEAD}
    fresh = target.with_name(target.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    kept |= {"architectures": ["RobertaModel"], "dtype": str(dtype).removeprefix("torch.")}
    (fresh / CONFIG_FILE).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    save_file({name: value.to(dtype) for name, value in weights.items()}, fresh / WEIGHTS_FILE, {"format": "pt"})
    (fresh / WEIGHTS_FILE).chmod(0o644)  # safetensors writes them for the owner alone
    for name in (VOCAB_FILE, MERGES_FILE):
        shutil.copyfile(source / name, fresh / name)
    if target.exists():
        target.rmdir()
    fresh.rename(target)
