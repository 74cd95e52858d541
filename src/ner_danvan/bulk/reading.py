"""The documents of a shard: read where it is tagged, as they were when it was planned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ner_danvan.bulk.shards import COLUMNS, FAILED, LINES, TEXT, Piece, Shard
from ner_danvan.document import Document, document_from_dict
from ner_danvan.errors import UserError
from ner_danvan.io.readers import SAFE, Failure, Limits, read_line, read_one, read_row, with_origin
from ner_danvan.io.readers.parquet import Allowance, cell, check_cell, read_batches, rows_of
from ner_danvan.io.readers.source import Source
from ner_danvan.io.readers.zips import short
from ner_danvan.model_dir import file_hash
from ner_danvan.strict_json import parse_json


def read_shard(shard: Shard, base: Path, limits: Limits = SAFE) -> Iterator[Document | Failure]:
    """The shard's documents, in order, named as one command names them; paths are below `base` unless absolute.

    Raises UserError if a file is no longer what it was when the shard was planned.
    """
    allowances: dict[str, Allowance] = {}  # of the shard's Parquet files
    for piece in shard.pieces:
        if piece.kind == FAILED:
            yield Failure(piece.name, piece.message)
            continue
        path = base / piece.path
        try:
            if piece.kind == TEXT:
                yield _read_text(piece, path, limits)
            elif piece.kind == LINES:
                yield from _read_lines(piece, path, limits)
            else:
                with path.open("rb") as stream:
                    source = Source(piece.name, piece.path, stream, {"source": piece.name}, limits=limits)
                    if piece.path not in allowances:
                        rows = sum(other.rows for other in shard.pieces if other.path == piece.path)
                        allowances[piece.path] = Allowance(source, rows)
                    yield from _read_parquet(piece, path, source, allowances[piece.path])
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{piece.path}: cannot be read here ({reason}); put it where all workers see it.") from None


def _read_text(piece: Piece, path: Path, limits: Limits) -> Document | Failure:
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != piece.sha256:
            raise _changed(piece)
        stream.seek(0)
        return read_one(stream, piece.name, piece.path, limits)


def _read_lines(piece: Piece, path: Path, limits: Limits) -> Iterator[Document | Failure]:
    seen = hashlib.sha256()
    position, number = piece.start, piece.first
    with path.open("rb") as lines:
        lines.seek(position)
        while position < piece.end and (line := read_line(lines, limits.file, seen.update)).size:
            if not line.is_empty:
                yield read_row(line, f"{piece.name}:{number}", {"source": piece.name, "row": number}, limits)
            position, number = position + line.size, number + 1
    if seen.hexdigest() != piece.sha256:
        raise _changed(piece)


def _read_parquet(piece: Piece, path: Path, source: Source, allowance: Allowance) -> Iterator[Document | Failure]:
    """Where a file is damaged, or holds too much, each row that cannot be reached is a failure."""
    given, too_much = 0, ""
    damage = "it has fewer rows than it says"
    try:
        for item, characters in _parquet_rows(piece, source):
            allowance.take(piece.first + given, characters)
            yield item
            given += 1
    except UserError as error:
        too_much = str(error)
    except Exception as error:  # ArrowException, and whatever a damaged file makes it stumble over
        if isinstance(error, OSError) and error.errno:  # the file is not there
            raise
        damage = short(error)
    else:
        if given < piece.rows and file_hash(path) != piece.sha256:
            raise _changed(piece)
    for row in range(piece.first + given, piece.first + piece.rows):
        place = f"{piece.name}:{row}"
        yield Failure(place, too_much or f"{place}: is damaged ({damage}); write the file again.")


def _parquet_rows(piece: Piece, source: Source) -> Iterator[tuple[Document | Failure, int]]:
    """The piece's rows, and how many characters each has."""
    from pyarrow import parquet  # late: only Parquet needs it

    with parquet.ParquetFile(source.stream, pre_buffer=False) as file:
        metadata, names = file.metadata, [name for name in COLUMNS if name in file.schema_arrow.names]
    number, last = piece.first, piece.first + piece.rows - 1
    groups, row = _groups(metadata, number, last)  # row: the number of the first row of these groups
    for batch in read_batches(source, metadata, names, groups):
        skipped = min(max(0, number - row), batch.num_rows)
        row += batch.num_rows
        for scalars in rows_of(batch.slice(skipped, max(0, last - number + 1))):
            yield _from_row(dict(zip(names, scalars, strict=True)), number, source)
            number += 1
        if number > last:
            return


def _groups(metadata: Any, first: int, last: int) -> tuple[list[int], int]:
    """The row groups in which rows first to last lie, and the number of the first row in them; all count from 1."""
    groups: list[int] = []
    begin = row = 1
    for number in range(metadata.num_row_groups):
        end = row + metadata.row_group(number).num_rows
        if row <= last and end > first:
            begin = begin if groups else row
            groups.append(number)
        row = end
    return groups, begin


def _from_row(scalars: Mapping[str, Any], number: int, source: Source) -> tuple[Document | Failure, int]:
    place, characters = f"{source.name}:{number}", 0
    values: dict[str, Any] = {}
    try:
        for name, scalar in scalars.items():
            value = cell(scalar, number, source, text=None if name == "id" else name)
            if name == "meta":
                value = check_cell(_as_json(value, place), number, source)
            values[name] = value
            characters += len(str(value))
        values["meta"] = parse_json(values["meta"], f'{place}: "meta"') if values.get("meta") else None
        document = document_from_dict(values, place)
    except UserError as error:
        return Failure(place, str(error)), characters
    return with_origin(document, {**source.origin, "row": number}), characters


def _as_json(meta: Any, place: str) -> str:
    """The JSON of a cell of the column meta: a text is one; of a struct or map what JSON does not know is a string."""
    if meta is None or isinstance(meta, str):
        return meta or ""
    try:
        if isinstance(meta, list) and not all(isinstance(pair, tuple) for pair in meta):  # pairs are a map
            raise TypeError
        return json.dumps(dict(meta), default=str)
    except (TypeError, ValueError):
        raise UserError(
            f'{place}: "meta" is a {type(meta).__name__}; give JSON of an object, a struct or a map with names.'
        ) from None


def _changed(piece: Piece) -> UserError:
    return UserError(f"{piece.path}: has changed since the run began; when it is at rest, go on with --resume.")
