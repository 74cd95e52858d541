"""What analysts give: files, folders, standard input. Each yields documents, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ner_danvan.document import Document, decode_utf8, parse_json_line, read_text
from ner_danvan.errors import UserError

STDIN = "-"
_TEXT = (".txt", ".text", ".md")
_JSONL = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be read: its name, and the message that names place, fault and mend."""

    id: str
    message: str


def read_inputs(paths: Sequence[str], stdin: BinaryIO) -> Iterator[Document | Failure]:
    """Documents of all inputs, in order: a text file is one document, a JSONL file one a line, `-` reads stdin as text.

    A folder gives its readable files and those below it, by name; a file named by itself is read whatever its
    ending. Ids are paths as given, below a folder relative to it.
    """
    for name in paths:
        if name == STDIN:
            yield _attempt("stdin", lambda: Document("stdin", decode_utf8(stdin.read(), "stdin")))
        else:
            yield from _read_path(Path(name))


def _read_path(path: Path) -> Iterator[Document | Failure]:
    if not path.is_dir():
        yield from _read_file(path, str(path))
        return
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in (*_TEXT, *_JSONL) and file.is_file())
    if not found:
        endings = ", ".join((*_TEXT, *_JSONL))
        yield Failure(str(path), f"{path}: nothing readable in this folder; put files there that end in {endings}.")
    for file in found:
        yield from _read_file(file, file.relative_to(path).as_posix())


def _read_file(path: Path, name: str) -> Iterator[Document | Failure]:
    if path.suffix.lower() in _JSONL:
        yield from _read_lines(path)
    else:
        yield _attempt(str(path), lambda: Document(name, read_text(path)))


def _read_lines(path: Path) -> Iterator[Document | Failure]:
    """A line that cannot be read is one failure; those behind it are still read."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    place = f"{path}:{number}"
                    yield _attempt(place, partial(parse_json_line, line, place))
    except OSError as error:
        yield Failure(str(path), f"{path}: cannot be read ({error.strerror}).")


def _attempt(name: str, read: Callable[[], Document]) -> Document | Failure:
    try:
        return read()
    except UserError as error:
        return Failure(name, str(error))
