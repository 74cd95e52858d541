"""A training run, from annotated reports to a model directory."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list
from transformers import PreTrainedModel, TrainerCallback, set_seed

from ner_danvan.atomic import remove_folder, whole_folder, write_whole
from ner_danvan.corpus.folds import HELD_OUT_FILE, leave_out
from ner_danvan.corpus.reports import limited, read_gold
from ner_danvan.decode import sure_spans
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.model_dir import (
    ENCODER,
    ENCODER_WITH_BIN,
    MODEL_FOLDER,
    RUN_FILE,
    SPLIT_WORDS_FILE,
    ModelSettings,
    file_hash,
    find_model,
    write_settings,
)
from ner_danvan.text.segment import SEGMENTERS, SplitWords
from ner_danvan.text.split_lexicon import learn_split_words, write_split_words
from ner_danvan.text.subwords import MERGES_FILE, VOCAB_FILE, Subwords
from ner_danvan.training.augment.lexicon import lexicon_hash
from ner_danvan.training.checkpoints import CHECKPOINTS, checkpoints, last_checkpoint, step_of
from ner_danvan.training.config import run_config
from ner_danvan.training.encoder import TRANSITIONS, check_fit, load_encoder
from ner_danvan.training.features import Example, make_examples
from ner_danvan.training.record import check_same_run, hardware, make_record, write_record
from ner_danvan.training.temperature import fit_temperatures
from ner_danvan.training.trackers import Tracked, tracker_names
from ner_danvan.training.trainer import (
    Scorer,
    average_checkpoints,
    full_logits,
    learned_transitions,
    make_trainer,
    predicted,
)
from ner_danvan.training.versions import make_versions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """Where the model lies, the best dev score and when it was reached."""

    model: Path
    dev_f1: float
    best_epoch: float


def run(values: Mapping[str, Any], score: Scorer, callbacks: Sequence[TrainerCallback] = ()) -> RunResult:
    """Train as the resolved configuration says; `score(gold, predicted)` gives dev scores, `f1` among them.

    Writes `checkpoints/`, `run.json` and the model directory `model/` under `output`. With `resume=auto` a run that was
    killed goes on from its last checkpoint. Where a fold is left out, its documents go to `held_out.jsonl`. Raises
    UserError for a fault of config, data or encoder.
    """
    config = run_config(dict(values))
    tracker_names(values)  # what is missing is told before anything else is done
    layer_of = config.scheme.layer_of
    train = [document for path in config.data.train for document in read_gold(path, layer_of)]
    dev = read_gold(config.data.dev, layer_of)
    train = limited(train, config.data.limit)
    held: list[Document] = []
    if config.fold:
        _check_apart(train, dev)
        train, held = leave_out(train, config.fold)
    encoder = find_model(config.model.path, wanted=ENCODER_WITH_BIN if config.model.allow_bin else ENCODER)
    subwords = Subwords.from_files(encoder)
    set_seed(config.seed)
    model = load_encoder(encoder, config.model, config.scheme)
    check_fit(model, subwords, config.inputs.window)

    split_words = learn_split_words(
        [(document, SEGMENTERS[config.data.segmenter](document.text, None)) for document in train],
        min_cuts=config.split_words.min_cuts,
        min_share=config.split_words.min_share,
    )

    def examples_of(documents: Sequence[Document]) -> list[Example]:
        return make_examples(documents, subwords, split_words, config.scheme, config.inputs)

    train_examples, dev_examples = examples_of(train), examples_of(dev)
    for split, examples in (("train", train_examples), ("dev", dev_examples)):
        if not any(example.inputs.windows for example in examples):
            raise UserError(f"data.{split}: its documents hold no text; give some that do.")
    _tell("train", train_examples)
    _tell("dev", dev_examples)

    encoder_hash = file_hash(next(iter(sorted(encoder.glob("*.safetensors")) or sorted(encoder.glob("*.bin")))))
    record = make_record(
        values,
        {"train": train, "dev": dev} | ({"held_out": held} if held else {}),
        encoder=encoder_hash,
        split_words=len(split_words),
        **({"lexicon": lexicon_hash(config.augment.lexicon)} if config.augment.is_on else {}),
    )
    versions = make_versions(train_examples, examples_of, config.augment, config.seed)
    trainer = make_trainer(model, versions, dev_examples, config, score)  # before anything is cleared
    for callback in callbacks:
        trainer.add_callback(callback)
    main = trainer.is_world_process_zero()
    checkpoint = last_checkpoint(config.output) if config.resume == "auto" else None
    finished = _finished(config.output) if config.resume == "auto" else None
    if checkpoint or finished:
        check_same_run(record, config.output)
    if finished:
        log.info("%s has ended already", config.output)
        return finished
    if checkpoint:
        log.info("going on from %s", checkpoint)
    elif main:
        _clear(config.output)
    trainer.accelerator.wait_for_everyone()  # nobody reads the record while it is written
    if main:
        write_record(record, config.output)
        if held:
            lines = "".join(to_json_line(document) + "\n" for document in held)
            write_whole(config.output / HELD_OUT_FILE, lines)
    tracked = Tracked(values if main else {}, config.output, step_of(checkpoint) if checkpoint else None)
    trainer.add_callback(tracked)
    begin = time.monotonic()
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except BaseException:
        tracked.close(None)
        raise
    minutes = (time.monotonic() - begin) / 60

    best = trainer.state.best_metric or 0.0
    reached = _epoch_of(best, trainer.state.log_history)
    trained: Any = trainer.accelerator.unwrap_model(trainer.model)
    result = RunResult(config.output / MODEL_FOLDER, best, reached)
    if main:
        if config.training.average > 1:
            average_checkpoints(trained, checkpoints(config.output)[-config.training.average :])
        transitions = learned_transitions(trained, config.scheme)
        logits = full_logits(trained, dev_examples)
        tags = [example.tags for example in dev_examples]
        temperatures = fit_temperatures(logits, tags, config.scheme, transitions)
        found = predicted(logits, dev_examples, config.scheme, transitions, temperatures)
        gold = [example.document for example in dev_examples]
        every = score(gold, found)["f1"]
        min_score, exact = _limit(score, gold, found, every, config.training.min_score)
        if config.training.average > 1:
            log.info("best dev f1 %.4f; the mean of the last epochs has %.4f", best, every)
        else:
            log.info("dev f1 %.4f at the best epoch, %g; in fp32 %.4f", best, reached, every)
        log.info("dev f1 %.4f without spans that are less sure than %.2f", exact, min_score)
        settings = ModelSettings(config.scheme, config.inputs, transitions, temperatures, min_score)
        if transitions:
            delattr(trained, TRANSITIONS)  # they go to config.json: the weights stay those of a plain classifier
        machine = hardware(trained.device, trainer.accelerator.num_processes)
        cost = {} if checkpoint else {"cost": {"minutes": round(minutes, 2), "hardware": machine}}
        with whole_folder(result.model) as folder:
            save_model(trained, folder, settings, encoder, subwords, split_words)
            write_record(record | {"dev_f1": exact, "best_epoch": reached} | cost, folder)
        result = replace(result, dev_f1=exact)
        tracked.close({"dev_f1": exact, "best_epoch": reached})
    (dev_f1,) = broadcast_object_list([result.dev_f1])  # every process returns the same
    return replace(result, dev_f1=dev_f1)


def _limit(
    score: Scorer, gold: Sequence[Document], found: Sequence[Document], every: float, given: float | None
) -> tuple[float, float]:
    """The score below which spans are left out, and the dev F1 with it.

    Where scores are probabilities, F1 is best without the spans that are less sure than half of that F1 (Lipton et al.
    2014). Where it is not, as in a model that has learned little, nothing is left out.
    """
    limit = round(every / 2, 2) if given is None else given
    sure = score(gold, [replace(document, spans=sure_spans(document.spans, limit)) for document in found])["f1"]
    return (0.0, every) if given is None and sure < every else (limit, sure)


def _check_apart(train: Sequence[Document], dev: Sequence[Document]) -> None:
    known = {document.text for document in dev}
    if both := sum(document.text in known for document in train):
        raise UserError(
            f"data.dev: {both} of its documents are dealt into folds too, and would choose their own model; take them "
            f"out of data.train."
        )


def _finished(output: Path) -> RunResult | None:
    path = output / MODEL_FOLDER / RUN_FILE
    if not path.is_file():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    return RunResult(path.parent, record["dev_f1"], record["best_epoch"])


def _clear(output: Path) -> None:
    """Take away what an older run left, so that nothing of it is taken for this one's."""
    for folder in (CHECKPOINTS, MODEL_FOLDER):
        remove_folder(output / folder)


def save_model(
    model: PreTrainedModel,
    folder: Path,
    settings: ModelSettings,
    vocabulary: Path,
    subwords: Subwords,
    split_words: SplitWords,
) -> None:
    """Write a model directory: weights, config with our section, vocabulary files and split lexicon.

    The folder is new or empty.
    """
    model.save_pretrained(folder)
    for name in (VOCAB_FILE, MERGES_FILE):
        shutil.copyfile(vocabulary / name, folder / name)
    subwords.save(folder)
    write_split_words(split_words, folder / SPLIT_WORDS_FILE)
    write_settings(folder, settings)


def _tell(name: str, examples: Sequence[Example]) -> None:
    spans = sum(len(example.document.spans) for example in examples)
    lost = sum(len(example.lost) for example in examples)
    windows = sum(len(example.inputs.windows) for example in examples)
    log.info(
        "%s: %d documents, %d windows, %d spans, %d of them (%.2f %%) beyond the reach of words",
        *(name, len(examples), windows, spans, lost, 100 * lost / max(1, spans)),
    )


def _epoch_of(best: float, history: Sequence[Mapping[str, Any]]) -> float:
    return next((float(row["epoch"]) for row in history if row.get("eval_f1") == best), 0.0)
