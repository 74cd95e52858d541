"""Files of annotation tools: JSON, folders with a file a document, output that appears whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ner_danvan.atomic import is_stream
from ner_danvan.document import Document, decode_utf8, read_text
from ner_danvan.errors import UserError
from ner_danvan.strict_json import parse_json
from ner_danvan.text.normalize import compose

INDEX = "documents.jsonl"  # in a folder: which file is which document, in order, and what its format cannot say

_NO_NAME = re.compile(r"[^\w.-]+")
_LONGEST = 180  # bytes of a file's name without its ending
_MAKE = "make it, or give another OUT."
_TAKEN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # by Windows


# --- JSON -------------------------------------------------------------------------------------


def load_json(path: Path) -> Any:
    """What a JSON file holds; raises UserError with line and column."""
    return parse_json(read_text(path).removeprefix("\ufeff"), str(path))


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place (`file:line`) and object of each line that is not empty; raises UserError with the place."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                place = f"{path}:{number}"
                row = parse_json(decode_utf8(line.removeprefix(BOM_UTF8), place), place)
                if not isinstance(row, dict):
                    raise UserError(f"{place}: a JSON object is wanted, not {type(row).__name__}.")
                yield place, row
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None


# --- folders ----------------------------------------------------------------------------------


@dataclass
class FileNames:
    """Gives each document of a folder a file name of its own.

    Made of the id, in NFC, with `_` for whatever is neither letter, figure, point, hyphen nor underscore, so that it
    never leaves the folder; two that differ in letter case only, or not at all, are told apart by a number.
    """

    ending: str
    taken: set[str] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)  # the number that a name was given last

    def __call__(self, document_id: str) -> str:
        """The name, with its ending."""
        stem = _NO_NAME.sub("_", compose(document_id)).strip(".")
        if not stem or stem.startswith("-") or _TAKEN.match(stem):
            stem = f"_{stem}"
        stem = stem.encode()[:_LONGEST].decode(errors="ignore")
        name, number = stem, self.last.get(stem.casefold(), 1)
        while name.casefold() in self.taken:
            number += 1
            name = f"{stem}-{number}"
        self.last[stem.casefold()] = number  # many documents may have one id
        self.taken.add(name.casefold())
        return name + self.ending


def index_line(file: str, document: Document, scores: list[list[Any]]) -> str:
    """The line of `INDEX` for a document: its file, its id, its meta, and scores that its format cannot say."""
    row: dict[str, Any] = {"file": file, "id": document.id}
    if document.meta:
        row["meta"] = dict(document.meta)
    if scores:
        row["scores"] = scores
    return json.dumps(row, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Entry:
    """A document's file, its id, its meta and scores."""

    path: Path
    id: str
    meta: Mapping[str, Any]
    scores: Any


def files_below(folder: Path) -> list[Path]:
    """Every file in a folder and below it, by name, whatever it is a file of.

    Hidden links, such as an editor's locks, are passed over. Raises UserError where that is not all: at a folder that
    cannot be listed, and at a link to one.
    """

    def is_hidden(path: Path) -> bool:
        return any(name.startswith(".") for name in path.relative_to(folder).parts)

    def unreadable(error: OSError) -> None:
        raise UserError(f"{error.filename}: cannot be listed ({error.strerror}); mend that, or take it out.")

    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=unreadable):
        for name in folders:
            link = Path(place, name)
            if link.is_symlink() and not is_hidden(link):
                raise UserError(f"{link}: is a link to a folder, and none is followed; put the folder there itself.")
        found += [
            path for path in (Path(place, name) for name in names) if not is_hidden(path) or not path.is_symlink()
        ]
    return sorted(found)


def has_ending(path: Path, ending: str) -> bool:
    """Whether a file's name ends so, in whatever case."""
    return path.name.lower().endswith(ending)


def readable(path: Path) -> Path:
    """The path itself; raises UserError where it is no plain file: a link to nothing, or a pipe, which never ends."""
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    raise UserError(f"{path}: is no plain file, or a link to none; take it out, or put the file there.")


