"""Words with offsets in the untouched text.

underthesea finds the words of the model's copy; then words that would hide an entity's boundary are split:
those whose syllables' letter case is irregular, those with punctuation or figures joined to them, and those of
a lexicon learned from training data (`split_lexicon`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ner_danvan.text.normalize import LINE_BREAKS, model_copy

_Piece = tuple[int, int]  # a syllable or mark, [start, end) in the copy
SplitWords = Mapping[str, tuple[int, ...]]  # word in lower case, `_` between syllables -> syllables before which to cut

_CHUNK = 1_000  # characters segmented at a time: underthesea's patterns are quadratic on a line without spaces
_SENTENCE_END = re.compile(r"[.!?;…]+\s")
_SPACED = re.compile(r"\S+")
_ROUGH = re.compile(r"\w+|[^\w\s]")
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
    words = []
    for pieces in _pieces(copy.text):
        for part in _apply_lexicon(copy.text, pieces, split_words or {}):
            form = "_".join(copy.text[start:end] for start, end in part)
            words.append(Word(copy.starts[part[0][0]], copy.ends[part[-1][1] - 1], form))
    return _without_overlap(words)


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
    "spaces": segment_at_spaces,
}


def line_ends(text: str, words: Sequence[Word]) -> list[bool]:
    """For each word, whether its line ends with it; the last word's is always True."""
    ends = [any(char in LINE_BREAKS for char in text[word.end : after.start]) for word, after in pairwise(words)]
    return [*ends, True] if words else []


def sentence_ends(text: str, words: Sequence[Word]) -> list[bool]:
    """For each word, whether a sentence, clause or line ends with it; the last word's is always True."""
    lines = line_ends(text, words)
    return [word.form in _END_MARKS or ends_line for word, ends_line in zip(words, lines, strict=True)]


_END_MARKS = frozenset([".", "!", "?", ";", "…", "..."])


# --- underthesea ------------------------------------------------------------------------------


def unsplit_words(text: str) -> list[tuple[int, int]]:
    """`[start, end)` in the text of underthesea's own words, none split: what `segment` is measured against."""
    copy = model_copy(text)
    return [(copy.starts[word[0][0]], copy.ends[word[-1][1] - 1]) for word in _unsplit(copy.text)]


def _pieces(copy: str) -> Iterator[list[_Piece]]:
    """Words of the copy as lists of syllables, split where case or punctuation says so."""
    for word in _unsplit(copy):
        yield from _split_irregular(copy, word)


def _unsplit(copy: str) -> Iterator[list[_Piece]]:
    for offset, chunk in _chunks(copy):
        for word in _align(chunk, _underthesea(chunk)):
            yield [(start + offset, end + offset) for start, end in word]


def _underthesea(chunk: str) -> list[str]:
    # token normalisation would rewrite "Hoà" to "Hòa", the style that the vocabulary lacks
    tokens: list[str] = _word_tokenize()(chunk, use_token_normalize=False)
    return tokens


def _word_tokenize() -> Callable[..., list[str]]:
    from underthesea.pipeline.word_tokenize import word_tokenize  # late: importing underthesea takes long

    found: Callable[..., list[str]] = word_tokenize
    return found


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


def _align(chunk: str, words: Iterable[str]) -> list[list[_Piece]]:
    """Place underthesea's words in the chunk, character by character.

    Where its output is not the chunk's characters in order (no such text is known), the chunk is cut roughly instead.
    """
    placed: list[list[_Piece]] = []
    position = 0
    for word in words:
        pieces = []
        for syllable in word.split():
            while position < len(chunk) and chunk[position] == " ":
                position += 1
            if not chunk.startswith(syllable, position):
                return _rough(chunk)
            pieces.append((position, position + len(syllable)))
            position += len(syllable)
        if pieces:
            placed.append(pieces)
    return placed if not chunk[position:].strip(" ") else _rough(chunk)


def _rough(chunk: str) -> list[list[_Piece]]:
    return [[match.span()] for match in _ROUGH.finditer(chunk)]


# --- splitting --------------------------------------------------------------------------------


def _split_irregular(copy: str, word: list[_Piece]) -> Iterator[list[_Piece]]:
    """Parts of a word between which the letter case changes irregularly, or a mark or a figure stands."""
    part: list[_Piece] = []
    kinds: list[str] = []
    for piece in (small for large in word for small in _strip_marks(copy, large)):
        kind = _kind(copy[piece[0] : piece[1]])
        if part and not _goes_on(kinds, kind):
            yield part
            part, kinds = [], []
        part.append(piece)
        kinds.append(kind)
    if part:
        yield part


def _strip_marks(copy: str, piece: _Piece) -> Iterator[_Piece]:
    """A piece without the punctuation around it, which comes as pieces of its own: `ATGT.` is two.

    So does a hyphen between letters: a clerk's `Lan-Phó Bí thư` is a name and a title.
    """
    position, end = piece
    for match in _HYPHEN.finditer(copy, *piece):
        yield from _strip_ends(copy, (position, match.start()))
        yield match.span()
        position = match.end()
    yield from _strip_ends(copy, (position, end))


def _strip_ends(copy: str, piece: _Piece) -> Iterator[_Piece]:
    start, end = piece
    if end - start == 1:
        yield piece
        return
    match = _INNER.match(copy[start:end])
    assert match is not None  # the pattern matches every string
    (_, first), (_, last) = match.span(1), match.span(2)
    if first == end - start:  # nothing but marks, e.g. "..."
        yield piece
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


def _apply_lexicon(copy: str, word: list[_Piece], split_words: SplitWords) -> list[list[_Piece]]:
    if len(word) == 1 or not split_words:
        return [word]
    key = "_".join(copy[start:end] for start, end in word).lower()
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
