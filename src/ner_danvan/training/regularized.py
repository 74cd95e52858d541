"""The Trainer with adversarial steps (FGM) and consistency between two passes (R-Drop)."""

from __future__ import annotations

import math
from typing import Any

import torch

from ner_danvan.labels import LabelScheme
from ner_danvan.training.loss import divergence
from ner_danvan.training.processes import SharedTrainer


class RegularizedTrainer(SharedTrainer):
    """With both at 0 nothing is added; each of them doubles the time of a step.

    `adversarial` is the length of the step against the word embeddings, along their gradient, after which the loss is
    taken again (the fast gradient method, Miyato et al. 2017). `consistency` weighs how far two passes with different
    dropout disagree (R-Drop, Liang et al. 2021).
    """

    def __init__(self, *, scheme: LabelScheme, adversarial: float, consistency: float, **options: Any) -> None:
        super().__init__(**options)
        self._scheme = scheme
        self._adversarial = adversarial
        self._consistency = consistency

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """The plain step, then, if wanted, the gradient of the worsened embeddings on top of it."""
        if not self._adversarial:
            plain: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
            return plain
        weight = self.accelerator.unwrap_model(model).get_input_embeddings().weight
        held = 0.0 if weight.grad is None else weight.grad.clone()  # of the batches before, where steps accumulate
        with self.accelerator.no_sync(model):  # the second pass sends the gradients of both
            loss: torch.Tensor = super().training_step(model, dict(inputs), num_items_in_batch)
        gradient = self.accelerator.reduce(weight.grad - held, "mean")
        length = float(gradient.norm())
        before = weight.data.clone()
        if 0 < length < math.inf:
            weight.data.add_(gradient, alpha=self._adversarial / length)
        super().training_step(model, dict(inputs), num_items_in_batch)
        weight.data.copy_(before)
        return loss

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The mean loss of two passes and their divergence; one pass where nothing is learned."""
        if not (self._consistency and model.training):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        passes = [
            super(RegularizedTrainer, self).compute_loss(model, dict(inputs), True, num_items_in_batch) for _ in "ab"
        ]
        (first, one), (second, two) = passes
        apart = divergence(one.logits, two.logits, inputs["labels"], self._scheme, num_items_in_batch)
        # as the losses: divided by the words of all processes, and a step's gradient is the mean over these
        if num_items_in_batch is not None:
            apart = apart * self.accelerator.num_processes
        loss = (first + second) / 2 + self._consistency * apart
        return (loss, one) if return_outputs else loss
