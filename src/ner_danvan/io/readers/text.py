"""Plain text, and document JSONL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from ner_danvan.document import Document, parse_json_line
from ner_danvan.io.readers.encodings import UTF8, decode
from ner_danvan.io.readers.limits import Limits
from ner_danvan.io.readers.source import Failure, Item, Settings, Source, attempt

_SKIPPED = 2**20  # bytes of a line that is too long, read at a time


def read_text_file(source: Source, settings: Settings) -> Iterator[Item]:
    """One document, line ends untouched; `meta["encoding"]` where it is not UTF-8."""
    text, encoding = decode(source.stream.read(), source.place)
    if encoding.remark:
        settings.note(f"{source.place}: {encoding.remark}")
    more = {} if encoding.name == UTF8 else {"encoding": encoding.name}
    yield Document(source.name, text, meta={**source.origin, **more})


class Line(NamedTuple):
    """A line of bytes: `start` is all of it, or as much as was asked for; `size` counts its line end."""

    start: bytes
    size: int
    is_empty: bool

    @property
    def length(self) -> int:
        """In bytes, without the line end; of one that was cut with it."""
        return self.size - self.start.endswith(b"\n")


def read_line(stream: BinaryIO, most: int, see: Callable[[bytes], None] = lambda read: None) -> Line:
    """The next line, of which no more than `most` bytes and one are kept; `see` is given all of it, in pieces.

    At the end of the stream its size is 0.
    """
    start = read = stream.readline(most + 1)
    see(read)
    size, is_empty = len(read), not read.strip()
    if size > most:
        while not read.endswith(b"\n") and (read := stream.readline(_SKIPPED)):
            see(read)
            size += len(read)
            is_empty = is_empty and not read.strip()
    return Line(start, size, is_empty)


def read_json_lines(source: Source, settings: Settings) -> Iterator[Item]:
    """A document a line; a line that cannot be read is one failure, and those behind it are still read."""
    most = source.limits.file
    number = 0
    while (line := read_line(source.stream, most)).size:
        number += 1
        if not line.is_empty:
            yield read_row(line, f"{source.name}:{number}", {**source.origin, "row": number}, source.limits)


def read_row(line: Line, place: str, origin: dict[str, object], limits: Limits) -> Item:
    """A line's document, or a failure if it is too long or none; the stream gave `limits.file` bytes of it.

    The document says where it comes from, unless it already says so.
    """
    most = limits.file
    if line.length > most:
        message = f"the line has {line.length} bytes, more than {most}; cut the text, or allow more by --limit file="
        return Failure(place, f"{place}: {message}{line.length}.")
    return attempt(place, lambda: with_origin(parse_json_line(line.start, place), origin))


def with_origin(document: Document, origin: dict[str, object]) -> Document:
    """The document with `origin` in front of its own `meta`, unless that has a source already."""
    return document if "source" in document.meta else replace(document, meta={**origin, **document.meta})
