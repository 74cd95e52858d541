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
from ner_danvan.io.tools.checks import check_labels, checked, one_score_a_span, with_scores
from ner_danvan.io.tools.files import entries, write_folder
from ner_danvan.labels import LabelScheme

ENDING = ".txt"

_LABEL = re.compile(r"[A-Z][A-Z0-9_]*")


def write(documents: Iterable[Document], folder: Path, scheme: LabelScheme) -> None:
    """Write a file a document; raises UserError where spans cross, and at a label that the scheme lacks."""
    check_labels(scheme.labels, _LABEL, "a tag")
    write_folder(map(_row, checked(documents, scheme.labels)), folder)


def read(path: Path, scheme: LabelScheme) -> Iterator[Document]:
    """Documents of a folder, or of one file; only the scheme's labels are tags. Raises UserError with file and line."""
    for entry in entries(path, ENDING):
        document = parse_inline(read_text(entry.path), str(entry.path), scheme.labels)
        yield Document(entry.id, document.text, tuple(with_scores(document.spans, entry.scores)), entry.meta)


def _row(document: Document) -> tuple[Document, list[list[Any]], str, Mapping[str, str]]:
    return document, one_score_a_span(document), ENDING, {ENDING: render_inline(document)}
