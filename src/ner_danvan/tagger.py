"""`Tagger`: the thin inference API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ner_danvan.backends.base import Backend
from ner_danvan.backends.choice import open_backend, wanted_files
from ner_danvan.decode import decode, sure_spans
from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import ModelFiles, find_model, read_model_dir
from ner_danvan.pieces import Piece, joined, once_a_document, pieces
from ner_danvan.pipeline import encoded, prepared
from ner_danvan.span import Span
from ner_danvan.text.inputs import Inputs, prepare, stitch_documents


class Tagger:
    """Finds labelled spans in raw text.

    `tagger(text)` tags one document, `tagger.stream(documents)` any number with constant memory and in order.
    Spans less probable than `min_score` are left out; None takes the model's own limit, at which its F1 is best.
    `batch_tokens` bounds the subwords, padding included, that the encoder sees at a time; None takes the backend's own.
    """

    def __init__(
        self, files: ModelFiles, backend: Backend, *, min_score: float | None = None, batch_tokens: int | None = None
    ) -> None:
        self._files = files
        self._backend = backend
        self.min_score = files.settings.min_score if min_score is None else min_score
        self._batch_tokens = batch_tokens or backend.batch_tokens

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path | None = None,
        *,
        revision: str | None = None,
        backend: str = "auto",
        device: str | None = None,
        min_score: float | None = None,
    ) -> Tagger:
        """Load the embedded default, a model directory or a hub id (at a `revision`: branch, tag or commit).

        Of a hub id only what the backend reads is fetched, and kept in the hub's cache: the next time the network is
        asked whether it has changed, and need not be there. A directory of that name goes before it.

        `backend` is one of BACKENDS; "auto" takes ONNX in fp32 where the directory has it, and torch where it has not
        or a `device` other than "cpu" is asked for. `device` is as torch names it. Raises UserError if there is no
        such model, or its directory is not whole.
        """
        files = read_model_dir(find_model(name, revision=revision, wanted=wanted_files(backend, device)))
        return cls(files, open_backend(files.folder, backend, device), min_score=min_score)

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
        workers: int = 0,
        on_failure: Callable[[Document, Exception], None] | None = None,
    ) -> Iterator[Document]:
        """Tagged documents, one for each that comes in and in its order; strings get their number as id.

        Texts are segmented in `workers` processes, or in this one. A document that cannot be prepared is left out if
        `on_failure` takes it; otherwise its exception is raised. One of more than `pieces.LONGEST` characters is read
        in pieces, cut where a paragraph ends.
        """
        yield from joined(self._tagged(pieces(documents), workers, once_a_document(on_failure)))

    def _tagged(
        self, documents: Iterable[Piece], workers: int, on_failure: Callable[[Piece, Exception], None] | None
    ) -> Iterator[tuple[Piece, tuple[Span, ...]]]:
        settings = self._files.settings
        pairs = prepared(documents, self._files, workers, on_failure)
        for group, logits in encoded(pairs, self._backend, len(self.scheme.tags), self._batch_tokens):
            inputs = [prepared for _, prepared in group]
            spans = decode(
                stitch_documents(inputs, logits),
                [prepared.offsets for prepared in inputs],
                [piece.text for piece, _ in group],
                self.scheme,
                settings.transitions,
                settings.temperatures,
            )
            for (piece, _), found in zip(group, spans, strict=True):
                yield piece, sure_spans(found, self.min_score)

    def prepare(self, text: str) -> Inputs:
        """Words, subwords and windows of a text, as the model reads it."""
        return prepare(text, self._files.subwords, self._files.split_words, self._files.settings.inputs)
