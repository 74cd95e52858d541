"""A command gives the same figures whenever it runs, whatever kills it on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from sample_runs import write_splits

from ner_danvan.training.trainer import last_checkpoint

EPOCHS, STEPS = 4, 3  # steps of an epoch: twelve reports are twelve windows, four a step


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_splits(tmp_path_factory.mktemp("reports"), train=12)


def command(encoder: Path, reports: Path, output: Path | str) -> list[str]:
    data = [f"data.{split}={reports / split}" for split in ("train", "dev")]
    small = [f"training.epochs={EPOCHS}", "training.batch_size=4", "training.learning_rate=0.01", "training.compile=no"]
    return [f"model.path={encoder}", *data, *small, "training.head_factor=1", "tracker=null", f"output={output}"]


def train(arguments: list[str], kill_at: int | None = None) -> int:
    """The exit code of scripts/train.py, with dropout and augmentation on; SIGKILL hits it at the end of a step."""
    program = f"""
import os, runpy, signal, sys
from transformers import Trainer
step = Trainer.training_step
def killed(self, *arguments, **options):
    loss = step(self, *arguments, **options)
    if self.state.global_step + 1 == {kill_at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return loss
Trainer.training_step = killed
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    start = [sys.executable, *(["-c", program] if kill_at else []), str(ROOT / "scripts" / "train.py"), *arguments]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    return subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, timeout=900, check=False).returncode


def figures(output: Path) -> dict[str, Any]:
    """All that a run measured, to the last digit: losses and scores of every epoch, and the end's."""
    checkpoint = last_checkpoint(output)
    assert checkpoint is not None
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    timed = ("runtime", "per_second", "flos")
    history = [{key: row[key] for key in row if not key.endswith(timed)} for row in state["log_history"]]
    record = json.loads((output / "model" / "run.json").read_text(encoding="utf-8"))
    config = json.loads((output / "model" / "config.json").read_text(encoding="utf-8"))
    return {"history": history, "ends": [record["dev_f1"], record["best_epoch"]], "config": config}


@pytest.fixture(scope="module")
def twice(encoder: Path, reports: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The outputs of two runs of the same command, one after the other."""
    outputs = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    arguments = command(encoder, reports, f"{outputs[0]},{outputs[1]}")
    assert train(["-m", *arguments]) == 0
    return outputs


def test_the_same_command_twice_gives_the_same_figures_to_the_last_digit(twice: list[Path]) -> None:
    first, second = map(figures, twice)
    assert len(first["history"]) == 2 * EPOCHS
    assert first == second


def test_a_run_killed_at_any_step_and_gone_on_with_gives_the_same_figures(
    twice: list[Path], encoder: Path, reports: Path, tmp_path: Path
) -> None:
    step = random.randint(1, EPOCHS * STEPS)
    arguments = command(encoder, reports, tmp_path)
    assert train(arguments, kill_at=step) == -signal.SIGKILL, f"not killed at step {step}"
    assert not (tmp_path / "model").exists()
    assert train([*arguments, "resume=auto"]) == 0
    assert figures(tmp_path) == figures(twice[0]), f"killed at step {step}"
    weights = [(output / "model" / "model.safetensors").read_bytes() for output in (twice[0], tmp_path)]
    assert weights[0] == weights[1], f"killed at step {step}"
