"""The encoder that training starts from, and the optimizer over its parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel

from ner_danvan.backends.torch import lacking_weight, quiet_transformers
from ner_danvan.backends.weights import Stored, read_header
from ner_danvan.errors import UserError, reason_of
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import CONFIG_FILE, POSITION_OFFSET
from ner_danvan.model_files import check_config, check_files, read_object
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize
from ner_danvan.training.config import EncoderConfig, OptimConfig

INDEX_FILE = "model.safetensors.index.json"
TRANSITIONS = "transitions"  # the attribute under which a model in training carries them, so that checkpoints do too


def load_encoder(folder: Path, config: EncoderConfig, scheme: LabelScheme) -> PreTrainedModel:
    """The encoder with a new head that has one output a tag; call with torch's seed set.

    Raises UserError if the folder has no weights that may be read.
    """
    check_files(folder)
    check_config(read_object(folder / CONFIG_FILE, "Fetch the encoder again."), folder / CONFIG_FILE)
    stored = _check_weights(folder, config.allow_bin)
    try:
        settings = AutoConfig.from_pretrained(
            folder,
            trust_remote_code=False,
            id2label=dict(enumerate(scheme.tags)),
            label2id={tag: i for i, tag in enumerate(scheme.tags)},
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.attention_dropout,
            classifier_dropout=config.dropout,
        )
        quiet_transformers()
        if stored and (name := lacking_weight(settings, stored, head=False)):
            raise _lacks(folder, name)
        model, report = AutoModelForTokenClassification.from_pretrained(
            folder,
            config=settings,
            dtype=torch.float32,
            # without attention dropout the fused kernel would be taken, whose backward pass is slow on a CPU
            attn_implementation=None if torch.cuda.is_available() else "eager",
            trust_remote_code=False,
            use_safetensors=None if config.allow_bin else True,
            ignore_mismatched_sizes=True,  # the head of another label scheme makes way for a new one
            output_loading_info=True,
        )
    except UserError:
        raise
    except Exception as error:  # what transformers raises at settings that it does not know is anybody's guess
        raise UserError(f"{folder}: the encoder cannot be loaded ({reason_of(error)}); fetch it again.") from None
    new = [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
    if lacking := sorted(key for key in new if key.startswith(f"{model.base_model_prefix}.")):
        raise _lacks(folder, lacking[0])
    loaded: PreTrainedModel = model
    return loaded


def check_fit(model: PreTrainedModel, subwords: Subwords, window: WindowSize) -> None:
    """Raise UserError if the window or the vocabulary is larger than the encoder was made for."""
    positions = int(model.config.max_position_embeddings) - POSITION_OFFSET
    if window.subwords > positions:
        raise UserError(
            f"training.window={window.subwords} is more than the encoder's {positions} positions; "
            f"set training.window={positions}."
        )
    if subwords.vocabulary_size > model.config.vocab_size:
        raise UserError(
            f"vocab.txt has {subwords.vocabulary_size} entries but the encoder {model.config.vocab_size}; "
            f"they are of different models, fetch both again."
        )


def make_optimizer(model: PreTrainedModel, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW; head and transitions learn faster, as `config` says; biases, norms and transitions do not decay.

    With `layer_decay` below 1 each layer of the encoder learns so many times as fast as the one above it, and the
    embeddings as the slowest (Howard and Ruder 2018).
    """
    depth = int(model.config.num_hidden_layers)
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name.startswith(f"{model.base_model_prefix}."):
            factor = round(config.layer_decay ** (depth - _level(name)), 8)
        else:
            factor = config.transition_factor if name.startswith(f"{TRANSITIONS}.") else config.head_factor
        decays = parameter.ndim > 1 and not name.startswith(f"{TRANSITIONS}.")
        groups.setdefault((factor, decays), []).append(parameter)
    rows: list[dict[str, Any]] = [
        {
            "params": parameters,
            "lr": config.learning_rate * factor,
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (factor, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]
    return torch.optim.AdamW(rows, lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _level(name: str) -> int:
    """How far up a parameter of the encoder stands: 0 for the embeddings, then its layer counted from 1."""
    found = re.search(r"\.layer\.(\d+)\.", name)
    return int(found[1]) + 1 if found else 0


def resolve_precision(precision: str) -> str:
    """`bf16` or `fp32`; `auto` takes bf16 where the hardware multiplies in it.

    Raises UserError for another name.
    """
    if precision not in ("auto", "bf16", "fp32"):
        raise UserError(f"training.precision={precision} is not known; take auto, bf16 or fp32.")
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"


def _lacks(folder: Path, name: str) -> UserError:
    return UserError(f"{folder}: its weights lack {name}, or have it in another size; fetch it again.")


def _check_weights(folder: Path, allow_bin: bool) -> dict[str, Stored]:
    """What the safetensors files hold; nothing where only pickled weights are there, and may be read."""
    stored = dict[str, Stored]()
    for path in folder.glob("*.safetensors"):
        stored |= read_header(path)
    if (index := folder / INDEX_FILE).is_file():  # of weights in several files
        names = read_object(index, "Fetch the encoder again.").get("weight_map")
        if not isinstance(names, dict) or any(Path(str(name)).name != name for name in names.values()):
            raise UserError(f"{index}: names files that lie elsewhere; fetch the encoder again.")
    if any(folder.glob("*.safetensors")):
        return stored
    if any(folder.glob("*.bin")):
        if allow_bin:
            return {}
        raise UserError(
            f"{folder}: only pickled weights (.bin), which could run code; convert them to safetensors, "
            f"or set model.allow_bin=true to read their tensors only."
        )
    raise UserError(f"{folder}: no model.safetensors; give model.path a directory that holds an encoder's weights.")
