"""Files of annotation tools: JSON, folders with a file a document, output that appears whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, decode_utf8, read_text
from ner_danvan.errors import UserError
from ner_danvan.strict_json import parse_json
from ner_danvan.text.normalize import compose

INDEX = "documents.jsonl"  # in a folder: which file is which document, in order, and what its format cannot say

_NO_NAME = re.compile(r"[^\w.-]+")
_LONGEST = 180  # bytes of a file's name without its ending
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


def entries(path: Path, ending: str) -> list[Entry]:
    """The documents' files in a folder and below it, or the one file that is given.

    First those that `INDEX` names, as it has them; then, by name, those that it does not: their id is the file's path
    in the folder, without its ending. Raises UserError where there are none.
    """
    if not path.is_dir():
        return [Entry(path, path.stem, {}, None)]
    named: dict[Path, Entry] = {}
    if (path / INDEX).is_file():
        for place, row in json_lines(path / INDEX):
            file, meta = row.get("file"), row.get("meta", {})
            if not isinstance(file, str) or Path(file).name != file or not isinstance(meta, dict):
                raise UserError(f'{place}: "file" is no name of a file here, or "meta" no object.')
            entry = Entry(path / file, str(row.get("id", Path(file).stem)), meta, row.get("scores"))
            if entry.path.is_file():  # one that was taken out is no document any more
                named[entry.path] = entry
    others = sorted(file for file in path.rglob(f"*{ending}") if file not in named and file.is_file())
    found = [*named.values()]
    found += [Entry(file, file.relative_to(path).with_suffix("").as_posix(), {}, None) for file in others]
    if not found:
        raise UserError(f"{path}: no {ending} file in this folder; give another one, or say --from.")
    return found


def write_exactly(path: Path, text: str) -> None:
    """Write text as UTF-8, its line ends untouched."""
    path.write_bytes(text.encode())


# --- output -----------------------------------------------------------------------------------


@contextmanager
def whole(path: Path, *, folder: bool) -> Iterator[Path]:
    """A place beside `path` to write a file or a folder to; it is moved there at the end, or taken away on a failure.

    Raises UserError if that cannot be: a folder that holds something is never written to, nor a file over a folder.
    """
    try:
        _check_target(path, folder=folder)
        work = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", dir=path.parent))
        try:
            made = work / "part"
            if folder:
                made.mkdir()
            yield made
            if folder and path.is_dir():
                path.rmdir()
            made.replace(path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}).") from None


def _check_target(path: Path, *, folder: bool) -> None:
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it, or give another OUT.")
    if folder and path.is_dir() and any(path.iterdir()):
        raise UserError(f"{path}: this folder is not empty; give one that is, or a new name.")
    if folder and path.is_file():
        raise UserError(f"{path}: is a file, and this format is a folder; give another OUT.")
    if not folder and path.is_dir():
        raise UserError(f"{path}: is a folder, and this format is a file; give a file in it.")


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
