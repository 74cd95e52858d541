"""Every fold left out once, with one seed or several: what a recipe gives on documents that it did not learn."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from ner_danvan.atomic import remove_folder, write_whole
from ner_danvan.backends.choice import wanted_files
from ner_danvan.corpus.folds import HELD_OUT_FILE
from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation.breakdown import Aspects
from ner_danvan.evaluation.files import write_table
from ner_danvan.evaluation.intervals import MICRO, bounds_of, f1_of, resampled, strict_triples
from ner_danvan.evaluation.run import PREDICTIONS_FILE, evaluate_model, write_evaluation
from ner_danvan.evaluation.scores import dev_scores
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import WEIGHTS_FILE, file_hash, find_model
from ner_danvan.sections import number_of
from ner_danvan.tagger import Tagger
from ner_danvan.training import run as training
from ner_danvan.training.checkpoints import CHECKPOINTS

log = logging.getLogger(__name__)

FOLDS_FILE = "folds.json"
FOLDS_TABLE = "folds.tsv"
GOLD_FILE = "gold.jsonl"


@dataclass(frozen=True)
class FoldScore:
    """Strict micro F1 on one fold by a model that did not learn it."""

    seed: int
    fold: int
    documents: int
    f1: float


@dataclass(frozen=True)
class Pooled:
    """Strict F1 of one label, or micro, over all folds' documents together, a figure a seed; `interval` is of its mean.

    The interval is a bootstrap over documents (Efron 1979), in which each document stands for all seeds' outputs on it.
    """

    f1: dict[int, float]
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(self.f1.values())


@dataclass(frozen=True)
class CrossValidation:
    """Scores of every fold and seed, and of all documents together, by label and micro."""

    documents: int
    folds: list[FoldScore]
    pooled: dict[str, Pooled]

    def spread(self, seed: int) -> tuple[float, float]:
        """Mean and sample standard deviation of F1 over the folds of one seed."""
        scores = [score.f1 for score in self.folds if score.seed == seed]
        return mean(scores), stdev(scores)

    def seed_deviation(self) -> float | None:
        """Standard deviation of pooled micro F1 over the seeds; None of a single one."""
        scores = list(self.pooled[MICRO].f1.values())
        return stdev(scores) if len(scores) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `folds.json`."""
        return {
            "documents": self.documents,
            "folds": [asdict(score) for score in self.folds],
            "spread": {
                seed: dict(zip(("mean", "sd"), self.spread(seed), strict=True)) for seed in self.pooled[MICRO].f1
            },
            "seed_sd": self.seed_deviation(),
            "pooled": {label: asdict(found) | {"mean": found.mean} for label, found in self.pooled.items()},
        }


def run(values: Mapping[str, Any]) -> CrossValidation:
    """Train on all folds but one, in turn, with each of `seeds`, and score each model on the fold that it lacks.

    Each run writes what `training.run` and an evaluation write to `output/seed-S/fold-N`; beside them stand
    `folds.json`, `folds.tsv`, `gold.jsonl` with all documents, and for each seed their `predictions.jsonl`. With
    `resume=auto` what has ended is not done again. Raises UserError for a fault of config or data.
    """
    seeds = _seeds(values["seeds"])
    if not isinstance(values.get("folds"), Mapping):
        raise UserError("folds is not set; say folds=genre, or another section of configs/folds/.")
    count = number_of("folds.count", values["folds"]["count"], int)
    output = Path(values["output"])
    scheme = LabelScheme.from_config(values["labels"]["layers"])
    scores: list[FoldScore] = []
    gold: list[Document] = []
    predicted: dict[int, list[Document]] = {seed: [] for seed in seeds}
    for seed in seeds:
        gold = []  # the same for every seed
        for fold in range(1, count + 1):
            log.info("seed %d, fold %d of %d", seed, fold, count)
            held, found, f1 = _one(values_of(values, seed, fold), scheme, keep=bool(values["keep_checkpoints"]))
            gold += held
            predicted[seed] += found
            scores.append(FoldScore(seed, fold, len(held), f1))
    result = CrossValidation(len(gold), scores, _pooled(gold, predicted, scheme))
    _write_documents(gold, output / GOLD_FILE)
    for seed, documents in predicted.items():
        _write_documents(documents, output / f"seed-{seed}" / PREDICTIONS_FILE)
    text = json.dumps(result.to_dict(), ensure_ascii=False, indent=2)
    write_whole(output / FOLDS_FILE, text + "\n")
    rows = [(score.seed, score.fold, score.documents, score.f1) for score in scores]
    write_table(output / FOLDS_TABLE, ("seed", "fold", "documents", "f1"), rows)
    return result


def _seeds(value: Any) -> list[int]:
    seeds = [number_of("seeds", seed, int) for seed in (value if isinstance(value, list) else [value])]
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"seeds={value}: name at least one seed, none twice.")
    return seeds


def values_of(values: Mapping[str, Any], seed: int, fold: int) -> dict[str, Any]:
    """The configuration of one training run, as `scripts/train.py` would have it."""
    own = {key: value for key, value in values.items() if key not in ("seeds", "keep_checkpoints")}
    output = Path(values["output"]) / f"seed-{seed}" / f"fold-{fold}"
    changed = {"seed": seed, "folds": {**values["folds"], "number": fold}, "output": str(output)}
    return own | changed


def _one(values: dict[str, Any], scheme: LabelScheme, *, keep: bool) -> tuple[list[Document], list[Document], float]:
    """The held-out documents of a run, what its model finds in them, and its F1."""
    model = training.run(values, dev_scores(scheme)).model
    output = Path(values["output"])
    held = read_gold(output / HELD_OUT_FILE, scheme.layer_of)
    tagger = Tagger.from_pretrained(find_model(str(model), wanted=wanted_files("torch", None)), backend="torch")
    evaluation, predicted = evaluate_model(tagger, held, f"fold {values['folds']['number']}")
    write_evaluation(evaluation, held, predicted, Aspects(), file_hash(model / WEIGHTS_FILE), output)
    if not keep:
        remove_folder(output / CHECKPOINTS)
    return held, predicted, evaluation.scores.micro.f1


def _pooled(
    gold: Sequence[Document], predicted: Mapping[int, Sequence[Document]], scheme: LabelScheme, *, draws: int = 2_000
) -> dict[str, Pooled]:
    """Micro and each label, over all documents; of a label without any span there is nothing to tell."""
    columns = [MICRO, *scheme.labels]
    # [documents, seeds, columns, 3]
    triples = np.stack([strict_triples(gold, found, columns) for found in predicted.values()], axis=1)
    figures = f1_of(triples.sum(axis=0))
    drawn = f1_of(resampled(triples, draws, 0)).mean(axis=1)
    return {
        name: Pooled(
            {seed: float(figures[row, column]) for row, seed in enumerate(predicted)},
            bounds_of(drawn[:, column], 0.95),
        )
        for column, name in enumerate(columns)
        if not np.isnan(figures[:, column]).any()
    }


def _write_documents(documents: Sequence[Document], path: Path) -> None:
    write_whole(path, "".join(to_json_line(document) + "\n" for document in documents))
