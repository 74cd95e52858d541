"""An output file that appears whole or not at all, and can be gone on with after an interruption."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from ner_danvan.atomic import is_stream, partial_path, write_whole
from ner_danvan.document import Document, join_pairs, read_jsonl
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure

if sys.platform != "win32":
    import fcntl

Mark = tuple[int, int]  # inode and size of a file
_ONLY_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link is followed, no pipe waited for


@dataclass(frozen=True, slots=True)
class Finished:
    """A document that a partial output already holds."""

    id: str
    text_hash: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """What a partial output holds, in order, and why documents between could not be tagged, by document."""

    finished: Sequence[Finished] = ()
    untagged: Mapping[Finished, str] = field(default_factory=dict)
    mark: Mark | None = None  # by which it is known again; None if there was none


def settings_path(path: Path) -> Path:
    """Where it is kept with which settings a partial output was begun."""
    return path.with_name(path.name + ".part.json")


def untagged_path(path: Path) -> Path:
    """Where documents are kept that were read and could not be tagged, while the output is partial."""
    return path.with_name(path.name + ".part.untagged")


def errors_path(path: Path) -> Path:
    """Where inputs that failed are kept, a JSON object a line."""
    return path.with_name(path.name + ".errors.jsonl")


def own_paths(path: Path) -> list[Path]:
    """All files that writing an output makes, replaces or takes away."""
    return [path, partial_path(path), settings_path(path), untagged_path(path), errors_path(path)]


def output_path(path: Path) -> Path:
    """The file to write, links followed; raises UserError if there can be no such file.

    A pipe or a device keeps the name it has: behind /dev/fd/63 stands one that cannot be opened.
    """
    if is_stream(path):
        return path
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.is_symlink():
        raise UserError(f"{path}: is a link to itself; take it away, or give another -o.")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UserError(f"{path}: is a disk or a socket, which is never written to; give another -o.")
    if path.is_dir() or not path.name:
        raise UserError(f"{path}: is a folder; give -o a file in it.")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it, or give another -o.")
    for own in own_paths(path):
        if own.is_dir():
            raise UserError(f"{own}: is a folder where a file belongs to -o {path.name}; take it away.")
    return path


@contextmanager
def whole_file(path: Path, settings: Mapping[str, Any], progress: Progress | None = None) -> Iterator[TextIO]:
    """A text stream to `path.part`, renamed to `path` at the end; left as it is if the block raises.

    With the `progress` of a partial output it is added to. A pipe or a device is written directly. Raises UserError if
    it cannot be written, if another process writes it, or if it is no longer as `progress` has it.
    """
    if is_stream(path):
        with _told(path), _open(path) as stream:
            yield stream
        return
    target, mark = partial_path(path), progress.mark if progress else None
    with _told(target):
        number = _go_on(target, mark) if mark else _begin(target)
        with _open(number) as stream:
            if mark:
                stream.seek(0, os.SEEK_END)
            else:
                untagged_path(path).unlink(missing_ok=True)
            older = path.stat().st_mode if path.is_file() else None
            if older is not None:
                _set_mode(number, older | stat.S_IWUSR)  # who may not read the older one may not read this one
            write_whole(settings_path(path), json.dumps(settings) + "\n")
            yield stream
            stream.flush()
            os.fsync(number)
            if older is not None:
                _set_mode(number, older)
            target.replace(path)  # while it is claimed
        for left in (settings_path(path), untagged_path(path)):
            left.unlink(missing_ok=True)


def _open(place: Path | int) -> TextIO:
    """A file by its path, or one that is open already, which is not emptied."""
    return open(place, "w", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: PTH123


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{place}: cannot be written ({error.strerror}); make room or give another -o.") from None


def _set_mode(number: int, mode: int) -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # some file systems have none
            os.fchmod(number, stat.S_IMODE(mode))


# --- one process at a time --------------------------------------------------------------------


def _begin(part: Path) -> int:
    """A new partial output, claimed, in the place of an older one; raises UserError if another process has that."""
    older = None
    with suppress(OSError):  # a link, what is not ours, or nothing: it is not written to, and goes
        older = os.open(part, os.O_RDWR | _ONLY_PLAIN)
    try:
        if older is not None and stat.S_ISREG(os.fstat(older).st_mode):
            _claim(older, part)
        part.unlink(missing_ok=True)
        number = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _claim(number, part)
    except FileExistsError:
        raise _taken(part) from None
    finally:
        if older is not None:
            os.close(older)
    return number


def _go_on(part: Path, mark: Mark) -> int:
    """The partial output that is there, claimed; raises UserError if it is another than was read."""
    try:
        number = os.open(part, os.O_RDWR | _ONLY_PLAIN)
    except FileNotFoundError:
        raise _taken(part) from None
    try:
        _claim(number, part)
        if _mark(number) != mark:
            raise _taken(part)
    except BaseException:
        os.close(number)
        raise
    return number


def _claim(number: int, part: Path) -> None:
    """Keep other processes from a partial output; a kill frees it. Raises UserError where one has it."""
    if sys.platform == "win32":  # which has no such locks
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_taken = os.fstat(number).st_ino != part.stat().st_ino  # it was renamed before the lock came
    except (BlockingIOError, FileNotFoundError):
        is_taken = True
    except OSError:  # a file system without locks
        return
    if is_taken:
        raise _taken(part)


def _taken(part: Path) -> UserError:
    return UserError(f"{part}: another run writes this file; wait for it, or give another -o.")


def _mark(number: int) -> Mark:
    status = os.fstat(number)
    return status.st_ino, status.st_size


# --- going on ---------------------------------------------------------------------------------


def progress_of(path: Path, settings: Mapping[str, Any]) -> Progress:
    """What a partial output holds; a last line that was cut off is taken away.

    Raises UserError if it was begun with other settings, cannot be read, or if a line in it is no document.
    """
    part = partial_path(path)
    try:
        if part.is_symlink() or not part.is_file():
            return Progress()
        _check_settings(path, settings)
        with part.open("rb+") as stream:
            _claim(stream.fileno(), part)
            whole = 0
            for line in stream:
                if line.endswith(b"\n"):
                    whole += len(line)
            stream.truncate(whole)
            mark = _mark(stream.fileno())
        finished = [_finished(document) for document in read_jsonl(part)]
        return Progress(finished, dict(_read_untagged(untagged_path(path))), mark)
    except OSError as error:
        place = error.filename or part
        raise UserError(
            f"{place}: cannot be gone on with ({error.strerror}); mend that, or leave out --resume."
        ) from None


def _check_settings(path: Path, settings: Mapping[str, Any]) -> None:
    place = settings_path(path)
    if not place.is_file():
        return
    try:
        before = json.loads(place.read_text(encoding="utf-8"))
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise UserError(f"{place}: does not say with which settings the output was begun; leave out --resume.")
    for key, value in settings.items():
        if before.get(key) != value:
            raise UserError(
                f"{partial_path(path)}: begun with {key} {before.get(key)}, now it is {value}; "
                f"set it back, or leave out --resume."
            )


def add_untagged(path: Path, document: Document, failure: Failure) -> None:
    """Keep that a document could not be tagged, so that a run that goes on does not miss it in the partial output."""
    if partial_path(path).is_file():
        key = _finished(document)
        row = [key.id, key.text_hash.hex(), failure.message]
        with untagged_path(path).open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(json.dumps(row) + "\n")


def _read_untagged(path: Path) -> Iterator[tuple[Finished, str]]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # one that was cut off is tried again
                name, text_hash, message = json.loads(line)
                yield Finished(name, bytes.fromhex(text_hash)), message


def skip_finished(
    documents: Iterator[Document | Failure], progress: Progress, path: Path
) -> Iterator[Document | Failure]:
    """Inputs without those that a partial output already holds; raises UserError if it is of other inputs."""
    waiting = iter(progress.finished)
    expected = next(waiting, None)
    for item in documents:
        if expected is None or isinstance(item, Failure):
            yield item
            continue
        found = _finished(item)
        if found == expected:
            expected = next(waiting, None)
        elif found in progress.untagged:
            yield Failure(item.id, progress.untagged[found])
        elif found.id == expected.id:
            raise UserError(_other_inputs(path, f"another text of {expected.id}", "a changed one"))
        else:
            raise UserError(_other_inputs(path, expected.id, found.id))
    if expected is not None:
        raise UserError(_other_inputs(path, expected.id, "nothing"))


def write_errors(path: Path, failures: list[Failure]) -> None:
    """Write `path.errors.jsonl`, or take an old one away where nothing failed; nothing beside a pipe or a device."""
    target = errors_path(path)
    if is_stream(path):
        return
    lines = [json.dumps({"id": failure.id, "error": failure.message}, ensure_ascii=False) for failure in failures]
    try:
        if lines:
            write_whole(target, "\n".join(lines) + "\n", errors="backslashreplace")
        else:
            target.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror}); make room, and run it again.") from None


def _finished(document: Document) -> Finished:
    """As whoever reads the output has it."""
    text = join_pairs(document.text).encode("utf-8", errors="surrogatepass")
    return Finished(join_pairs(document.id), sha256(text).digest())


def _other_inputs(path: Path, expected: str, found: str) -> str:
    return (
        f"{partial_path(path)}: holds {expected} where the inputs have {found}; "
        f"give the same inputs in the same order, or leave out --resume."
    )
