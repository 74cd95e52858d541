"""Training on several processes, step by step what one process does with a batch as large as all of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from transformers import Trainer

from ner_danvan.labels import IGNORED

Inputs = dict[str, Any]


class SharedTrainer(Trainer):
    """Counts every window once, on however many processes; with one process it is the plain Trainer.

    Where windows do not fill the last batches, accelerate fills up with windows that the epoch has had already, so that
    every process has a batch of the same size. Their labels are ignored here, in training and in the dev loss.
    """

    def get_batch_samples(
        self, epoch_iterator: Iterator[Inputs], num_batches: int, device: torch.device
    ) -> tuple[list[Inputs], torch.Tensor | int | None]:
        """The batches of a step and their number of labels, the same number on every process."""
        batches: tuple[list[Inputs], torch.Tensor | int | None] = super().get_batch_samples(
            map(self._without_repeated, epoch_iterator), num_batches, device
        )
        return batches

    def prediction_step(
        self,
        model: torch.nn.Module,
        inputs: Inputs,
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[torch.Tensor | None, Any, Any]:
        """The loss is that of all processes: of a last batch, the Trainer would take what the first of them have."""
        found = super().prediction_step(model, self._without_repeated(inputs), prediction_loss_only, ignore_keys)
        loss, logits, labels = found
        if loss is not None:
            loss = self.accelerator.reduce(loss, "mean")
        return loss, logits, labels

    def _without_repeated(self, inputs: Inputs) -> Inputs:
        """With IGNORED for the labels of windows that only fill up the last batches of an epoch."""
        state = self.accelerator.gradient_state
        if self.accelerator.num_processes == 1 or not state.end_of_dataloader or state.remainder <= 0:
            return inputs
        labels = inputs["labels"].clone()
        # the remainder is that of all processes' batches, one behind the other in the order of processes
        labels[max(0, state.remainder - self.accelerator.process_index * len(labels)) :] = IGNORED
        return {**inputs, "labels": labels}
