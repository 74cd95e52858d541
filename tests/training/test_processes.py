"""Two processes with batches of `BATCH` windows learn as one does with batches of twice as many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file
from sample_runs import NEW_ENCODER, NO_VECTORS
from tiny import DANVAN, FITTING, REPORTS, SENTENCES, augmentation

from ner_danvan.model_dir import read_model_dir
from ner_danvan.text.segment import segment
from ner_danvan.training.checkpoints import last_checkpoint

BATCH = 2
# Nine windows to train on and eleven of dev: the last batch of an epoch is one window on the first process and none on
# the second, the last of dev is three on the first and none on the second.
TRAIN, DEV = range(1, 10), range(10, 21)
# Sums are taken in another order, and a float has seven digits: losses were seen to differ by 3e-7 of themselves.
TOLERANCE = 1e-5
# Muon makes matrices orthogonal in bf16, whose rounding turns the last digit of a gradient into one of the third digit.
MUON_TOLERANCE = 1e-2

TRAINING: dict[str, dict[str, Any]] = {
    "plain": {"epochs": 4},
    "adversarial": {"adversarial": 1.0, "accumulation": 2},
    "consistency": {"consistency": 2.0, "accumulation": 2},
    "averaged": {"average": 2, "transitions": False, "boundary_weight": 0.5},
}
EVERY = [*TRAINING, "pretraining"]


@pytest.fixture(scope="module")
def runs(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders `one` and `two` with every run's output and what it returned."""
    folder = tmp_path_factory.mktemp("processes")
    reports, text = write_reports(folder / "reports"), write_articles(folder / "articles.txt")
    program = str(ROOT / "tests" / "processes.py")
    # both on the CPU, with gloo, and with the same order of sums within a process
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    started = []
    for name, size, before in (("one", 2 * BATCH, []), ("two", BATCH, several)):
        output = folder / name
        output.mkdir()
        configs = [fitting(encoder, reports, output / run, size, changes) for run, changes in TRAINING.items()]
        configs.append(pretraining(encoder, text, output / "pretraining", size))
        path = output / "configs.json"
        path.write_text(json.dumps(configs), encoding="utf-8")
        command = [sys.executable, *before, program, str(path)]
        with (output / "log").open("w") as log:
            started.append((subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment), output))
    try:
        codes = [process.wait(timeout=300) for process, _ in started]
    finally:
        for process, _ in started:
            process.terminate()  # torchrun ends its own
    for code, (_, output) in zip(codes, started, strict=True):
        assert code == 0, (output / "log").read_text(encoding="utf-8")[-5000:]
    return {output.name: output for _, output in started}


@pytest.mark.parametrize("run", EVERY)
def test_the_losses_and_dev_scores_of_every_epoch_are_the_same(runs: dict[str, Path], run: str) -> None:
    one, two = (history(runs[name] / run) for name in ("one", "two"))
    assert len(one) == len(two) > 3
    for ours, theirs in zip(two, one, strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE)


@pytest.mark.parametrize("run", EVERY)
def test_the_weights_at_the_end_are_the_same(runs: dict[str, Path], run: str) -> None:
    one, two = (load_file(runs[name] / run / "model" / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for key, tensor in one.items():
        tolerance = MUON_TOLERANCE if run == "pretraining" else TOLERANCE
        assert torch.allclose(two[key], tensor, rtol=0, atol=tolerance), key


def test_the_transitions_which_the_loss_holds_are_the_same(runs: dict[str, Path]) -> None:
    one, two = (read_model_dir(runs[name] / "plain" / "model").settings.transitions for name in ("one", "two"))
    for layer in DANVAN.layers:
        assert torch.tensor(one[layer.name]).abs().max() > 0.01
        assert torch.allclose(torch.tensor(two[layer.name]), torch.tensor(one[layer.name]), rtol=0, atol=2e-4)


def test_every_process_returns_what_one_would(runs: dict[str, Path]) -> None:
    alone, first, second = (
        json.loads((runs[name] / f"returned_{rank}.json").read_text())
        for name, rank in (("one", 0), ("two", 0), ("two", 1))
    )
    assert first == second
    for ours, wanted in zip(first, alone, strict=True):
        assert ours == pytest.approx(wanted, rel=TOLERANCE)


def history(run: Path) -> list[dict[str, float]]:
    """What the Trainer logged: losses, dev scores and steps, without times; the gradient's length is less exact."""
    checkpoint = last_checkpoint(run)
    assert checkpoint is not None
    rows = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    kept = ("step", "epoch", "loss", "learning_rate", "eval_loss", "eval_f1")
    return [{key: float(row[key]) for key in kept if key in row} for row in rows]


def write_reports(folder: Path) -> Path:
    """A window each, of one to three sentences, so that processes do not have as many words."""
    for split, numbers in (("train", TRAIN), ("dev", DEV)):
        (folder / split).mkdir(parents=True)
        for number in numbers:
            text = "\n".join(REPORTS[number % 3 :]).format(n=number)
            (folder / split / f"{number}.txt").write_text(text, encoding="utf-8")
    return folder


def write_articles(path: Path) -> Path:
    lines = [" ".join(word.form for word in segment(sentence)) for sentence in SENTENCES]
    path.write_text("\n\n".join("\n".join(lines[n % 6 :] + lines[: n % 6]) for n in range(30)), encoding="utf-8")
    return path


def fitting(encoder: Path, reports: Path, output: Path, batch_size: int, changes: dict[str, Any]) -> dict[str, Any]:
    model = {"name": "tiny", "path": str(encoder), "license": "mit", "allow_bin": False}
    return {
        "output": str(output),
        "seed": 1,
        "resume": None,
        "model": model | {"dropout": 0.0, "attention_dropout": 0.0},
        "labels": {"layers": DANVAN.to_config()},
        "data": {name: str(reports / name) for name in ("train", "dev")} | {"limit": 0, "segmenter": "underthesea"},
        "augment": augmentation(),
        "training": FITTING
        | {"epochs": 3, "patience": 9, "learning_rate": 5e-3, "batch_size": batch_size, "window": 128, "overlap": 16}
        | {"split_words": {"min_cuts": 1, "min_share": 0.0}}
        | changes,
    }


def pretraining(encoder: Path, text: Path, output: Path, batch_size: int) -> dict[str, Any]:
    training = {"steps": 12, "batch_size": batch_size, "window": 64, "masked": 0.2, "learning_rate": 5e-3}
    training |= {"matrix_rate": 1e-2, "warmup": 0.1, "weight_decay": 0.01, "max_grad_norm": 1.0}
    return {
        "output": str(output),
        "seed": 1,
        "resume": None,
        "encoder": str(encoder),
        "layers": 0,
        "new": NEW_ENCODER,
        "word_vectors": NO_VECTORS,
        "text": {"files": [str(text)], "segmenter": "spaces", "like": None, "share": 1.0, "held_out": 6},
        "training": training | {"precision": "fp32", "compile": "no", "save_steps": 6},
    }
