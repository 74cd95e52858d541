"""Word-level data sets with BIO tags, such as PhoNER_COVID19: read as documents that are segmented already.

A sentence is a document: its words stand with one space between them, syllables of a word joined by `_` as they came.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, read_text
from ner_danvan.errors import UserError
from ner_danvan.span import Span

CONLL = (".conll", ".bio", ".iob", ".iob2")
_JSON = (".json", ".jsonl")
_COMMENT = re.compile(r"# ?([\w.-]+) = ")  # as CoNLL-U has them
_LAYERS = "global.columns"  # how python -m ner_danvan.convert begins a CoNLL file
_MEND = 'write one {"words": [...], "tags": [...]} a line, tags as O, B-LABEL and I-LABEL'


def is_tagged(path: Path) -> bool:
    """Whether a file holds tagged words: CoNLL by its name, JSON lines by the keys of the first."""
    if path.suffix in CONLL:
        return path.is_file()
    if path.suffix not in _JSON or not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8-sig") as lines:
            row = json.loads(next((line for line in lines if line.strip()), ""))
    except (OSError, ValueError):
        return False
    return isinstance(row, dict) and "words" in row and "text" not in row


def read_tagged(path: Path) -> list[Document]:
    """A document for each sentence, named by its file and number; raises UserError with file and line.

    An `I-` that continues nothing begins a span, as conlleval has it.
    """
    documents = []
    for number, (line, words, tags) in enumerate(_sentences(path), 1):
        place = f"{path}:{line}"
        if len(words) != len(tags):
            raise UserError(f"{place}: {len(words)} words and {len(tags)} tags; there must be as many.")
        if wrong := [word for word in words if not word or any(char.isspace() for char in word)]:
            raise UserError(f'{place}: the word "{wrong[0]}" is empty or has white space; join its syllables by _.')
        documents.append(_document(f"{path.stem}:{number}", words, tags, place))
    if not documents:
        raise UserError(f"{path}: no sentence in it; {_MEND}.")
    return documents


def labels_of(documents: Iterable[Document]) -> list[str]:
    """The labels of all spans, in alphabetical order."""
    return sorted({span.label for document in documents for span in document.spans})


def _document(name: str, words: Sequence[str], tags: Sequence[str], place: str) -> Document:
    text = " ".join(words)
    ends: list[tuple[int, int]] = []
    position = 0
    for word in words:
        ends.append((position, position + len(word)))
        position += len(word) + 1
    spans = [
        Span(ends[first][0], ends[last][1], label, text[ends[first][0] : ends[last][1]])
        for first, last, label in _runs(tags, place)
    ]
    return Document(name, text, tuple(spans))


def _runs(tags: Sequence[str], place: str) -> list[tuple[int, int, str]]:
    """First and last word and label of each span."""
    runs: list[tuple[int, int, str]] = []
    for number, tag in enumerate(tags):
        kind, _, label = tag.partition("-")
        if tag == "O":
            continue
        if kind not in ("B", "I") or not label:
            raise UserError(f'{place}: the tag "{tag}" is none of O, B-LABEL and I-LABEL; convert the data to BIO.')
        if kind == "I" and runs and runs[-1][1:] == (number - 1, label):
            runs[-1] = (runs[-1][0], number, label)
        else:
            runs.append((number, number, label))
    return runs


def _sentences(path: Path) -> Iterator[tuple[int, list[str], list[str]]]:
    """Line, words and tags of each sentence."""
    lines = re.split(r"\r\n?|\n", read_text(path).removeprefix("\ufeff"))
    return _conll(lines, path) if path.suffix in CONLL else _json_lines(lines, path)


def _conll(lines: Sequence[str], path: Path) -> Iterator[tuple[int, list[str], list[str]]]:
    """A word a line, the tag in its last column; an empty line ends a sentence, and comments stand before its words."""
    words: list[str] = []
    tags: list[str] = []
    begin = 1
    for number, line in enumerate([*lines, ""], 1):
        if not words and (match := _COMMENT.match(line)):
            if match[1] == _LAYERS:
                command = shlex.join(["python", "-m", "ner_danvan.convert", str(path), str(path.with_suffix(".jsonl"))])
                raise UserError(
                    f"{path}:{number}: has a column a layer, of running text; make document JSONL of it, which "
                    f"data.train and data.dev take too:  {command}"
                )
            continue
        columns = line.rstrip().split("\t") if "\t" in line else line.split()
        if not any(columns) or columns[0] == "-DOCSTART-":
            if words:
                yield begin, words, tags
            words, tags, begin = [], [], number + 1
        elif len(columns) < 2:
            raise UserError(f"{path}:{number}: a word without a tag; give both, with a space or tab between them.")
        else:
            words.append(columns[0])
            tags.append(columns[-1])


def _json_lines(lines: Sequence[str], path: Path) -> Iterator[tuple[int, list[str], list[str]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
            words, tags = row["words"], row["tags"]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path}:{number}: no such row; {_MEND}.") from None
        if not all(isinstance(side, list) and all(isinstance(item, str) for item in side) for side in (words, tags)):
            raise UserError(f"{path}:{number}: words and tags must be lists of strings; {_MEND}.")
        yield number, words, tags
