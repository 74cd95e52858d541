"""Reads WebAnno TSV 3: the text from its sentences, spans from the columns of their tokens."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from ner_danvan.document import bounded, read_text
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import OFFSET, make_span
from ner_danvan.io.tools.utf16 import Utf16
from ner_danvan.span import Span, sorted_spans

_MAGIC = "#FORMAT=WebAnno TSV 3."
_UNIT = re.compile(rf"(\d+-\d+(?:\.\d+)?)\t({OFFSET})-({OFFSET})\t")
_VALUE = re.compile(r"((?:[^\\\[]|\\.)*)(?:\[(\d+)\])?", re.DOTALL)
_STACKED = re.compile(r"(?:[^\\|]|\\.)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(->|.)", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "f": "\f", "r": "\r", "b": "\b"}
_GAPS = 10_000  # units between sentences in a small file; a larger one may have as many as it has characters
_ON_TOKENS = ("POS", "Lemma", "Stem", "MorphologicalFeatures", "SurfaceForm")


@dataclass(frozen=True)
class _Column:
    """A layer's short name, where its first column stands behind the token, and whether that has labels."""

    number: int
    layer: str
    has_labels: bool


@dataclass
class _Text:
    """The text as it grows, its length in UTF-16 units, and how much more may stand between sentences."""

    room: int
    pieces: list[str] = field(default_factory=list)
    units: int = 0

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        self.units += len(piece.encode("utf-16-le")) // 2


@dataclass
class _Found:
    """A span in UTF-16 units, and where it was first read."""

    start: int
    end: int
    label: str
    place: str


def is_tsv(path: Path) -> bool:
    """Whether a file begins as WebAnno TSV 3 does; False where it cannot be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as stream:
            return stream.read(40).removeprefix(BOM_UTF8).startswith(_MAGIC.encode())
    except OSError:
        return False


def read_tsv(path: Path) -> tuple[str, tuple[Span, ...]]:
    """The text and the spans of one file; raises UserError with file and line."""
    content = read_text(path).removeprefix("\ufeff")
    lines = re.split(r"\r\n|\n|\r", content)
    if not lines[0].startswith(_MAGIC):
        raise UserError(f"{path}:1: no WebAnno TSV 3, which begins with #FORMAT=WebAnno TSV 3.3; export it as that.")
    columns, behind = _columns(lines)
    text, found = _Text(max(_GAPS, len(content))), dict[tuple[str, str], _Found]()
    sentence: list[str] = []
    for number, line in enumerate(lines[behind:], behind + 1):
        place = f"{path}:{number}"
        if line.startswith("#"):
            if line.startswith("#Text="):
                sentence.append(_unescaped(line.removeprefix("#Text=")))
        elif line:
            unit = _UNIT.match(line)
            if unit is None:
                raise UserError(f"{place}: no token; it begins with its number, TAB, START-END, TAB.")
            if sentence:
                _add_sentence(text, "\n".join(sentence), int(unit[2]), place)
                sentence = []
            _add_values(found, columns, line.split("\t")[3:], (int(unit[2]), int(unit[3])), place)
    whole = "".join(text.pieces)
    return whole, sorted_spans(bounded(_spans(found.values(), whole), whole, str(path)))


def _columns(lines: Sequence[str]) -> tuple[list[_Column], int]:
    """The columns that hold labels, and how many lines the header has."""
    columns: list[_Column] = []
    layers = list(takewhile(lambda line: line.startswith(("#T_SP=", "#T_CH=", "#T_RL=")), lines[1:]))
    number = 0
    for line in layers:
        name, *features = [part for part in line.partition("=")[2].split("|") if part] or [""]
        layer = name.rpartition(".")[2]
        if line.startswith("#T_SP=") and layer not in _ON_TOKENS:
            plain = [i for i, feature in enumerate(features) if not feature.startswith("ROLE_") and "." not in feature]
            if "value" in features:
                plain = [features.index("value")]
            columns.append(_Column(number + (plain[0] if plain else 0), layer, bool(plain)))
        number += max(1, len(features))
    return columns, 1 + len(layers)


def _add_sentence(text: _Text, sentence: str, begin: int, place: str) -> None:
    """Add a sentence that begins at a unit; between it and the one before stand a line end, and spaces if more does."""
    gap = begin - text.units
    if gap < 0:
        raise UserError(f"{place}: the sentence begins at {begin}, inside the one before; was it edited by hand?")
    text.room -= gap
    if text.room < 0:  # a number alone would otherwise fill the memory
        raise UserError(f"{place}: the sentence begins at {begin}, far behind the one before; are the offsets right?")
    between = "\n" if text.pieces and gap else ""
    text.add(between + " " * (gap - len(between)))
    text.add(sentence)


def _add_values(
    found: dict[tuple[str, str], _Found],
    columns: Sequence[_Column],
    values: Sequence[str],
    unit: tuple[int, int],
    place: str,
) -> None:
    """Note the spans that a token or a part of one is in."""
    for column in columns:
        if column.number >= len(values):
            raise UserError(f"{place}: {len(values)} columns behind the token, and the header names more.")
        value = values[column.number]
        if value in ("_", ""):
            continue
        for order, stacked in enumerate(_STACKED.findall(value)):
            match = _VALUE.fullmatch(stacked)
            if match is None:
                raise UserError(f'{place}: "{stacked}" is no value; a bracket in one is written as \\[.')
            named = column.has_labels and match[1] != "*"
            label = _ESCAPE.sub(r"\1", match[1]) if named else column.layer
            key = (column.layer, match[2]) if match[2] else (column.layer, f"{place}/{order}")
            if key in found:
                found[key].start, found[key].end = min(found[key].start, unit[0]), max(found[key].end, unit[1])
            else:
                found[key] = _Found(*unit, label, place)


def _spans(found: Iterable[_Found], text: str) -> Iterator[Span]:
    utf16 = Utf16(text)
    for span in found:
        start, end = utf16.points(span.start, span.place), utf16.points(span.end, span.place)
        yield make_span(text, start, end, span.label, None, span.place)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _CONTROLS.get(match[1], match[1]), text)
