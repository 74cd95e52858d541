"""Plain text, and document JSONL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ner_danvan.document import Document, parse_json_line
from ner_danvan.io.readers.encodings import UTF8, decode
from ner_danvan.io.readers.source import Failure, Item, Settings, Source, attempt

_SKIPPED = 2**20  # bytes of a line that is too long, read at a time


def read_text_file(source: Source, settings: Settings) -> Iterator[Item]:
    """One document, line ends untouched; `meta["encoding"]` where it is not UTF-8."""
    text, encoding = decode(source.stream.read(), source.place)
    if encoding.remark:
        settings.note(f"{source.place}: {encoding.remark}")
    more = {} if encoding.name == UTF8 else {"encoding": encoding.name}
    yield Document(source.name, text, meta={**source.origin, **more})


def read_json_lines(source: Source, settings: Settings) -> Iterator[Item]:
    """A document a line; a line that cannot be read is one failure, and those behind it are still read."""
    most = source.limits.file
    number = 0
    while line := source.stream.readline(most + 1):
        number += 1
        place = f"{source.name}:{number}"
        if len(line) > most and not line.endswith(b"\n"):
            size = len(line)
            while not line.endswith(b"\n") and (line := source.stream.readline(_SKIPPED)):
                size += len(line)
            yield Failure(
                place,
                f"{place}: the line has {size} bytes, more than {most}; cut the text, or allow more by --limit "
                f"file={size}.",
            )
        elif line.strip():
            yield attempt(place, partial(parse_row, line, place, {**source.origin, "row": number}))


def parse_row(line: bytes, place: str, origin: dict[str, object]) -> Document:
    """A line's document; it says where it comes from, unless it already says so."""
    return with_origin(parse_json_line(line, place), origin)


def with_origin(document: Document, origin: dict[str, object]) -> Document:
    """The document with `origin` in front of its own `meta`, unless that has a source already."""
    return document if "source" in document.meta else replace(document, meta={**origin, **document.meta})
