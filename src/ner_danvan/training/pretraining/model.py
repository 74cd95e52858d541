"""The masked language model, its growth in depth, and its optimizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, PreTrainedModel, RobertaConfig, RobertaForMaskedLM

from ner_danvan.backends.torch import quiet_transformers
from ner_danvan.errors import UserError
from ner_danvan.labels import IGNORED
from ner_danvan.model_dir import POSITION_OFFSET, WEIGHTS_FILE
from ner_danvan.text.subwords import BOS_ID, EOS_ID, PAD_ID


class SparseMaskedLM(RobertaForMaskedLM):  # type: ignore[no-untyped-call]
    """RoBERTa's masked language model that computes its outputs at the guessed places only, a fifth of all."""

    def forward(
        self,
        input_ids: torch.Tensor,
        places: torch.Tensor,
        targets: torch.Tensor,
        position_ids: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """The mean cross-entropy at `places`; shapes as `collate_masked` gives."""
        rows = torch.arange(len(places), device=places.device)[:, None]
        found = self.roberta(input_ids=input_ids, position_ids=position_ids)
        hidden = found.last_hidden_state[rows, places].flatten(0, 1)
        return {"loss": cross_entropy(self.lm_head(hidden).float(), targets.flatten(), ignore_index=IGNORED)}


@dataclass(frozen=True)
class NewEncoder:
    """The shape of an encoder from scratch, and where its vocabulary comes from."""

    layers: int
    hidden: int
    heads: int
    intermediate: int
    positions: int
    vocabulary: str | None
    symbols: int


def new_language_model(shape: NewEncoder, vocabulary_size: int) -> SparseMaskedLM:
    """A masked language model with random weights, without dropout; call with torch's seed set.

    `<mask>` stands behind the vocabulary. Raises UserError if the heads do not share the hidden size evenly.
    """
    if shape.hidden % shape.heads:
        raise UserError(f"new.hidden={shape.hidden} must be a multiple of new.heads={shape.heads}.")
    settings = RobertaConfig(
        vocab_size=vocabulary_size + 1,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate,
        max_position_embeddings=shape.positions + POSITION_OFFSET,
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=BOS_ID,
        pad_token_id=PAD_ID,
        eos_token_id=EOS_ID,
    )
    model: SparseMaskedLM = SparseMaskedLM._from_config(  # type: ignore[no-untyped-call]
        settings, attn_implementation="eager"
    )
    return model


def load_language_model(folder: Path, layers: int) -> SparseMaskedLM:
    """The masked language model of a directory in PhoBERT's layout, without dropout.

    With more `layers` than it has (0: as many), its layers are repeated in place, evenly spread, as the deeper model's
    first weights (progressive stacking, Gong et al. 2019). Raises UserError for fewer layers, or a folder without
    such a model.
    """
    if not (folder / WEIGHTS_FILE).is_file():
        raise UserError(
            f"{folder}: no {WEIGHTS_FILE}; give encoder a directory with a masked language model's weights."
        )
    quiet_transformers()
    try:
        settings = AutoConfig.from_pretrained(
            folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, trust_remote_code=False
        )
        found: Any = SparseMaskedLM.from_pretrained(
            folder,
            config=settings,
            dtype=torch.float32,
            use_safetensors=True,
            attn_implementation="eager",
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise UserError(f"{folder}: the encoder cannot be loaded ({reason}); fetch it again.") from None
    source: SparseMaskedLM
    source, report = found
    if lacking := sorted(report["missing_keys"]):
        raise UserError(f"{folder}: its weights lack {lacking[0]}; give encoder a masked language model.")
    own = int(settings.num_hidden_layers)
    if layers in (0, own):
        return source
    if layers < own:
        raise UserError(f"layers={layers} is less than the {own} that {folder} has; give more, or 0 for as many.")
    settings.num_hidden_layers = layers
    grown: SparseMaskedLM = SparseMaskedLM._from_config(  # type: ignore[no-untyped-call]
        settings, attn_implementation="eager"
    )
    state = source.state_dict()
    places = [number * own // layers for number in range(layers)]
    for number, origin in enumerate(places):
        grown.roberta.encoder.layer[number].load_state_dict(source.roberta.encoder.layer[origin].state_dict())
    rest = {name: tensor for name, tensor in state.items() if ".encoder.layer." not in name}
    grown.load_state_dict(rest, strict=False)
    grown.tie_weights()
    return grown


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) on the encoder's matrices, AdamW on everything else, as one optimizer.

    Muon's updates are scaled to AdamW's size (Liu et al. 2025), so that both rates mean the same.
    """

    def __init__(self, model: PreTrainedModel, rate: float, matrix_rate: float, weight_decay: float) -> None:
        named = list(model.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and ".encoder.layer." in name]
        chosen = {id(parameter) for parameter in matrices}
        others = [p for _, p in named if id(p) not in chosen]
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(
                [
                    {"params": [p for p in others if p.ndim > 1], "weight_decay": weight_decay},
                    {"params": [p for p in others if p.ndim == 1], "weight_decay": 0.0},
                ],
                lr=rate,
                betas=(0.9, 0.98),
                fused=True,
            ),
        ]
        super().__init__(
            [{"params": matrices}, *({"params": group["params"]} for group in self._parts[1].param_groups)], {}
        )
        # the very groups of the parts, so that a schedule reaches them
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of both."""
        loss = closure() if closure else None
        for part in self._parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Both states, for a checkpoint."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self._parts for group in part.param_groups]
