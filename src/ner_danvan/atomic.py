"""Files and folders that appear whole or not at all, whatever ends the program.

What is written lies under another name until it is whole, and is then renamed, which POSIX does in one step. Names of
what is not whole end in `PART`; each writer has one such name, so that the next run takes away what a kill left.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = ".part"
_OLD = ".old" + PART  # an older folder that makes way


def partial_path(path: Path) -> Path:
    """Where output is gathered until it is whole."""
    return path.with_name(path.name + PART)


@contextmanager
def whole_stream(path: Path, partial: Path | None = None) -> Iterator[BinaryIO]:
    """A stream to `partial`, or to `path.part`, which becomes `path` at the end, and goes away if the block raises."""
    target = partial or partial_path(path)
    try:
        with target.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        target.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:  # a full disk, which write() tells without a name
            error.filename = str(path)
        target.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str, errors: str = "strict") -> None:
    """Write text as UTF-8, line ends untouched."""
    with whole_stream(path) as stream:
        stream.write(text.encode("utf-8", errors))


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder `path.part`, which takes the place of `path` at the end, and goes away if the block raises.

    No call swaps two folders everywhere: a kill between two renames leaves the older one as `path.old.part`, whole, and
    the next time it is put back.
    """
    path = path.resolve() if path.is_symlink() else path
    fresh, old = partial_path(path), path.with_name(path.name + _OLD)
    if old.exists() and not path.exists():
        old.rename(path)
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.mkdir()
    try:
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                _sync(file)
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Take a folder away; a kill on the way leaves no part of it under its name."""
    old = path.with_name(path.name + _OLD)
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def is_stream(path: Path) -> bool:
    """Whether a path is of what is written as it comes and must never be replaced: a pipe, a terminal, /dev/null."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def is_unfinished(path: Path) -> bool:
    """Whether a name is one that only what is not whole has."""
    return path.name.endswith(PART)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
