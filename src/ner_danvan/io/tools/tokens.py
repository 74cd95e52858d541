"""Tokens for formats that annotate tokens: every span begins and ends with one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from ner_danvan.span import Span

# a run of letters and figures with the marks and the invisible characters in it, white space, or any one character
_PIECE = re.compile(r"[\w\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufeff]+|\s+|.", re.DOTALL)

Token = tuple[int, int]


def edges(spans: Iterable[Span]) -> tuple[set[int], set[int]]:
    """Where spans begin, and where they end."""
    spans = list(spans)
    return {span.start for span in spans}, {span.end for span in spans}


def pieces(text: str, cuts: Iterable[int]) -> list[Token]:
    """`[start, end)` of all that the text is made of, from left to right, in code points.

    They are runs of letters and figures (in Vietnamese, syllables), single marks and runs of white space, cut besides
    where it is asked for.
    """
    waiting = sorted(set(cuts))
    found: list[Token] = []
    upcoming = 0
    for match in _PIECE.finditer(text):
        start, end = match.span()
        while upcoming < len(waiting) and waiting[upcoming] <= start:
            upcoming += 1
        while upcoming < len(waiting) and waiting[upcoming] < end:
            found.append((start, waiting[upcoming]))
            start = waiting[upcoming]
            upcoming += 1
        found.append((start, end))
    return found


def tokens(text: str, spans: Iterable[Span]) -> list[Token]:
    """The pieces that are no white space, cut where a span begins or ends.

    A run of white space becomes tokens too where a span begins or ends in it, and then wholly: so whoever knows the
    text and the tokens' words knows where they stand.
    """
    starts, ends = edges(spans)
    found: list[Token] = []
    for blank, group in groupby(pieces(text, starts | ends), lambda piece: text[piece[0] : piece[1]].isspace()):
        run = list(group)
        if not blank or any(start in starts or end in ends for start, end in run):
            found += run
    return found
