"""What analysts get: one writer a format, each given documents one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from ner_danvan.document import Document, to_json_line


class Writer(Protocol):
    """Writes documents to a text stream."""

    def __call__(self, document: Document) -> None:
        """Write one document."""
        ...


# What a format has at its end is written when the block is left, unless by an error: half a report is none.
Format = Callable[[TextIO, Sequence[str]], AbstractContextManager[Writer]]


@contextmanager
def jsonl_writer(stream: TextIO, labels: Sequence[str]) -> Iterator[Writer]:
    """Document JSONL, one object a line."""

    def write(document: Document) -> None:
        stream.write(to_json_line(document) + "\n")

    yield write


@contextmanager
def pretty_writer(stream: TextIO, labels: Sequence[str]) -> Iterator[Writer]:
    """For people; colours where the stream is a terminal, brackets everywhere."""
    from ner_danvan.io.pretty import Look, print_document  # late: most runs write another format

    look = Look.of(stream)

    def write(document: Document) -> None:
        print_document(document, labels, stream, look)

    yield write


def csv_writer(stream: TextIO, labels: Sequence[str]) -> AbstractContextManager[Writer]:
    """A table of spans, see `comma`."""
    from ner_danvan.io import comma

    return comma.csv_writer(stream, labels)


def xlsx_writer(stream: TextIO, labels: Sequence[str]) -> AbstractContextManager[Writer]:
    """A workbook of spans, people and tasks, see `xlsx`; writes to the bytes beneath the stream."""
    from ner_danvan.io import xlsx

    return xlsx.xlsx_writer(stream, labels)


def html_writer(stream: TextIO, labels: Sequence[str]) -> AbstractContextManager[Writer]:
    """A page to read, search and print, see `html`."""
    from ner_danvan.io import html

    return html.html_writer(stream, labels)


FORMATS: dict[str, Format] = {
    "pretty": pretty_writer,
    "jsonl": jsonl_writer,
    "csv": csv_writer,
    "xlsx": xlsx_writer,
    "html": html_writer,
}
RESUMABLE = frozenset(["jsonl"])  # one line a document, so that a partial output can be gone on with
BINARY = frozenset(["xlsx"])  # bytes, which belong in a file
NEEDS = {"xlsx": "openpyxl"}  # a package that is no dependency; an extra of the format's name brings it
