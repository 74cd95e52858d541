"""`Tagger`: the thin inference API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ner_danvan.backends.base import Backend, pad_batch
from ner_danvan.decode import decode, sure_spans
from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import ModelFiles, find_model, read_model_dir
from ner_danvan.text.inputs import Inputs, prepare, stitch_documents
from ner_danvan.text.subwords import PAD_ID

_GROUP_WINDOWS = 64  # windows read before the encoder runs: enough to sort by length, little to hold


class Tagger:
    """Finds labelled spans in raw text.

    `tagger(text)` tags one document, `tagger.stream(documents)` any number with constant memory and in order.
    Spans less probable than `min_score` are left out; None takes the model's own limit, at which its F1 is best.
    `batch_tokens` bounds the subwords, padding included, that the encoder sees at a time.
    """

    def __init__(
        self, files: ModelFiles, backend: Backend, *, min_score: float | None = None, batch_tokens: int = 8_192
    ) -> None:
        self._files = files
        self._backend = backend
        self.min_score = files.settings.min_score if min_score is None else min_score
        self._batch_tokens = batch_tokens

    @classmethod
    def from_pretrained(
        cls, name: str | Path | None = None, *, device: str | None = None, min_score: float | None = None
    ) -> Tagger:
        """Load the embedded default, a model directory or a hub id; `device` as torch names it, or None to choose.

        Raises UserError if there is no such model or its directory is not whole.
        """
        files = read_model_dir(find_model(name))
        from ner_danvan.backends.torch import TorchBackend  # late: importing torch takes seconds

        return cls(files, TorchBackend(files.folder, device), min_score=min_score)

    def at(self, min_score: float) -> Tagger:
        """The same model with another limit."""
        return Tagger(self._files, self._backend, min_score=min_score, batch_tokens=self._batch_tokens)

    @property
    def scheme(self) -> LabelScheme:
        """The labels that the model knows, in layers."""
        return self._files.settings.scheme

    def __call__(self, text: str | Document) -> Document:
        """The document with its spans, each with a score; spans that a Document brings along are replaced."""
        return next(self.stream([text]))

    def stream(
        self,
        documents: Iterable[str | Document],
        *,
        on_failure: Callable[[Document, Exception], None] | None = None,
    ) -> Iterator[Document]:
        """Tagged documents, one for each that comes in and in its order; strings get their number as id.

        A document that cannot be prepared is left out if `on_failure` takes it; otherwise its exception is raised.
        """
        group: list[tuple[Document, Inputs]] = []
        waiting = 0
        for number, item in enumerate(documents):
            document = item if isinstance(item, Document) else Document(str(number), item)
            try:
                inputs = self.prepare(document.text)
            except Exception as error:
                if on_failure is None:
                    raise
                on_failure(document, error)
                continue
            group.append((document, inputs))
            waiting += max(1, len(inputs.windows))
            if waiting >= _GROUP_WINDOWS:
                yield from self._tag(group)
                group, waiting = [], 0
        if group:
            yield from self._tag(group)

    def prepare(self, text: str) -> Inputs:
        """Words, subwords and windows of a text, as the model reads it."""
        return prepare(text, self._files.subwords, self._files.split_words, self._files.settings.inputs)

    def _tag(self, group: list[tuple[Document, Inputs]]) -> Iterator[Document]:
        inputs = [prepared for _, prepared in group]
        spans = decode(
            self._logits(inputs),
            [prepared.offsets for prepared in inputs],
            [document.text for document, _ in group],
            self.scheme,
            self._files.settings.transitions,
            self._files.settings.temperatures,
        )
        for (document, _), found in zip(group, spans, strict=True):
            yield replace(document, spans=sure_spans(found, self.min_score))

    def _logits(self, group: list[Inputs]) -> list[npt.NDArray[np.float32]]:
        """Stitched logits `[words, outputs]` of each document."""
        rows = [ids for inputs in group for ids in inputs.ids]
        found: list[npt.NDArray[np.float32]] = [np.zeros((0, len(self.scheme.tags)), np.float32)] * len(rows)
        for batch in _batches([len(row) for row in rows], self._batch_tokens):
            ids, mask = pad_batch([rows[i] for i in batch], PAD_ID)
            for i, logits in zip(batch, self._backend(ids, mask), strict=True):
                found[i] = logits
        return stitch_documents(group, found)


def _batches(lengths: list[int], budget: int) -> Iterator[list[int]]:
    """Indices in order of length, in batches whose padded size stays within the budget where one alone does."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[i] > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
