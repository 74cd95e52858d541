"""Rows of a shard as one process would read them, and no more of them than their file lets expect."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path

import pytest

from ner_danvan.bulk.reading import read_shard
from ner_danvan.bulk.shards import Shard
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure, Limits, parse_limits, read_inputs
from ner_danvan.io.readers import parquet as reading_parquet
from ner_danvan.io.readers.source import Source

from .test_shards import plan, read

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def write_same(path: Path, text: str, rows: int) -> None:
    """A file in which all rows point to one text."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    parquet.write_table(pa.table({"text": column}), path, compression="zstd")


def rows_of_both(folder: Path) -> list[Shard]:
    """Three rows as JSONL, with white space behind them, and as Parquet."""
    rows = ["x", "y" * 90, "z"]
    (folder / "a.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows) + " " * 200 + "\n\n")
    parquet.write_table(pa.table({"text": rows}), folder / "b.parquet")
    return plan([str(folder)], 10)


def test_rows_that_are_too_long_are_failures_as_in_one_process(tmp_path: Path) -> None:
    few = Limits(file=50, cell=50)
    found = read(rows_of_both(tmp_path), limits=few)
    assert [getattr(item, "text", "") for item in found] == ["x", "", "z"] * 2
    assert found == list(read_inputs([str(tmp_path)], lambda: None, limits=few))


def test_limits_that_the_failures_propose_suffice(tmp_path: Path) -> None:
    shards = rows_of_both(tmp_path)
    line, cell = (item for item in read(shards, limits=Limits(file=50, cell=50)) if isinstance(item, Failure))
    assert line.message.startswith("a.jsonl:2: the line has 103 bytes, more than 50; ")
    assert cell.message.startswith(f"{tmp_path / 'b.parquet'}: row 2: a cell has more than 50 characters; ")
    limits = parse_limits([line.message.split()[-1].rstrip("."), "cell=90"])
    assert read(shards, limits=limits) == read(shards)


def test_a_file_that_is_too_large_is_not_held_either(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 64 * 2**20)
    tracemalloc.start()
    try:
        (failure,) = read(plan([str(tmp_path)], 1_000), limits=Limits(file=1_000))
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert isinstance(failure, Failure)
    assert f"{tmp_path / 'a.txt'}: has {64 * 2**20} bytes, more than 1000; " in failure.message


def test_a_line_is_not_held_while_it_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        for mark in (b" ", b"x"):
            for _ in range(64):
                file.write(mark * 2**20)
            file.write(b"\n")
    tracemalloc.start()
    try:
        (shard,) = plan([str(path)], 1_000)
        (failure,) = read([shard], limits=Limits(file=1_000))
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert isinstance(failure, Failure)
    assert failure.message.startswith(f"{path}:2: the line has {64 * 2**20 + 1} bytes, more than 1000; ")


def test_a_small_parquet_of_many_long_rows_is_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_same(path, "x" * 1_000_000, 256)
    *rows, last = read(plan([str(path)], 10**9))
    first = next(number for number, item in enumerate(rows) if isinstance(item, Failure))
    assert 0 < first < 70
    assert len(rows) == 255
    assert {type(item) for item in rows[first:]} == {Failure}
    assert isinstance(last, Failure)
    wanted = re.search(r"as in a ZIP bomb; .* --limit (ratio=\d+)", last.message)
    assert wanted
    found = read(plan([str(path)], 10**9), limits=parse_limits([wanted[1]]))
    assert [type(item) for item in found] == [Document] * 256


@pytest.mark.parametrize(
    ("text", "rows", "said"), [("x" * 2_000_000, 1, "row group 1 in it"), ("", 2_000_000, "its 2000000 rows")]
)
def test_a_parquet_that_says_more_than_its_size_lets_expect_is_one_failure(
    tmp_path: Path, text: str, rows: int, said: str
) -> None:
    path = tmp_path / "a.parquet"
    write_same(path, text, rows)
    (failure,) = read(plan([str(path)], 1_000))
    assert isinstance(failure, Failure)
    assert failure.message.startswith(f"{path}: {said}")
    wanted = re.search(r"as in a ZIP bomb; .* --limit (ratio=\d+)", failure.message)
    assert wanted
    shards = plan([str(path)], 10**9, limits=parse_limits([wanted[1]]))
    assert sum(shard.rows for shard in shards) == rows


def test_a_text_of_parquet_that_is_no_utf8_is_a_failure_of_its_row(tmp_path: Path) -> None:
    texts = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"\xffx")]
    )
    parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    broken, whole = read(plan([str(tmp_path)], 1_000))
    assert isinstance(broken, Failure)
    assert broken.message.startswith(f"{tmp_path / 'a.parquet'}: row 1: its text is not UTF-8")
    assert isinstance(whole, Document)
    assert whole.text == "x"


def test_names_of_columns_that_are_no_text_are_one_failure(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["x"], "other": ["y"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"other", b"\xffther"))
    (failure,) = read(plan([str(path)], 1_000))
    assert isinstance(failure, Failure)
    assert failure.message.startswith(f"{path}: no Parquet ('utf-8' codec can't decode")


