from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import DANVAN, FITTING, SENTENCES, SMALL, no_augmentation, write_encoder
from torch.nn.functional import cross_entropy
from transformers import AutoModelForTokenClassification

from ner_danvan.decode import Chain, valid_moves
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.labels import IGNORED
from ner_danvan.span import Span
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize
from ner_danvan.training.checkpoints import KeepCheckpoints
from ner_danvan.training.config import DataConfig, EncoderConfig, OptimConfig, RunConfig, SplitWordsConfig
from ner_danvan.training.encoder import check_fit, load_encoder, make_optimizer, resolve_precision
from ner_danvan.training.features import collate, make_dataset, make_examples
from ner_danvan.training.loss import ChainLoss, WordLoss, new_transitions
from ner_danvan.training.record import check_same_run, fingerprint, make_record, write_record
from ner_danvan.training.temperature import fit_temperatures
from ner_danvan.training.trainer import make_trainer, stitched_logits
from ner_danvan.training.versions import Versions

OPTIONS = OptimConfig(**FITTING)


def encoder_config(folder: Path, *, allow_bin: bool = False) -> EncoderConfig:
    return EncoderConfig("tiny", str(folder), "mit", allow_bin, 0.1, 0.1)


# --- features -----------------------------------------------------------------------------------


def test_every_word_is_a_target_once_a_window_and_only_at_its_first_subword(vocabulary: Path) -> None:
    text = " ".join(SENTENCES)
    document = Document("d", text, (Span(0, 13, "DATE", text[0:13]),))
    (example,) = make_examples([document], Subwords.from_files(vocabulary), {}, DANVAN, SMALL)
    rows = make_dataset([example])
    assert len(rows) == len(example.inputs.windows) > 2
    for row, (first, last) in zip(rows, example.inputs.windows, strict=True):
        labels = np.array(row["labels"])
        targets = (labels != IGNORED).all(axis=1)
        assert targets.sum() == last - first
        assert not targets[0]
        assert not targets[-1]
        assert (labels[targets].T == example.tags[:, first:last]).all()


