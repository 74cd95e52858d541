"""What analysts get: one writer a format, each given documents one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

from ner_danvan.document import Document, to_json_line


class Writer(Protocol):
    """Writes documents to a text stream."""

    def __call__(self, document: Document) -> None:
        """Write one document."""
        ...


def jsonl_writer(stream: TextIO, labels: Sequence[str]) -> Writer:
    """Document JSONL, one object a line."""

    def write(document: Document) -> None:
        stream.write(to_json_line(document) + "\n")

    return write


def pretty_writer(stream: TextIO, labels: Sequence[str]) -> Writer:
    """For people; colours where the stream is a terminal, brackets everywhere."""
    from ner_danvan.io.pretty import Look, print_document  # late: most runs write another format

    look = Look.of(stream)

    def write(document: Document) -> None:
        print_document(document, labels, stream, look)

    return write


FORMATS: dict[str, Callable[[TextIO, Sequence[str]], Writer]] = {"pretty": pretty_writer, "jsonl": jsonl_writer}
RESUMABLE = frozenset(["jsonl"])  # one line a document, so that a partial output can be gone on with
