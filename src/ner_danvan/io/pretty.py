"""Tagged documents for a person at a terminal: the text with brackets and colours, then the spans as a list."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO
from unicodedata import category, east_asian_width

from ner_danvan.document import Document
from ner_danvan.errors import one_line
from ner_danvan.io.terminal import visible
from ner_danvan.span import Span

Piece = tuple[str, str]  # a text, and the parameters of its SGR sequence (ECMA-48), "" for none

_COLOURS = ("32", "36", "33", "35", "94", "31", "92", "91")
_DIM, _BOLD = "2", "1;"
_FILE_WIDTH = 120  # columns where the stream is no terminal
_HEADINGS = ("label", "start", "end", "score", "text")


@dataclass(frozen=True)
class Look:
    """Columns to fill, and whether to colour."""

    width: int
    colours: bool

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """As the stream's terminal wants it (NO_COLOR and TERM=dumb are obeyed), or plain for a file."""
        if not stream.isatty():
            return cls(_FILE_WIDTH, colours=False)
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return cls(shutil.get_terminal_size().columns, colours=not plain)


def print_document(document: Document, labels: Sequence[str], stream: TextIO, look: Look) -> None:
    """Print one document; each label of `labels` has its colour by its place."""
    styles = {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(labels)}
    name = visible(one_line(document.id))  # a line end in it could begin another heading
    heading = [(f"{name} {'─' * max(0, look.width - 1 - columns(name))}", _DIM)]
    lines = [heading, *wrapped(marked_text(document, styles), look.width)]
    if document.spans:
        lines += [[], *_span_lines(document.spans, styles, look.width), []]
    for line in lines:
        stream.write("".join(_painted(piece, look.colours) for piece in line) + "\n")


def marked_text(document: Document, styles: dict[str, str]) -> list[Piece]:
    """The text in which every span stands in brackets that end with its label, an inner one inside the outer."""
    opening: dict[int, list[Span]] = {}
    closing: dict[int, list[Span]] = {}
    for span in document.spans:  # outer before inner
        opening.setdefault(span.start, []).append(span)
        closing.setdefault(span.end, []).insert(0, span)
    marked: list[Piece] = []
    open_spans: list[Span] = []
    bounds = sorted({0, len(document.text), *opening, *closing})
    for bound, following in zip(bounds, [*bounds[1:], bounds[-1]], strict=True):
        for span in closing.get(bound, []):
            open_spans.remove(span)
            marked.append((f" {span.label}]", _BOLD + styles.get(span.label, "39")))
        for span in opening.get(bound, []):
            open_spans.append(span)
            marked.append(("[", _BOLD + styles.get(span.label, "39")))
        innermost = styles.get(open_spans[-1].label, "") if open_spans else ""
        marked.append((visible(document.text[bound:following]).expandtabs(4), innermost))
    return marked


def wrapped(pieces: Iterable[Piece], width: int) -> list[list[Piece]]:
    """Lines of at most `width` columns, broken at spaces where there are any; white space at the end is left out."""
    lines: list[list[Piece]] = [[]]
    for word in _words(pieces):
        text = "".join(part for part, _ in word)
        if text == "\n":
            lines.append([])
            continue
        used = sum(columns(part) for part, _ in lines[-1])
        if used and used + columns(text.rstrip()) > width:
            lines.append([])
        lines[-1] += word  # one that is longer than a line is left to the terminal
    while len(lines) > 1 and not "".join(part for part, _ in lines[-1]).strip():
        lines.pop()
    return [_without_end(line) for line in lines]


def columns(text: str) -> int:
    """How wide a terminal shows it: marks above and below a letter take no place, East Asian letters two."""
    return sum(0 if category(char) in ("Mn", "Me", "Cf") else 1 + (east_asian_width(char) in "WF") for char in text)


def _words(pieces: Iterable[Piece]) -> Iterable[list[Piece]]:
    """What must stay together: a word with the spaces behind it, whatever its pieces; or a line end."""
    word: list[Piece] = []
    for text, style in pieces:
        for part in re.findall(r"\n|[^\n\S]+|\S+", text):
            if part == "\n" or (word and not part.isspace() and word[-1][0].isspace()):
                if word:
                    yield word
                word = []
            if part == "\n":
                yield [(part, style)]
            else:
                word.append((part, style))
    if word:
        yield word


def _without_end(line: list[Piece]) -> list[Piece]:
    while line and not line[-1][0].strip():
        line = line[:-1]
    return line


def _span_lines(spans: Sequence[Span], styles: dict[str, str], width: int) -> list[list[Piece]]:
    rows = [_HEADINGS, *(_cells(span) for span in spans)]
    widths = [max(columns(row[i]) for row in rows) for i in range(4)]
    indent = sum(widths) + 2 * 4
    lines: list[list[Piece]] = []
    for number, row in enumerate(rows):
        style = styles.get(row[0], "") if number else _DIM
        label, start, end, score = (
            cell + " " * (size - columns(cell)) if i == 0 else " " * (size - columns(cell)) + cell
            for i, (cell, size) in enumerate(zip(row, widths, strict=False))
        )
        figures = _DIM if not number else ""
        first, *rest = wrapped([(row[4], style)], max(20, width - indent))
        lines.append([(label, style), (f"  {start}  {end}  {score}  ", figures), *first])
        lines += [[(" " * indent, ""), *line] for line in rest]
    return lines


def _cells(span: Span) -> tuple[str, str, str, str, str]:
    score = "" if span.score is None else f"{span.score:.2f}"
    return span.label, str(span.start), str(span.end), score, visible(one_line(span.text))


def _painted(piece: Piece, colours: bool) -> str:
    text, style = piece
    return f"\x1b[{style}m{text}\x1b[0m" if style and colours and text.strip() else text
