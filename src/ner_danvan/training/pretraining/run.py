"""A pre-training run: from articles, and an encoder or nothing, to an encoder in PhoBERT's layout."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from transformers import RobertaForMaskedLM, Trainer, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from ner_danvan.atomic import remove_folder, whole_folder
from ner_danvan.errors import UserError
from ner_danvan.hub import Wanted
from ner_danvan.model_dir import ENCODER, MODEL_FOLDER, POSITION_OFFSET, RUN_FILE, WEIGHTS_FILE, file_hash, find_model
from ner_danvan.text.subwords import MERGES_FILE, VOCAB_FILE, Subwords
from ner_danvan.training.checkpoints import KeepCheckpoints, last_checkpoint, step_of
from ner_danvan.training.compiled import compile_for_training
from ner_danvan.training.encoder import resolve_precision
from ner_danvan.training.pretraining.articles import read_articles
from ner_danvan.training.pretraining.config import PretrainConfig, paths_of, pretrain_config
from ner_danvan.training.pretraining.masking import MaskedWindows, collate_masked, pack, split_off
from ner_danvan.training.pretraining.model import (
    MuonAdamW,
    SparseMaskedLM,
    load_language_model,
    new_language_model,
)
from ner_danvan.training.pretraining.selection import most_alike
from ner_danvan.training.pretraining.vocabulary import learn_vocabulary
from ner_danvan.training.pretraining.word_vectors import start_from_word_vectors
from ner_danvan.training.progress import StepLines
from ner_danvan.training.record import check_same_run, make_record, write_record
from ner_danvan.training.trackers import Tracked, tracker_names
from ner_danvan.training.versions import ReadEpoch

log = logging.getLogger(__name__)

_VOCABULARY_FOLDER = "vocabulary"


@dataclass(frozen=True)
class Pretrained:
    """Where the encoder lies, and its loss on held-out windows before and after, in nats a guessed subword."""

    model: Path
    before: float
    after: float


def run(values: Mapping[str, Any]) -> Pretrained:
    """Go on with a masked language model, or begin one, as the resolved configuration says.

    Writes `checkpoints/`, `run.json` and the encoder `model/` under `output`; `resume=auto` goes on from the last
    checkpoint of a run that was killed. Raises UserError for a fault of config, text or encoder.
    """
    config = pretrain_config(values)
    tracker_names(values)  # what is missing is told before anything else is done
    options = config.training
    articles = _articles(config)
    if config.encoder is None:
        folder = _vocabulary(articles, config)
        subwords = Subwords.from_files(folder)
        set_seed(config.seed)
        model = new_language_model(config.new, subwords.vocabulary_size)
        start = {name: file_hash(folder / name) for name in (VOCAB_FILE, MERGES_FILE)}
    else:
        folder = find_model(config.encoder, wanted=ENCODER)
        if config.output.resolve() in folder.resolve().parents:
            raise UserError(
                f"output={config.output} holds the encoder itself, which would be cleared; name another run."
            )
        subwords = Subwords.from_files(folder)
        set_seed(config.seed)
        model = load_language_model(folder, config.layers)
        start = {"encoder": file_hash(folder / WEIGHTS_FILE)}
    _check_fit(model, subwords, options.window)
    record = make_record(
        values,
        {},
        text={"articles": len(articles), "sha256": sha256("\n".join(articles).encode()).hexdigest()},
        **start,
    )
    packed = pack(_shuffled(articles, config.seed), subwords, options.window)
    held = split_off(packed, config.text.held_out)
    mask_id = subwords.vocabulary_size  # behind the vocabulary, as PhoBERT has it
    positions = int(model.config.max_position_embeddings) - POSITION_OFFSET
    train, dev = (
        MaskedWindows(rows, options.masked, subwords.vocabulary_size, mask_id, config.seed + number, positions)
        for number, rows in enumerate(held)
    )
    log.info("%d articles, %d windows to learn from, %d held out", len(articles), len(train), len(dev))
    trainer = _trainer(model, train, dev, config)
    if len(train) < (step := options.batch_size * trainer.args.world_size):
        raise UserError(
            f"text.files: {len(train)} windows to learn from, less than the {step} of a step; give more text."
        )
    result = config.output / MODEL_FOLDER
    checkpoint = last_checkpoint(config.output) if config.resume == "auto" else None
    if checkpoint:
        check_same_run(record, config.output)
        if (done := _losses(result)).keys() >= {"before", "after"}:
            log.info("%s has ended already", config.output)
            return Pretrained(result, **done)
        log.info("going on from %s", checkpoint)
        trainer.args.eval_on_start = False
    elif trainer.is_world_process_zero():
        for old in ("checkpoints", MODEL_FOLDER):
            remove_folder(config.output / old)
    if config.word_vectors.epochs and not checkpoint:
        count = start_from_word_vectors(model, held[0].ids, config.word_vectors, config.seed)
        log.info("vectors of %d subwords learned", count)
    trainer.accelerator.wait_for_everyone()  # nobody reads the record while it is written
    if trainer.is_world_process_zero():
        write_record(record, config.output)
    own = values if trainer.is_world_process_zero() else {}
    tracked = Tracked(own, config.output, step_of(checkpoint) if checkpoint else None)
    trainer.add_callback(tracked)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except BaseException:
        tracked.close(None)
        raise
    before = next(float(row["eval_loss"]) for row in trainer.state.log_history if "eval_loss" in row)
    after = float(trainer.evaluate()["eval_loss"])
    if trainer.is_world_process_zero():
        with whole_folder(result) as fresh:
            save_language_model(model, fresh, folder)
            write_record(record | {"held_out_loss": {"before": before, "after": after}}, fresh)
    tracked.close({"held_out_loss": after})
    return Pretrained(result, before, after)


def _losses(folder: Path) -> dict[str, float]:
    """The held-out losses that the record of an encoder knows; none where there is no encoder yet."""
    path = folder / RUN_FILE
    if not path.is_file():
        return {}
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["held_out_loss"]
    return found


def save_language_model(model: SparseMaskedLM, folder: Path, vocabulary: Path) -> None:
    """Write a plain RobertaForMaskedLM in fp16 with its vocabulary files; training reads it in fp32."""
    plain = RobertaForMaskedLM(model.config)
    plain.load_state_dict(model.state_dict())
    plain.half().save_pretrained(folder)  # type: ignore[no-untyped-call]
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes them for the owner alone
    for name in (VOCAB_FILE, MERGES_FILE):
        shutil.copyfile(vocabulary / name, folder / name)


def _check_fit(model: SparseMaskedLM, subwords: Subwords, window: int) -> None:
    if model.config.vocab_size != subwords.vocabulary_size + 1:
        raise UserError(
            f"the encoder has {model.config.vocab_size} subwords, vocab.txt {subwords.vocabulary_size} without <mask>; "
            f"they are of different models, fetch both again."
        )
    positions = int(model.config.max_position_embeddings) - POSITION_OFFSET
    if not 2 < window <= positions:
        raise UserError(f"training.window={window} must be above 2 and at most the encoder's {positions} positions.")


def _vocabulary(articles: Sequence[str], config: PretrainConfig) -> Path:
    """The folder of a new encoder's vocabulary, which is learned first if none is given."""
    if config.new.vocabulary is not None:
        return find_model(config.new.vocabulary, wanted=Wanted(needed=(VOCAB_FILE, MERGES_FILE)))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("new.vocabulary: one process must learn it first; give the model/ of a run with one process.")
    folder = config.output / _VOCABULARY_FOLDER
    if config.resume is None or not (folder / VOCAB_FILE).is_file():
        learn_vocabulary(articles, config.new.symbols, folder)
        log.info("vocabulary learned: %s", folder)
    return folder


