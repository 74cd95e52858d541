"""Every format and its reader."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO

from ner_danvan.errors import UserError, one_line
from ner_danvan.io.readers.limits import SAFE, Limits
from ner_danvan.io.readers.sniff import (
    CSV,
    DOCX,
    HTML,
    JSONL,
    MAIL,
    ONE_DOCUMENT,
    PARQUET,
    PDF,
    TEXT,
    XLSX,
    ZIP,
    kind_of,
)
from ner_danvan.io.readers.source import Failure, Item, Reader, Settings, Source

_ROOM = "ner_danvan.io.readers"
_READERS = {  # imported when one is wanted: most runs read one format
    TEXT: ("text", "read_text_file"),
    JSONL: ("text", "read_json_lines"),
    DOCX: ("docx", "read_docx"),
    PDF: ("pdf", "read_pdf"),
    HTML: ("html", "read_html"),
    CSV: ("tables", "read_csv"),
    XLSX: ("tables", "read_xlsx"),
    PARQUET: ("parquet", "read_parquet"),
}
_HOLDERS = {MAIL: ("mail", "read_mail"), ZIP: ("archive", "read_archive")}  # of what is read by the same rules


_BY_PIECES = {JSONL, CSV, XLSX, PARQUET, ZIP}


def read_source(source: Source, settings: Settings) -> Iterator[Item]:
    """All documents of a source, in whatever format; what cannot be read is a failure, and ends this source."""
    try:
        kind = kind_of(source)
        if kind not in _BY_PIECES and (size := source.stream.seek(0, io.SEEK_END)) > source.limits.file:
            raise source.fault(
                f"has {size} bytes, more than {source.limits.file}; cut it into several, or allow more by "
                f"--limit file={size}."
            )
        source.stream.seek(0)
        if kind in _HOLDERS:
            if source.inside:
                raise source.fault(f"a {kind} inside another file is not opened; take it out, and give it by itself.")
            yield from _load(*_HOLDERS[kind])(source, settings, read_source)
        else:
            reader: Reader = _load(*_READERS[kind])
            yield from reader(source, settings)
    except Exception as error:
        yield _failure(source, error)


def read_one(stream: BinaryIO, name: str, place: str, limits: Limits = SAFE) -> Item:
    """The document of a file that must be one: for who counts documents before they are read."""
    source = Source(name, place, stream, {"source": name}, limits=limits)
    try:
        if (kind := kind_of(source)) not in ONE_DOCUMENT:
            raise source.fault(f"is a {kind} file, which is read without --engine ray; or convert it to JSONL.")
    except Exception as error:
        return _failure(source, error)
    return next(read_source(source, Settings()))


def _failure(source: Source, error: Exception) -> Failure:
    if isinstance(error, UserError):
        return Failure(source.name, str(error))
    # what a library raises at a damaged file is anybody's guess
    reason = one_line(f"{type(error).__name__}: {error}")[:200]
    mend = "if it is damaged, get it again, or save it again in its program"
    return Failure(source.name, f"{source.place}: cannot be read ({reason}); {mend}.")


def _load(module: str, function: str) -> Any:
    return getattr(import_module(f"{_ROOM}.{module}"), function)
