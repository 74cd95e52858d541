"""Sentences dropped, and lines put in another order."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random

from ner_danvan.document import Document
from ner_danvan.training.augment.splice import Patch, joined, piece_of, splice

_SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!TS\.)(?<!Ths\.)(?<!TP\.) +(?=[^\W\d_])")

# a line that opens a list, or is an item of one
_HEADING = re.compile(r":$|^(?:[-+*•–]|\d+[.)/]|[a-zđ][.)]|[IVX]+[./])")


def drop_sentences(document: Document, random: Random, rate: float) -> Document:
    """Each sentence is left out at this rate; the last of a line always stays.

    Not what a semicolon ends: the first of such parts often says that all of them are tasks, or that they are done.
    """
    patches = []
    for line in re.finditer(r"[^\r\n]+", document.text):
        begin = line.start()
        for match in _SENTENCE_END.finditer(document.text, *line.span()):
            end = match.end()
            if any(span.start < end and match.start() < span.end for span in document.spans):
                continue  # a full stop within a span ends no sentence
            if random.random() < rate and _is_free(document, begin, end):
                patches.append(Patch(begin, end, "", ()))
            begin = end
    return splice(document, patches)


def shuffle_lines(document: Document, random: Random, rate: float) -> Document:
    """At this rate, the lines of a document but the first change places with their neighbours.

    Headings, and what stands under them, stay: whether a line is a task is often said above it.
    """
    if random.random() >= rate:
        return document
    lines = [match.span() for match in re.finditer(r"[^\r\n]+", document.text)]
    if len(lines) < 3:
        return document
    start, end = lines[1][0], lines[-1][1]
    texts = [document.text[start:end].strip() for start, end in lines[1:]]
    if any(_HEADING.search(text) or text.isupper() for text in texts):
        return document
    if not all(_is_free(document, *line) for line in lines[1:]):
        return document
    gaps = [document.text[a[1] : b[0]] for a, b in pairwise(lines[1:])]
    order = sorted(range(1, len(lines)), key=lambda number: number + random.uniform(0, 2.5))
    parts = [piece_of(document, *lines[number]) for number in order]
    new = joined(part for pair in zip(parts, [*gaps, ""], strict=True) for part in pair)
    return splice(document, [Patch(start, end, new.text, new.spans)])


def _is_free(document: Document, start: int, end: int) -> bool:
    """Whether every span lies within `[start, end)` or apart from it."""
    return all(
        span.end <= start or end <= span.start or (start <= span.start and span.end <= end) for span in document.spans
    )
