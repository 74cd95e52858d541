"""What analysts get: one writer a format, each given documents one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from ner_danvan.document import Document, to_json_line
from ner_danvan.labels import LabelScheme


class Writer(Protocol):
    """Writes documents to a text stream."""

    def __call__(self, document: Document) -> None:
        """Write one document."""
        ...


# What a format has at its end is written when the block is left, unless by an error: half a report is none.
Format = Callable[[TextIO, LabelScheme], AbstractContextManager[Writer]]


@contextmanager
def jsonl_writer(stream: TextIO, scheme: LabelScheme) -> Iterator[Writer]:
    """Document JSONL, one object a line."""

    def write(document: Document) -> None:
        stream.write(to_json_line(document) + "\n")

    yield write


@contextmanager
def pretty_writer(stream: TextIO, scheme: LabelScheme) -> Iterator[Writer]:
    """For people; colours where the stream is a terminal, brackets everywhere."""
    from ner_danvan.io.pretty import Look, print_document  # late: most runs write another format

    look = Look.of(stream)

    def write(document: Document) -> None:
        print_document(document, scheme.labels, stream, look)

    yield write


def csv_writer(stream: TextIO, scheme: LabelScheme) -> AbstractContextManager[Writer]:
    """A table of spans, see `comma`."""
    from ner_danvan.io import comma

    return comma.csv_writer(stream, scheme.labels)


def xlsx_writer(stream: TextIO, scheme: LabelScheme) -> AbstractContextManager[Writer]:
    """A workbook of spans, people and tasks, see `xlsx`; writes to the bytes beneath the stream."""
    from ner_danvan.io import xlsx

    return xlsx.xlsx_writer(stream, scheme.labels)


def html_writer(stream: TextIO, scheme: LabelScheme) -> AbstractContextManager[Writer]:
    """A page to read, search and print, see `html`."""
    from ner_danvan.io import html

    return html.html_writer(stream, scheme.labels)


@contextmanager
def conll_writer(stream: TextIO, scheme: LabelScheme) -> Iterator[Writer]:
    """A token a line with a column of IOB2 tags for each layer, see `tools.conll`."""
    from ner_danvan.io.tools import conll

    stream.write(conll.header(scheme))

    def write(document: Document) -> None:
        stream.write(conll.block(document, scheme))

    yield write


@contextmanager
def label_studio_writer(stream: TextIO, scheme: LabelScheme) -> Iterator[Writer]:
    """Tasks with predictions to be corrected, see `tools.label_studio`."""
    from ner_danvan.io.tools import label_studio

    with label_studio.task_writer(stream, scheme) as write_task:

        def write(document: Document) -> None:
            write_task(document)

        yield write


FORMATS: dict[str, Format] = {
    "pretty": pretty_writer,
    "jsonl": jsonl_writer,
    "csv": csv_writer,
    "conll": conll_writer,
    "label-studio": label_studio_writer,
    "xlsx": xlsx_writer,
    "html": html_writer,
}
RESUMABLE = frozenset(["jsonl"])  # one line a document, so that a partial output can be gone on with
BINARY = frozenset(["xlsx"])  # bytes, which belong in a file
ENDINGS = {".jsonl": "jsonl", ".csv": "csv", ".xlsx": "xlsx", ".html": "html", ".htm": "html", ".conll": "conll"}
NEEDS = {"xlsx": "openpyxl"}  # a package that is no dependency; an extra of the format's name brings it
COMPANIED = frozenset(["label-studio"])  # beside its output belongs a file of its own, see `tools.formats`
