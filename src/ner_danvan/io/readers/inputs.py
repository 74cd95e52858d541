"""What analysts give: files, folders, standard input. Each yields documents, or says why it cannot."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ner_danvan.io.readers.formats import read_source
from ner_danvan.io.readers.limits import SAFE, Limits
from ner_danvan.io.readers.sniff import ENDINGS, JSONL, kind_of_ending
from ner_danvan.io.readers.source import Failure, InputFile, Item, Settings, Source, ignore, spooled

STDIN = "-"
_AT_ONCE = 2**20  # bytes of a pipe
_LOCK = "~$"  # how Word begins the name of the file that says a document is open


def read_inputs(
    paths: Sequence[str],
    stdin: Callable[[], BinaryIO | None],
    *,
    own: Collection[Path] = (),
    note: Callable[[str], None] = ignore,
    column: str | None = None,
    id_column: str | None = None,
    limits: Limits = SAFE,
) -> Iterator[Item]:
    """Documents of all inputs, in order: text, DOCX, PDF, HTML give one; JSONL and tables one a row; `-` reads stdin.

    A folder gives its readable files and those below it, by name, but for `own`, the command's own output; `note` is
    told of files that were passed over, and of text that was converted. `column` and `id_column` are those of tables,
    where they do not say it by their names; `limits` are what a file may take. A file named by itself is read whatever
    its ending. Ids are paths as given, below a folder relative to it; rows have theirs, or path and row. `meta` says
    where a document comes from: "source", and where there are any "member", "sheet", "row" or "pages".
    """
    settings = Settings(column, id_column, note)
    for name in paths:
        if name == STDIN:
            yield from _read_stdin(stdin, settings, limits)
        else:
            for found in find_files(name, own=own, note=note):
                if isinstance(found, Failure):
                    yield found
                else:
                    yield from _read_file(found, settings, limits)


def find_files(
    name: str,
    *,
    own: Collection[Path] = (),
    note: Callable[[str], None] = ignore,
    endings: Collection[str] = ENDINGS,
) -> Iterator[InputFile | Failure]:
    """The file of that name, or those of `endings` in the folder of that name; see `read_inputs`."""
    path = Path(name)
    if _is_folder(path):
        yield from _find_in_folder(path, {os.path.realpath(each) for each in own}, note, endings)
    else:
        yield InputFile(path, name)


def is_jsonl(path: Path) -> bool:
    """Whether a file holds a document a line."""
    return kind_of_ending(path.name) == JSONL


def _read_stdin(stdin: Callable[[], BinaryIO | None], settings: Settings, limits: Limits) -> Iterator[Item]:
    stream = stdin()
    if stream is None:
        yield Failure("stdin", "stdin: is closed; pipe a text into it.")
        return
    yield from _read_stream(stream, InputFile(Path("stdin"), "stdin"), settings, limits)


def _read_file(file: InputFile, settings: Settings, limits: Limits) -> Iterator[Item]:
    try:
        with file.path.open("rb") as stream:
            if stream.seekable():
                source = Source(file.name, str(file.path), stream, {"source": file.name}, limits=limits)
                yield from read_source(source, settings)
            else:
                yield from _read_stream(stream, file, settings, limits)
    except FileNotFoundError:
        yield Failure(file.name, f"{file.path}: no such file; check the path.")
    except OSError as error:
        yield Failure(file.name, f"{file.path}: cannot be read ({error.strerror}).")


def _read_stream(stream: BinaryIO, file: InputFile, settings: Settings, limits: Limits) -> Iterator[Item]:
    """Read a pipe, which no reader could go back in: it is kept first, in a temporary file where it is large."""
    with spooled() as kept:
        try:
            while piece := stream.read(_AT_ONCE):
                kept.write(piece)
                if kept.tell() > limits.unpacked:
                    yield Failure(
                        file.name,
                        f"{file.path}: has more than {limits.unpacked} bytes; give a file, or allow more by "
                        f"--limit unpacked={2 * limits.unpacked}.",
                    )
                    return
        except OSError as error:
            yield Failure(file.name, f"{file.path}: cannot be read or kept ({error.strerror or error}).")
            return
        kept.seek(0)
        source = Source(file.name, str(file.path), kept, {"source": file.name}, limits=limits)
        yield from read_source(source, settings)


def _is_folder(path: Path) -> bool:
    """False also where the system does not tell: reading it as a file will say why."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _find_in_folder(
    folder: Path, own: set[str], note: Callable[[str], None], endings: Collection[str]
) -> Iterator[InputFile | Failure]:
    readable: list[Path] = []
    other: Counter[str] = Counter()
    failures: list[Failure] = []
    links: list[Path] = []  # to folders: followed, they could lead round in a circle

    def unreadable(error: OSError) -> None:
        failures.append(Failure(str(error.filename), f"{error.filename}: cannot be listed ({error.strerror})."))

    for place, below, names in os.walk(folder, onerror=unreadable):
        links += [link for link in (Path(place) / name for name in below) if link.is_symlink()]
        for path in (Path(place) / name for name in names if not name.startswith(_LOCK)):
            if os.path.realpath(path) in own:
                continue
            if path.suffix.lower() in endings and not _waits(path):
                readable.append(path)
            else:
                other[path.suffix.lower() or path.name] += 1
    yield from failures
    if links:
        note(f"{folder}: passed over {len(links)} links to folders ({min(links)} …); name them beside it to read them")
    if other:
        kinds = ", ".join(f"{ending} {count}" for ending, count in other.most_common(5))
        note(f"{folder}: passed over {other.total()} files that no reader takes ({kinds})")
    if not readable and not failures:
        wanted = ", ".join(endings)
        yield Failure(str(folder), f"{folder}: nothing readable in this folder; put files there that end in {wanted}.")
    for path in sorted(readable):
        yield InputFile(path, path.relative_to(folder).as_posix())


def _waits(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device, which would keep a reader for ever."""
    with suppress(OSError):
        return not stat.S_ISREG(path.stat().st_mode)
    return False
