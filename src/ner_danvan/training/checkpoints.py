"""Checkpoints of a run: which are whole, and which are kept. Order is that of their steps; no clock is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ner_danvan.atomic import PART, remove_folder

CHECKPOINTS = "checkpoints"  # the folder of a run that holds them


def last_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint that was written to its end, or None."""
    return next(reversed(checkpoints(output)), None)


def checkpoints(output: Path) -> list[Path]:
    """Those that were written to their end, the newest last."""
    found = [path for path in _numbered(output / CHECKPOINTS) if _is_whole(path / "trainer_state.json")]
    return sorted(found, key=step_of)


class KeepCheckpoints(TrainerCallback):
    """Keeps the newest `limit` checkpoints, and the best one in place of the oldest of them.

    The Trainer's `save_total_limit` goes by the folders' times: after a clock was set back it deletes the newest ones.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Take the oldest ones away, and what a kill left of others."""
        if not state.is_world_process_zero:
            return
        folder = Path(str(args.output_dir))
        for left in folder.glob(f"*{PART}"):
            shutil.rmtree(left, ignore_errors=True)
        found = sorted(_numbered(folder), key=step_of)
        best = Path(state.best_model_checkpoint or "").name
        may_go = [path for path in found[:-1] if path.name != best]
        for path in may_go[: max(0, len(found) - self.limit)]:
            remove_folder(path)


def _numbered(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]


def step_of(path: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(path.name.rpartition("-")[2])


def _is_whole(state: Path) -> bool:
    """The Trainer writes its state last; a kill may leave half of it."""
    try:
        json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
