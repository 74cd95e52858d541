"""Which licence a model may be published under, by what it was fine-tuned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ner_danvan.errors import UserError

# an encoder's name, wherever it lies, and the licence that what is fine-tuned from it inherits; the others of
# configs/model are MIT, which asks for nothing but its notice
_INHERITED = {"phobert-base-v2": "agpl-3.0"}


def check_licence(record: Mapping[str, Any]) -> str:
    """The licence that a run's record (`run.json`) names; raises UserError if the encoder wants another."""
    try:
        model = record["config"]["model"]
        licence, path, name = str(model["license"]), str(model["path"]), str(model["name"])
    except (KeyError, TypeError) as error:
        raise UserError(
            f"run.json lacks {error}, so the licence is not known; train anew with scripts/train.py."
        ) from None
    called = f"{path} {name}".lower().replace("_", "-")
    for encoder, inherited in _INHERITED.items():
        if encoder in called and licence != inherited:
            raise UserError(
                f"run.json: license {licence}, but the model is fine-tuned from {encoder}, which is {inherited}, and "
                f"inherits that; train with model.license={inherited}, or from another encoder."
            )
    if not licence or licence in ("None", "unknown"):
        raise UserError("run.json: no licence; set model.license when you train, see configs/model.")
    return licence
