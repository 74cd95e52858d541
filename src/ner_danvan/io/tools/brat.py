"""brat's standoff: a folder with `NAME.txt` and `NAME.ann` for each document, and brat's own configuration.

Offsets are code points. A text-bound annotation repeats its text, which must not hold a line end or a tab: as brat
itself does, a span over several lines is written as fragments, one a line, and fragments that only white space
separates are read as one span. So two things cannot be said and are errors: a span that begins or ends with a line end
or a tab, and, in reading, fragments with text between them (a discontinuous annotation). Scores are notes on their
annotation, ids and `meta` stand in the folder's index. Relations, events and attributes are passed over.

The format: https://brat.nlplab.org/standoff.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, bounded, line_of, read_text
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import OFFSET, check_labels, checked, make_span
from ner_danvan.io.tools.files import Entry, entries, files_below, has_ending, readable, write_exactly, write_folder
from ner_danvan.io.tools.label_studio import COLOURS
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span, sorted_spans

ENDING = ".txt"

_ANN = ".ann"
_LABEL = re.compile(r"[\w-]+")
_BREAK = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")  # where brat, or a line of the file, would end
_BOUND = re.compile(rf"(T\S+)\t(\S+) ({OFFSET} {OFFSET}(?:;{OFFSET} {OFFSET})*)(?:\t(.*))?")
_NOTE = re.compile(r"#\S*\t\S+ (T\S+)\t(.*)")
_SCORE = re.compile(r"score ([0-9.eE+-]+)")


def write(documents: Iterable[Document], folder: Path, scheme: LabelScheme) -> None:
    """Write two files a document, `annotation.conf` with the labels and `visual.conf` with their colours."""
    check_labels(scheme.labels, _LABEL, "brat's annotation.conf")
    write_folder(map(_row, checked(documents, scheme.labels)), folder)
    kinds = "\n".join(scheme.labels)
    write_exactly(folder / "annotation.conf", f"[entities]\n{kinds}\n\n[relations]\n\n[events]\n\n[attributes]\n")
    colours = "\n".join(f"{label}\tbgColor:{COLOURS[i % len(COLOURS)]}" for i, label in enumerate(scheme.labels))
    write_exactly(folder / "visual.conf", f"[labels]\n\n[drawing]\n{colours}\n")


def read(path: Path) -> Iterator[Document]:
    """Documents of a folder, or of one `.txt` or `.ann`; raises UserError with file and line.

    A text without a `.ann` is a document without spans; a `.ann` without a text is an error.
    """
    if not path.is_dir():
        text_file = _beside(path, ENDING) if has_ending(path, _ANN) else path
        ann_file = _beside(path, _ANN) if text_file == path else path
        yield _document(Entry(text_file, path.stem, {}, None), ann_file if ann_file.is_file() else None)
        return
    anns: dict[Path, Path] = {}
    for file in files_below(path):
        if has_ending(file, _ANN) and anns.setdefault(file.with_suffix(""), readable(file)) != file:
            raise UserError(f"{file}: has the name of {anns[file.with_suffix('')].name}; give one of the two another.")
    found = entries(path, ENDING)
    texts = {entry.path.with_suffix("") for entry in found}
    if lone := [ann for name, ann in anns.items() if name not in texts]:
        raise UserError(f"{lone[0]}: has no {ENDING} beside it; put its text there, or take it out.")
    for entry in found:
        yield _document(entry, anns.get(entry.path.with_suffix("")))


def _beside(path: Path, ending: str) -> Path:
    """The file of the same name with another ending, in capitals where it is only there so."""
    capitals = path.with_suffix(ending.upper())
    return path.with_suffix(ending) if path.with_suffix(ending).is_file() or not capitals.is_file() else capitals


def _document(entry: Entry, ann: Path | None) -> Document:
    text = read_text(entry.path)
    spans = bounded(_spans(read_text(ann), text, str(ann)), text, str(ann)) if ann else ()
    return Document(entry.id, text, sorted_spans(spans), entry.meta)


def _row(document: Document) -> tuple[Document, list[list[Any]], str, Mapping[str, str]]:
    lines = []
    for number, span in enumerate(document.spans, 1):
        fragments = _fragments(span)
        if not fragments or (fragments[0][0], fragments[-1][1]) != (span.start, span.end):
            raise UserError(
                f"{document.id}:{line_of(document.text, span.start)}: {span.label} [{span.start}, {span.end}) begins "
                "or ends with a line end or a tab, which brat cannot mark; move its edge."
            )
        places = ";".join(f"{start} {end}" for start, end in fragments)
        words = " ".join(document.text[start:end] for start, end in fragments)
        lines.append(f"T{number}\t{span.label} {places}\t{words}\n")
    scored = [(number, span.score) for number, span in enumerate(document.spans, 1) if span.score is not None]
    notes = [f"#{note}\tAnnotatorNotes T{number}\tscore {score!r}\n" for note, (number, score) in enumerate(scored, 1)]
    return document, [], ENDING, {ENDING: document.text, _ANN: "".join(lines + notes)}


def _fragments(span: Span) -> list[tuple[int, int]]:
    bounds = [0, *(place for match in _BREAK.finditer(span.text) for place in match.span()), len(span.text)]
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return [(span.start + start, span.start + end) for start, end in pairs if start < end]


def _spans(annotations: str, text: str, source: str) -> Iterator[Span]:
    bound: dict[str, tuple[str, int, int, str]] = {}
    scores: dict[str, float] = {}
    for number, line in enumerate(re.split(r"\r\n|\n", annotations), 1):
        place = f"{source}:{number}"
        if note := _NOTE.fullmatch(line):
            if score := _SCORE.fullmatch(note[2].strip()):
                scores[note[1]] = _number(score[1], place)
        elif line.startswith("T"):
            match = _BOUND.fullmatch(line)
            if match is None:
                raise UserError(f"{place}: no text-bound annotation; write ID, TAB, TYPE START END, TAB, TEXT.")
            if match[1] in bound:
                raise UserError(f"{place}: {match[1]} stands twice in this file; give each annotation its own number.")
            bound[match[1]] = (match[2], *_extent(match, text, place), place)
    for name, (label, start, end, place) in bound.items():
        yield make_span(text, start, end, label, scores.get(name), place)


def _extent(match: re.Match[str], text: str, place: str) -> tuple[int, int]:
    """Start and end of the fragments of an annotation that is in one piece."""
    fragments = sorted((int(start), int(end)) for start, end in (part.split() for part in match[3].split(";")))
    if backwards := next((place for place in fragments if place[0] >= place[1]), None):
        return backwards  # which is told as any span that is empty
    ends = list(accumulate((end for _, end in fragments), max))
    for end, (start, _) in zip(ends, fragments[1:], strict=False):
        if text[end:start].strip():
            raise UserError(
                f"{place}: {match[1]} is discontinuous, which a span cannot be; "
                "annotate it in one piece, or its parts one by one."
            )
    said = match[4]
    if said is not None and said != " ".join(text[start:end] for start, end in fragments):
        raise UserError(f"{place}: {match[1]} says another text than stands there; was the .txt changed since?")
    return fragments[0][0], ends[-1]


def _number(value: str, place: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UserError(f'{place}: the score "{value}" is no number; set it right or take the note out.') from None
