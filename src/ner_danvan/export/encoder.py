"""The encoder of a fine-tuned model by itself, to be fine-tuned again with a new head."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ner_danvan.atomic import whole_folder
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
    kept |= {"architectures": ["RobertaModel"], "dtype": str(dtype).removeprefix("torch.")}
    with whole_folder(target) as folder:
        (folder / CONFIG_FILE).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        path = folder / WEIGHTS_FILE
        save_file({name: value.to(dtype) for name, value in weights.items()}, path, {"format": "pt"})
        path.chmod(0o644)  # safetensors writes them for the owner alone
        for name in (VOCAB_FILE, MERGES_FILE):
            shutil.copyfile(source / name, folder / name)
