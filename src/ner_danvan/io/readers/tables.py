"""CSV, XLSX and Parquet: one document a row, from the column that holds the text. Read row by row."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.encodings import UTF8, find_encoding
from ner_danvan.io.readers.source import Item, Settings, Source, library
from ner_danvan.io.readers.zips import open_zip, short
from ner_danvan.text.normalize import compose

_TEXT_NAMES = {"text", "noidung", "content", "fulltext", "body", "vanban", "noidungbaocao", "noidungvanban"}
_ID_NAMES = {"id"}
_SAMPLE = 256 * 2**10  # bytes from which encoding and delimiter are told
_BATCH_ROWS = 256  # of a Parquet file, decoded at a time
_READ_AHEAD = 2**20  # bytes of a Parquet column
_SHOWN = 20  # columns that a message lists


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where text and id stand in a row."""

    text: int
    id: int | None

    def document(self, values: Sequence[Any], number: int, source: Source, more: dict[str, str]) -> Document:
        text = values[self.text] if self.text < len(values) else None
        own = values[self.id] if self.id is not None and self.id < len(values) else None
        place = ":".join([source.name, *more.values(), str(number)])
        name = place if own is None or own == "" else str(own)
        return Document(name, "" if text is None else str(text), meta={**source.origin, **more, "row": number})


def read_csv(source: Source, settings: Settings) -> Iterator[Item]:
    """Rows count as a spreadsheet counts them: the header is row 1. Empty rows are left out."""
    sample = source.stream.read(_SAMPLE)
    source.stream.seek(0)
    encoding = find_encoding(sample, whole=len(sample) < _SAMPLE)
    if encoding is None:
        raise source.fault("is in no encoding that is known here; save it as CSV UTF-8.")
    if encoding.remark:
        settings.note(f"{source.place}: {encoding.remark}")
    codec = "utf-8-sig" if encoding.codec == UTF8 else encoding.codec
    stream = io.TextIOWrapper(source.stream, encoding=codec, newline="")
    csv.field_size_limit(source.limits.cell)
    rows = csv.reader(stream, delimiter=_delimiter(source, sample.decode(codec, "ignore")))
    try:
        cells = ([encoding.convert(cell) for cell in row] for row in rows)
        yield from _documents(cells, source, settings, {})
    except UnicodeDecodeError as error:
        raise source.fault(
            f"row {rows.line_num + 1} or later: not {codec} ({error.reason}); save it as CSV UTF-8."
        ) from None
    except csv.Error as error:
        raise source.fault(
            f"line {rows.line_num}: no CSV ({error}); is a quote left open? Longer cells are allowed by --limit cell=N."
        ) from None
    finally:
        stream.detach()


def _delimiter(source: Source, sample: str) -> str:
    if source.name.lower().endswith(".tsv"):
        return "\t"
    header = sample.lstrip("\ufeff\r\n").splitlines()[:1] or [""]
    bare = re.sub(r'"[^"]*"', "", header[0])
    return max(",;\t|", key=bare.count)


def read_xlsx(source: Source, settings: Settings) -> Iterator[Item]:
    """Every sheet that has the column; rows have the numbers that the spreadsheet shows."""
    openpyxl = library("openpyxl", source)
    open_zip(source).close()  # its limits
    source.stream.seek(0)
    try:
        book = openpyxl.load_workbook(source.stream, read_only=True, data_only=True)
    except Exception as error:  # openpyxl lets through whatever a wrong part makes it stumble over
        raise _no_xlsx(source, error) from None
    try:
        sheets = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write wrong ones
            header = next((row for row in _rows_of(sheet, source) if any(_filled(row))), None)
            if header is not None:
                sheets.append((sheet, header))
        if not sheets:
            raise source.fault("has no row at all; give a table with a header.")
        fit = [sheet for sheet, header in sheets if _find(header, settings.column, _TEXT_NAMES) is not None]
        for sheet in fit or [sheet for sheet, _ in sheets]:
            yield from _documents(
                _rows_of(sheet, source), source, settings, {"sheet": sheet.title} if len(book.worksheets) > 1 else {}
            )
    finally:
        book.close()


