from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from tiny import DANVAN

from ner_danvan.errors import UserError
from ner_danvan.experiments.cross_validation import values_of
from ner_danvan.experiments.sweep import sweep_config
from ner_danvan.labels import LabelScheme
from ner_danvan.training.config import run_config, with_labels
from ner_danvan.training.record import difference

CONFIGS = ROOT / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))


def composed(name: str, *overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        values: Any = OmegaConf.to_container(compose(name, list(overrides)), resolve=True)
    return dict(values)


@pytest.mark.parametrize("model", sorted(path.stem for path in (CONFIGS / "model").glob("*.yaml")))
def test_every_model_composes_to_a_run(model: str) -> None:
    config = run_config(composed("train", f"model={model}"))
    assert config.model.name == model
    assert config.scheme == DANVAN
    assert str(config.output) == f"runs/{model}-1"


def test_an_experiment_may_name_the_run() -> None:
    config = composed("train", "experiment=shipped")
    assert (config["run"], config["output"]) == ("danvan-mini", "runs/danvan-mini")
    assert config["model"]["path"] == "./models/danvan-mini-student"


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (CONFIGS / "experiment").glob("*.yaml")))
def test_every_experiment_composes_to_a_run(experiment: str, tmp_path: Path) -> None:
    words = tmp_path / "train.conll"
    words.write_text("Hà_Nội B-LOCATION\n", encoding="utf-8")
    data = [f"data.{split}={words}" for split in ("train", "dev") if experiment == "benchmark"]
    changed = composed("train", f"experiment={experiment}", *data)
    assert run_config(with_labels(changed))
    assert changed != composed("train")


