"""What a training run logged on its way, for the learning curve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError

_STATE = "trainer_state.json"
_NO_SCORE = ("eval_loss", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second")

Curve = list[tuple[float, float]]  # epoch, value


@dataclass(frozen=True)
class History:
    """Losses and dev scores by epoch; `scores` has the micro F1 under `f1` and that of each label."""

    loss: Curve
    dev_loss: Curve
    scores: dict[str, Curve]


def read_history(run: Path) -> History:
    """The history of a run's newest checkpoint; raises UserError where the directory has none."""
    states = sorted(
        (path for path in (run / "checkpoints").glob(f"checkpoint-*/{_STATE}") if _step(path) >= 0), key=_step
    )
    if not states:
        raise UserError(f"{run}: no checkpoints/checkpoint-N/{_STATE} in it; name the output directory of a training.")
    try:
        rows = json.loads(states[-1].read_text(encoding="utf-8"))["log_history"]
        return _history(rows)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{states[-1]}: no training state; name the output directory of another training.") from None


def _history(rows: list[Mapping[str, Any]]) -> History:
    history = History([], [], {})
    for row in rows:
        epoch = float(row["epoch"])
        if "loss" in row:
            history.loss.append((epoch, float(row["loss"])))
        if "eval_loss" in row:
            history.dev_loss.append((epoch, float(row["eval_loss"])))
        for key, value in row.items():
            if key.startswith("eval_") and key not in _NO_SCORE:
                history.scores.setdefault(key.removeprefix("eval_"), []).append((epoch, float(value)))
    return history


def _step(path: Path) -> int:
    number = path.parent.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1
