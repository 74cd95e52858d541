"""Words with offsets in the untouched text.

underthesea finds the words of the model's copy; then words that would hide an entity's boundary are split:
those whose syllables' letter case is irregular, those with punctuation or figures joined to them, and those of
a lexicon learned from training data (`split_lexicon`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ner_danvan.text.memo import Memo
from ner_danvan.text.normalize import LINE_BREAKS, model_copy
from ner_danvan.text.words import Token, word_finder

SplitWords = Mapping[str, tuple[int, ...]]  # word in lower case, `_` between syllables -> syllables before which to cut

_CHUNK = 1_000  # characters segmented at a time: underthesea's patterns are quadratic on a line without spaces
_SENTENCE_END = re.compile(r"[.!?;…]+\s")
_SPACED = re.compile(r"\S+")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-–—](?=[^\W\d_])")
_INNER = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)


class Word(NamedTuple):
    """A word at `[start, end)` of the original text; `form` is what the model reads, syllables joined by `_`."""

    start: int
    end: int
    form: str


def segment(text: str, split_words: SplitWords | None = None) -> list[Word]:
    """Cut any text into words, left to right, without overlap; whatever is visible is in a word."""
    copy = model_copy(text)
    starts, ends = copy.starts, copy.ends
    words = []
    for word in _unsplit(copy.text):
        for regular in _split_irregular(word):
            for part in _apply_lexicon(regular, split_words) if split_words else (regular,):
                start, form = part[0]
                end = start + len(form)
                if len(part) > 1:
                    end = _end(part[-1])
                    form = "_".join([form for _, form in part])
                words.append(Word(starts[start], ends[end - 1], form))
    return _without_overlap(words)


def segment_syllables(text: str, split_words: SplitWords | None = None) -> list[Word]:
    """The words of `segment` with none of their syllables joined, so that there is nothing to split."""
    copy = model_copy(text)
    return _without_overlap(
        [
            Word(copy.starts[start], copy.ends[start + len(form) - 1], form)
            for word in _unsplit(copy.text)
            for regular in _split_irregular(word)
            for start, form in regular
        ]
    )


def segment_at_spaces(text: str, split_words: SplitWords | None = None) -> list[Word]:
    """The words of a text that is segmented already: white space between them, `_` between syllables; none is split."""
    copy = model_copy(text)
    return _without_overlap(
        [
            Word(copy.starts[match.start()], copy.ends[match.end() - 1], match.group())
            for match in _SPACED.finditer(copy.text)
        ]
    )


SEGMENTERS: Mapping[str, Callable[[str, SplitWords | None], list[Word]]] = {
    "underthesea": segment,
    "syllables": segment_syllables,
    "spaces": segment_at_spaces,
}


def line_ends(text: str, words: Sequence[Word]) -> list[bool]:
    """For each word, whether its line ends with it; the last word's is always True."""
    gaps = [text[word.end : after.start] for word, after in pairwise(words)]
    # most gaps are empty or one space, and need no search
    return [*(gap not in ("", " ") and not _BREAKS.isdisjoint(gap) for gap in gaps), True] if words else []


def sentence_ends(text: str, words: Sequence[Word]) -> list[bool]:
    """For each word, whether a sentence, clause or line ends with it; the last word's is always True."""
    lines = line_ends(text, words)
    return [word.form in _END_MARKS or ends_line for word, ends_line in zip(words, lines, strict=True)]


_BREAKS = frozenset(LINE_BREAKS)
_END_MARKS = frozenset([".", "!", "?", ";", "…", "..."])


# --- underthesea ------------------------------------------------------------------------------


def unsplit_words(text: str) -> list[tuple[int, int]]:
    """`[start, end)` in the text of underthesea's own words, none split: what `segment` is measured against."""
    copy = model_copy(text)
    return [(copy.starts[word[0][0]], copy.ends[_end(word[-1]) - 1]) for word in _unsplit(copy.text)]


def _unsplit(copy: str) -> Iterator[list[Token]]:
    find_words = word_finder()
    for offset, chunk in _chunks(copy):
        for word in find_words(chunk):
            yield [(offset + start, token) for start, token in word] if offset else word


def _end(piece: Token) -> int:
    start, form = piece
    return start + len(form)


