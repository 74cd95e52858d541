"""What a training run says on the way: one line an epoch."""

from __future__ import annotations

import logging
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

log = logging.getLogger(__name__)


class EpochLines(TrainerCallback):
    """Logs loss and dev scores after each epoch."""

    def __init__(self) -> None:
        self._loss = float("nan")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Remember the training loss; it is told together with the scores."""
        self._loss = float((logs or {}).get("loss", self._loss))

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """One line: epoch, losses, and every score that the scorer gave."""
        if not state.is_world_process_zero:
            return
        values = metrics or {}
        told = {"eval_loss", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "epoch"}
        scores = "  ".join(f"{name[5:]} {values[name]:.3f}" for name in values if name not in told)
        log.info(
            "epoch %5.1f of %g  loss %.3f  dev loss %.3f  %s",
            state.epoch or 0,
            args.num_train_epochs,
            self._loss,
            values.get("eval_loss", float("nan")),
            scores,
        )
