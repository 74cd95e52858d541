from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from sample_runs import WHOLE, breaking_scorer, run_values, write_splits
from tiny import DANVAN, augmentation, write_lexicon

from ner_danvan.backends.choice import open_backend
from ner_danvan.corpus.reports import read_gold
from ner_danvan.errors import UserError
from ner_danvan.evaluation.run import evaluate_model
from ner_danvan.evaluation.scores import dev_scores
from ner_danvan.labels import spans_to_tags
from ner_danvan.model_dir import read_model_dir
from ner_danvan.pipeline import encoded, prepared
from ner_danvan.tagger import Tagger
from ner_danvan.text.inputs import stitch_documents
from ner_danvan.training.checkpoints import last_checkpoint
from ner_danvan.training.run import run
from ner_danvan.training.temperature import fit_temperatures


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_splits(tmp_path_factory.mktemp("reports"))


def values(encoder: Path, reports: Path, output: Path, **training: Any) -> dict[str, Any]:
    found = run_values(encoder, reports, output, **{"epochs": 20, "patience": 20} | training)
    found["model"] |= {"dropout": 0.0, "attention_dropout": 0.0}
    return found


@pytest.fixture(scope="module")
def trained(encoder: Path, reports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("run")
    # what was learned also chooses the checkpoint: on two other reports the best one is a matter of the machine
    data = {"data": {"train": str(reports / "train"), "dev": str(reports / "train"), **WHOLE}}
    run(values(encoder, reports, output) | data, dev_scores(DANVAN))
    return output


def test_a_random_encoder_learns_its_reports_and_tags_as_the_trainer_scored(trained: Path, reports: Path) -> None:
    record = json.loads((trained / "model" / "run.json").read_text())
    assert record["cost"]["minutes"] > 0
    assert record["cost"]["hardware"]
    tagger = Tagger.from_pretrained(trained / "model", device="cpu")
    train, _ = evaluate_model(tagger, read_gold(reports / "train", DANVAN.layer_of), "train")
    assert train.scores.micro.f1 > 0.8
    assert train.scores.micro.f1 == pytest.approx(record["dev_f1"])


def test_the_model_directory_is_whole(trained: Path) -> None:
    files = read_model_dir(trained / "model")
    assert files.settings.inputs.window.subwords == 128
    assert all(value > 0 for value in files.settings.temperatures.values())
    assert {path.name for path in (trained / "model").iterdir()} >= {
        "config.json",
        "model.safetensors",
        "vocab.txt",
        "bpe.codes",
        "tokenizer.json",
        "split_words.txt",
        "run.json",
    }


def test_the_best_checkpoint_is_kept_and_not_the_last(encoder: Path, reports: Path, tmp_path: Path) -> None:
    scores = iter([0.1, 0.9, 0.2])
    result = run(values(encoder, reports, tmp_path, epochs=3), lambda gold, predicted: {"f1": next(scores, 0.9)})
    assert (result.dev_f1, result.best_epoch) == (0.9, 2.0)


def test_training_stops_early_without_a_better_score(encoder: Path, reports: Path, tmp_path: Path) -> None:
    scores = iter([0.5, 0.4, 0.4, 0.4, 0.9, 0.9])
    run(values(encoder, reports, tmp_path, epochs=6, patience=2), lambda gold, predicted: {"f1": next(scores)})
    assert list(scores) == [0.9]  # three epochs were scored, and the best in fp32, with all spans and the sure ones


def test_the_limit_is_half_of_the_dev_f1_unless_it_is_given(encoder: Path, reports: Path, tmp_path: Path) -> None:
    for given, wanted in ((None, 0.45), (0.1, 0.1)):
        result = run(values(encoder, reports, tmp_path, epochs=1, min_score=given), lambda gold, found: {"f1": 0.9})
        assert read_model_dir(result.model).settings.min_score == wanted


def test_where_a_limit_would_cost_f1_there_is_none(encoder: Path, reports: Path, tmp_path: Path) -> None:
    scores = iter([0.9, 0.9, 0.5])  # of the epoch, of every span, of the sure ones
    result = run(values(encoder, reports, tmp_path, epochs=1), lambda gold, found: {"f1": next(scores)})
    assert (read_model_dir(result.model).settings.min_score, result.dev_f1) == (0.0, 0.9)


def test_the_same_run_twice_gives_the_same_weights(encoder: Path, reports: Path, tmp_path: Path) -> None:
    for name in "ab":
        run(values(encoder, reports, tmp_path / name, epochs=2), dev_scores(DANVAN))
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(encoder: Path, reports: Path, tmp_path: Path) -> None:
    changed = {"augment": augmentation(person=1.0, date=1.0) | {"versions": 3}}  # each epoch reads another version
    whole, killed = (values(encoder, reports, tmp_path / name, epochs=4) | changed for name in ("whole", "killed"))
    run(whole, dev_scores(DANVAN))

    with pytest.raises(KeyboardInterrupt):
        run(killed, breaking_scorer())
    checkpoint = last_checkpoint(tmp_path / "killed")
    assert checkpoint is not None
    broken = checkpoint.with_name("checkpoint-999")  # one that the kill left half written
    broken.mkdir()
    run(killed | {"resume": "auto"}, dev_scores(DANVAN))
    ends = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert ends[0] == ends[1]


def test_a_run_is_not_gone_on_with_other_gazetteers(encoder: Path, reports: Path, tmp_path: Path) -> None:
    folder = write_lexicon(tmp_path / "lexicon")
    changed = {"augment": augmentation(person=1.0) | {"lexicon": str(folder)}}
    config = values(encoder, reports, tmp_path / "run", epochs=1) | changed
    run(config, dev_scores(DANVAN))
    (folder / "surnames.tsv").write_text("name\tweight\nVàng\t1\n", encoding="utf-8")
    with pytest.raises(UserError, match="begun with lexicon="):
        run(config | {"resume": "auto"}, dev_scores(DANVAN))


def test_patience_goes_on_after_a_kill(encoder: Path, reports: Path, tmp_path: Path) -> None:
    config = values(encoder, reports, tmp_path, epochs=9, patience=2)
    scores = iter([0.9, 0.5])

    def kill(gold: Any, predicted: Any) -> dict[str, float]:
        found = next(scores, None)
        if found is None:
            raise KeyboardInterrupt
        return {"f1": found}

    with pytest.raises(KeyboardInterrupt):
        run(config, kill)
    asked: list[float] = []

    def no_better(gold: Any, predicted: Any) -> dict[str, float]:
        asked.append(0.5)
        return {"f1": 0.5}

    run(config | {"resume": "auto"}, no_better)
    assert (
        len(asked) == 3
    )  # the epoch that uses up the patience, and the best in fp32, with all spans and the sure ones


def test_a_run_that_has_ended_is_not_gone_on_with(encoder: Path, reports: Path, tmp_path: Path) -> None:
    config = values(encoder, reports, tmp_path, epochs=2)
    first = run(config, dev_scores(DANVAN))
    weights = (first.model / "model.safetensors").read_bytes()

    def never(gold: Any, predicted: Any) -> dict[str, float]:
        raise AssertionError

    assert run(config | {"resume": "auto"}, never) == first
    assert (first.model / "model.safetensors").read_bytes() == weights


def test_a_wrong_setting_does_not_cost_the_checkpoints_of_a_finished_run(
    encoder: Path, reports: Path, tmp_path: Path
) -> None:
    run(values(encoder, reports, tmp_path, epochs=1), dev_scores(DANVAN))
    with pytest.raises(UserError, match="int4"):
        run(values(encoder, reports, tmp_path, epochs=1, precision="int4"), dev_scores(DANVAN))
    assert last_checkpoint(tmp_path) is not None
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_another_seed_gives_another_model(encoder: Path, reports: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        run(values(encoder, reports, tmp_path / str(seed), epochs=1) | {"seed": seed}, dev_scores(DANVAN))
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in "12"]
    assert weights[0] != weights[1]


def test_accumulated_steps_learn_as_one_large_batch(encoder: Path, reports: Path, tmp_path: Path) -> None:
    for name, size, steps in (("a", 4, 1), ("b", 2, 2)):
        run(
            values(encoder, reports, tmp_path / name, epochs=2, batch_size=size, accumulation=steps), dev_scores(DANVAN)
        )
    first, second = (load_file(tmp_path / name / "model" / "model.safetensors") for name in "ab")
    for key, tensor in first.items():
        assert (tensor - second[key]).abs().max() < 2e-3, key


def test_the_temperatures_are_those_fitted_on_the_reports_that_chose_the_checkpoint(
    trained: Path, reports: Path
) -> None:
    files = read_model_dir(trained / "model")
    backend = open_backend(trained / "model", "torch", "cpu")
    learned = read_gold(reports / "train", DANVAN.layer_of)
    ((group, windows),) = encoded(prepared(learned, files, 0, None), backend, len(DANVAN.tags), 8_192)
    inputs = [row for _, row in group]
    tags = [
        spans_to_tags(document.spans, row.offsets, DANVAN)[0] for document, row in zip(learned, inputs, strict=True)
    ]
    fitted = fit_temperatures(stitch_documents(inputs, windows), tags, DANVAN, files.settings.transitions)
    assert dict(files.settings.temperatures) == pytest.approx(fitted, rel=1e-2)


def test_going_on_with_other_settings_is_refused(encoder: Path, reports: Path, tmp_path: Path) -> None:
    run(values(encoder, reports, tmp_path, epochs=1), dev_scores(DANVAN))
    changed = values(encoder, reports, tmp_path, epochs=2) | {"resume": "auto"}
    with pytest.raises(UserError, match=r"config\.training\.epochs=1, now it is 2"):
        run(changed, dev_scores(DANVAN))


def test_a_new_run_clears_the_checkpoints_of_an_older_one(encoder: Path, reports: Path, tmp_path: Path) -> None:
    old = tmp_path / "checkpoints" / "checkpoint-99999"
    old.mkdir(parents=True)
    (old / "trainer_state.json").write_text("{}")
    run(values(encoder, reports, tmp_path, epochs=1), dev_scores(DANVAN))
    assert not old.exists()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"resume": "yes"}, "resume=yes is not known"),
        ({"seed": "abc"}, "seed=abc must be a whole number"),
        ({"output": __file__}, "is a file; name a folder"),
        ({"data": {"train": "a", "dev": "b", "test": "c"}}, r"data\.test is not known"),
        ({"data": {"train": "a"}}, r"data\.dev is missing"),
        ({"data": {"train": "nowhere", "dev": "nowhere", **WHOLE}}, "nowhere: no such folder"),
        ({"labels": {"layers": []}}, "label scheme"),
        ({"labels": {"layers": [{"name": "a", "labels": ["ORG"]}]}}, 'unknown label "DATE"'),
    ],
)
def test_a_fault_of_the_config_is_one_line(
    encoder: Path, reports: Path, tmp_path: Path, change: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(UserError, match=wanted):
        run(values(encoder, reports, tmp_path) | change, dev_scores(DANVAN))


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("window", 1, "holds nothing"),
        ("window", "abc", r"training\.window=abc must be a whole number"),
        ("precision", "int4", "int4"),
        ("epochs", 0, r"training\.epochs=0.* must be above 0"),
        ("epochs", "abc", r"training\.epochs=abc must be a number"),
        ("batch_size", 2.5, r"training\.batch_size=2\.5 must be a whole number"),
        ("patience", 0, "above 0"),
        ("warmup", -1, "below 0"),
        ("schedule", "foo", "linear, cosine"),
        ("transitions", "yes", "true or false"),
        ("foo", 1, r"training\.foo is not known"),
    ],
)
def test_a_fault_of_the_training_section_is_one_line(
    encoder: Path, reports: Path, tmp_path: Path, key: str, value: Any, wanted: str
) -> None:
    with pytest.raises(UserError, match=wanted):
        run(values(encoder, reports, tmp_path, **{key: value}), dev_scores(DANVAN))


