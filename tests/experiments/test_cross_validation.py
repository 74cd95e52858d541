from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from sample_runs import run_values, write_splits
from tiny import DANVAN

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import read_jsonl
from ner_danvan.errors import UserError
from ner_danvan.evaluation.compare import compare
from ner_danvan.evaluation.run import evaluate_predictions
from ner_danvan.evaluation.sources import aspects_of
from ner_danvan.experiments import cross_validation
from ner_danvan.experiments.cross_validation import CrossValidation, run
from ner_danvan.experiments.tables import folds_summary, folds_table

FOLDS = {"count": 2, "number": 0, "seed": 0, "by": None, "index": None, "groups": None}


def values(encoder: Path, reports: Path, output: Path, **changes: Any) -> dict[str, Any]:
    few = run_values(encoder, reports, output, epochs=8, patience=8)
    return few | {"folds": FOLDS, "seeds": [1, 2], "keep_checkpoints": False} | changes


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_splits(tmp_path_factory.mktemp("reports"), train=7)


@pytest.fixture(scope="module")
def crossed(encoder: Path, reports: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrossValidation]:
    output = tmp_path_factory.mktemp("folds")
    return output, run(values(encoder, reports, output))


def test_every_document_is_predicted_once_a_seed_by_a_model_that_did_not_learn_it(
    crossed: tuple[Path, CrossValidation], reports: Path
) -> None:
    output, result = crossed
    names = sorted(path.stem for path in (reports / "train").iterdir())
    assert sorted(document.id for document in read_jsonl(output / "gold.jsonl")) == names
    assert [score.documents for score in result.folds] == [4, 3, 4, 3]
    for seed in (1, 2):
        folder = output / f"seed-{seed}"
        assert sorted(document.id for document in read_jsonl(folder / "predictions.jsonl")) == names
        for fold in (1, 2):
            record = json.loads((folder / f"fold-{fold}" / "model" / "run.json").read_text(encoding="utf-8"))
            assert record["data"]["train"]["documents"] + record["data"]["held_out"]["documents"] == 7
            assert record["config"]["seed"] == seed


def test_the_pooled_score_is_that_of_all_predictions_together(crossed: tuple[Path, CrossValidation]) -> None:
    output, result = crossed
    gold = read_gold(output / "gold.jsonl", DANVAN.layer_of)
    for seed, f1 in result.pooled["micro"].f1.items():
        predicted = list(read_jsonl(output / f"seed-{seed}" / "predictions.jsonl"))
        scores = evaluate_predictions(predicted, gold, DANVAN, "all").scores
        assert f1 == pytest.approx(scores.micro.f1)
        assert result.pooled["ORG"].f1[seed] == pytest.approx(scores.labels["ORG"].f1)
    low, high = result.pooled["micro"].interval or (1.0, 0.0)
    assert 0 < low <= result.pooled["micro"].mean <= high


def test_folds_and_seeds_spread_as_the_textbook_says(crossed: tuple[Path, CrossValidation]) -> None:
    _, result = crossed
    first = [score.f1 for score in result.folds[:2]]
    assert result.spread(1) == (mean(first), stdev(first))
    assert result.seed_deviation() == stdev(result.pooled["micro"].f1.values())
    assert len(list(folds_summary(result))) == 3
    assert folds_table(result).row_count == len(result.pooled)


def test_predictions_of_all_folds_can_be_compared(crossed: tuple[Path, CrossValidation]) -> None:
    output, _ = crossed
    gold = read_gold(output / "gold.jsonl", DANVAN.layer_of)
    sides = [{str(seed): list(read_jsonl(output / f"seed-{seed}" / "predictions.jsonl"))} for seed in (1, 2)]
    assert compare(gold, *sides, DANVAN, draws=20, rounds=20).documents == 7


def test_strings_of_the_held_out_fold_do_not_count_as_seen(crossed: tuple[Path, CrossValidation]) -> None:
    output, _ = crossed
    gold = read_gold(output / "seed-1" / "fold-1" / "held_out.jsonl", DANVAN.layer_of)
    data = {"index": None, "train": "from_run", "lengths": [1], "group_by": "genre"}
    model = output / "seed-1" / "fold-1" / "model"
    learned = {document.id for document in aspects_of({"data": data, "groups": None}, gold, DANVAN, model).train or ()}
    assert len(learned) == 3
    assert not learned & {document.id for document in gold}


def test_what_has_ended_is_not_trained_again(
    crossed: tuple[Path, CrossValidation], encoder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, result = crossed
    assert not list(output.rglob("checkpoint-*"))
    monkeypatch.setattr("transformers.Trainer.train", lambda *_, **__: pytest.fail("trained"))
    assert run(values(encoder, reports, output) | {"resume": "auto"}) == result


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"seeds": []}, "name at least one seed"),
        ({"seeds": [1, 1]}, "none twice"),
        ({"folds": None}, "say folds=genre"),
        ({"folds": FOLDS | {"count": 70}}, "only 7 documents"),
        ({"folds": FOLDS | {"counts": 2}}, r"folds\.counts is not known"),
    ],
)
def test_a_fault_is_one_line(
    change: dict[str, Any], wanted: str, encoder: Path, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=wanted):
        run(values(encoder, reports, tmp_path) | change)


def test_dev_documents_cannot_be_in_the_folds(encoder: Path, reports: Path, tmp_path: Path) -> None:
    both = values(encoder, reports, tmp_path)
    both["data"] |= {"train": [str(reports / "train"), str(reports / "dev")]}
    with pytest.raises(UserError, match=r"data\.dev: 2 of its documents are dealt into folds too"):
        cross_validation.run(both)
