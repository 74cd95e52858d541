"""The layered loss."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from ner_danvan.labels import IGNORED, LabelScheme


class LayeredLoss:
    """The sum over layers of each layer's mean cross-entropy over words, each on its slice of the logits."""

    def __init__(self, scheme: LabelScheme) -> None:
        self._slices = scheme.slices

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Logits `[batch, length, outputs]` and labels `[batch, length, layers]` to a scalar.

        The Trainer gives `num_items_in_batch`, the labels of a whole accumulated step; without it the mean is over
        this batch. A batch without a single label has loss 0.
        """
        logits = outputs.logits.float()
        items = (labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        words = torch.as_tensor(items, device=logits.device).clamp(min=1) / len(self._slices)
        total = logits.new_zeros(())
        for layer, part in enumerate(self._slices):
            total = total + cross_entropy(
                logits[..., part].flatten(0, 1), labels[..., layer].flatten(), ignore_index=IGNORED, reduction="sum"
            )
        loss: torch.Tensor = total / words
        return loss