def entries(path: Path, ending: str) -> list[Entry]:
    """The documents' files in a folder and below it, or the one file that is given.

    First those that `INDEX` names, as it has them; then, by name, those that it does not: their id is the file's path
    in the folder, without its ending, which may be in capitals. Raises UserError where there are none, and where one
    cannot be read or two are of one name.
    """
    if not path.is_dir():
        return [Entry(path, path.stem, {}, None)]
    named: dict[Path, Entry] = {}
    files = [readable(file) for file in files_below(path) if has_ending(file, ending)]
    if (path / INDEX).is_file():
        for place, row in json_lines(path / INDEX):
            file, meta = row.get("file"), row.get("meta", {})
            if not isinstance(file, str) or Path(file).name != file or not isinstance(meta, dict):
                raise UserError(f'{place}: "file" is no name of a file here, or "meta" no object.')
            entry = Entry(path / file, str(row.get("id", Path(file).stem)), meta, row.get("scores"))
            try:
                if entry.path.is_file():  # one that was taken out is no document any more
                    named[entry.path] = entry
            except OSError as error:
                raise UserError(f'{place}: "file" cannot be read ({error.strerror}).') from None
    others: dict[str, Entry] = {}
    for file in files:
        if file not in named:
            name = file.relative_to(path).with_suffix("").as_posix()
            if name in others:
                raise UserError(f"{file}: has the name of {others[name].path.name}; give one of the two another.")
            others[name] = Entry(file, name, {}, None)
    if not named and not others:
        raise UserError(f"{path}: no {ending} file in this folder; give another one, or say --from.")
    return [*named.values(), *others.values()]


def write_exactly(path: Path, text: str) -> None:
    """Write text as UTF-8, its line ends untouched."""
    path.write_bytes(text.encode())


# --- output -----------------------------------------------------------------------------------


@contextmanager
def whole(path: Path, *, folder: bool) -> Iterator[Path]:
    """A place beside `path` to write a file or a folder to; it is moved there at the end, or taken away on a failure.

    A link stays one, and what it leads to is replaced. A pipe or a device is written directly. Raises UserError if
    that cannot be: a folder that holds something is never written to, nor a file over a folder.
    """
    try:
        _check_target(path, folder=folder)
        if is_stream(path):
            with _blamed(path):
                yield path
            return
        target = Path(os.path.realpath(path))
        work = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
        try:
            made = work / "part"
            if folder:
                made.mkdir()
            with _blamed(work):
                yield made
            if folder and target.is_dir():
                target.rmdir()
            made.replace(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}).") from None


@contextmanager
def _blamed(place: Path) -> Iterator[None]:
    """Documents are read while they are written: an error at another file than those of `place` is told as that."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str) and not Path(error.filename).is_relative_to(place):
            raise UserError(f"{error.filename}: cannot be read ({error.strerror}).") from None
        raise


def _check_target(path: Path, *, folder: bool) -> None:
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise UserError(f"{path}: is a link to itself; take it away, or give another OUT.")
    if not path.exists() and not target.parent.is_dir():
        raise UserError(f"{path}: there is no folder {target.parent if path.is_symlink() else path.parent}; {_MAKE}")
    if folder and path.is_dir() and any(path.iterdir()):
        raise UserError(f"{path}: this folder is not empty; give one that is, or a new name.")
    if folder and path.exists() and not path.is_dir():
        kind = "a file" if path.is_file() else "no folder"
        raise UserError(f"{path}: is {kind}, and this format is a folder; give another OUT.")
    if not folder and path.is_dir():
        raise UserError(f"{path}: is a folder, and this format is a file; give a file in it.")
    if path.is_file() and _is_open(path):
        raise UserError(f"{path}: is a file that is open already, which cannot be replaced; give its own name.")
    if path.exists() and not path.is_file() and not path.is_dir() and not is_stream(path):
        raise UserError(f"{path}: is a disk or a socket, which is never written to; give another OUT.")


def _is_open(path: Path) -> bool:
    """Whether the name is of what a program has open, as /dev/stdout is, and not where the file lies."""
    ways = [os.path.realpath(path.parent), str(path.readlink()) if path.is_symlink() else ""]
    return any(way.startswith("/proc/") for way in ways)


def write_folder(rows: Iterable[tuple[Document, list[list[Any]], str, Mapping[str, str]]], folder: Path) -> None:
    """Write documents into a folder: `INDEX`, and of each the files that stand by their endings beside its name.

    A row has the document, the scores for `INDEX`, the ending of its main file, and text by ending.
    """
    names: FileNames | None = None
    with (folder / INDEX).open("w", encoding="utf-8", newline="\n") as index:
        for document, scores, ending, texts in rows:
            names = names or FileNames(ending)
            name = names(document.id)
            for other, text in texts.items():
                write_exactly(folder / (name.removesuffix(ending) + other), text)
            index.write(index_line(name, document, scores))
