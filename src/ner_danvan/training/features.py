"""Annotated documents as what the Trainer reads: windows with the tags of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset

from ner_danvan.backends.base import pad_batch
from ner_danvan.document import Document
from ner_danvan.labels import IGNORED, LabelScheme, spans_to_tags
from ner_danvan.span import Span
from ner_danvan.text.inputs import Inputs, InputSettings, prepare
from ner_danvan.text.segment import SplitWords
from ner_danvan.text.subwords import PAD_ID, Subwords


@dataclass(frozen=True)
class Example:
    """A document as the model reads it, its gold tags `[layers, words]`, and the gold that no tags can express."""

    document: Document
    inputs: Inputs
    tags: npt.NDArray[np.int64]
    lost: list[Span]


def make_examples(
    documents: Sequence[Document],
    subwords: Subwords,
    split_words: SplitWords,
    scheme: LabelScheme,
    settings: InputSettings,
) -> list[Example]:
    """One example a document, in order."""
    examples = []
    for document in documents:
        inputs = prepare(document.text, subwords, split_words, settings)
        tags, lost = spans_to_tags(document.spans, inputs.offsets, scheme)
        examples.append(Example(document, inputs, tags, lost))
    return examples


def make_dataset(examples: Sequence[Example]) -> Dataset:
    """A row a window: `input_ids [length]` and `labels [length, layers]`, IGNORED but at first subwords."""
    rows: dict[str, list[Any]] = {"input_ids": [], "labels": []}
    for example in examples:
        inputs = example.inputs
        for (first, last), ids, firsts in zip(inputs.windows, inputs.ids, inputs.firsts, strict=True):
            labels = np.full((len(ids), len(example.tags)), IGNORED, dtype=np.int64)
            labels[firsts] = example.tags[:, first:last].T
            rows["input_ids"].append(ids)
            rows["labels"].append(labels)
    return Dataset.from_dict(rows)


def collate(rows: Sequence[dict[str, Any]], multiple: int = 1) -> dict[str, torch.Tensor]:
    """A batch, padded to its longest window, or to the next `multiple` of subwords.

    `input_ids` and `attention_mask` are `[batch, length]`, `labels` is `[batch, length, layers]`.
    """
    ids, mask = pad_batch([np.asarray(row["input_ids"], dtype=np.int64) for row in rows], PAD_ID, multiple)
    labels = [np.asarray(row["labels"], dtype=np.int64) for row in rows]
    padded = np.full((*ids.shape, labels[0].shape[1]), IGNORED, dtype=np.int64)
    for place, tags in enumerate(labels):
        padded[place, : len(tags)] = tags
    return {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.from_numpy(padded),
    }
