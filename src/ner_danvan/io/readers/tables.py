"""CSV and XLSX: one document a row, from the column that holds the text. Read row by row."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TextIO

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.encodings import UTF8, find_encoding
from ner_danvan.io.readers.source import Failure, Item, Settings, Source, library
from ner_danvan.io.readers.zips import check_part, open_zip, short
from ner_danvan.text.normalize import compose

_TEXT_NAMES = {"text", "noidung", "content", "fulltext", "body", "vanban", "noidungbaocao", "noidungvanban"}
_ID_NAMES = {"id"}
_SAMPLE = 256 * 2**10  # bytes from which encoding and delimiter are told
_SOME_ROWS = 64  # of a sheet, read at a time
_XLSX_PARTS, _SHEETS = (".xml", ".rels"), "xl/worksheets/"
_SHOWN = 20  # columns that a message lists

_EXCEL = re.compile(r'\ufeff?"?sep=([^\w"\r\n\0])"?(?:\r\n|\r|\n)', re.I)  # its first line, where it wrote one
_QUOTED = re.compile(r'(?:(?<=[,;\t|])|(?<![\s\S]))"(?:[^"]|"")*+(?:"|\Z)')  # a cell, which may hold line ends
_CSV_HEADER = re.compile(rf"(?:{_QUOTED.pattern}|[^\r\n])*+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where text and id stand in a row."""

    text: int
    id: int | None

    def document(self, values: Sequence[Any], number: int, source: Source, more: dict[str, str]) -> Document:
        """What row `number` holds; it may be too short."""
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
    rows = _CsvRows(source, stream, sample.decode(codec, "ignore"))
    try:
        cells = (row if isinstance(row, UserError) else [encoding.convert(cell) for cell in row] for row in rows)
        yield from _documents(cells, source, settings, {})
    except UnicodeDecodeError as error:
        raise source.fault(
            f"row {rows.line + 1} or later: not {codec} ({error.reason}); save it as CSV UTF-8."
        ) from None
    finally:
        stream.detach()


