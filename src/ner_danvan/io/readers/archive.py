"""A ZIP archive: its members, read by the same rules as files, one behind the other."""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from tempfile import gettempdir
from zipfile import ZipFile, ZipInfo

from ner_danvan.io.readers.sniff import ENDINGS
from ner_danvan.io.readers.source import Failure, Item, Settings, Source, spooled
from ner_danvan.io.readers.zips import open_zip, short

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def read_archive(
    source: Source, settings: Settings, read: Callable[[Source, Settings], Iterator[Item]]
) -> Iterator[Item]:
    """What `read` makes of each member, by name; ids are the archive's name and the member's.

    Nothing is written by a member's name. Other members are told and passed over.
    """
    with open_zip(source) as file:
        members, other = [], Counter[str]()
        for member in file.infolist():
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if member.filename.endswith("/") or path.name.startswith("~$") or "__MACOSX" in path.parts[:1]:
                continue
            if path.name.startswith("."):
                other[path.name] += 1
            elif path.suffix.lower() in ENDINGS and not path.is_absolute() and ".." not in path.parts:
                members.append(member)
            else:
                other[path.suffix.lower() or path.name or "no name"] += 1
        if other:
            kinds = ", ".join(f"{ending} {count}" for ending, count in other.most_common(5))
            settings.note(f"{source.place}: passed over {other.total()} members that no reader takes ({kinds})")
        if not members:
            raise source.fault("nothing readable in this archive; see --help for what is read.")
        for member in sorted(members, key=lambda one: one.filename):
            yield from _read_member(file, member, source, settings, read)


def _read_member(
    file: ZipFile,
    member: ZipInfo,
    source: Source,
    settings: Settings,
    read: Callable[[Source, Settings], Iterator[Item]],
) -> Iterator[Item]:
    name, place = f"{source.name}/{member.filename}", f"{source.place}/{member.filename}"
    if member.flag_bits & 1:
        yield Failure(name, f"{place}: is encrypted; unpack the archive with its password.")
        return
    with spooled() as kept:
        try:
            with file.open(member) as stream:
                shutil.copyfileobj(stream, kept, 2**20)
            kept.seek(0)
        except Exception as error:  # each way of packing has errors of its own, and the other members are whole
            yield Failure(name, f"{place}: {_why_not(error)}")
            return
        origin = {**source.origin, "member": member.filename}
        inner = Source(name, place, kept, origin, inside=True, limits=source.limits)
        yield from read(inner, settings)


def _why_not(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        room = f"there is no room in {gettempdir()} to unpack it ({error.strerror})"
        return f"{room}; make some, or set TMPDIR to a folder that has it."
    return f"is damaged ({short(error)}); get the archive again."
