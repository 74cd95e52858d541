"""An output file that appears whole or not at all, and can be gone on with after an interruption."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from ner_danvan.atomic import partial_path, write_whole
from ner_danvan.document import Document, read_jsonl
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure


@dataclass(frozen=True, slots=True)
class Finished:
    """A document that a partial output already holds."""

    id: str
    text_hash: bytes


def settings_path(path: Path) -> Path:
    """Where it is kept with which settings a partial output was begun."""
    return path.with_name(path.name + ".part.json")


def errors_path(path: Path) -> Path:
    """Where inputs that failed are kept, a JSON object a line."""
    return path.with_name(path.name + ".errors.jsonl")


def output_path(path: Path) -> Path:
    """The file to write, links followed; raises UserError if there can be no such file."""
    path = path.resolve() if path.is_symlink() else path
    if path.is_dir() or not path.name:
        raise UserError(f"{path}: is a folder; give -o a file in it.")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it, or give another -o.")
    return path


@contextmanager
def whole_file(path: Path, settings: Mapping[str, Any], *, resume: bool) -> Iterator[TextIO]:
    """A text stream to `path.part`, renamed to `path` at the end; left as it is if the block raises.

    With `resume` it is added to. What is no plain file, as /dev/null, is written directly. Raises UserError if it
    cannot be written.
    """
    plain = path.is_file() or not path.exists()
    target = partial_path(path) if plain else path
    try:
        if plain:
            if not resume:
                target.unlink(missing_ok=True)  # before other settings stand beside it
            write_whole(settings_path(path), json.dumps(settings) + "\n")
        with target.open("a" if resume else "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
            if plain:
                stream.flush()
                os.fsync(stream.fileno())
        if plain:
            target.replace(path)
            settings_path(path).unlink(missing_ok=True)
    except OSError as error:
        reason = f"cannot be written ({error.strerror}); make room or give another -o."
        raise UserError(f"{target}: {reason}") from None


def finished_documents(path: Path, settings: Mapping[str, Any]) -> list[Finished]:
    """What a partial output holds, in order; a last line that was cut off is taken away.

    Raises UserError if it was begun with other settings, or if a line in it is no document.
    """
    part = partial_path(path)
    if not part.is_file():
        return []
    _check_settings(path, settings)
    with part.open("rb+") as stream:
        whole = 0
        for line in stream:
            if line.endswith(b"\n"):
                whole += len(line)
        stream.truncate(whole)
    return [Finished(document.id, _hash(document)) for document in read_jsonl(part)]


def _check_settings(path: Path, settings: Mapping[str, Any]) -> None:
    if not settings_path(path).is_file():
        return
    before = json.loads(settings_path(path).read_text(encoding="utf-8"))
    for key, value in settings.items():
        if before.get(key) != value:
            raise UserError(
                f"{partial_path(path)}: begun with {key} {before.get(key)}, now it is {value}; "
                f"set it back, or leave out --resume."
            )


def skip_finished(
    documents: Iterator[Document | Failure], finished: list[Finished], path: Path
) -> Iterator[Document | Failure]:
    """Inputs without those that a partial output already holds; raises UserError if it is of other inputs."""
    waiting = iter(finished)
    expected = next(waiting, None)
    for item in documents:
        if expected is None or isinstance(item, Failure):
            yield item
        elif item.id != expected.id:
            raise UserError(_other_inputs(path, expected.id, item.id))
        elif _hash(item) != expected.text_hash:
            raise UserError(_other_inputs(path, f"another text of {expected.id}", "a changed one"))
        else:
            expected = next(waiting, None)
    if expected is not None:
        raise UserError(_other_inputs(path, expected.id, "nothing"))


def write_errors(path: Path, failures: list[Failure]) -> None:
    """Write `path.errors.jsonl`, or take an old one away where nothing failed."""
    target = errors_path(path)
    if not failures:
        target.unlink(missing_ok=True)
        return
    lines = [json.dumps({"id": failure.id, "error": failure.message}, ensure_ascii=False) for failure in failures]
    try:
        write_whole(target, "\n".join(lines) + "\n", errors="backslashreplace")
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror}); make room, and run it again.") from None


def _hash(document: Document) -> bytes:
    return sha256(document.text.encode("utf-8", errors="surrogatepass")).digest()


def _other_inputs(path: Path, expected: str, found: str) -> str:
    return (
        f"{partial_path(path)}: holds {expected} where the inputs have {found}; "
        f"give the same inputs in the same order, or leave out --resume."
    )