def _rows_of(sheet: Any, source: Source) -> Iterator[Sequence[Any]]:
    """Rows of a sheet, no more than a sheet can have; raises UserError."""
    try:
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > source.limits.rows:
                raise source.fault(
                    f"has a row below {source.limits.rows}, where a sheet ends; save it again in its program, or "
                    "allow more by --limit rows=N."
                )
            yield row
    except UserError:
        raise
    except Exception as error:
        raise _no_xlsx(source, error) from None


def _no_xlsx(source: Source, error: Exception) -> UserError:
    return source.fault(f"is no whole XLSX file ({short(error)}); open it in its program and save it again.")


def read_parquet(source: Source, settings: Settings) -> Iterator[Item]:
    """Rows count from 1."""
    library("pyarrow", source)
    parquet = library("pyarrow.parquet", source)
    try:
        with parquet.ParquetFile(source.stream, buffer_size=_READ_AHEAD, pre_buffer=False) as file:
            names = file.schema_arrow.names
            columns = _choose(names, source, settings)
            wanted = [names[i] for i in dict.fromkeys((columns.text, columns.id)) if i is not None]
            columns = _Columns(0, None if columns.id is None else wanted.index(names[columns.id]))
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield columns.document(values, number, source, {})
    except UserError:
        raise
    except Exception as error:  # ArrowException, OSError, and UnicodeDecodeError at a text that is none
        raise source.fault(f"is no whole Parquet file ({short(error)}); write it again.") from None


def _documents(
    rows: Iterable[Sequence[Any]], source: Source, settings: Settings, more: dict[str, str]
) -> Iterator[Document]:
    columns: _Columns | None = None
    for number, row in enumerate(rows, 1):
        if not any(_filled(row)):
            continue
        if columns is None:
            columns = _choose([str(value or "").strip() for value in row], source, settings)
        else:
            yield columns.document(row, number, source, more)
    if columns is None:
        raise source.fault("has no row at all; give a table with a header.")


def _filled(row: Sequence[Any]) -> Iterator[bool]:
    return (value is not None and value != "" for value in row)


def _choose(header: Sequence[str], source: Source, settings: Settings) -> _Columns:
    text = _find(header, settings.column, _TEXT_NAMES)
    if text is None and settings.column is None and len(header) == 1:
        text = 0
    if text is None:
        fault = f'has no column "{settings.column}"' if settings.column else "does not say which column holds the text"
        raise source.fault(f"{fault}; choose one by --column: {_list(header)}.")
    own = _find(header, settings.id_column, _ID_NAMES)
    if own is None and settings.id_column is not None:
        raise source.fault(f'has no column "{settings.id_column}"; choose one by --id-column: {_list(header)}.')
    return _Columns(text, own if own != text else None)


def _find(header: Sequence[Any], wanted: str | None, usual: set[str]) -> int | None:
    """The column asked for, else the only one that is named as usual."""
    names = [str(name or "").strip() for name in header]
    if wanted is None:
        found = [place for place, name in enumerate(names) if _plain(name) in usual]
        return found[0] if len(found) == 1 else None
    same: list[Callable[[str], bool]] = [lambda name: name == wanted, lambda name: _plain(name) == _plain(wanted)]
    return next((place for test in same for place, name in enumerate(names) if test(name)), None)


def _plain(name: str) -> str:
    """A column's name without accents, case, spaces and the like: "Nội dung" is "noidung"."""
    bare = compose(name.casefold(), "NFD").replace("đ", "d")
    return "".join(char for char in bare if char.isalnum() and not unicodedata.combining(char))


def _list(header: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in header[:_SHOWN]) + (" …" if len(header) > _SHOWN else "")
