"""A model of a given size with random weights: speed does not depend on what a model has learned."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_danvan.export.graph import build_graph
from ner_danvan.export.int8 import gather_ranges
from ner_danvan.model_dir import (
    CONFIG_FILE,
    INT8_FILE,
    ONNX_FILE,
    POSITION_OFFSET,
    SPLIT_WORDS_FILE,
    read_model_dir,
    write_settings,
)
from ner_danvan.text.subwords import BOS_ID, EOS_ID, MERGES_FILE, PAD_ID, VOCAB_FILE, Subwords


@dataclass(frozen=True)
class Size:
    """Of an encoder; PhoBERT-base has 12 layers of 768, 12 heads and 3,072 in between."""

    layers: int
    hidden: int
    heads: int
    intermediate: int

    def operations(self, length: float) -> float:
        """Floating-point operations for one subword in a window of `length`: a multiplication and addition are two."""
        products = 2 * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)
        attention = 4 * length * self.hidden
        return self.layers * (products + attention)


def size_of(folder: Path) -> Size:
    """The size of the encoder in a model directory."""
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    keys = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")
    return Size(*(int(config[key]) for key in keys))


def write_random_model(folder: Path, size: Size, vocabulary: Path, like: Path, texts: Sequence[str]) -> Path:
    """A model directory of that size, with the vocabulary of one folder and labels and settings like another's.

    It has both ONNX graphs; `texts` give the ranges of int8. Returns the folder.
    """
    import torch
    from transformers import RobertaConfig, RobertaForTokenClassification

    settings = read_model_dir(like).settings
    config = json.loads((like / CONFIG_FILE).read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for file in (VOCAB_FILE, MERGES_FILE):
        shutil.copyfile(vocabulary / file, folder / file)
    shutil.copyfile(like / SPLIT_WORDS_FILE, folder / SPLIT_WORDS_FILE)
    torch.manual_seed(0)
    model = RobertaForTokenClassification(
        RobertaConfig(
            vocab_size=Subwords.from_files(folder).vocabulary_size + 1,  # <mask> is the last
            hidden_size=size.hidden,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=size.intermediate,
            max_position_embeddings=settings.inputs.window.subwords + POSITION_OFFSET,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            bos_token_id=BOS_ID,
            pad_token_id=PAD_ID,
            eos_token_id=EOS_ID,
            id2label={int(number): tag for number, tag in config["id2label"].items()},
            label2id=config["label2id"],
        )
    )
    model.save_pretrained(folder)
    write_settings(folder, settings)
    (folder / ONNX_FILE).write_bytes(build_graph(folder).SerializeToString())
    ranges = gather_ranges(read_model_dir(folder), texts)
    (folder / INT8_FILE).write_bytes(build_graph(folder, ranges=ranges).SerializeToString())
    return folder
