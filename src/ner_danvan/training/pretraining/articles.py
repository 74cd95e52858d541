"""Text to pre-train on: articles of word-segmented text, whole files or one after another in a file."""

from __future__ import annotations

import lzma
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from ner_danvan.document import read_jsonl
from ner_danvan.errors import UserError
from ner_danvan.text.normalize import new_style_tones
from ner_danvan.text.segment import SEGMENTERS, Word

SUFFIXES = (".txt", ".txt.xz", ".jsonl")
_CLOSING = frozenset([*",.;:!?)]}”’…%", "..."])  # no space before them
_OPENING = frozenset("([{“‘")  # and none behind these


def read_articles(paths: Sequence[Path], segmenter: str) -> Iterator[str]:
    """Each article of `read_texts` as `segmented` words; those without any are left out."""
    for text in read_texts(paths):
        words = segmented(text, segmenter)
        if words.strip():
            yield words


def read_texts(paths: Sequence[Path]) -> Iterator[str]:
    """Each article as it stands in its file.

    A `.txt` or `.txt.xz` file holds articles with an empty line between them, a `.jsonl` file documents, one a line.
    Raises UserError for a file that is not there or cannot be read.
    """
    for path in paths:
        if not path.is_file() or not path.name.endswith(SUFFIXES):
            what = "cannot be read as text" if path.is_file() else "no such file"
            raise UserError(f"{path}: {what}; give {', '.join(SUFFIXES)} files of articles.")
        yield from _texts(path)


def segmented(text: str, segmenter: str) -> str:
    """A text as words between spaces, syllables of a word joined by `_`.

    `segmenter` is one of SEGMENTERS; `spaces` takes the words as they stand, in NFC and new-style tone marks.
    """
    return _plain(text) if segmenter == "spaces" else _joined(SEGMENTERS[segmenter](text, None))


def as_written(text: str) -> str:
    """A segmented text as people write it: spaces between syllables, none before a comma or inside brackets and quotes.

    What stood there cannot be known for certain; straight quotes open and close in turn within a line.
    """
    return "\n".join(_line_as_written(line) for line in text.splitlines()).strip()


def _line_as_written(line: str) -> str:
    written, glued, quoted = "", True, False
    for token in line.replace("_", " ").split():
        closes = token in _CLOSING or (token == '"' and quoted)
        written += token if glued or closes else " " + token
        if token == '"':
            quoted = not quoted
        glued = token in _OPENING or (token == '"' and quoted)
    return written


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".jsonl":
        yield from (document.text for document in read_jsonl(path))
        return
    try:
        with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as stream:
            yield from _between_empty_lines(stream)
    except (UnicodeDecodeError, lzma.LZMAError, EOFError) as error:
        raise UserError(f"{path}: is no UTF-8 text ({error}); fetch the file again.") from None


def _plain(text: str) -> str:
    return new_style_tones(unicodedata.normalize("NFC", text))


def _joined(words: Sequence[Word]) -> str:
    return " ".join(word.form for word in words)


def _between_empty_lines(stream: TextIO) -> Iterator[str]:
    lines: list[str] = []
    for line in stream:
        if line.strip():
            lines.append(line)
        elif lines:
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)