def _chunks(copy: str) -> Iterator[tuple[int, str]]:
    """Lines, the long ones cut after a sentence, else at a space, else anywhere."""
    start = 0
    for line in copy.split("\n"):
        end = start + len(line)
        position = start
        while end - position > _CHUNK:
            window = copy[position : position + _CHUNK]
            sentences = [match.end() for match in _SENTENCE_END.finditer(window)]
            cut = sentences[-1] if sentences else window.rfind(" ") + 1 or _CHUNK
            yield position, window[:cut]
            position += cut
        if position < end:
            yield position, copy[position:end]
        start = end + 1


# --- splitting --------------------------------------------------------------------------------


def _split_irregular(word: list[Token]) -> list[list[Token]]:
    """Parts of a word between which the letter case changes irregularly, or a mark or a figure stands."""
    if len(word) == 1 and len(_PARTS[word[0][1]]) == 1:
        return [word]
    parts: list[list[Token]] = []
    kinds: list[str] = []  # of the last part
    for start, token in word:
        for offset, form, kind in _PARTS[token]:
            if parts and _goes_on(kinds, kind):
                parts[-1].append((start + offset, form))
                kinds.append(kind)
            else:
                parts.append([(start + offset, form)])
                kinds = [kind]
    return parts


def _parts(token: str) -> list[tuple[int, str, str]]:
    """Syllables and marks that a token consists of, each with where it begins in the token, and its kind."""
    return [(start, token[start:end], _kind(token[start:end])) for start, end in _strip_marks(token)]


_PARTS = Memo(_parts, 1 << 14)


def _strip_marks(token: str) -> Iterator[tuple[int, int]]:
    """A token without the punctuation around it, which comes as pieces of its own: `ATGT.` is two.

    So does a hyphen between letters: a clerk's `Lan-Phó Bí thư` is a name and a title.
    """
    position = 0
    for match in _HYPHEN.finditer(token):
        yield from _strip_ends(token, position, match.start())
        yield match.span()
        position = match.end()
    yield from _strip_ends(token, position, len(token))


def _strip_ends(token: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start == 1:
        yield start, end
        return
    match = _INNER.match(token[start:end])
    assert match is not None  # the pattern matches every string
    (_, first), (_, last) = match.span(1), match.span(2)
    if first == end - start:  # nothing but marks, e.g. "..."
        yield start, end
        return
    if first:
        yield start, start + first
    yield start + first, start + last
    if start + last < end:
        yield start + last, end


def _kind(syllable: str) -> str:
    """lower, Title, UPPER, either of the last two for one capital, or a mark or figure."""
    letters = [char for char in syllable if char.isalpha()]
    if not letters or not syllable[0].isalnum() or syllable[0].isdigit():
        return "mark"
    if not letters[0].isupper():
        return "lower"
    if len(letters) == 1:
        return "capital"
    return "upper" if all(char.isupper() for char in letters) else "title"


def _goes_on(kinds: list[str], kind: str) -> bool:
    """Whether a syllable of this kind may stand in one word behind syllables of those."""
    before = kinds[-1]
    if "mark" in (before, kind):
        return False
    if kind == "lower":  # "Uỷ ban" is regular, "Phong Hải nhiệm kỳ" is not
        return before == "lower" or (len(kinds) == 1 and before in ("title", "capital"))
    if before == "lower":
        return False
    return {before, kind} != {"upper", "title"}


def _apply_lexicon(word: list[Token], split_words: SplitWords) -> list[list[Token]]:
    if len(word) == 1:
        return [word]
    key = "_".join(form for _, form in word).lower()
    cuts = split_words.get(key)
    if not cuts or key.count("_") + 1 != len(word):  # the text itself may have a "_"
        return [word]
    bounds = [0, *cuts, len(word)]
    return [word[a:b] for a, b in pairwise(bounds)]


def _without_overlap(words: list[Word]) -> list[Word]:
    """Words that share an original character (one character of the text that became several) made one."""
    merged: list[Word] = []
    for word in words:
        if merged and word.start < merged[-1].end:
            merged[-1] = Word(merged[-1].start, max(word.end, merged[-1].end), merged[-1].form + word.form)
        else:
            merged.append(word)
    return merged