@pytest.mark.parametrize("augment", sorted(path.stem for path in (CONFIGS / "augment").glob("*.yaml")))
def test_every_augmentation_composes_to_a_run(augment: str) -> None:
    config = run_config(composed("train", f"augment={augment}"))
    assert config.augment.is_on == (augment != "none")
    assert config.augment.lexicon == Path("data/lexicon")


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("augment", {"share": 1.5}, r"augment\.share=1\.5 must be between 0 and 1"),
        ("augment", {"versions": 0}, r"augment\.versions=0 must be at least 1"),
        ("augment", {"versions": float("inf")}, r"augment\.versions=inf must be a whole number"),
        ("augment", {"rates": 0.5}, r"augment\.rates=0\.5 is no section"),
        ("augment", {"roles": None}, r"augment\.roles=None is no section"),
        ("augment", {"kinds": 1}, r"augment\.kinds is not known"),
        ("training", {"layer_decay": 0}, r"training\.layer_decay=0\.0 must be above 0 and at most 1"),
        ("training", {"layer_decay": 1.5}, r"training\.layer_decay=1\.5"),
        ("training", {"label_smoothing": 1.0}, r"training\.label_smoothing=1\.0 must be below 1"),
        ("training", {"label_smoothing": -0.5}, r"training\.label_smoothing=-0\.5 must not be below 0"),
        ("training", {"boundary_weight": -1}, r"training\.boundary_weight=-1\.0 must not be below 0"),
        ("training", {"adversarial": -1}, r"training\.adversarial"),
        ("training", {"consistency": -0.1}, r"training\.consistency"),
        ("training", {"average": -1}, r"training\.average=-1 must not be below 0"),
        ("training", {"line_marks": 1}, r"training\.line_marks=1 must be true or false"),
        ("training", {"layer_weights": 2}, r"training\.layer_weights=2 is no section"),
        (
            "training",
            {"layer_weights": {"tasks": 2}},
            r"layer_weights\.tasks: no such layer; known are men",
        ),
        ("training", {"layer_weights": {"task": -2}}, r"training\.layer_weights\.task=-2 must not be below 0"),
        ("data", {"limit": -1}, r"data\.limit=-1 must not be below 0"),
        ("data", {"segmenter": "vncorenlp"}, r"data\.segmenter=vncorenlp is not known"),
        ("data", {"segmenter": "spaces"}, "say augment=none"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_key(section: str, changes: dict[str, Any], message: str) -> None:
    values = composed("train", "augment=default")
    values[section] = values[section] | changes
    with pytest.raises(UserError, match=message):
        run_config(values)


def test_a_role_that_the_labels_lack_is_refused_where_augmentation_is_on() -> None:
    with pytest.raises(UserError, match=r"augment\.roles\.person=NAME is not in the scheme"):
        run_config(composed("train", "augment=default", "augment.roles.person=NAME"))
    assert run_config(composed("train", "augment=none", "augment.roles.person=NAME"))
    assert run_config(composed("train", "augment=default", "augment.roles.person=null")).augment.roles.person == ""


def test_labels_from_data_want_tagged_words(tmp_path: Path) -> None:
    values = composed("train", "labels=from_data")
    with pytest.raises(UserError, match="no such file"):
        with_labels(values)
    path = tmp_path / "train.conll"
    path.write_text("a O\n", encoding="utf-8")
    values["data"]["train"] = str(path)
    with pytest.raises(UserError, match="every tag is O"):
        with_labels(values)


def test_the_hub_ids_and_licences_of_phobert() -> None:
    rows = {
        name: composed("train", f"model={name}")["model"]
        for name in ("phobert_base", "phobert_base_v2", "phobert_large")
    }
    assert {name: (row["path"], row["license"]) for name, row in rows.items()} == {
        "phobert_base": ("vinai/phobert-base", "mit"),
        "phobert_base_v2": ("vinai/phobert-base-v2", "agpl-3.0"),
        "phobert_large": ("vinai/phobert-large", "mit"),
    }


def test_any_local_directory_is_one_value_away(tmp_path: Path) -> None:
    assert run_config(composed("train", f"model.path={tmp_path}")).model.path == str(tmp_path)


def test_training_data_may_be_several_folders_or_files() -> None:
    one, two = composed("train"), composed("train", "data.train=[data/reports/train,data/corrected]")
    assert run_config(one).data.train == (Path("data/reports/train"),)
    assert run_config(two).data.train == (Path("data/reports/train"), Path("data/corrected"))
    with pytest.raises(UserError, match=r"data\.train=\[\]: name a folder"):
        run_config(composed("train", "data.train=[]"))


def test_the_embedded_encoder_is_there() -> None:
    folder = ROOT / composed("train")["model"]["path"]
    assert {path.name for path in folder.iterdir()} >= {"config.json", "model.safetensors", "vocab.txt", "bpe.codes"}


@pytest.mark.parametrize("name", ["evaluate", "evaluate_relations", "export", "prepare_data", "results"])
def test_every_script_has_a_config_that_composes(name: str) -> None:
    overrides = ["model.path=x", "output=y"] if name == "export" else []
    values = composed(name, *overrides)
    assert "???" not in str(values)
    if "labels" in values:
        assert LabelScheme.from_config(values["labels"]["layers"]) == DANVAN


def test_a_fold_of_the_reports_composes_to_a_run() -> None:
    config = run_config(composed("train", "folds=genre", "folds.number=2"))
    assert config.fold is not None
    assert (config.fold.count, config.fold.number, config.fold.by) == (5, 2, "genre")
    assert "conference, meeting" in config.fold.groups["genre"]
    assert run_config(composed("train")).fold is None


def test_folds_and_sweeps_take_every_override_of_training() -> None:
    folds = composed("folds", "experiment=screening", "seed=3")
    assert (folds["seeds"], folds["data"]["limit"], folds["output"]) == ([3], 200, "runs/folds/danvan_mini")
    assert composed("folds", "seeds=[1,2]")["seeds"] == [1, 2]
    sweep = composed("sweep", "experiment=screening", "+sweep.space.model.dropout.choices=[0.0,0.2]")
    space = sweep_config(sweep).space
    assert {"training.learning_rate", "training.batch_size", "model.dropout"} <= space.keys()
    assert sweep["data"]["limit"] == 200


def test_folds_trained_side_by_side_are_the_runs_that_folds_py_would_make() -> None:
    ours = values_of(composed("folds", "run=x", "folds.count=3"), seed=2, fold=1)
    alone = ["folds=genre", "folds.count=3", "folds.number=1", "seed=2", "run=x", "output=runs/folds/x/seed-2/fold-1"]
    assert difference(composed("train", *alone), ours) is None


def test_a_slurm_job_is_one_override_away() -> None:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", ["hydra/launcher=slurm", "hydra.launcher.partition=gpu"], return_hydra_config=True)
    launcher = config.hydra.launcher
    assert launcher._target_ == "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"
    assert (launcher.partition, launcher.gpus_per_node, launcher.max_num_timeout) == ("gpu", 1, 3)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_every_key_is_explained_where_it_stands(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#")
    if "hydra" in path.parts or path.stem == "quiet":
        return
    for number, line in enumerate(lines, 1):
        if re.match(r" *[a-z_]+: *\S", line) and not re.match(r" *(- )?(override|labels: \[)", line.lstrip()):
            assert " # " in line or path.parent.name == "experiment" or line.strip().startswith("- "), (
                f"{path}:{number}"
            )
