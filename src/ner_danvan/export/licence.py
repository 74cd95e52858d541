"""Which licence a model may be published under, by what it was fine-tuned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ner_danvan.errors import UserError

# an encoder's name, wherever it lies, and its licence; of two that fit a name the first counts
_ENCODERS = {
    "phobert-base-v2": "agpl-3.0",
    "phobert-base": "mit",
    "phobert-large": "mit",
    "danvan-mini": "mit",
}
_INHERITED = ("agpl-3.0",)  # by what is fine-tuned from it; MIT asks for nothing but its notice


def known_licence(record: Mapping[str, Any]) -> str | None:
    """The licence of the encoder that a run's record names, if it is a known one."""
    return next((licence for encoder, licence in _ENCODERS.items() if encoder in _called(record)), None)


def check_licence(record: Mapping[str, Any]) -> str:
    """The licence that a run's record (`run.json`) names; raises UserError if the encoder wants another."""
    try:
        licence, inherited = str(record["config"]["model"]["license"] or ""), known_licence(record)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"run.json lacks {error}, so the licence is not known; train anew with scripts/train.py."
        ) from None
    if inherited in _INHERITED and licence != inherited:
        raise UserError(
            f"run.json: license {licence}, but the model is fine-tuned from an encoder that is {inherited}, and "
            f"inherits that; train with model.license={inherited}, or from another encoder."
        )
    if not licence:
        raise UserError("run.json: no licence; set model.license when you train, see configs/model.")
    return licence


def _called(record: Mapping[str, Any]) -> str:
    model = record["config"]["model"]
    return f"{model['path']} {model['name']}".lower().replace("_", "-")
