from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sample_runs import NEW_ENCODER, NO_VECTORS
from tiny import DANVAN, SENTENCES
from transformers import RobertaForMaskedLM

from ner_danvan.errors import UserError
from ner_danvan.text.segment import segment
from ner_danvan.text.subwords import Subwords
from ner_danvan.training.config import EncoderConfig
from ner_danvan.training.encoder import load_encoder
from ner_danvan.training.pretraining.model import MuonAdamW, load_language_model
from ner_danvan.training.pretraining.run import run


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty articles of the same few sentences: there is something to learn."""
    path = tmp_path_factory.mktemp("text") / "articles.txt"
    lines = [" ".join(word.form for word in segment(sentence)) for sentence in SENTENCES]
    path.write_text("\n\n".join("\n".join(lines[n % 6 :] + lines[: n % 6]) for n in range(60)), encoding="utf-8")
    return path


def values(encoder: Path | None, text: Path, output: Path, **changes: Any) -> dict[str, Any]:
    training = {"steps": 40, "batch_size": 8, "window": 64, "masked": 0.2, "learning_rate": 5e-3, "matrix_rate": 1e-2}
    training |= {"warmup": 0.1, "weight_decay": 0.01, "max_grad_norm": 1.0, "precision": "fp32", "compile": "no"}
    return {
        "output": str(output),
        "seed": 1,
        "resume": None,
        "encoder": None if encoder is None else str(encoder),
        "layers": 0,
        "new": NEW_ENCODER,
        "word_vectors": NO_VECTORS,
        "text": {"files": [str(text)], "segmenter": "spaces", "like": None, "share": 1.0, "held_out": 4},
        "training": training | {"save_steps": 10},
    } | changes


def test_the_loss_on_held_out_windows_falls_and_the_encoder_can_be_fine_tuned(
    encoder: Path, text: Path, tmp_path: Path
) -> None:
    result = run(values(encoder, text, tmp_path))
    assert result.after < result.before - 1
    record = json.loads((result.model / "run.json").read_text())
    assert record["held_out_loss"]["after"] == result.after
    assert record["text"]["articles"] == 60
    plain = RobertaForMaskedLM.from_pretrained(result.model)
    assert plain.config.architectures == ["RobertaForMaskedLM"]
    load_encoder(result.model, EncoderConfig("x", str(result.model), "mit", False, 0.1, 0.1), DANVAN)


def test_a_deeper_model_has_its_layers_repeated(encoder: Path, tmp_path: Path) -> None:
    shallow, deep = load_language_model(encoder, 0), load_language_model(encoder, 4)
    for number, origin in enumerate([0, 0, 1, 1]):
        ours, theirs = (
            model.roberta.encoder.layer[place].state_dict() for model, place in ((deep, number), (shallow, origin))
        )
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert torch.equal(deep.get_input_embeddings().weight, shallow.get_input_embeddings().weight)
    assert deep.lm_head.decoder.weight is deep.get_input_embeddings().weight
    assert torch.equal(deep.lm_head.dense.weight, shallow.lm_head.dense.weight)


def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(
    encoder: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = {"tracker": "tensorboard", "tracking": {"project": "x", "mlflow": "x", "wandb": "offline"}}
    whole, killed = (values(encoder, text, tmp_path / name, **tracking) for name in ("whole", "killed"))
    run(whole)
    step, done = MuonAdamW.step, []

    def dies(self: MuonAdamW, closure: Any = None) -> Any:
        if len(done) == 25:
            raise KeyboardInterrupt
        done.append(1)
        return step(self, closure)

    monkeypatch.setattr(MuonAdamW, "step", dies)
    with pytest.raises(KeyboardInterrupt):
        run(killed)
    monkeypatch.setattr(MuonAdamW, "step", step)
    run(killed | {"resume": "auto"})
    ours, theirs = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    once, twice = (curves(tmp_path / name) for name in ("whole", "killed"))
    assert once == twice
    assert [step for step, _ in once["dev/loss"]] == [0, 40]
    assert len(once["train/loss"]) == 40
    assert once["result/held_out_loss"][0][1] == once["dev/loss"][1][1]
    with pytest.raises(UserError, match=r"begun with config\.seed=1, now it is 2"):
        run(killed | {"resume": "auto", "seed": 2})


def curves(output: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(output / "tensorboard")).Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": 1}, "layers=1 is less than the 2"),
        ({"resume": "yes"}, "resume=yes is not known"),
        ({"encoder": "nowhere/at/all"}, "nowhere/at/all"),
        ({"text": {"files": "a.txt"}}, r"text\.files=a\.txt is no list"),
        ({"text": {"segmenter": "x"}}, r"text\.segmenter=x is not known"),
        ({"text": {"share": 0.5}}, r"text\.like is empty"),
        ({"text": {"share": 0}}, r"text\.share=0\.0 must be above 0"),
        ({"text": {"held_out": 0}}, r"text\.held_out=0"),
        ({"text": {"held_out": 10_000}}, r"give more text"),
        ({"training": {"batch_size": 10_000}}, r"less than the 10000 of a step"),
        ({"training": {"weight_decay": -1}}, r"training\.weight_decay=-1\.0 must not be below 0"),
        ({"seed": -1}, r"seed=-1 must not be below 0"),
        ({"training": {"window": 500}}, r"training\.window=500"),
        ({"training": {"steps": 0}}, r"training\.steps=0 must be above 0"),
        ({"training": {"precision": "fp8"}}, r"precision=fp8"),
        ({"tracker": "comet"}, r"tracker=comet is not known"),
    ],
)
def test_wrong_settings_are_named(
    encoder: Path, text: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    plain = values(encoder, text, tmp_path)
    merged = plain | {key: plain[key] | value if isinstance(value, dict) else value for key, value in changes.items()}
    with pytest.raises(UserError, match=message):
        run(merged)


def test_the_encoder_is_not_cleared_away_and_must_be_a_language_model(
    encoder: Path, text: Path, tmp_path: Path
) -> None:
    first = run(
        values(encoder, text, tmp_path / "a") | {"training": values(encoder, text, tmp_path)["training"] | {"steps": 1}}
    )
    with pytest.raises(UserError, match="holds the encoder itself"):
        run(values(first.model, text, tmp_path / "a"))
    classifier = load_encoder(encoder, EncoderConfig("x", str(encoder), "mit", False, 0.1, 0.1), DANVAN)
    for name in ("vocab.txt", "bpe.codes"):
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / name).write_bytes((encoder / name).read_bytes())
    classifier.save_pretrained(tmp_path / "b")
    with pytest.raises(UserError, match="lack lm_head"):
        run(values(tmp_path / "b", text, tmp_path / "c"))
    (tmp_path / "b" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match="cannot be loaded"):
        run(values(tmp_path / "b", text, tmp_path / "c"))


def test_a_run_that_has_ended_is_left_alone_and_other_text_is_refused(
    encoder: Path, text: Path, tmp_path: Path
) -> None:
    plain = values(encoder, text, tmp_path)
    plain["training"] |= {"steps": 2, "save_steps": 1}
    first = run(plain)
    assert run(plain | {"resume": "auto"}) == first
    other = tmp_path / "other.txt"
    other.write_text(text.read_text("utf-8") + "\n\nBão số 3", encoding="utf-8")
    content = text.read_text("utf-8")
    try:
        text.write_text(other.read_text("utf-8"), "utf-8")
        with pytest.raises(UserError, match=r"begun with text\.articles=60, now it is 61"):
            run(plain | {"resume": "auto"})
    finally:
        text.write_text(content, "utf-8")


def test_articles_are_chosen_by_what_they_shall_be_like(encoder: Path, text: Path, tmp_path: Path) -> None:
    plain = values(encoder, text, tmp_path)
    like = tmp_path / "like.txt"
    like.write_text(SENTENCES[0], encoding="utf-8")
    chosen = plain["text"] | {"like": [str(like)], "share": 0.5}
    result = run(plain | {"text": chosen, "training": plain["training"] | {"steps": 1}})
    assert json.loads((result.model / "run.json").read_text())["text"]["articles"] == 30


def test_an_encoder_from_scratch_learns_its_vocabulary_and_its_language(text: Path, tmp_path: Path) -> None:
    result = run(values(None, text, tmp_path / "new"))
    assert result.after < result.before - 0.1  # forty steps tell words by how frequent they are
    plain = RobertaForMaskedLM.from_pretrained(result.model)
    subwords = Subwords.from_files(result.model)
    assert plain.config.vocab_size == subwords.vocabulary_size + 1
    assert plain.config.max_position_embeddings == 66
    load_encoder(result.model, EncoderConfig("x", str(result.model), "mit", False, 0.1, 0.1), DANVAN)
    again = values(None, text, tmp_path / "again", new=NEW_ENCODER | {"vocabulary": str(result.model)})
    assert run(again).after == result.after
    assert (result.model / "bpe.codes").read_bytes() == (tmp_path / "again/model/bpe.codes").read_bytes()


def test_a_killed_run_from_scratch_goes_on_as_if_it_had_not_been(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = values(None, text, tmp_path)["training"] | {"steps": 12, "save_steps": 4}
    whole = run(values(None, text, tmp_path / "whole", training=short))
    step, done = MuonAdamW.step, []

    def dies(self: MuonAdamW, closure: Any = None) -> Any:
        if len(done) == 6:
            raise KeyboardInterrupt
        done.append(1)
        return step(self, closure)

    killed = values(None, text, tmp_path / "killed", training=short)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MuonAdamW, "step", dies)
        run(killed)
    resumed = run(killed | {"resume": "auto"})
    assert resumed.after == whole.after
    first, second = (load_file(found.model / "model.safetensors") for found in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_word_vectors_are_where_a_new_encoder_starts(text: Path, tmp_path: Path) -> None:
    vectors = NO_VECTORS | {"epochs": 2}
    plain = values(None, text, tmp_path / "plain")["training"] | {"steps": 1, "learning_rate": 1e-9}
    run(values(None, text, tmp_path / "random", training=plain))
    run(values(None, text, tmp_path / "vectors", training=plain, word_vectors=vectors))
    name = "roberta.embeddings.word_embeddings.weight"
    random, informed = (load_file(tmp_path / f"{kind}/model/model.safetensors")[name] for kind in ("random", "vectors"))
    assert torch.equal(random[:4], informed[:4])  # the special ones, and <mask>
    assert torch.equal(random[-1], informed[-1])
    learned = informed[4:-1].float()
    changed = (random[4:-1] != informed[4:-1]).any(dim=1)
    assert changed.float().mean() > 0.9  # what occurs in held-out windows alone has none
    assert learned[changed].norm(dim=1).mean().item() == pytest.approx(0.64, abs=0.01)
    assert learned[changed].mean(dim=0).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"new": NEW_ENCODER | {"heads": 3}}, r"new\.hidden=32 must be a multiple of new\.heads=3"),
        ({"new": NEW_ENCODER | {"symbols": 0}}, r"new\.symbols=0 must be above 0"),
        ({"new": NEW_ENCODER | {"vocabulary": "nowhere"}}, r"nowhere: no vocab\.txt"),
        ({"word_vectors": NO_VECTORS | {"epochs": -1}}, r"word_vectors\.epochs=-1 must not be below 0"),
        ({"word_vectors": NO_VECTORS | {"epochs": 1}, "encoder": "models/danvan-mini-encoder"}, "set encoder=null too"),
    ],
)
def test_a_fault_of_a_new_encoders_settings_is_told(
    text: Path, tmp_path: Path, change: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(UserError, match=wanted):
        run(values(None, text, tmp_path / "x") | change)


def test_without_gensim_the_extra_is_named(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    vectors = NO_VECTORS | {"epochs": 1}
    with pytest.raises(UserError, match=r"pip install 'ner-danvan\[pretrain\]'"):
        run(values(None, text, tmp_path / "x", word_vectors=vectors))


def test_several_processes_are_told_to_learn_the_vocabulary_first(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="one process must learn it first"):
        run(values(None, text, tmp_path / "x"))
