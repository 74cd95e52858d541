"""What every reader is given and gives: a source of bytes, settings, documents or failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, NamedTuple, TypeAlias, cast

from ner_danvan.document import Document
from ner_danvan.errors import UserError, one_line
from ner_danvan.io.readers.limits import SAFE, Limits

_IN_MEMORY = 16 * 2**20  # bytes; more go to a temporary file


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be read: its id, and the message that names place, fault and mend."""

    id: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(self.message))  # names of files may have line ends in them


class InputFile(NamedTuple):
    """A file to read, and the name by which ids and messages call it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes to read: `name` begins ids, `place` begins messages, `origin` is the `meta` of what is read from it.

    The stream can seek. `inside` says that it came out of an archive or a mail; `limits` what it may take.
    """

    name: str
    place: str
    stream: BinaryIO
    origin: Mapping[str, Any]
    inside: bool = False
    limits: Limits = SAFE

    def fault(self, message: str) -> UserError:
        """An error of this source; the message is the fault and its mend, and becomes one line."""
        return UserError(one_line(f"{self.place}: {message}"))


def ignore(message: str) -> None:
    """A `note` for those who want none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`column` and `id_column` name columns of tables; `note` is told what people should know."""

    column: str | None = None
    id_column: str | None = None
    note: Callable[[str], None] = field(default=ignore)


@contextmanager
def spooled() -> Iterator[BinaryIO]:
    """A place for bytes that are gone back in: in memory, or in a temporary file where they are many."""
    place = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed below
    try:
        yield cast(BinaryIO, place)
    finally:
        with suppress(OSError):  # what found no room finds none when it is closed
            place.close()


Item: TypeAlias = Document | Failure
Reader: TypeAlias = Callable[[Source, Settings], Iterator[Item]]


def attempt(name: str, read: Callable[[], Document]) -> Item:
    """What `read` gives; its UserError becomes a failure under `name`."""
    try:
        return read()
    except UserError as error:
        return Failure(name, str(error))


def cannot_be_tagged(document: Document, error: Exception) -> Failure:
    """A document that was read and yet defeats the tagger: a fault of ours, which must not end the run."""
    reason = f"{type(error).__name__}: {error}"
    return Failure(document.id, f"{document.id}: cannot be tagged ({reason}); please report it with the text.")


def library(name: str, source: Source) -> Any:
    """A module that only some formats need; raises UserError that says how to install it."""
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise source.fault(f"reading it needs {package}; pip install 'ner-danvan[docs]'") from None
