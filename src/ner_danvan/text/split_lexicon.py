"""The lexicon of words that hide an entity's boundary, learned from annotated text.

A file holds one word a line, a space where it is cut and `_` elsewhere: `trưởng ban`, `phó chủ_tịch`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from ner_danvan.document import Document, read_text
from ner_danvan.errors import UserError
from ner_danvan.text.segment import SplitWords, Word


def learn_split_words(
    documents: Iterable[tuple[Document, list[Word]]], *, min_cuts: int, min_share: float
) -> dict[str, tuple[int, ...]]:
    """Words that gold spans cut, with the syllables before which they are cut.

    `documents` come with their words as `segment` gives them without a lexicon. A word is taken where at
    least `min_cuts` of its occurrences, and at least the share `min_share` of them, are cut by a span.
    """
    seen: Counter[str] = Counter()
    cut: Counter[str] = Counter()
    places: dict[str, set[int]] = {}
    for document, words in documents:
        bounds = sorted({bound for span in document.spans for bound in (span.start, span.end)})
        for word in words:
            if "_" not in word.form:
                continue
            key = word.form.lower()
            seen[key] += 1
            inside = bounds[bisect_right(bounds, word.start) : bisect_left(bounds, word.end)]
            found = _syllables_before(document.text, word, inside)
            if found:
                cut[key] += 1
                places.setdefault(key, set()).update(found)
    return {
        key: tuple(sorted(places[key]))
        for key in sorted(cut)
        if cut[key] >= min_cuts and cut[key] >= min_share * seen[key]
    }


def _syllables_before(text: str, word: Word, bounds: list[int]) -> list[int]:
    """Which syllable begins at each bound; a bound inside a syllable, or in a word spelt apart, is left out."""
    starts, count, outside = [], 0, True
    for offset, char in enumerate(text[word.start : word.end], word.start):
        if char.isspace():
            outside = True
        elif outside:
            outside = False
            starts.append(offset)
            count += 1
    if count != word.form.count("_") + 1:
        return []
    found = []
    for bound in bounds:
        # a span ends before the space and starts behind it; both cut before the next syllable
        following = next((i for i, start in enumerate(starts) if start >= bound), None)
        if following and not text[bound : starts[following]].strip():
            found.append(following)
    return found


def write_split_words(split_words: SplitWords, path: Path) -> None:
    """Save in the form that `read_split_words` reads."""
    lines = []
    for key, cuts in sorted(split_words.items()):
        syllables = key.split("_")
        bounds = [0, *cuts, len(syllables)]
        lines.append(" ".join("_".join(syllables[a:b]) for a, b in pairwise(bounds)) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


def read_split_words(path: Path) -> dict[str, tuple[int, ...]]:
    """Read a lexicon file; raises UserError with the line of an entry that is not cut."""
    split_words: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        parts = line.split(" ")
        if len(parts) < 2 or not all(parts):
            raise UserError(f'{path}:{number}: "{line}" is not cut; write a space where it is, as in "trưởng ban".')
        cuts, count = [], 0
        for part in parts[:-1]:
            count += part.count("_") + 1
            cuts.append(count)
        split_words["_".join(parts)] = tuple(cuts)
    return split_words
