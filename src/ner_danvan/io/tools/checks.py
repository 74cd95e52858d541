"""What every annotation tool asks of a document before it can be written, and of a span that is read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ner_danvan.document import Document, is_score, unknown_label
from ner_danvan.errors import UserError
from ner_danvan.span import Span

OFFSET = r"\d{1,10}"  # in formats that are text: one longer has no text to lie in, and Python may refuse its digits

_SURROGATE = re.compile("[\ud800-\udfff]")


def checked(documents: Iterable[Document], labels: Collection[str] | None = None) -> Iterator[Document]:
    """The documents, each looked at before it is given on.

    Raises UserError at a lone surrogate, which has no UTF-8 form; at a span that is empty, lies outside the text or
    says another text than stands there; at a score that is no finite number; and, where `labels` are given, at a label
    that is none of them.
    """
    for document in documents:
        _check_surrogates(document)
        check_spans(document)
        for span in document.spans:
            if labels is not None and span.label not in labels:
                raise UserError(f"{document.id}: {unknown_label(span.label, labels)} Give the scheme with --labels.")
        yield document


def check_spans(document: Document) -> Document:
    """The document itself; raises UserError at a span or a score that no format should hold, see `checked`."""
    for span in document.spans:
        is_inside = 0 <= span.start < span.end <= len(document.text)
        if not is_inside or document.text[span.start : span.end] != span.text:
            raise UserError(
                f"{document.id}: {span.label} [{span.start}, {span.end}) is empty, lies outside the text or says "
                "another text than stands there; count offsets in code points of the untouched text."
            )
        if span.score is not None and not is_score(span.score):
            raise UserError(f"{document.id}: the score of {span.label} [{span.start}, {span.end}) is {span.score}.")
    return document


def _check_surrogates(document: Document) -> None:
    meta = json.dumps(dict(document.meta), ensure_ascii=False) if document.meta else ""
    for where in (document.text, document.id, meta, *(span.label for span in document.spans)):
        if match := _SURROGATE.search(where):
            raise UserError(
                f"{document.id}: has a lone surrogate (U+{ord(match.group()):04X}), which no text file can hold; "
                "take it out, or convert to document JSONL."
            )


def check_labels(labels: Iterable[str], allowed: re.Pattern[str], where: str) -> None:
    """Raises UserError at a label that a format cannot write."""
    for label in labels:
        if not allowed.fullmatch(label):
            raise UserError(f'the label "{label}" cannot stand in {where}; give it another name, or take another --to.')


def make_span(text: str, start: Any, end: Any, label: Any, score: Any, place: str) -> Span:
    """A span `[start, end)`, in code points, of a text; raises UserError with the place if there is none."""
    whole = all(isinstance(offset, int) and not isinstance(offset, bool) for offset in (start, end))
    if not whole or not 0 <= start < end <= len(text):
        raise UserError(
            f"{place}: the span [{start!r:.20}, {end!r:.20}) is empty or lies outside the text of {len(text)} "
            "characters; was the text changed after it was annotated?"
        )
    if not isinstance(label, str) or not label:
        raise UserError(f"{place}: the span [{start}, {end}) has no label; give it one.")
    if score is not None and not is_score(score):
        raise UserError(f"{place}: the score of {label} [{start}, {end}) is no number; set it right or take it out.")
    return Span(start, end, label, text[start:end], score)


def one_score_a_span(document: Document) -> list[list[Any]]:
    """`[start, end, label, score]` of the spans that have a score: for formats whose spans can carry none."""
    return [[s.start, s.end, s.label, s.score] for s in document.spans if s.score is not None]


def with_scores(spans: Iterable[Span], rows: Any) -> list[Span]:
    """Give spans the scores of `one_score_a_span`; a row whose span has been changed since is passed over."""
    scores: dict[tuple[Any, Any, Any], Any] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 4 and is_score(row[3]):
            start, end, label, score = row
            if all(isinstance(key, int | str) for key in (start, end, label)):
                scores[start, end, label] = score
    return [Span(s.start, s.end, s.label, s.text, scores.get(s.key, s.score)) for s in spans]
