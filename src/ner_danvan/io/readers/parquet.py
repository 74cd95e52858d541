"""Parquet: one document a row, and what keeps a small file from taking all memory, or from being endless.

What is said of a column chunk is never looked at: where that is damaged pyarrow ends the whole process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.source import Item, Settings, Source, attempt, library
from ner_danvan.io.readers.tables import Columns, choose
from ner_danvan.io.readers.zips import check_ratio, short

_BATCH_BYTES = 16 * 2**20  # decoded at a time
# rows decoded at a time: fewer would copy the dictionary of a column more often; without one each row is whole
_BATCH_ROWS, _BATCH_WHOLE_ROWS = 4096, 16
_DICTIONARY_BYTES = 64 * 2**20  # of a row group; a dictionary of all that is in a larger one would take too much
_ROW_ITSELF = 64  # characters that a row comes to without its text: what is told of it
_ROWS_FREE = 64 * 2**20  # characters that all rows may come to whatever the file's size
_READ_AHEAD = 2**20  # bytes of a column; without it a whole row group is read at once


def read_parquet(source: Source, settings: Settings) -> Iterator[Item]:
    """Rows count from 1."""
    library("pyarrow", source)
    parquet = library("pyarrow.parquet", source)
    try:
        schema = parquet.ParquetFile(source.stream, pre_buffer=False)
        metadata, names = schema.metadata, schema.schema_arrow.names
        columns = choose(names, source, settings)
        wanted = [names[i] for i in dict.fromkeys((columns.text, columns.id)) if i is not None]
        columns = Columns(0, None if columns.id is None else wanted.index(names[columns.id]))
        allowance = Allowance(source, metadata.num_rows)
        batches = read_batches(source, metadata, wanted, range(metadata.num_row_groups))
        for number, scalars in enumerate((row for batch in batches for row in rows_of(batch)), 1):
            item = attempt(f"{source.name}:{number}", partial(_document, columns, scalars, number, source))
            allowance.take(number, len(item.id) + len(item.text) if isinstance(item, Document) else 0)
            yield item
    except UserError:
        raise
    except Exception as error:  # ArrowException, OSError, and whatever a broken schema makes it stumble over
        raise source.fault(f"is no whole Parquet file ({short(error)}); write it again.") from None


def _document(columns: Columns, scalars: Sequence[Any], number: int, source: Source) -> Document:
    values = [
        cell(scalar, number, source, text="text" if place == columns.text else None)
        for place, scalar in enumerate(scalars)
    ]
    return columns.document(values, number, source, {})


def check_said(metadata: Any, source: Source) -> None:
    """Raises UserError if the row groups are said to hold more, in bytes or in rows, than the file's size lets expect.

    For who goes by what is said before anything is read.
    """
    size = _size(source)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = sum(group.num_rows for group in groups)
    if rows != metadata.num_rows or any(group.num_rows < 0 for group in groups):
        raise source.fault(
            f"is damaged (its row groups say {rows} rows, it says {metadata.num_rows}); write the file again."
        )
    for number, group in enumerate(groups, 1):
        check_ratio(f"row group {number}", group.total_byte_size, size, source)
    check_ratio("everything", sum(max(0, group.total_byte_size) for group in groups), size, source)
    _check_given(f"its {rows} rows", rows * _ROW_ITSELF, rows * _ROW_ITSELF, size, source)


def read_batches(source: Source, metadata: Any, names: Sequence[str], groups: Sequence[int]) -> Iterator[Any]:
    """Batches of the rows of these row groups, in order, with the columns `names`.

    In a small group what is the same in many rows stays one in memory. Raises UserError for a group that unpacks to
    too much, and what pyarrow raises where the file is damaged.
    """
    size = _size(source)
    parquet = library("pyarrow.parquet", source)
    leaves = {metadata.schema.column(place).path for place in range(metadata.num_columns)}
    flat = [name for name in names if name in leaves]
    files: dict[bool, Any] = {}
    with ExitStack() as stack:
        for group in groups:
            said = metadata.row_group(group)
            held = said.total_byte_size
            check_ratio(f"row group {group + 1}", held, size, source)
            is_small = held <= _DICTIONARY_BYTES
            if is_small not in files:
                files[is_small] = stack.enter_context(
                    parquet.ParquetFile(
                        source.stream,
                        metadata=metadata,
                        buffer_size=_READ_AHEAD,
                        pre_buffer=False,
                        read_dictionary=flat if is_small else [],
                    )
                )
            most = _BATCH_ROWS if is_small and len(flat) == len(names) else _BATCH_WHOLE_ROWS
            rows = max(1, min(most, _BATCH_BYTES * said.num_rows // max(1, held)))
            yield from files[is_small].iter_batches(batch_size=rows, row_groups=[group], columns=list(names))


def rows_of(batch: Any) -> Iterator[tuple[Any, ...]]:
    """The cells of each row, as `cell` takes them."""
    return zip(*batch.columns, strict=True)


class Allowance:
    """What the rows of a file may come to, `rows` of them, and came to so far."""

    def __init__(self, source: Source, rows: int) -> None:
        self._source, self._rows, self._size = source, rows, _size(source)
        self._count = self._given = 0

    def take(self, number: int, characters: int) -> None:
        """Row `number` has so many; raises UserError if that is too much for the file's size."""
        self._count += 1
        self._given += _ROW_ITSELF + characters
        whole = self._given * max(self._count, self._rows) // self._count  # if those behind are like these
        _check_given(f"row {number}: its rows", self._given, whole, self._size, self._source)


def _check_given(what: str, given: int, whole: int, size: int, source: Source) -> None:
    most = source.limits.ratio
    if given > _ROWS_FREE and given > most * size:
        raise source.fault(
            f"{what} come to more than {most} times its size, as in a ZIP bomb; if you trust it, allow it by --limit "
            f"ratio={-(-11 * whole // (10 * size))}."  # a tenth more
        )


def _size(source: Source) -> int:
    """Of the file, in bytes; of none it is 1."""
    return max(1, source.stream.seek(0, io.SEEK_END))


def cell(scalar: Any, number: int, source: Source, *, text: str | None) -> Any:
    """What a cell of row `number` holds, bytes as the text that they are; raises UserError.

    `text` is the name of a column that must be text; elsewhere bytes that are no UTF-8 are their hexadecimal figures.
    """
    if hasattr(scalar, "dictionary"):
        scalar = scalar.value
    data = scalar.as_buffer() if hasattr(scalar, "as_buffer") else None
    if data is None:
        return scalar.as_py()
    if data.size <= 4 * source.limits.cell:  # a character's bytes are four at most
        try:
            return check_cell(str(data, "utf-8"), number, source)
        except UnicodeDecodeError as error:
            if text is None:
                return memoryview(data).hex()  # an id need not be text
            raise source.fault(f"row {number}: its {text} is not UTF-8 ({error.reason}); write it as UTF-8.") from None
    raise _too_long(number, source)


def check_cell(found: str, number: int, source: Source) -> str:
    """The text of a cell of row `number`; raises UserError if it is too long."""
    if len(found) > source.limits.cell:
        raise _too_long(number, source)
    return found


def _too_long(number: int, source: Source) -> UserError:
    most = source.limits.cell
    return source.fault(f"row {number}: a cell has more than {most} characters; allow longer ones by --limit cell=N.")
