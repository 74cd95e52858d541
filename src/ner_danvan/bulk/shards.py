"""A corpus in shards: which rows of which files become one part of the output.

Planning reads every byte once, to count and to hash; tagging takes a hundred times as long.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.io.readers import (
    BULK_ENDINGS,
    SAFE,
    STDIN,
    Failure,
    InputFile,
    Limits,
    find_files,
    is_jsonl,
    read_line,
)
from ner_danvan.io.readers.parquet import check_said
from ner_danvan.io.readers.source import Source
from ner_danvan.model_dir import file_hash

SHARD_BYTES = 2 * 2**20  # of text: about a minute of a core, lost at most where a worker dies
_PARQUET = ".parquet"
COLUMNS = ("id", "text", "meta")  # of a Parquet file
_READ_AHEAD = 2**20  # bytes of a line, at a time

TEXT, LINES, PARQUET, FAILED = "text", "lines", "parquet", "failed"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one file, one behind the other.

    `first` is the number of the first row, from 1: for JSONL the line. `rows` counts documents, so not empty lines.
    `start` and `end` are bytes of a file of text; `size` is the bytes of text, for Parquet about. `sha256` is of these
    bytes, for Parquet of the whole file. A file that cannot be read at all is one row that fails with `message`.
    """

    path: str
    name: str
    kind: str
    first: int = 1
    rows: int = 1
    start: int = 0
    end: int = 0
    size: int = 0
    sha256: str = ""
    message: str = ""

    @property
    def place(self) -> str:
        """Where it begins, for people."""
        return f"{self.name}:{self.first}" if self.kind in (LINES, PARQUET) else self.name


