"""An output file that appears whole or not at all, and can be gone on with after an interruption."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ner_danvan.document import Document, read_jsonl
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure


def partial_path(path: Path) -> Path:
    """Where output is gathered until it is whole."""
    return path.with_name(path.name + ".part")


def errors_path(path: Path) -> Path:
    """Where inputs that failed are kept, a JSON object a line."""
    return path.with_name(path.name + ".errors.jsonl")


@contextmanager
def whole_file(path: Path, *, resume: bool) -> Iterator[TextIO]:
    """A text stream to `path.part`, renamed to `path` at the end; left as it is if the block raises.

    With `resume` it is added to. Raises UserError if it cannot be written.
    """
    part = partial_path(path)
    try:
        stream = part.open("a" if resume else "w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise UserError(
            f"{part}: cannot be written ({error.strerror}); give -o a file in a folder that exists."
        ) from None
    with stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def finished_ids(path: Path) -> list[str]:
    """Ids of the documents in a partial output, in order; a last line that was cut off is taken away.

    Raises UserError if a line in it is no document.
    """
    part = partial_path(path)
    if not part.is_file():
        return []
    data = part.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with part.open("rb+") as stream:
            stream.truncate(whole)
    return [document.id for document in read_jsonl(part)]


def skip_finished(
    documents: Iterator[Document | Failure], finished: list[str], path: Path
) -> Iterator[Document | Failure]:
    """Inputs without those that a partial output already holds; raises UserError if it is of other inputs."""
    waiting = iter(finished)
    expected = next(waiting, None)
    for item in documents:
        if expected is None or isinstance(item, Failure):
            yield item
        elif item.id == expected:
            expected = next(waiting, None)
        else:
            raise UserError(_other_inputs(path, expected, item.id))
    if expected is not None:
        raise UserError(_other_inputs(path, expected, "nothing"))


def write_errors(path: Path, failures: list[Failure]) -> None:
    """Write `path.errors.jsonl`, or take an old one away where nothing failed."""
    target = errors_path(path)
    if not failures:
        target.unlink(missing_ok=True)
        return
    lines = [json.dumps({"id": failure.id, "error": failure.message}, ensure_ascii=False) for failure in failures]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _other_inputs(path: Path, expected: str, found: str) -> str:
    return (
        f"{partial_path(path)}: holds {expected} where the inputs have {found}; "
        f"give the same inputs in the same order, or leave out --resume."
    )
