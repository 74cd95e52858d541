"""How the documents of a part are written: one writer a format, to a stream of bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO

from ner_danvan.document import Document, document_to_dict, to_json_line
from ner_danvan.errors import UserError

_GROUP_ROWS = 512  # of a Parquet file, held until they are written

Write = Callable[[Document], None]


@contextmanager
def jsonl_part(stream: BinaryIO) -> Iterator[Write]:
    """Document JSONL, as the format jsonl of one process."""
    yield lambda document: _write_line(stream, document)


def _write_line(stream: BinaryIO, document: Document) -> None:
    stream.write((to_json_line(document) + "\n").encode())


@contextmanager
def parquet_part(stream: BinaryIO) -> Iterator[Write]:
    """Columns id, text, spans (a list of structs) and meta (JSON, or null): the same types in every part.

    Writing raises UserError for a document that Parquet cannot hold.
    """
    import pyarrow as pa  # late: only Parquet needs it
    from pyarrow import parquet

    span = [("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string())]
    spans = pa.list_(pa.struct([*span, ("score", pa.float64())]))
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("spans", spans), ("meta", pa.string())])
    held: list[dict[str, Any]] = []

    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(held, schema))
            held.clear()

        def write(document: Document) -> None:
            held.append(_parquet_row(document))
            if len(held) >= _GROUP_ROWS:
                flush()

        yield write
        flush()


def _parquet_row(document: Document) -> dict[str, Any]:
    row = document_to_dict(document)
    row["meta"] = json.dumps(row["meta"], ensure_ascii=False) if "meta" in row else None
    try:
        for value in (row["id"], row["text"], row["meta"] or ""):
            value.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{document.id}: has a lone surrogate, which Parquet cannot hold; mend the text, or take --format jsonl."
        ) from None
    return row


PARTS: dict[str, Callable[[BinaryIO], AbstractContextManager[Write]]] = {"jsonl": jsonl_part, "parquet": parquet_part}
