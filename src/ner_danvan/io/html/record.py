"""A document as the page's script reads it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from ner_danvan.document import Document
from ner_danvan.io.tables import find_posts
from ner_danvan.span import Span


def to_record(document: Document) -> dict[str, Any]:
    """Plain data: the text in pieces, cut where a span begins or ends, and spans, people and tasks by number.

    JavaScript counts UTF-16 code units; with pieces it need not know of code points. A span is `[first piece, piece
    behind the last, label, start, end, score or null]`, start and end in code points of the text; people are `[person,
    post, [bodies], times]` and tasks `[task, [addressees], [bodies], [dates]]`, each a number of a span or null.
    """
    text, spans = document.text, document.spans
    cuts = sorted({0, len(text), *(span.start for span in spans), *(span.end for span in spans)})
    piece = {cut: number for number, cut in enumerate(cuts)}
    number_of = {span: number for number, span in enumerate(spans)}

    def numbers(these: Iterable[Span]) -> list[int]:
        return [number_of[span] for span in these]

    return {
        "id": document.id,
        "pieces": [text[start:end] for start, end in pairwise(cuts)],
        "spans": [
            (piece[span.start], piece[span.end], span.label, span.start, span.end, _score(span)) for span in spans
        ],
        "people": [
            (
                None if post.person is None else number_of[post.person],
                None if post.position is None else number_of[post.position],
                numbers(post.bodies),
                post.times,
            )
            for post in find_posts(document)
        ],
        "tasks": [
            (number_of[task.task], numbers(task.addressees), numbers(task.bodies), numbers(task.dates))
            for task in document.tasks()
        ],
    }


def _score(span: Span) -> float | None:
    return None if span.score is None else round(span.score, 4)