def test_an_encoder_without_vocabulary_is_one_line(encoder: Path, reports: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(encoder, broken)
    (broken / "bpe.codes").unlink()
    with pytest.raises(UserError, match=r"no bpe\.codes"):
        run(values(broken, reports, tmp_path / "out"), dev_scores(DANVAN))


def test_transitions_are_learned_and_kept_out_of_the_weights(trained: Path) -> None:
    settings = read_model_dir(trained / "model").settings
    assert set(settings.transitions) == {"mention", "title", "task"}
    assert settings.transitions["task"][2][2] > settings.transitions["task"][2][1]  # inside goes on, not begins anew
    assert not any("transitions" in name for name in load_file(trained / "model" / "model.safetensors"))


def test_without_transitions_the_model_has_none(encoder: Path, reports: Path, tmp_path: Path) -> None:
    run(values(encoder, reports, tmp_path, epochs=1, transitions=False), dev_scores(DANVAN))
    assert read_model_dir(tmp_path / "model").settings.transitions == {}


def test_documents_without_text_are_one_line(encoder: Path, reports: Path, tmp_path: Path) -> None:
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "a.txt").write_text(" \n")
    data = {"train": str(tmp_path / "blank"), "dev": str(reports / "dev"), **WHOLE}
    with pytest.raises(UserError, match=r"data\.train: its documents hold no text"):
        run(values(encoder, reports, tmp_path / "out") | {"data": data}, dev_scores(DANVAN))
