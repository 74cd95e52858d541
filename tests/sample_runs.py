"""A configuration of a training run that takes a second, and reports for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny import DANVAN, FITTING, REPORTS, augmentation

from ner_danvan.document import Document
from ner_danvan.evaluation.scores import dev_scores
from ner_danvan.training.trainer import Scorer

# sections of a pre-training run
NEW_ENCODER: dict[str, Any] = {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 64, "positions": 64}
NEW_ENCODER |= {"vocabulary": None, "symbols": 800}
NO_VECTORS: dict[str, Any] = {"epochs": 0, "window": 3, "negatives": 4, "sample": 1e-2, "norm": 0.64}

WHOLE = {"limit": 0, "segmenter": "underthesea"}  # every report of a split


def write_splits(folder: Path, train: int = 8, dev: int = 2) -> Path:
    """Annotated reports in `train` and `dev` below the folder, as many as are said."""
    for split, numbers in (("train", range(train)), ("dev", range(100, 100 + dev))):
        (folder / split).mkdir(parents=True)
        for number in numbers:
            text = "\n".join(REPORTS).format(n=number)
            (folder / split / f"{split}_{number}.txt").write_text(text, encoding="utf-8")
    return folder


def breaking_scorer() -> Scorer:
    """Scores as `dev_scores` does, and breaks the run off in its third epoch."""
    calls = 0

    def score(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return dev_scores(DANVAN)(gold, predicted)

    return score


def run_values(encoder: Path, reports: Path, output: Path, **training: Any) -> dict[str, Any]:
    """What `scripts/train.py` gives `training.run`; the tiny encoder learns these reports in some ten epochs."""
    fitting = {"learning_rate": 1e-2, "head_factor": 1.0, "transition_factor": 5.0, "weight_decay": 0.0}
    size = {"window": 128, "overlap": 16, "split_words": {"min_cuts": 1, "min_share": 0.0}}
    return {
        "output": str(output),
        "seed": 1,
        "resume": None,
        "model": {
            "name": "tiny",
            "path": str(encoder),
            "license": "mit",
            "allow_bin": False,
            "dropout": 0.1,
            "attention_dropout": 0.1,
        },
        "labels": {"layers": DANVAN.to_config()},
        "data": {"train": str(reports / "train"), "dev": str(reports / "dev"), **WHOLE},
        "augment": augmentation(),
        "training": FITTING | fitting | size | training,
    }
