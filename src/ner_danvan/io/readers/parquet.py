"""Parquet: one document a row, and what keeps a small file from taking all memory, or from being endless.

What is said of a column chunk is never looked at: where that is damaged pyarrow ends the whole process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.source import Item, Settings, Source, attempt, library
from ner_danvan.io.readers.tables import Columns, choose
from ner_danvan.io.readers.zips import check_ratio, short

# decoded at a time; fewer rows would copy the dictionary of a column more often
_BATCH_ROWS, _BATCH_BYTES = 4096, 16 * 2**20
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
        batches = read_batches(source, metadata, wanted, range(metadata.num_row_groups))
        yield from bounded(_items(batches, columns, source), metadata.num_rows, source)
    except UserError:
        raise
    except Exception as error:  # ArrowException, OSError, and whatever a broken schema makes it stumble over
        raise source.fault(f"is no whole Parquet file ({short(error)}); write it again.") from None


def _items(batches: Iterator[Any], columns: Columns, source: Source) -> Iterator[Item]:
    number = 0
    for batch in batches:
        for scalars in zip(*batch.columns, strict=True):
            number += 1
            yield attempt(f"{source.name}:{number}", partial(_document, columns, scalars, number, source))


def _document(columns: Columns, scalars: Sequence[Any], number: int, source: Source) -> Document:
    values = [cell(scalar, number, source, text=place == columns.text) for place, scalar in enumerate(scalars)]
    return columns.document(values, number, source, {})


def check_said(metadata: Any, source: Source) -> None:
    """Raises UserError if the row groups are said to hold more, in bytes or in rows, than the file's size lets expect.

    For who goes by what is said before anything is read.
    """
    size = _size(source)
    for group in range(metadata.num_row_groups):
        check_ratio(f"row group {group + 1}", metadata.row_group(group).total_byte_size, size, source)
    _check_given(metadata.num_rows * _ROW_ITSELF, metadata.num_rows, metadata.num_rows, size, source)


def read_batches(source: Source, metadata: Any, names: Sequence[str], groups: Sequence[int]) -> Iterator[Any]:
    """Batches of the rows of these row groups, in order, with the columns `names`.

    What is the same in many rows stays one in memory. Raises UserError for a group that unpacks to too much, and what
    pyarrow raises where the file is damaged.
    """
    size = _size(source)
    leaves = {metadata.schema.column(place).path for place in range(metadata.num_columns)}
    with library("pyarrow.parquet", source).ParquetFile(
        source.stream,
        metadata=metadata,
        buffer_size=_READ_AHEAD,
        pre_buffer=False,
        read_dictionary=[name for name in names if name in leaves],
    ) as file:
        for group in groups:
            said = metadata.row_group(group)
            check_ratio(f"row group {group + 1}", said.total_byte_size, size, source)
            rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES * said.num_rows // max(1, said.total_byte_size)))
            yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=list(names))


def bounded(items: Iterator[Item], rows: int, source: Source, first: int = 1) -> Iterator[Item]:
    """The items, one a row from row `first` on; raises UserError when they come to too much for the file's size.

    `rows` is how many there are said to be, for the limit that the message proposes.
    """
    size, given = _size(source), 0
    for number, item in enumerate(items, 1):
        given += _ROW_ITSELF + (len(item.id) + len(item.text) if isinstance(item, Document) else 0)
        _check_given(given, number, rows, size, source, first)
        yield item


def _check_given(given: int, number: int, rows: int, size: int, source: Source, first: int = 1) -> None:
    if given > _ROWS_FREE and given > source.limits.ratio * size:
        # what all rows will come to if those behind are like these, and a tenth more
        whole = -(-11 * given * max(number, rows) // (10 * number * size))
        raise source.fault(
            f"row {first + number - 1}: its rows come to more than {source.limits.ratio} times its size, as in a ZIP "
            f"bomb; if you trust it, allow it by --limit ratio={whole}."
        )


def _size(source: Source) -> int:
    """Of the file, in bytes; of none it is 1."""
    return max(1, source.stream.seek(0, io.SEEK_END))


def cell(scalar: Any, number: int, source: Source, *, text: bool) -> Any:
    """What a cell of row `number` holds, bytes as the text that they are; raises UserError.

    Bytes that are no UTF-8 are one if it must be `text`, else their hexadecimal figures.
    """
    if hasattr(scalar, "dictionary"):
        scalar = scalar.value
    data = scalar.as_buffer() if hasattr(scalar, "as_buffer") else None
    if data is None:
        return scalar.as_py()
    most = source.limits.cell
    if data.size <= 4 * most:  # a character's bytes are four at most
        try:
            found = str(data, "utf-8")
        except UnicodeDecodeError as error:
            if not text:
                return memoryview(data).hex()  # an id need not be text
            raise source.fault(f"row {number}: its text is not UTF-8 ({error.reason}); write it as UTF-8.") from None
        if len(found) <= most:
            return found
    raise source.fault(f"row {number}: a cell has more than {most} characters; allow longer ones by --limit cell=N.")
