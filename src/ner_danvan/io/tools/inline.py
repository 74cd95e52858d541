"""Annotated reports, the project's own form: a folder of `.txt` files with nested tags, `<ORG>Đảng ủy</ORG>`.

Tags cannot say spans that cross each other, which is an error, nor scores, which go into the folder's index with the
ids and `meta`. The form is described in data/GUIDELINES.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, parse_inline, read_text, render_inline
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import check_labels, checked, one_score_a_span, with_scores
from ner_danvan.io.tools.files import (
    INDEX,
    FileNames,
    entries,
    files_below,
    has_ending,
    index_line,
    whole,
    write_exactly,
    write_folder,
)
from ner_danvan.labels import LabelScheme

ENDING = ".txt"

_LABEL = re.compile(r"[A-Z][A-Z0-9_]*")


def write(documents: Iterable[Document], folder: Path, scheme: LabelScheme) -> None:
    """Write a file a document; raises UserError where spans cross, and at a label that the scheme lacks."""
    check_labels(scheme.labels, _LABEL, "a tag")
    write_folder(map(_row, checked(documents, scheme.labels)), folder)


def add(documents: Iterable[Document], folder: Path, scheme: LabelScheme) -> list[Path]:
    """Add a file a document to a folder, which is made if it is not there; gives the files.

    Never over a file; the folder's index keeps what it had. An id's own ending .txt is not said twice.
    Raises UserError as `write` does, before anything is written, and where the folder cannot be written to.
    """
    check_labels(scheme.labels, _LABEL, "a tag")
    there = files_below(folder) if folder.is_dir() else []
    taken = {file.stem.casefold() for file in there if file.parent == folder and has_ending(file, ENDING)}
    names = FileNames(ENDING, taken)
    rows = [
        (document, folder / names(document.id.removesuffix(ENDING)), render_inline(document))
        for document in checked(documents, scheme.labels)
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = folder / INDEX
        before = read_text(index) if index.is_file() else ""
        lines = [index_line(path.name, document, one_score_a_span(document)) for document, path, _ in rows]
        # first, so that after a failure every file still has its id; a row without a file is passed over
        with whole(index, folder=False) as place:
            write_exactly(place, before + ("\n" if before and not before.endswith("\n") else "") + "".join(lines))
        for _, path, text in rows:
            with path.open("xb") as stream:
                stream.write(text.encode())
    except OSError as error:
        raise UserError(f"{folder}: cannot be written to ({error.strerror or error}).") from None
    return [path for _, path, _ in rows]


def read(path: Path, scheme: LabelScheme) -> Iterator[Document]:
    """Documents of a folder, or of one file; only the scheme's labels are tags. Raises UserError with file and line."""
    for entry in entries(path, ENDING):
        document = parse_inline(read_text(entry.path), str(entry.path), scheme.labels)
        yield Document(entry.id, document.text, tuple(with_scores(document.spans, entry.scores)), entry.meta)


def _row(document: Document) -> tuple[Document, list[list[Any]], str, Mapping[str, str]]:
    return document, one_score_a_span(document), ENDING, {ENDING: render_inline(document)}
