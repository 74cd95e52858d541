"""What may be changed in the plain recipe: loss, rates, adversarial steps, consistency, averages."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import DANVAN, FITTING, SMALL, no_augmentation
from torch.nn.functional import cross_entropy, log_softmax

from ner_danvan.document import parse_inline
from ner_danvan.errors import UserError
from ner_danvan.labels import IGNORED
from ner_danvan.text.subwords import Subwords
from ner_danvan.training.config import DataConfig, EncoderConfig, OptimConfig, RunConfig, SplitWordsConfig
from ner_danvan.training.encoder import load_encoder, make_optimizer
from ner_danvan.training.features import Example, make_dataset, make_examples
from ner_danvan.training.loss import ChainLoss, LossOptions, WordLoss, divergence, new_transitions
from ner_danvan.training.regularized import RegularizedTrainer
from ner_danvan.training.trainer import average_checkpoints, make_trainer
from ner_danvan.training.versions import Versions

LAYERS = len(DANVAN.layers)


def batch() -> tuple[Any, torch.Tensor]:
    """Logits `[2, 6, 13]` and labels with spans in each layer; the first and last places are no words."""
    torch.manual_seed(0)
    labels = torch.full((2, 6, LAYERS), IGNORED)
    labels[:, 1:5] = 0
    labels[0, 2:4, 0] = torch.tensor([3, 4])  # B-ORG I-ORG, and O behind it
    labels[0, 1, 1] = 1
    labels[1, 1:5, 2] = torch.tensor([1, 2, 2, 2])  # a task to the window's end
    return SimpleNamespace(logits=torch.randn(2, 6, 13)), labels


LOSSES = {
    "words": lambda options: WordLoss(DANVAN, options),
    "chain": lambda options: ChainLoss(DANVAN, new_transitions(DANVAN), options),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_layers_weight_scales_its_part_of_the_loss(kind: str) -> None:
    outputs, labels = batch()
    alone = [
        LOSSES[kind](LossOptions(tuple(float(i == layer) for i in range(LAYERS))))(outputs, labels).item()
        for layer in range(LAYERS)
    ]
    weighted = LOSSES[kind](LossOptions((1.0, 1.0, 3.0)))(outputs, labels).item()
    assert weighted == pytest.approx(alone[0] + alone[1] + 3 * alone[2], rel=1e-5)
    assert LOSSES[kind](None)(outputs, labels).item() == pytest.approx(sum(alone), rel=1e-5)


@pytest.mark.parametrize("kind", LOSSES)
def test_boundary_words_count_once_more(kind: str) -> None:
    outputs, labels = batch()
    plain, more = (LOSSES[kind](LossOptions(boundary=weight))(outputs, labels).item() for weight in (0.0, 0.5))
    places = {0: [(0, 2), (0, 4)], 1: [(0, 1), (0, 2)], 2: [(1, 1)]}  # first words, and words behind a span
    wanted = sum(
        float(cross_entropy(outputs.logits[row, place, DANVAN.slices[layer]], labels[row, place, layer]))
        for layer, words in places.items()
        for row, place in words
    )
    assert more - plain == pytest.approx(0.5 * wanted / 8, rel=1e-4)


def test_smoothing_of_the_chain_takes_from_the_gold_tags_score_what_it_gives_to_all() -> None:
    outputs, labels = batch()
    plain, smooth = (LOSSES["chain"](LossOptions(smoothing=share))(outputs, labels).item() for share in (0.0, 0.1))
    words = labels[..., 0] != IGNORED
    difference = 0.0
    for layer, part in enumerate(DANVAN.slices):
        scores = outputs.logits[words][:, part]
        gold = scores.gather(1, labels[words][:, layer : layer + 1])[:, 0]
        difference += float((gold - scores.mean(dim=1)).sum())
    assert smooth - plain == pytest.approx(0.1 * difference / 8, rel=1e-4)


def test_smoothed_chain_loss_is_least_short_of_certainty() -> None:
    labels = torch.zeros(1, 1, LAYERS, dtype=torch.long)

    def loss(height: float) -> float:
        logits = torch.zeros(1, 1, 13)
        logits[..., [part.start for part in DANVAN.slices]] = height
        return LOSSES["chain"](LossOptions(smoothing=0.2))(SimpleNamespace(logits=logits), labels).item()

    assert loss(3.0) < loss(0.0)
    assert loss(3.0) < loss(30.0)


def test_divergence_is_nothing_for_equal_passes_and_symmetric() -> None:
    outputs, labels = batch()
    other = torch.randn(2, 6, 13)
    assert float(divergence(outputs.logits, outputs.logits, labels, DANVAN)) == 0
    there, back = divergence(outputs.logits, other, labels, DANVAN), divergence(other, outputs.logits, labels, DANVAN)
    assert float(there) == pytest.approx(float(back), rel=1e-5)
    part, word = DANVAN.slices[0], (0, 2)
    p, q = (log_softmax(logits[word][part], dim=-1) for logits in (outputs.logits, other))
    one = torch.full_like(labels, IGNORED)
    one[word] = 0
    kl = [float((a.exp() * (a - b)).sum()) for a, b in ((p, q), (q, p))]
    mention_only = DANVAN.__class__(DANVAN.layers[:1])
    assert float(divergence(outputs.logits, other, one, mention_only)) == pytest.approx(sum(kl) / 2, rel=1e-4)


def config_of(encoder: Path, output: Path, **changes: Any) -> RunConfig:
    return RunConfig(
        output,
        1,
        None,
        EncoderConfig("tiny", str(encoder), "mit", False, 0.1, 0.0),
        DANVAN,
        SMALL,
        DataConfig(output, output, 0, "underthesea"),
        SplitWordsConfig(1, 0.0),
        no_augmentation(),
        OptimConfig(**FITTING | changes),
    )


def test_lower_layers_learn_more_slowly(encoder: Path, tmp_path: Path) -> None:
    config = config_of(encoder, tmp_path, layer_decay=0.5)
    model = load_encoder(encoder, config.model, DANVAN)
    groups = make_optimizer(model, config.training).param_groups

    def rate(parameter: torch.nn.Parameter) -> float:
        (found,) = [group["lr"] for group in groups if any(p is parameter for p in group["params"])]
        return float(found)

    layers = model.roberta.encoder.layer
    assert rate(model.classifier.weight) == pytest.approx(3e-3)
    assert [rate(layers[n].output.dense.weight) for n in (1, 0)] == pytest.approx([1e-3, 5e-4])
    assert rate(model.roberta.embeddings.word_embeddings.weight) == pytest.approx(2.5e-4)


@pytest.fixture
def examples(encoder: Path) -> list[Example]:
    text = "Ông <PERSON>Lò Văn Pản</PERSON>, <ORG>UBND huyện</ORG> họp <DATE>ngày 5/3</DATE>."
    documents = [parse_inline(text, f"d{number}", DANVAN.labels) for number in range(4)]
    return make_examples(documents, Subwords.from_files(encoder), {}, DANVAN, SMALL)


def trainer_of(encoder: Path, examples: list[Example], output: Path, **changes: Any) -> RegularizedTrainer:
    config = config_of(encoder, output, **changes)
    torch.manual_seed(0)
    model = load_encoder(encoder, config.model, DANVAN)
    trainer = make_trainer(model, Versions([make_dataset(examples)]), examples, config, lambda gold, found: {"f1": 0.0})
    assert isinstance(trainer, RegularizedTrainer)
    return trainer


def test_an_adversarial_step_adds_the_gradient_at_worsened_embeddings_and_puts_them_back(
    encoder: Path, examples: list[Example], tmp_path: Path
) -> None:
    trainer = trainer_of(encoder, examples, tmp_path, adversarial=1.0)
    model = trainer.model
    for module in model.modules():  # dropout off, so that passes can be compared
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    weight = model.get_input_embeddings().weight
    before = weight.detach().clone()
    inputs = next(iter(trainer.get_train_dataloader()))
    trainer.training_step(model, dict(inputs))
    found = model.classifier.weight.grad.clone()
    assert torch.equal(weight, before)

    model.zero_grad()
    trainer.compute_loss(model, dict(inputs)).backward()
    clean = model.classifier.weight.grad.clone()
    step = weight.grad / weight.grad.norm()
    model.zero_grad()
    with torch.no_grad():
        weight.add_(step)
    trainer.compute_loss(model, dict(inputs)).backward()
    assert torch.allclose(found, clean + model.classifier.weight.grad, atol=1e-5)


def test_consistency_costs_what_two_passes_disagree(encoder: Path, examples: list[Example], tmp_path: Path) -> None:
    plain, consistent = (trainer_of(encoder, examples, tmp_path, consistency=weight) for weight in (1e-9, 2.0))
    losses = []
    for trainer in (plain, consistent):
        inputs = next(iter(trainer.get_train_dataloader()))
        torch.manual_seed(5)
        losses.append(trainer.compute_loss(trainer.model.train(), dict(inputs)).item())
    assert losses[1] > losses[0] > 0


def test_dev_scores_are_of_one_pass(encoder: Path, examples: list[Example], tmp_path: Path) -> None:
    trainer = trainer_of(encoder, examples, tmp_path, consistency=2.0)
    inputs = next(iter(trainer.get_train_dataloader()))
    model = trainer.model.eval()
    passes: list[int] = []
    model.register_forward_hook(lambda *_: passes.append(1))
    loss, outputs = trainer.compute_loss(model, dict(inputs), return_outputs=True)
    assert len(passes) == 1
    assert loss.item() == pytest.approx(trainer.compute_loss_func(outputs, inputs["labels"]).item(), rel=1e-5)


def test_the_average_is_of_the_checkpoints_given(encoder: Path, tmp_path: Path) -> None:
    model = load_encoder(encoder, config_of(encoder, tmp_path).model, DANVAN)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for number in (1, 3):
        (tmp_path / str(number)).mkdir()
        save_file(
            {name: tensor * number for name, tensor in state.items()}, tmp_path / str(number) / "model.safetensors"
        )
    average_checkpoints(model, [tmp_path / "1", tmp_path / "3"])
    found = model.state_dict()
    assert all(torch.allclose(found[name].float(), 2 * state[name].float()) for name in state)
    assert load_file(tmp_path / "1" / "model.safetensors").keys() == found.keys()


def test_tags_are_what_the_boundary_rule_takes_them_for() -> None:
    # B- tags are odd and O is 0 in every layer: the boundary loss tells them by that
    for layer in DANVAN.layers:
        for number, tag in enumerate(layer.tags):
            assert (number % 2 == 1) == tag.startswith("B-")
    assert np.all([layer.tags[0] == "O" for layer in DANVAN.layers])


def test_training_steps_are_compiled_and_the_rest_stays_plain(
    encoder: Path, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted(function: Any) -> Any:
        def run(*arguments: Any, **options: Any) -> Any:
            calls.append("compiled")
            return function(*arguments, **options)

        return run

    monkeypatch.setattr(torch, "compile", counted)
    trainer = trainer_of(encoder, examples, tmp_path, compile="yes")
    model = trainer.model
    calls.clear()
    inputs = next(iter(trainer.get_train_dataloader()))
    assert inputs["input_ids"].shape[1] == 64
    trainer.compute_loss(model.train(), dict(inputs)).backward()
    assert calls == ["compiled"]
    trainer.compute_loss(model.eval(), dict(inputs))
    assert calls == ["compiled"]


def test_where_nothing_can_be_compiled_training_goes_on_unless_it_was_asked_for(
    encoder: Path, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(function: Any) -> Any:
        raise RuntimeError("no C++ compiler found\nand more")

    monkeypatch.setattr(torch, "compile", broken)
    trainer = trainer_of(encoder, examples, tmp_path, compile="auto")
    assert trainer.compute_loss(trainer.model, next(iter(trainer.get_train_dataloader()))) > 0
    with pytest.raises(
        UserError, match=r"training\.compile=yes: torch cannot compile here \(no C\+\+ compiler found\)"
    ):
        trainer_of(encoder, examples, tmp_path, compile="yes")
    with pytest.raises(UserError, match=r"training\.compile=on is not known"):
        trainer_of(encoder, examples, tmp_path, compile="on")
