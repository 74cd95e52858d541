"""What a hurried clerk does to a text: lost diacritics and typing errors."""

from __future__ import annotations

import re
import unicodedata
from random import Random

from ner_danvan.document import Document
from ner_danvan.training.augment.splice import Patch, is_cut, splice

_WORD = re.compile(r"[^\W\d_]{2,}")
_GAP = re.compile(r"(?<=\w) (?=\w)")
_TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot


def lose_diacritics(document: Document, random: Random, rate: float) -> Document:
    """Each syllable, at this rate, loses its tone mark, or with it every other mark."""
    patches = []
    for match in _WORD.finditer(document.text):
        if random.random() < rate and not is_cut(document, *match.span()):
            bare = _without_tone(match.group()) if random.random() < 0.7 else _bare(match.group())
            if bare != match.group():
                patches.append(Patch(*match.span(), bare))
    return splice(document, patches)


def make_typos(document: Document, random: Random, rate: float) -> Document:
    """Each syllable, at this rate, has two letters exchanged, one left out or one doubled; gaps close or widen."""
    patches = [
        Patch(*match.span(), _mistyped(match.group(), random))
        for match in _WORD.finditer(document.text)
        if random.random() < rate and not is_cut(document, *match.span())
    ]
    for match in _GAP.finditer(document.text):
        if random.random() < rate / 2:
            start, end = match.span()
            closed = random.random() < 0.5
            edge = any(start in (span.start, span.end) or end in (span.start, span.end) for span in document.spans)
            if not (closed and edge):  # a closed gap would hide where a span begins
                patches.append(Patch(start, end, "" if closed else "  "))
    return splice(document, patches)


def _mistyped(word: str, random: Random) -> str:
    place = random.randrange(len(word) - 1)
    kind = random.randrange(3)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[: place + 1] + word[place + 2 :]
    return word[: place + 1] + word[place:]


def _without_tone(word: str) -> str:
    return unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", word) if c not in _TONES))


def _bare(word: str) -> str:
    letters = (c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "".join(letters)).replace("đ", "d").replace("Đ", "D")
