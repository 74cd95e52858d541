"""The Hugging Face Trainer, set up for windows, layers and strict scores of whole documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, EvalPrediction, PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from ner_danvan.backends.base import pad_batch
from ner_danvan.backends.torch import TorchBackend
from ner_danvan.decode import Transitions, decode
from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import WEIGHTS_FILE
from ner_danvan.text.inputs import stitch_documents
from ner_danvan.text.subwords import PAD_ID
from ner_danvan.training.checkpoints import CHECKPOINTS, KeepCheckpoints
from ner_danvan.training.compiled import compile_for_training
from ner_danvan.training.config import RunConfig
from ner_danvan.training.encoder import TRANSITIONS, make_optimizer, resolve_precision
from ner_danvan.training.features import Example, collate, make_dataset
from ner_danvan.training.loss import ChainLoss, LossOptions, WordLoss, new_transitions
from ner_danvan.training.progress import EpochLines
from ner_danvan.training.regularized import RegularizedTrainer
from ner_danvan.training.versions import ReadEpoch, Versions

_LENGTHS = 64  # windows are padded to a multiple of this for compiled code, which is made anew for each shape

Scorer = Callable[[Sequence[Document], Sequence[Document]], dict[str, float]]


def make_trainer(
    model: PreTrainedModel, train: Versions, dev: Sequence[Example], config: RunConfig, score: Scorer
) -> Trainer:
    """A Trainer that keeps the checkpoint with the best `f1` that `score(gold, predicted)` gives on dev."""
    options = config.training
    if options.transitions:
        setattr(model, TRANSITIONS, new_transitions(config.scheme))
    precision = resolve_precision(options.precision)
    compiled = compile_for_training(model, options.compile)
    arguments = TrainingArguments(
        output_dir=str(config.output / CHECKPOINTS),
        seed=config.seed,
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=2 * options.batch_size,
        gradient_accumulation_steps=options.accumulation,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        lr_scheduler_type=options.schedule,
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_grad_norm,
        bf16=precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_num_workers=options.workers,
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="f1",
        greater_is_better=True,
        logging_strategy="epoch",
        restore_callback_states_from_checkpoint=True,  # patience goes on where it was
        ddp_find_unused_parameters=False,  # the transitions are used in the loss, outside the model's forward
        report_to="none",
        disable_tqdm=True,
    )
    trainer = RegularizedTrainer(
        scheme=config.scheme,
        adversarial=options.adversarial,
        consistency=options.consistency,
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=make_dataset(dev),
        data_collator=partial(collate, multiple=_LENGTHS if compiled else 1),
        compute_loss_func=_loss(model, config),
        compute_metrics=DevScorer(dev, config.scheme, score, model),
        optimizers=(make_optimizer(model, options), None),
        callbacks=[
            EarlyStoppingCallback(options.patience),
            EpochLines(),
            ReadEpoch(train),
            # the best and the newest, for going on after a kill, and what is averaged at the end
            KeepCheckpoints(max(2, options.average + 1)),
        ],
    )
    for plain in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(plain)
    return trainer


def _loss(model: PreTrainedModel, config: RunConfig) -> ChainLoss | WordLoss:
    options = config.training
    weights = tuple(float(options.layer_weights.get(layer.name, 1.0)) for layer in config.scheme.layers)
    changes = LossOptions(weights, options.label_smoothing, options.boundary_weight)
    if options.transitions:
        return ChainLoss(config.scheme, getattr(model, TRANSITIONS), changes)
    return WordLoss(config.scheme, changes)


class DevScorer:
    """Scores whole documents from the logits of their windows, as prediction would."""

    def __init__(self, examples: Sequence[Example], scheme: LabelScheme, score: Scorer, model: torch.nn.Module) -> None:
        self._model = model
        self._examples = examples
        self._scheme = scheme
        self._score = score

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        """`prediction.predictions` is `[windows, longest, outputs]`, in the order of the examples."""
        logits = stitched_logits(np.asarray(prediction.predictions), self._examples)
        found = predicted(logits, self._examples, self._scheme, learned_transitions(self._model, self._scheme))
        return self._score([example.document for example in self._examples], found)


def predicted(
    logits: Sequence[npt.NDArray[np.float32]],
    examples: Sequence[Example],
    scheme: LabelScheme,
    transitions: Transitions,
    temperatures: Mapping[str, float] | None = None,
) -> list[Document]:
    """The documents of the examples with the spans that their logits `[words, outputs]` say."""
    documents = [example.document for example in examples]
    offsets = [example.inputs.offsets for example in examples]
    found = decode(logits, offsets, [document.text for document in documents], scheme, transitions, temperatures)
    return [Document(document.id, document.text, spans) for document, spans in zip(documents, found, strict=True)]


def full_logits(model: PreTrainedModel, examples: Sequence[Example]) -> list[npt.NDArray[np.float32]]:
    """Logits `[words, outputs]` of each document in fp32, as prediction computes them, however it was trained."""
    backend = TorchBackend.of(model)
    windows = [backend(*pad_batch([ids], PAD_ID))[0] for example in examples for ids in example.inputs.ids]
    return stitched_logits(windows, examples)


def learned_transitions(model: torch.nn.Module, scheme: LabelScheme) -> dict[str, list[list[float]]]:
    """The transitions that a model in training carries, by layer; empty if it learns none."""
    matrices = getattr(model, TRANSITIONS, [])
    return {
        layer.name: [[round(value, 4) for value in row] for row in matrix.tolist()]
        for layer, matrix in zip(scheme.layers, matrices, strict=False)
    }


def stitched_logits(
    windows: Sequence[npt.NDArray[np.float32]] | npt.NDArray[np.float32], examples: Sequence[Example]
) -> list[npt.NDArray[np.float32]]:
    """Logits `[words, outputs]` of each document from `[length, outputs]` of each window of all."""
    return stitch_documents([example.inputs for example in examples], list(windows))


def average_checkpoints(model: PreTrainedModel, folders: Sequence[Path]) -> None:
    """Give the model the mean of these checkpoints' weights (Izmailov et al. 2018)."""
    states = [load_file(folder / WEIGHTS_FILE) for folder in folders]
    mean = {name: torch.stack([state[name].float() for state in states]).mean(dim=0) for name in states[0]}
    model.load_state_dict(mean)
