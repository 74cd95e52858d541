"""The program that tests start on one process or on several: runs one after another, as a JSON file of configs says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from tiny import DANVAN

from ner_danvan.evaluation.scores import dev_scores
from ner_danvan.training import run as training
from ner_danvan.training.pretraining import run as pretraining


class EvenDropout(torch.nn.Dropout):
    """Not the same in one pass and the next, so that they disagree, but the same for each row on each process."""

    _passes = 0

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002, as torch calls it
        self._passes += self.training
        return input * 0.8 if self._passes % 2 else input


def returned(values: dict[str, Any]) -> list[float]:
    """What a run returns: the held-out loss before and after, or dev F1 and its epoch."""
    if "encoder" in values:
        pretrained = pretraining.run(values)
        return [pretrained.before, pretrained.after]
    dropout = EvenDropout if values["training"]["consistency"] else torch.nn.Dropout
    with patch.object(torch.nn, "Dropout", dropout):
        trained = training.run(values, dev_scores(DANVAN))
    return [trained.dev_f1, trained.best_epoch]


if __name__ == "__main__":
    configs = Path(sys.argv[1])
    found = [returned(values) for values in json.loads(configs.read_text(encoding="utf-8"))]
    rank = os.environ.get("RANK", "0")
    configs.with_name(f"returned_{rank}.json").write_text(json.dumps(found), encoding="utf-8")
