"""The same thing written another way: short and full forms, tone style, letter case, the order of name and title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from ner_danvan.document import Document
from ner_danvan.span import Span
from ner_danvan.text.normalize import new_style_tones, old_style_tones
from ner_danvan.training.augment.lexicon import FullForm, Lexicon
from ner_danvan.training.augment.settings import Roles
from ner_danvan.training.augment.splice import (
    Patch,
    is_cut,
    joined,
    piece_of,
    rewritten,
    splice,
    without_overlap,
)

_BEFORE_NAME = (", ", " - ", " – ", " (")
_BETWEEN = re.compile(r"(?:,| -| –)? ")
_JOINS = re.compile(r"(?:,| -| –| và| kiêm|;)? ")


def exchange_forms(document: Document, lexicon: Lexicon, roles: Roles, random: Random, rate: float) -> Document:
    """Short forms are written out and full ones shortened, each at this rate; in a document each alike.

    A short title is written out in a title alone, and only if it holds no body; a short body in a body alone.
    """
    forms = [*lexicon.shorts, *lexicon.fulls]
    pattern = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    decided: dict[str, bool] = {}
    patches = []
    for match in re.finditer(rf"(?<![\w&/-])(?:{pattern})(?![\w&/-])", document.text, re.IGNORECASE):
        old = match.group()
        if not decided.setdefault(old, random.random() < rate) or is_cut(document, *match.span()):
            continue
        if old in lexicon.shorts:
            full = random.choice(lexicon.shorts[old])
            if not _fits(full, document, match.start(), roles):
                continue
            new = full.text
        elif old.lower() in lexicon.fulls and not old.isupper():
            new = lexicon.fulls[old.lower()]
        else:
            continue
        patches.append(Patch(*match.span(), new))
    return splice(document, without_overlap(patches))


def _fits(full: FullForm, document: Document, place: int, roles: Roles) -> bool:
    labels = {span.label for span in document.spans if span.start <= place < span.end}
    if full.kind == "title":
        return roles.position in labels and not full.holds_body
    return full.kind != "body" or roles.body in labels


def exchange_tones(document: Document, random: Random, rate: float) -> Document:
    """At this rate, the whole document in the old style of tone marks (*hòa*) or in the new one (*hoà*)."""
    if random.random() >= rate:
        return document
    change = random.choice((old_style_tones, new_style_tones))
    return splice(document, rewritten(document, 0, len(document.text), change))


def change_case(document: Document, roles: Roles, random: Random, rate: float) -> Document:
    """At this rate a document's first line turns to capitals, and each body and title to a small first letter."""
    patches = []
    if random.random() < rate:
        patches += rewritten(document, 0, max(0, document.text.find("\n")), str.upper)
    done = patches[-1].end if patches else 0
    for span in document.spans:
        if span.label not in (roles.body, roles.position) or span.start < done or random.random() >= rate:
            continue
        first = document.text[span.start]
        if first.isupper() and document.text[span.start + 1 : span.start + 2].islower():
            patches.append(Patch(span.start, span.start + 1, first.lower()))
    return splice(document, without_overlap(patches))


def exchange_order(document: Document, roles: Roles, random: Random, rate: float) -> Document:
    """At this rate each, *Bí thư Huyện ủy A* becomes *A, Bí thư Huyện ủy* and the other way round.

    Only a name with one title: in a list of titles the order says which is whose.
    """
    spans = [span for span in document.spans if span.label in (roles.person, roles.position)]
    patches = []
    for number, (first, second) in enumerate(pairwise(spans)):
        between = document.text[first.end : second.start]
        if first.label == second.label or not _BETWEEN.fullmatch(between) or random.random() >= rate:
            continue
        if _is_listed(document, spans, number):
            continue
        titled = first.label == roles.position
        if titled != (between == " "):
            continue  # "Bí thư, A" are two things, and so are "A Bí thư"
        mark = random.choice(_BEFORE_NAME) if titled else " "
        try:
            parts = (piece_of(document, second.start, second.end), piece_of(document, first.start, first.end))
        except ValueError:  # a task ends between them
            continue
        new = joined([parts[0], mark, parts[1], ")" if mark == " (" else ""])
        patches.append(Patch(first.start, second.end, new.text, new.spans))
    return splice(document, [patch for patch in without_overlap(patches) if _is_whole(document, patch)])


def _is_listed(document: Document, spans: Sequence[Span], number: int) -> bool:
    """Whether another title or name is joined to the pair at `number`."""
    before = spans[number - 1] if number else None
    after = spans[number + 2] if number + 2 < len(spans) else None
    return bool(
        (before and _JOINS.fullmatch(document.text[before.end : spans[number].start]))
        or (after and _JOINS.fullmatch(document.text[spans[number + 1].end : after.start]))
    )


def _is_whole(document: Document, patch: Patch) -> bool:
    """Whether no span of the document crosses an edge of the patch."""
    return not any(
        (span.start < patch.start < span.end < patch.end) or (patch.start < span.start < patch.end < span.end)
        for span in document.spans
    )