@dataclass(frozen=True, slots=True)
class Shard:
    """The rows of one part of the output, in input order; `number` counts from 0."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def rows(self) -> int:
        """Documents, those included that will fail."""
        return sum(piece.rows for piece in self.pieces)

    @property
    def size(self) -> int:
        """Bytes of text."""
        return sum(piece.size for piece in self.pieces)

    @property
    def sha256(self) -> str:
        """Of the names and the bytes: the same shard if and only if the output would be the same."""
        rows = [(p.name, p.kind, p.first, p.rows, p.sha256, p.message) for p in self.pieces]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    def to_json(self) -> str:
        """One line, read by `shard_from_json`."""
        return json.dumps(asdict(self))


def shard_from_json(line: str) -> Shard:
    """The inverse of `Shard.to_json`."""
    row = json.loads(line)
    return Shard(row["number"], tuple(Piece(**piece) for piece in row["pieces"]))


# --- planning ---------------------------------------------------------------------------------


def find_inputs(paths: Sequence[str], note: Callable[[str], None]) -> Iterator[InputFile | Failure]:
    """Files of all inputs, in the order in which one command reads them; raises UserError for standard input."""
    if STDIN in paths:
        raise UserError("--engine ray reads files that every worker can open; write stdin to a file first.")
    for name in paths:
        yield from find_files(name, note=note, endings=(*BULK_ENDINGS, _PARQUET))


def plan_shards(
    inputs: Iterable[InputFile | Failure],
    size: int = SHARD_BYTES,
    earlier: Sequence[int] = (),
    limits: Limits = SAFE,
) -> list[Shard]:
    """Every row of the inputs in exactly one shard, in order; a shard has at most `size` bytes and a row more.

    `earlier` has the rows of the shards of an earlier plan, which is followed as far as it goes: who mends a row in a
    file does not move the rows behind it into other shards. Memory grows with the files, not with the rows. Of the
    limits `ratio` counts here: what a Parquet says of its rows must be possible, for nothing else has been read of it.
    """
    plan = _Plan(size, earlier, limits)
    for item in inputs:
        for piece in _pieces(item, plan):
            plan.add(piece)
    plan.close()
    return plan.shards


class _Plan:
    """Shards so far, and the one that is being gathered."""

    def __init__(self, size: int, earlier: Sequence[int], limits: Limits) -> None:
        self.shards: list[Shard] = []
        self.size, self.limits = size, limits
        self._earlier = earlier
        self._gathered: list[Piece] = []
        self._rows = self._bytes = 0

    def add(self, piece: Piece) -> None:
        if self.left is None and self._bytes + piece.size > self.size:
            self.close()
        self._gathered.append(piece)
        self._rows += piece.rows
        self._bytes += piece.size
        if self.left == 0:
            self.close()

    def close(self) -> None:
        if self._gathered:
            self.shards.append(Shard(len(self.shards), tuple(self._gathered)))
        self._gathered, self._rows, self._bytes = [], 0, 0

    @property
    def left(self) -> int | None:
        """Rows that the shard still wants, where an earlier plan says it."""
        number = len(self.shards)
        return self._earlier[number] - self._rows if number < len(self._earlier) else None

    def full(self, rows: int, size: int) -> bool:
        """Whether a piece of so many rows and bytes should end here."""
        return size >= self.size if self.left is None else rows >= self.left


def _pieces(item: InputFile | Failure, plan: _Plan) -> Iterator[Piece]:
    if isinstance(item, Failure):
        yield _failed(item)
        return
    try:
        if is_jsonl(item.path):
            yield from _line_pieces(item, plan)
        elif item.path.suffix.lower() == _PARQUET:
            yield from _parquet_pieces(item, plan)
        else:
            length = item.path.stat().st_size
            yield Piece(str(item.path), item.name, TEXT, end=length, size=length, sha256=file_hash(item.path))
    except FileNotFoundError:
        yield _failed(Failure(item.name, f"{item.path}: no such file; check the path."))
    except OSError as error:
        yield _failed(Failure(item.name, f"{item.path}: cannot be read ({error.strerror or error})."))
    except UserError as error:
        yield _failed(Failure(item.name, str(error)))


def _failed(failure: Failure) -> Piece:
    return Piece("", failure.id, FAILED, message=failure.message)


def _line_pieces(item: InputFile, plan: _Plan) -> Iterator[Piece]:
    """A piece begins and ends with a row; empty lines are no rows, but between two of a piece they belong to it."""
    start = end = first = rows = position = number = 0
    seen = ahead = hashlib.sha256()  # up to the last row, and up to here
    with item.path.open("rb") as lines:
        while (line := read_line(lines, _READ_AHEAD, ahead.update)).size:
            number, position = number + 1, position + line.size
            if not line.is_empty:
                if not rows:
                    start, first = position - line.size, number
                end, rows, seen = position, rows + 1, ahead.copy()
                if plan.full(rows, end - start):
                    yield _lines(item, first, rows, start, end, seen.hexdigest())
                    rows = 0
            if not rows:
                ahead = hashlib.sha256()
    if rows:
        yield _lines(item, first, rows, start, end, seen.hexdigest())


def _lines(item: InputFile, first: int, rows: int, start: int, end: int, sha256: str) -> Piece:
    return Piece(str(item.path), item.name, LINES, first, rows, start, end, end - start, sha256)


def _parquet_pieces(item: InputFile, plan: _Plan) -> Iterator[Piece]:
    from pyarrow import parquet  # late: only Parquet needs it

    try:
        with parquet.ParquetFile(item.path) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except OSError:
        raise
    except Exception as error:  # ArrowException, and whatever a broken schema makes it stumble over
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{item.path}: no Parquet ({reason}); write the file again.") from None
    for name in COLUMNS:
        if schema.names.count(name) > 1:
            raise UserError(f'{item.path}: has more than one column "{name}"; keep one of them.')
    if "text" not in schema.names or not _is_text(schema.field("text").type):
        raise UserError(f'{item.path}: has no column "text" of strings; name it so, "id" and "meta" beside it.')
    with item.path.open("rb") as stream:
        check_said(metadata, Source(item.name, str(item.path), stream, {}, limits=plan.limits))
    sha256 = file_hash(item.path)
    row = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        # of all columns: pyarrow ends the whole process where what is said of one is damaged
        held = group.total_byte_size
        step = max(1, group.num_rows * plan.size // max(held, 1))
        start = 0
        while start < group.num_rows:
            rows = min(step - start % step, group.num_rows - start)
            if plan.left is not None:
                rows = min(rows, plan.left)
            share = held * rows // group.num_rows
            yield Piece(str(item.path), item.name, PARQUET, row + start + 1, rows, size=share, sha256=sha256)
            start += rows
        row += group.num_rows


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