def test_a_batch_is_padded_with_what_counts_for_nothing() -> None:
    rows = [
        {"input_ids": [0, 5, 2], "labels": [[-100] * 3, [1, 0, 0], [-100] * 3]},
        {"input_ids": [0, 2], "labels": [[-100] * 3] * 2},
    ]
    batch = collate(rows)
    assert batch["input_ids"].tolist() == [[0, 5, 2], [0, 2, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert (batch["labels"][1] == IGNORED).all()


def test_a_batch_for_compiled_code_has_a_length_of_few() -> None:
    rows = [{"input_ids": [0, *[5] * n, 2], "labels": [[IGNORED] * 3] * (n + 2)} for n in (3, 7)]
    assert collate(rows, multiple=8)["input_ids"].shape == (2, 16)
    assert collate(rows, multiple=8)["labels"].shape == (2, 16, 3)
    assert collate(rows[:1], multiple=5)["input_ids"].shape == (1, 5)


def test_stitched_logits_have_a_row_a_word(vocabulary: Path) -> None:
    documents = [Document("a", " ".join(SENTENCES)), Document("b", ""), Document("c", SENTENCES[0])]
    examples = make_examples(documents, Subwords.from_files(vocabulary), {}, DANVAN, SMALL)
    windows = sum(len(example.inputs.windows) for example in examples)
    logits = np.random.default_rng(0).random((windows, 64, 13)).astype(np.float32)
    found = stitched_logits(logits, examples)
    assert [len(rows) for rows in found] == [len(example.inputs.words) for example in examples]
    assert (found[2] == logits[-1][examples[2].inputs.firsts[0]]).all()


# --- loss ---------------------------------------------------------------------------------------


def test_the_loss_is_the_sum_of_each_layers_mean_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 13), torch.stack([torch.randint(0, n, (2, 5)) for n in (7, 3, 3)], dim=-1)
    labels[0, 0] = IGNORED
    wanted = sum(
        cross_entropy(logits[..., part].flatten(0, 1), labels[..., i].flatten(), ignore_index=IGNORED)
        for i, part in enumerate(DANVAN.slices)
    )
    assert WordLoss(DANVAN)(SimpleNamespace(logits=logits), labels).item() == pytest.approx(float(wanted), rel=1e-5)


def test_accumulated_halves_have_the_loss_of_the_whole() -> None:
    logits, labels = torch.randn(4, 6, 13), torch.zeros(4, 6, 3, dtype=torch.long)
    labels[0, 2:] = IGNORED
    loss, items = WordLoss(DANVAN), (labels != IGNORED).sum()
    halves = [loss(SimpleNamespace(logits=logits[i : i + 2]), labels[i : i + 2], items) for i in (0, 2)]
    assert float(sum(halves)) == pytest.approx(float(loss(SimpleNamespace(logits=logits), labels)), rel=1e-5)


def test_a_batch_without_a_label_has_no_loss() -> None:
    labels = torch.full((1, 3, 3), IGNORED)
    assert WordLoss(DANVAN)(SimpleNamespace(logits=torch.randn(1, 3, 13)), labels).item() == 0


def gold_tags(lengths: list[int], longest: int) -> torch.Tensor:
    """Valid tags `[batch, longest, layers]` at every second place, as first subwords among others are."""
    random = np.random.default_rng(1)
    labels = torch.full((len(lengths), 2 * longest + 1, 3), IGNORED)
    for row, length in enumerate(lengths):
        for number, layer in enumerate(DANVAN.layers):
            tag = -1
            for place in range(length):
                allowed = layer.may_start if tag < 0 else layer.may_follow[tag]
                tag = int(random.choice(np.flatnonzero(allowed)))
                labels[row, 2 * place + 1, number] = tag
    return labels


def test_the_chain_loss_is_the_likelihood_that_decoding_uses() -> None:
    torch.manual_seed(0)
    lengths = [4, 1, 0]
    labels, logits = gold_tags(lengths, 4), torch.randn(3, 9, 13)
    transitions = new_transitions(DANVAN)
    for matrix in transitions:
        torch.nn.init.normal_(matrix)
    loss = ChainLoss(DANVAN, transitions)(SimpleNamespace(logits=logits), labels)
    wanted = 0.0
    for number, (layer, part) in enumerate(zip(DANVAN.layers, DANVAN.slices, strict=True)):
        # a window may begin inside a span, a document may not: count the paths that begin with I- too
        anywhere = np.zeros(len(layer.tags))
        moves = valid_moves(layer, transitions[number].tolist())
        for row, length in enumerate(lengths[:2]):
            words = logits[row, 1 : 2 * length : 2, part].double().numpy()[None]
            chain = Chain(words, np.array([length]), moves, anywhere)
            wanted -= float(chain.path_log_prob(labels[row, 1 : 2 * length : 2, number].numpy()[None])[0])
    assert loss.item() == pytest.approx(wanted / sum(lengths), rel=1e-4)


def test_the_chain_loss_of_halves_is_that_of_the_whole_and_its_gradients_are_finite() -> None:
    labels, logits = gold_tags([5, 3, 0, 2], 5), torch.randn(4, 11, 13, requires_grad=True)
    transitions = new_transitions(DANVAN)
    loss, items = ChainLoss(DANVAN, transitions), (labels != IGNORED).sum()
    whole = loss(SimpleNamespace(logits=logits), labels)
    halves = [loss(SimpleNamespace(logits=logits[i : i + 2]), labels[i : i + 2], items) for i in (0, 2)]
    assert float(sum(halves).detach()) == pytest.approx(float(whole.detach()), rel=1e-5)
    whole.backward()
    assert torch.isfinite(logits.grad).all()
    assert all(torch.isfinite(matrix.grad).all() and matrix.grad.any() for matrix in transitions)
    assert not logits.grad[2].any()


# --- encoder ------------------------------------------------------------------------------------


def test_the_head_is_new_and_the_encoder_is_not(encoder: Path) -> None:
    torch.manual_seed(0)
    model = load_encoder(encoder, encoder_config(encoder), DANVAN)
    again = load_encoder(encoder, encoder_config(encoder), DANVAN)
    name = "roberta.embeddings.word_embeddings.weight"
    assert torch.equal(model.state_dict()[name], again.state_dict()[name])
    assert not torch.equal(model.classifier.weight, again.classifier.weight)
    assert tuple(model.config.id2label[i] for i in range(13)) == DANVAN.tags
    assert model.config.classifier_dropout == 0.1


def test_the_head_learns_faster_and_biases_do_not_decay(encoder: Path) -> None:
    model = load_encoder(encoder, encoder_config(encoder), DANVAN)
    groups = make_optimizer(model, OPTIONS).param_groups
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    (head,) = [g for g in groups if any(p is model.classifier.weight for p in g["params"])]
    assert (head["lr"], head["weight_decay"]) == (pytest.approx(3e-3), 0.01)
    (bias,) = [g for g in groups if any(p is model.roberta.encoder.layer[0].output.dense.bias for p in g["params"])]
    assert (bias["lr"], bias["weight_decay"]) == (1e-3, 0.0)


def test_pickled_weights_are_read_only_when_allowed(encoder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "vocab.txt", "bpe.codes"):
        (tmp_path / name).write_bytes((encoder / name).read_bytes())
    with pytest.raises(UserError, match=r"no model\.safetensors"):
        load_encoder(tmp_path, encoder_config(tmp_path), DANVAN)
    model = AutoModelForTokenClassification.from_pretrained(encoder)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"model\.allow_bin=true"):
        load_encoder(tmp_path, encoder_config(tmp_path), DANVAN)
    name = "roberta.embeddings.word_embeddings.weight"
    read = load_encoder(tmp_path, encoder_config(tmp_path, allow_bin=True), DANVAN).state_dict()[name]
    assert torch.equal(read, model.state_dict()[name])