@pytest.mark.parametrize("name", ["id", "text", "meta"])
def test_a_column_that_comes_twice_is_one_failure(tmp_path: Path, name: str) -> None:
    path = tmp_path / "b.parquet"
    parquet.write_table(pa.table([["x"]] * 4, names=["id", "text", "meta", name]), path)
    (failure,) = read(plan([str(path)], 1_000))
    assert isinstance(failure, Failure)
    assert failure.message.startswith(f'{path}: has more than one column "{name}"')


def test_a_row_behind_white_space_of_more_than_a_piece_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b" " * (2**20 + 5) + b'{"text": "x"}\n' + b" " * (2**20 + 5) + b"\n")
    assert [getattr(item, "text", "") for item in read(plan([str(tmp_path)], 1_000))] == ["x"]


def test_groups_of_a_small_parquet_share_what_it_may_come_to(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 6_000, pa.int32()), pa.array(["x" * 100_000]))
    parquet.write_table(pa.table({"text": column}), path, compression="zstd", row_group_size=600)
    (shard,) = plan([str(path)], 10**9)
    items = list(read_shard(shard, Path()))
    assert len(items) == 6_000
    first = next(number for number, item in enumerate(items, 1) if isinstance(item, Failure))
    assert 600 < first < 700
    message = getattr(items[first - 1], "message", "")
    assert message.startswith(f"{path}: row {first}: its rows come to more than 200 times its size")
    assert {type(item) for item in items[first:]} == {Failure}


@pytest.mark.parametrize("meta", [json.dumps({"a": "x" * 100_000}), {"a": "x" * 100_000}])
def test_meta_counts_as_text_does(tmp_path: Path, meta: object) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["x"] * 1_000, "meta": [meta] * 1_000}), path, compression="zstd")
    found = read(plan([str(path)], 10**9))
    first = next(number for number, item in enumerate(found, 1) if isinstance(item, Failure))
    assert 600 < first < 700


def test_a_nested_meta_has_the_length_of_its_json(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": ["x"] * 2, "meta": [{"a": "y" * 90}, {"a": "y"}]}), tmp_path / "a.parquet")
    long, short = read(plan([str(tmp_path)], 1_000), limits=Limits(cell=50))
    assert isinstance(long, Failure)
    assert "row 1: a cell has more than 50 characters" in long.message
    assert isinstance(short, Document)


@pytest.mark.parametrize(
    ("meta", "kind"), [(pa.array([None, 5, None]), "int"), (pa.array([None, ["xy", "zw"], None]), "list")]
)
def test_an_odd_meta_costs_its_row_alone(tmp_path: Path, meta: pa.Array, kind: str) -> None:
    parquet.write_table(pa.table({"text": ["a", "b", "c"], "meta": meta}), tmp_path / "a.parquet")
    first, second, third = read(plan([str(tmp_path)], 1_000))
    assert isinstance(second, Failure)
    assert second.message.startswith(f'a.parquet:2: "meta" is a {kind}; ')
    assert [getattr(item, "text", "") for item in (first, third)] == ["a", "c"]


def test_meta_may_be_a_map(tmp_path: Path) -> None:
    column = pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64()))
    parquet.write_table(pa.table({"text": ["x", "y"], "meta": column}), tmp_path / "a.parquet")
    first, second = read(plan([str(tmp_path)], 1_000))
    assert isinstance(first, Document)
    assert first.meta == {"source": "a.parquet", "row": 1, "a": 1}
    assert isinstance(second, Document)


def test_a_large_group_is_not_held_as_a_dictionary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number} " * 100 for number in range(600)]
    parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    opened = []
    whole = parquet.ParquetFile
    monkeypatch.setattr(
        parquet, "ParquetFile", lambda *a, **k: opened.append(k.get("read_dictionary")) or whole(*a, **k)
    )
    monkeypatch.setattr(reading_parquet, "_DICTIONARY_BYTES", 1_000)
    found = read(plan([str(tmp_path)], 20_000))
    assert [getattr(item, "text", "") for item in found] == texts


def test_a_file_whose_groups_say_other_rows_than_it_does_is_one_failure(tmp_path: Path) -> None:
    class Group:
        total_byte_size = 10

        def __init__(self, rows: int) -> None:
            self.num_rows = rows

    class Metadata:
        num_rows, num_row_groups = 5, 2

        def __init__(self, *rows: int) -> None:
            self._rows = rows

        def row_group(self, number: int) -> Group:
            return Group(self._rows[number])

    with (tmp_path / "a.parquet").open("w+b") as stream:
        source = Source("a.parquet", "a.parquet", stream, {})
        reading_parquet.check_said(Metadata(2, 3), source)
        for rows in ((5, 10**12), (6, -1)):
            with pytest.raises(UserError, match="is damaged"):
                reading_parquet.check_said(Metadata(*rows), source)
