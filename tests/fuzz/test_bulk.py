"""Whatever the bytes: each row that was planned is a document or one line, and no run ends for it."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from fuzz import samples
from fuzz.torture import check_line, damaged, fuzz
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan.bulk.reading import read_shard
from ner_danvan.bulk.shards import find_inputs, plan_shards
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers import read_inputs
from ner_danvan.io.readers.sniff import JSONL, kind_of
from ner_danvan.io.readers.source import Source

BULK_KINDS = ["text", "jsonl", "docx", "parquet"]
_ROOM = "/dev/shm" if Path("/dev/shm").is_dir() else None


def check_bulk(data: bytes, kind: str, size: int) -> None:
    with tempfile.TemporaryDirectory(dir=_ROOM) as folder:
        path = Path(folder) / samples.name_of(kind)
        path.write_bytes(data)
        shards = plan_shards(find_inputs([str(path)], lambda message: None), size)
        found = []
        for shard in shards:
            items = list(read_shard(shard, Path()))
            assert len(items) == shard.rows
            found += items
        for item in found:
            if isinstance(item, Document):
                check_line(item)
            else:
                assert item.message.startswith(str(path))
                assert "\n" not in item.message
        if kind == "jsonl" and data.strip() and _is_jsonl(data):
            assert found == list(read_inputs([str(path)], lambda: None))


def _is_jsonl(data: bytes) -> bool:
    """One process goes by the bytes first."""
    try:
        return kind_of(Source("a.jsonl", "a.jsonl", io.BytesIO(data), {})) == JSONL
    except UserError:
        return False


@fuzz(40)
@pytest.mark.parametrize("kind", BULK_KINDS)
@given(data=st.data(), size=st.integers(1, 300))
def test_every_planned_row_comes_out(kind: str, data: st.DataObject, size: int) -> None:
    pytest.importorskip("pyarrow")
    check_bulk(data.draw(damaged(samples.of(kind))), kind, size)
