"""spaCy's `DocBin` (`.spacy`), as spaCy's own training reads it.

A document's spans are groups of `doc.spans`, one a layer of the label scheme, so that they may nest and cross; the
scores of a group stand in its `attrs["scores"]`, where spaCy's span categoriser keeps its own. The id is
`doc.user_data["id"]`, and `doc.user_data["meta"]` is `meta` as JSON text. Tokens are cut so that every span begins and
ends with one, and white space other than one space behind a token is a token, as spaCy has it: no character is lost.

The format: https://spacy.io/api/docbin
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, bounded
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import checked, make_span
from ner_danvan.io.tools.tokens import Token, edges, pieces
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span, sorted_spans
from ner_danvan.strict_json import parse_json


def write(documents: Iterable[Document], path: Path, scheme: LabelScheme) -> None:
    """Write all documents into one file, which must fit in memory; raises UserError where spaCy is not installed."""
    spacy_tokens, vocab = _spacy()
    docs = spacy_tokens.DocBin(store_user_data=True)
    for document in checked(documents, scheme.labels):
        docs.add(_doc(document, scheme, spacy_tokens, vocab))
    path.write_bytes(docs.to_bytes())


def read(path: Path) -> Iterator[Document]:
    """Documents of a file; where one has no span group its entities, `doc.ents`, are its spans. Raises UserError."""
    spacy_tokens, vocab = _spacy()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        docs = list(spacy_tokens.DocBin().from_bytes(data).get_docs(vocab))
    except Exception as error:  # zlib's, msgpack's and spaCy's own are many
        raise UserError(f"{path}: no DocBin that spaCy can read ({type(error).__name__}: {error}).") from None
    for number, doc in enumerate(docs, 1):
        yield _document(doc, f"{path}: document {number}", f"{path.stem}:{number}")


def _spacy() -> tuple[Any, Any]:
    """The module `spacy.tokens`, and an empty vocabulary."""
    try:
        from spacy import tokens as spacy_tokens
        from spacy.vocab import Vocab
    except ImportError:
        raise UserError('the format spacy needs spaCy; install it with:  pip install "ner-danvan[spacy]"') from None
    return spacy_tokens, Vocab()


def _doc(document: Document, scheme: LabelScheme, spacy_tokens: Any, vocab: Any) -> Any:
    text = document.text
    starts, ends = edges(document.spans)
    words: list[Token] = []
    spaces: list[bool] = []  # whether behind the word stands a space that is no token
    for start, end in pieces(text, starts | ends):
        if words and text[start] == " " and start not in starts and start + 1 not in ends:
            spaces[-1], start = True, start + 1
        if start < end:
            words.append((start, end))
            spaces.append(False)
    doc = spacy_tokens.Doc(vocab, words=[text[start:end] for start, end in words], spaces=spaces)
    first = {start: i for i, (start, _) in enumerate(words) if start in starts}
    last = {end: i + 1 for i, (_, end) in enumerate(words) if end in ends}
    for layer in scheme.layers:
        spans = [span for span in document.spans if span.label in layer.labels]
        group = [spacy_tokens.Span(doc, first[span.start], last[span.end], label=span.label) for span in spans]
        scores = [span.score for span in spans]
        attrs = {} if all(score is None for score in scores) else {"scores": scores}
        doc.spans[layer.name] = spacy_tokens.SpanGroup(doc, name=layer.name, spans=group, attrs=attrs)
    doc.user_data["id"] = document.id
    if document.meta:
        doc.user_data["meta"] = json.dumps(dict(document.meta), ensure_ascii=False)
    return doc


def _document(doc: Any, place: str, name: str) -> Document:
    text = str(doc.text)
    spans = sorted_spans(bounded(_spans(doc, text, place), text, place))
    meta = doc.user_data.get("meta")
    known = parse_json(meta, f"{place}: meta") if isinstance(meta, str) else {}
    if not isinstance(known, dict):
        raise UserError(f"{place}: meta is no JSON object; write {{…}} or leave it out.")
    return Document(str(doc.user_data.get("id", name)), text, spans, known)


def _spans(doc: Any, text: str, place: str) -> Iterator[Span]:
    for group in doc.spans.values():
        for span, score in zip(group, _scores(group, place), strict=True):
            yield make_span(text, span.start_char, span.end_char, span.label_, score, place)
    if not doc.spans:
        for ent in doc.ents:
            yield make_span(text, ent.start_char, ent.end_char, ent.label_, None, place)


def _scores(group: Any, place: str) -> list[float | None]:
    """A score a span of the group; none where there are not as many."""
    try:
        scores = [None if score is None else float(score) for score in group.attrs.get("scores", [])]
    except (TypeError, ValueError):
        raise UserError(f'{place}: attrs["scores"] is no list of numbers; set it right or leave it out.') from None
    return scores if len(scores) == len(group) else [None] * len(group)
