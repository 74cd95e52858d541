r"""WebAnno TSV 3.3, which WebAnno and INCEpTION read and write: a file a document.

Offsets are UTF-16 units. Spans are annotations of the built-in layer for named entities, which every project has;
nested ones are stacked there, told apart by numbers as in `ORG[2]`. Tokens are cut so that every span begins and ends
with one; white space becomes a token where a line, or a span, begins or ends with it. Each line of text is a sentence,
the empty lines behind it included. Ids, `meta` and scores, which the format cannot say, stand in the folder's index.

Two limits are the tools' own: INCEpTION adds a line end to the text, behind all that is annotated, and cannot read a
document without any character.

The format: appendix "WebAnno TSV 3.3 file format" of INCEpTION's user guide, and its Tsv3XDeserializer where that is
silent (text is escaped otherwise than values).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ner_danvan.document import Document
from ner_danvan.io.tools.checks import check_labels, checked, one_score_a_span, with_scores
from ner_danvan.io.tools.files import entries, write_folder
from ner_danvan.io.tools.tokens import Token, edges, pieces
from ner_danvan.io.tools.utf16 import Utf16
from ner_danvan.io.tools.webanno_reader import read_tsv
from ner_danvan.labels import LabelScheme

ENDING = ".tsv"

_LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_HEADER = f"#FORMAT=WebAnno TSV 3.3\n#T_SP={_LAYER}|identifier|value\n\n"  # with both features the tools write it
_LABEL = re.compile(r"[^\x00-\x1f]+")
_RESERVED = re.compile(r"->|[\\\[\]|_;*]")
_TEXT = re.compile(r"[\x00-\x0a\x0c-\x1f\\]")
_READABLE = {"\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", "\b": r"\b"}
_NEXT_LINE = re.compile(r"\n+(?=[^\n])")


def write(documents: Iterable[Document], folder: Path, scheme: LabelScheme) -> None:
    """Write a file a document."""
    check_labels(scheme.labels, _LABEL, "a WebAnno file")
    write_folder(map(_row, checked(documents, scheme.labels)), folder)


def read(path: Path) -> Iterator[Document]:
    """Documents of a folder, or of one file; raises UserError with file and line.

    Every span layer is read but those that hang on tokens (parts of speech, lemmas); the feature "value",
    or else the first one, is the label, and the layer's own name where that has no value.
    """
    for entry in entries(path, ENDING):
        text, spans = read_tsv(entry.path)
        yield Document(entry.id, text, tuple(with_scores(spans, entry.scores)), entry.meta)


def _row(document: Document) -> tuple[Document, list[list[Any]], str, Mapping[str, str]]:
    return document, one_score_a_span(document), ENDING, {ENDING: to_tsv(document)}


def to_tsv(document: Document) -> str:
    """One document as WebAnno TSV 3.3."""
    text, utf16 = document.text, Utf16(document.text)
    sentences = _sentences(document)
    rows = iter(_rows(document, _tokens(document, sentences)))
    row = next(rows, None)
    lines = [_HEADER]
    for number, (start, end) in enumerate(sentences, 1):
        lines.append("\n" + "".join(f"#Text={_escaped(line)}\n" for line in text[start:end].split("\n")))
        count = 0
        while row and row[0] < end:
            count += 1
            place = f"{number}-{count}\t{utf16.units(row[0])}-{utf16.units(row[1])}"
            lines.append(f"{place}\t{_escaped(text[row[0] : row[1]])}\t{row[2]}\t\n")
            row = next(rows, None)
    return "".join(lines)


def _sentences(document: Document) -> list[tuple[int, int]]:
    """The lines that are not empty, with empty ones behind them; between two stands a line end that is in neither.

    For the reader puts one there. One at which a span begins or ends must be in a sentence.
    """
    starts, ends = edges(document.spans)
    lines = [match.end() for match in _NEXT_LINE.finditer(document.text) if match.start()]
    begins = [0, *(begin for begin in lines if begin - 1 not in starts and begin not in ends)]
    bounds = [*(begin - 1 for begin in begins[1:]), len(document.text)]
    return list(zip(begins, bounds, strict=True)) if document.text else []


def _tokens(document: Document, sentences: list[tuple[int, int]]) -> list[Token]:
    """What is no white space, and white space with which a span begins or ends, or a sentence begins."""
    starts, ends = edges(document.spans)
    starts |= {start for start, _ in sentences}
    cuts = starts | ends | {end for _, end in sentences}
    return [
        (start, end)
        for start, end in pieces(document.text, cuts)
        if start in starts or end in ends or not document.text[start:end].isspace()
    ]


def _rows(document: Document, words: list[Token]) -> list[tuple[int, int, str]]:
    """Start and end of each token, and what its columns say."""
    starts, ends = {start: i for i, (start, _) in enumerate(words)}, {end: i for i, (_, end) in enumerate(words)}
    inside: list[list[int]] = [[] for _ in words]
    ranges = [range(starts[span.start], ends[span.end] + 1) for span in document.spans]
    for number, places in enumerate(ranges):
        for place in places:
            inside[place].append(number)
    numbers: list[str] = []
    for places in ranges:
        needs_one = len(places) > 1 or any(len(inside[place]) > 1 for place in places)
        numbers.append(f"[{len(numbers) + 1}]" if needs_one else "")
    labels = [_RESERVED.sub(lambda match: "\\" + match.group(), span.label) for span in document.spans]
    rows = []
    for (start, end), within in zip(words, inside, strict=True):
        identifiers = "|".join("*" + numbers[i] for i in within) or "_"
        values = "|".join(labels[i] + numbers[i] for i in within) or "_"
        rows.append((start, end, f"{identifiers}\t{values}"))
    return rows


def _escaped(text: str) -> str:
    return _TEXT.sub(lambda match: _READABLE.get(match.group(), "\\" + match.group()), text)