def test_broken_weights_are_one_line(encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match="no safetensors file") as raised:
        load_encoder(tmp_path, encoder_config(tmp_path), DANVAN)
    assert "\n" not in str(raised.value)


def test_a_window_longer_than_the_encoders_positions_is_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path, positions=34)
    model, subwords = load_encoder(folder, encoder_config(folder), DANVAN), Subwords.from_files(folder)
    check_fit(model, subwords, WindowSize(32, 4))
    with pytest.raises(UserError, match=r"set training\.window=32"):
        check_fit(model, subwords, WindowSize(33, 4))


def test_a_vocabulary_larger_than_the_encoders_is_refused(encoder: Path) -> None:
    model, subwords = load_encoder(encoder, encoder_config(encoder), DANVAN), Subwords.from_files(encoder)
    subwords.vocabulary_size = 10**6
    with pytest.raises(UserError, match="fetch both again"):
        check_fit(model, subwords, WindowSize(32, 4))


def test_precision_is_as_said_or_refused() -> None:
    assert resolve_precision("fp32") == "fp32"
    assert resolve_precision("auto") in ("bf16", "fp32")
    with pytest.raises(UserError, match="take auto, bf16 or fp32"):
        resolve_precision("fp8")


@pytest.mark.parametrize(("supported", "wanted"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_trains_in_bf16_where_it_has_it(monkeypatch: pytest.MonkeyPatch, supported: bool, wanted: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert resolve_precision("auto") == wanted


# --- temperature --------------------------------------------------------------------------------


def test_the_temperature_of_logits_that_are_too_sure_is_found() -> None:
    random = np.random.default_rng(0)
    logits, tags = [], []
    for _ in range(150):
        true = random.standard_normal((80, 13)) * 2
        gold = np.zeros((3, 80), dtype=np.int64)
        for layer, part in enumerate(DANVAN.slices):
            outside = np.exp(true[:, part.start])
            begin = np.exp(true[:, part.start + 1])
            gold[layer] = random.random(80) < begin / (outside + begin)
        shown = np.full((80, 13), -40.0)
        for part in DANVAN.slices:
            shown[:, part.start : part.start + 2] = 3.0 * true[:, part.start : part.start + 2]
        logits.append(shown.astype(np.float32))
        tags.append(gold)
    assert fit_temperatures(logits, tags, DANVAN, {}) == pytest.approx({"mention": 3, "title": 3, "task": 3}, rel=0.1)


def test_without_words_temperatures_are_one() -> None:
    empty = fit_temperatures([np.zeros((0, 13), np.float32)], [np.zeros((3, 0), np.int64)], DANVAN, {})
    assert empty == {"mention": 1.0, "title": 1.0, "task": 1.0}


def test_a_layer_in_which_nothing_is_found_has_temperature_one_and_one_without_an_error_is_not_all_too_sure() -> None:
    logits, tags = np.zeros((20, 13), np.float32), np.zeros((3, 20), np.int64)
    logits[:, [part.start for part in DANVAN.slices]] = 3.0
    logits[::4, 1], tags[0, ::4] = 6.0, 1  # persons, all right; nothing in the other layers
    fitted = fit_temperatures([logits], [tags], DANVAN, {})
    assert (fitted["title"], fitted["task"]) == (1.0, 1.0)
    assert 0.1 < fitted["mention"] < 12


# --- record -------------------------------------------------------------------------------------

DOCUMENTS = {"train": [Document("a", "xã")], "dev": [Document("b", "huyện")]}


def test_the_record_has_what_a_run_depends_on(tmp_path: Path) -> None:
    record = make_record({"seed": 1}, DOCUMENTS)
    write_record(record, tmp_path)
    saved = json.loads((tmp_path / "run.json").read_text())
    assert saved["config"] == {"seed": 1}
    assert saved["data"]["train"] == {"documents": 1, "sha256": fingerprint(DOCUMENTS["train"])}
    assert saved["packages"]["torch"].startswith("2.")


def test_the_fingerprint_sees_every_change() -> None:
    base = Document("a", "xã", (Span(0, 2, "ORG", "xã"),))
    changed = [Document("b", "xã", base.spans), Document("a", "xã "), Document("a", "xã")]
    assert len({fingerprint([document]) for document in [base, *changed]}) == 4


def test_going_on_with_another_config_or_other_data_is_refused(tmp_path: Path) -> None:
    write_record(make_record({"training": {"epochs": 3}, "resume": None}, DOCUMENTS), tmp_path)
    check_same_run(make_record({"training": {"epochs": 3}, "resume": "auto"}, DOCUMENTS), tmp_path)
    with pytest.raises(UserError, match=r"config\.training\.epochs=3, now it is 4"):
        check_same_run(make_record({"training": {"epochs": 4}, "resume": "auto"}, DOCUMENTS), tmp_path)
    other = DOCUMENTS | {"dev": [Document("b", "tỉnh")]}
    with pytest.raises(UserError, match=r"data\.dev\.sha256"):
        check_same_run(make_record({"training": {"epochs": 3}, "resume": "auto"}, other), tmp_path)


def test_a_folder_without_a_record_may_be_gone_on_with(tmp_path: Path) -> None:
    check_same_run(make_record({}, {}), tmp_path)


def test_the_settings_reach_the_trainer(encoder: Path, tmp_path: Path) -> None:
    changed = {"epochs": 7, "patience": 3, "batch_size": 5, "accumulation": 2, "learning_rate": 2e-4, "warmup": 0.2}
    options = OptimConfig(
        **FITTING | changed | {"schedule": "cosine", "weight_decay": 0.03, "max_grad_norm": 0.7, "average": 4}
    )
    config = RunConfig(
        tmp_path,
        42,
        None,
        encoder_config(encoder),
        DANVAN,
        SMALL,
        DataConfig(tmp_path, tmp_path, 0, "underthesea"),
        SplitWordsConfig(1, 0.0),
        no_augmentation(),
        options,
    )
    examples = make_examples([Document("a", SENTENCES[0])], Subwords.from_files(encoder), {}, DANVAN, SMALL)
    model = load_encoder(encoder, config.model, DANVAN)
    trainer = make_trainer(
        model, Versions([make_dataset(examples)]), examples, config, lambda gold, predicted: {"f1": 0.0}
    )
    args = trainer.args
    assert (args.num_train_epochs, args.per_device_train_batch_size, args.gradient_accumulation_steps) == (7, 5, 2)
    assert (args.seed, args.warmup_steps, args.lr_scheduler_type, args.max_grad_norm) == (42, 0.2, "cosine", 0.7)
    assert (args.bf16, args.save_total_limit) == (False, None)
    assert [one.limit for one in trainer.callback_handler.callbacks if isinstance(one, KeepCheckpoints)] == [5]
    groups = trainer.optimizer.param_groups
    assert {(round(g["lr"], 7), g["weight_decay"]) for g in groups} == {
        (2e-4, 0.0),
        (2e-4, 0.03),
        (6e-4, 0.0),
        (6e-4, 0.03),
        (24e-4, 0.0),
    }
