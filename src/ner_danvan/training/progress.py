"""What a training run says on the way: one line an epoch, or one every so many steps."""

from __future__ import annotations

import logging
import time
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


class StepLines(TrainerCallback):
    """Logs loss and speed every time that the Trainer logs."""

    def __init__(self, subwords: int) -> None:
        """`subwords` are those of one step, of all processes."""
        self._subwords = subwords
        self._step, self._time = 0, time.monotonic()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The clock starts with the first step, after the data has been made ready."""
        if not self._step:
            self._step, self._time = state.global_step, time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """One line: steps done, loss, learning rate, subwords a second."""
        values = logs or {}
        if not state.is_world_process_zero:
            return
        if "eval_loss" in values:
            log.info("held-out loss %.4f", values["eval_loss"])
        if "loss" not in values:
            return
        now = time.monotonic()
        speed = self._subwords * (state.global_step - self._step) / max(1e-9, now - self._time)
        self._step, self._time = state.global_step, now
        log.info(
            "step %d of %d  loss %.4f  rate %.2e  %.0f subwords a second",
            *(state.global_step, state.max_steps, values["loss"], values.get("learning_rate", 0.0), speed),
        )
