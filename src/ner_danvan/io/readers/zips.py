"""ZIP files, opened within limits: for archives, and for DOCX and XLSX, which are ZIP files too."""

from __future__ import annotations

from zipfile import ZipFile, ZipInfo

from ner_danvan.errors import UserError, one_line
from ner_danvan.io.readers.source import Source

_FREE = 2**20  # bytes that a member may have whatever its ratio


def open_zip(source: Source) -> ZipFile:
    """The file, within all limits as its own list of members says; `zipfile` reads no more of one than is listed.

    Raises UserError if it is broken, or breaks a limit.
    """
    try:
        file = ZipFile(source.stream)
    except Exception as error:  # whatever its directory of members makes `zipfile` stumble over
        raise source.fault(f"is no whole ZIP file ({short(error)}); get it again, or save it again.") from None
    members, limits = file.infolist(), source.limits
    if len(members) > limits.members:
        raise source.fault(
            f"has {len(members)} members, more than {limits.members}; unpack it, and give the folder, or allow more by "
            f"--limit members={len(members)}."
        )
    total = sum(member.file_size for member in members)
    if total > limits.unpacked:
        raise source.fault(
            f"unpacks to {total} bytes, more than {limits.unpacked}; unpack it, and give the folder, or allow more by "
            f"--limit unpacked={total}."
        )
    for member in members:
        check_ratio(member.filename, member.file_size, member.compress_size, source)
    return file


def check_ratio(what: str, unpacked: int, packed: int, source: Source) -> None:
    """Raises UserError if something in a file unpacks to more than its size lets expect; both are bytes."""
    if unpacked > _FREE and unpacked > source.limits.ratio * max(1, packed):
        ratio = -(-unpacked // max(1, packed))
        raise source.fault(
            f"{what} in it unpacks to {ratio} times its size, more than {source.limits.ratio}, as in a ZIP "
            f"bomb; if you trust it, allow it by --limit ratio={ratio}."
        )


def check_part(part: ZipInfo, source: Source) -> None:
    """Raises UserError if a part is larger than one may be."""
    if part.file_size > source.limits.part:
        raise source.fault(
            f"{part.filename} in it has {part.file_size} bytes, more than {source.limits.part}; cut the file into "
            f"several, or allow more by --limit part={part.file_size}."
        )


def read_member(file: ZipFile, name: str | ZipInfo, source: Source) -> bytes:
    """The bytes of a part; raises UserError."""
    shown = name if isinstance(name, str) else name.filename
    try:
        info = file.getinfo(name) if isinstance(name, str) else name
        check_part(info, source)
        if info.flag_bits & 1:
            raise source.fault(f"{shown} in it is encrypted; save a copy without its password.")
        return file.read(info)
    except KeyError:
        raise source.fault(f"lacks {shown}; open it in its program and save it again.") from None
    except UserError:
        raise
    except Exception as error:  # each way of packing has errors of its own
        raise source.fault(f"{shown} in it is damaged ({short(error)}); get the file again.") from None


def short(error: Exception) -> str:
    """An error's message, cut to what fits into one line."""
    return one_line(str(error))[:80] or type(error).__name__