class _CsvRows:
    """The rows of a CSV; one whose quotes are wrong, in which others may be lost, is an error, and then come the next.

    A stray quote in a row of one line is part of its text. Raises UserError where nothing can come any more.
    """

    def __init__(self, source: Source, stream: TextIO, sample: str) -> None:
        self.line = 0  # how many were read
        self._source, self._ended = source, False
        self._held: list[str] = []  # the lines of a row
        said = _EXCEL.match(sample)
        self._delimiter = said[1] if said else _delimiter(source, sample)
        self._rows = csv.reader(self._lines(stream), delimiter=self._delimiter, strict=True)
        if said:  # Excel shows no row for it
            stream.readline()
            self.line = 1

    def __iter__(self) -> Iterator[list[str] | UserError]:
        while not self._ended:
            begin = self.line + 1
            self._held.clear()
            try:
                row = next(self._rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._wrong(begin, error)
            else:
                yield row

    def _lines(self, stream: TextIO) -> Iterator[str]:
        most = self._source.limits.file
        while line := stream.readline(most + 1):
            self.line += 1
            if len(line) > most:
                raise self._source.fault(
                    f"line {self.line}: has more than {most} characters; cut it, or allow more by --limit file=N."
                )
            self._held.append(line)
            yield line
        self._ended = True

    def _wrong(self, begin: int, error: csv.Error) -> list[str] | UserError:
        if "limit" in str(error):
            raise self._source.fault(
                f"line {self.line}: no CSV ({error}); is a quote left open? Longer cells are allowed by --limit cell=N."
            )
        if self._ended:
            raise self._source.fault(
                f"line {begin}: a quote in this row is never closed, and takes all that is behind it; close it."
            )
        row = self._read_loosely() if begin == self.line else self._read_without_spaces()
        lines = f"line {begin}" if begin == self.line else f"lines {begin} to {self.line}"
        return row or self._source.fault(
            f"{lines}: a quote is left open, or stands alone in a cell; close it, or double it."
        )

    def _read_without_spaces(self) -> list[str] | None:
        """The row of these lines, if but spaces behind quotes are wrong in them."""
        behind = re.compile(rf'"[ \t]+(?=[{re.escape(self._delimiter)}\r\n]|\Z)')
        rows = csv.reader([behind.sub('"', "".join(self._held))], delimiter=self._delimiter, strict=True)
        try:
            row, more = next(rows), next(rows, None)
        except (csv.Error, StopIteration):
            return None
        return row if more is None else None

    def _read_loosely(self) -> list[str] | None:
        """The row of the one line there is, if it ends with it."""
        ended = False

        def only() -> Iterator[str]:
            nonlocal ended
            yield self._held[0]
            ended = True

        try:
            row = next(csv.reader(only(), delimiter=self._delimiter))
        except csv.Error:
            return None
        return None if ended else row


def _delimiter(source: Source, sample: str) -> str:
    if source.name.lower().endswith(".tsv"):
        return "\t"
    header = _CSV_HEADER.match(sample.lstrip("\ufeff\r\n"))
    bare = _QUOTED.sub("", header[0] if header else "")
    return max(",;\t|", key=bare.count)


def read_xlsx(source: Source, settings: Settings) -> Iterator[Item]:
    """Every sheet that has the column; rows have the numbers that the spreadsheet shows."""
    openpyxl = library("openpyxl", source)
    with open_zip(source) as file:
        for part in file.infolist():
            # pictures and the like are not read, and sheets are read row by row
            if part.filename.endswith(_XLSX_PARTS) and not part.filename.startswith(_SHEETS):
                check_part(part, source)
    source.stream.seek(0)
    try:
        with _no_warnings():
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
        for number, row in enumerate(_ahead(sheet.iter_rows(values_only=True)), 1):
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


def _ahead(rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """The rows, some read at once, without openpyxl's warnings; what it stumbles over is raised behind those before."""
    fault: Exception | None = None
    while fault is None:
        some = []
        with _no_warnings():
            try:
                for row in islice(rows, _SOME_ROWS):
                    some.append(row)  # noqa: PERF402 - those before a fault are kept
            except Exception as error:
                fault = error
        yield from some
        if len(some) < _SOME_ROWS and fault is None:
            return
    raise fault


@contextmanager
def _no_warnings() -> Iterator[None]:
    """They are about styles and print areas, and quote the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _no_xlsx(source: Source, error: Exception) -> UserError:
    return source.fault(f"is no whole XLSX file ({short(error)}); open it in its program and save it again.")


def _documents(
    rows: Iterable[Sequence[Any] | UserError], source: Source, settings: Settings, more: dict[str, str]
) -> Iterator[Item]:
    columns: Columns | None = None
    for number, row in enumerate(rows, 1):
        if isinstance(row, UserError):
            if columns is None:
                raise row
            yield Failure(f"{source.name}:{number}", str(row))
        elif not any(_filled(row)):
            continue
        elif columns is None:
            columns = choose([str(value or "").strip() for value in row], source, settings)
        else:
            yield columns.document(row, number, source, more)
    if columns is None:
        raise source.fault("has no row at all; give a table with a header.")


def _filled(row: Sequence[Any]) -> Iterator[bool]:
    return (value is not None and value != "" for value in row)


def choose(header: Sequence[str], source: Source, settings: Settings) -> Columns:
    """The columns that are asked for, or named as usual; raises UserError if that does not say which."""
    text = _find(header, settings.column, _TEXT_NAMES)
    if text is None and settings.column is None and len(header) == 1:
        text = 0
    if text is None:
        fault = f'has no column "{settings.column}"' if settings.column else "does not say which column holds the text"
        raise source.fault(f"{fault}; choose one by --column: {_list(header)}.")
    own = _find(header, settings.id_column, _ID_NAMES)
    if own is None and settings.id_column is not None:
        raise source.fault(f'has no column "{settings.id_column}"; choose one by --id-column: {_list(header)}.')
    return Columns(text, own if own != text else None)


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
