"""What analysts give: files, folders, standard input. Each yields documents, or says why it cannot."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ner_danvan.document import Document, decode_utf8, parse_json_line, read_text
from ner_danvan.errors import UserError

STDIN = "-"
_TEXT = (".txt", ".text", ".md")
_JSONL = (".jsonl", ".ndjson")
ENDINGS = (*_TEXT, *_JSONL)  # of the files that a folder gives


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be read: its id, and the message that names place, fault and mend."""

    id: str
    message: str


class InputFile(NamedTuple):
    """A file to read, and the name by which ids and messages call it."""

    path: Path
    name: str


def read_inputs(
    paths: Sequence[str],
    stdin: Callable[[], BinaryIO | None],
    *,
    own: Collection[Path] = (),
    note: Callable[[str], None] = lambda message: None,
) -> Iterator[Document | Failure]:
    """Documents of all inputs, in order: a text file is one document, a JSONL file one a line, `-` reads stdin as text.

    A folder gives its readable files and those below it, by name, but for `own`, the command's own output; `note` is
    told of files that were passed over. A file named by itself is read whatever its ending. Ids are paths as given,
    below a folder relative to it; JSONL rows have theirs, or path and line.
    """
    for name in paths:
        if name == STDIN:
            yield attempt("stdin", lambda: Document("stdin", decode_utf8(_read_stdin(stdin), "stdin")))
        else:
            for found in find_files(name, own=own, note=note):
                if isinstance(found, Failure):
                    yield found
                else:
                    yield from _read_file(*found)


def find_files(
    name: str,
    *,
    own: Collection[Path] = (),
    note: Callable[[str], None] = lambda message: None,
    endings: Collection[str] = ENDINGS,
) -> Iterator[InputFile | Failure]:
    """The file of that name, or those of `endings` in the folder of that name; see `read_inputs`."""
    if Path(name).is_dir():
        yield from _find_in_folder(Path(name), {path.resolve() for path in own}, note, endings)
    else:
        yield InputFile(Path(name), name)


def is_jsonl(path: Path) -> bool:
    """Whether a file holds a document a line."""
    return path.suffix.lower() in _JSONL


def attempt(name: str, read: Callable[[], Document]) -> Document | Failure:
    """What `read` gives; its UserError becomes a failure under `name`."""
    try:
        return read()
    except UserError as error:
        return Failure(name, str(error))


def cannot_be_tagged(document: Document, error: Exception) -> Failure:
    """A document that was read and yet defeats the tagger: a fault of ours, which must not end the run."""
    reason = f"{type(error).__name__}: {error}"
    return Failure(document.id, f"{document.id}: cannot be tagged ({reason}); please report it with the text.")


def _read_stdin(stdin: Callable[[], BinaryIO | None]) -> bytes:
    stream = stdin()
    if stream is None:
        raise UserError("stdin: is closed; pipe a text into it.")
    return stream.read()


def _find_in_folder(
    folder: Path, own: set[Path], note: Callable[[str], None], endings: Collection[str]
) -> Iterator[InputFile | Failure]:
    readable: list[Path] = []
    other: Counter[str] = Counter()
    failures: list[Failure] = []

    def unreadable(error: OSError) -> None:
        failures.append(Failure(str(error.filename), f"{error.filename}: cannot be listed ({error.strerror})."))

    for place, _, names in os.walk(folder, onerror=unreadable):
        for path in (Path(place) / name for name in names):
            if path.resolve() in own:
                continue
            if path.suffix.lower() in endings:
                readable.append(path)
            else:
                other[path.suffix.lower() or path.name] += 1
    yield from failures
    if other:
        kinds = ", ".join(f"{ending} {count}" for ending, count in other.most_common(5))
        note(f"{folder}: passed over {other.total()} files that are no text ({kinds})")
    if not readable and not failures:
        wanted = ", ".join(endings)
        yield Failure(str(folder), f"{folder}: nothing readable in this folder; put files there that end in {wanted}.")
    for path in sorted(readable):
        yield InputFile(path, path.relative_to(folder).as_posix())


def _read_file(path: Path, name: str) -> Iterator[Document | Failure]:
    if is_jsonl(path):
        yield from _read_lines(path, name)
    else:
        yield attempt(name, lambda: Document(name, read_text(path)))


def _read_lines(path: Path, name: str) -> Iterator[Document | Failure]:
    """A line that cannot be read is one failure; those behind it are still read."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    place = f"{name}:{number}"
                    yield attempt(place, partial(parse_json_line, line, place))
    except OSError as error:
        yield Failure(name, f"{path}: cannot be read ({error.strerror}).")
