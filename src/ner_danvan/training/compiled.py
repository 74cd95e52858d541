"""torch.compile for training, where the machine can."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch

from ner_danvan.errors import UserError

log = logging.getLogger(__name__)


def compile_for_training(model: torch.nn.Module, choice: str) -> bool:
    """Let the model's training steps run compiled; what is not training runs as it is. Tells whether they do.

    On a CPU the steps between the matrix products take most of the time, and compiled they take half of it. `choice` is
    `yes`, `no`, or `auto`: on a CPU, where there is a compiler that works. Raises UserError for another word, and for
    `yes` where nothing can be compiled.
    """
    if choice not in ("auto", "yes", "no"):
        raise UserError(f"training.compile={choice} is not known; take auto, yes or no.")
    if choice == "no" or (choice == "auto" and torch.cuda.is_available()):
        return False
    if fault := _fault():
        if choice == "yes":
            raise UserError(f"training.compile=yes: torch cannot compile here ({fault}); say auto or no.")
        log.info("not compiled, so training takes longer: %s", fault)
        return False
    # compiled code adds up the gradients of embeddings in any order otherwise, and no run is like another
    torch.use_deterministic_algorithms(True, warn_only=True)
    plain: Callable[..., Any] = model.forward
    compiled: Callable[..., Any] = torch.compile(plain)

    def forward(*arguments: Any, **options: Any) -> Any:
        return (compiled if model.training else plain)(*arguments, **options)

    model.forward = forward
    return True


def _fault() -> str | None:
    """Why torch cannot compile here, in one line, or None if it can."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(3))
    except Exception as error:  # a missing compiler, header or library: many kinds
        return str(error).strip().splitlines()[0][:150]
    return None