def _articles(config: PretrainConfig) -> list[str]:
    text = config.text
    articles = list(read_articles(paths_of("text.files", text.files), text.segmenter))
    if text.share < 1:
        if text.like is None:
            raise UserError("text.share is below 1 but text.like is empty; name texts that the articles shall be like.")
        like = list(read_articles(paths_of("text.like", text.like), "underthesea"))
        if not like:
            raise UserError("text.like: its files hold no text; name texts that the articles shall be like.")
        articles = [articles[number] for number in most_alike(articles, like, text.share)]
    return articles


def _shuffled(articles: Sequence[str], seed: int) -> list[str]:
    """In an order that follows from seed and text, whatever the order of the files."""
    return sorted(articles, key=lambda article: sha256(f"{seed}/{article}".encode()).digest())


def _trainer(model: SparseMaskedLM, train: MaskedWindows, dev: MaskedWindows, config: PretrainConfig) -> Trainer:
    options = config.training
    arguments = TrainingArguments(
        output_dir=str(config.output / "checkpoints"),
        seed=config.seed,
        max_steps=options.steps,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=options.max_grad_norm,
        bf16=resolve_precision(options.precision) == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_drop_last=True,  # every batch of the same shape
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["targets"],
        prediction_loss_only=True,
        save_steps=options.save_steps,
        eval_strategy="no",
        # not by evaluate() before training: a model evaluated first is not wrapped, and processes would learn apart
        eval_on_start=True,
        ddp_find_unused_parameters=False,  # none is unused, and to look for some costs time
        logging_steps=max(1, options.steps // 100),
        report_to="none",
        disable_tqdm=True,
    )
    # so that dropping unfinished batches drops nothing held out, on any number of processes
    sizes = (n for n in range(options.batch_size, 0, -1) if len(dev) % (n * arguments.world_size) == 0)
    if not (size := next(sizes, 0)):
        raise UserError(f"text.held_out={len(dev)} must be a multiple of the {arguments.world_size} processes.")
    arguments.per_device_eval_batch_size = size
    compile_for_training(model, options.compile)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=dev,
        data_collator=collate_masked,
        optimizers=(MuonAdamW(model, options.learning_rate, options.matrix_rate, options.weight_decay), None),
        callbacks=[
            StepLines(options.batch_size * options.window * arguments.world_size),
            ReadEpoch(train),
            KeepCheckpoints(1),
        ],
    )
    for plain in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(plain)
    return trainer
