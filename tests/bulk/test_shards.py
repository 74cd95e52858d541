from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_danvan.bulk.reading import read_shard
from ner_danvan.bulk.shards import Shard, find_inputs, plan_shards, shard_from_json
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers import SAFE, Failure, Limits, read_inputs

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def plan(paths: list[str], size: int, earlier: Sequence[int] = (), limits: Limits = SAFE) -> list[Shard]:
    return plan_shards(find_inputs(paths, lambda message: None), size, earlier, limits)


def write(folder: Path, files: list[tuple[bool, list[bytes], bool]]) -> None:
    for number, (as_jsonl, lines, ends) in enumerate(files):
        data = b"\n".join(lines) + (b"\n" if ends else b"")
        Path(folder, f"{number}.{'jsonl' if as_jsonl else 'txt'}").write_bytes(data)


def read(shards: list[Shard], base: Path = Path(), limits: Limits = SAFE) -> list[Document | Failure]:
    return [item for shard in shards for item in read_shard(shard, base, limits)]


LINES = st.one_of(
    st.text(max_size=60).map(lambda text: json.dumps({"text": text}).encode()),
    st.builds(lambda name, text: json.dumps({"id": name, "text": text}).encode(), st.text(min_size=1), st.text()),
    st.sampled_from([b"", b"  ", b"\r", b"{", b"\xff", b'{"text": 3}']),
)
FILES = st.lists(st.tuples(st.booleans(), st.lists(LINES, max_size=12), st.booleans()), max_size=5)


@settings(max_examples=80, deadline=None)
@given(files=FILES, size=st.integers(1, 400))
def test_shards_read_one_by_one_are_what_one_command_reads(
    files: list[tuple[bool, list[bytes], bool]], size: int
) -> None:
    with TemporaryDirectory() as folder:
        write(Path(folder), files)
        shards = plan([folder], size)
        for shard in shards:
            assert shard.rows == len(list(read_shard(shard, Path()))) > 0
        assert [shard.number for shard in shards] == list(range(len(shards)))
        wanted = list(read_inputs([folder], lambda: None))
        if files:
            assert read(shards) == wanted
        else:
            assert [item.id for item in read(shards)] == [item.id for item in wanted] == [folder]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.text("aâ", max_size=30), max_size=40),
    group=st.integers(1, 50),
    size=st.integers(1, 2_000),
)
def test_every_row_of_a_parquet_file_is_read_once_and_in_order(rows: list[str], group: int, size: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        table = pa.table({"text": pa.array(rows, pa.string()), "more": list(range(len(rows)))})
        parquet.write_table(table, path, row_group_size=group)
        shards = plan([str(path)], size)
        assert sum(shard.rows for shard in shards) == len(rows)
        documents = [
            Document(f"{path}:{number}", text, meta={"source": str(path), "row": number})
            for number, text in enumerate(rows, 1)
        ]
        assert read(shards) == documents


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(0, 300), max_size=30), size=st.integers(1, 500))
def test_a_shard_is_no_larger_than_asked_and_a_row(lengths: list[int], size: int) -> None:
    with TemporaryDirectory() as folder:
        lines = [json.dumps({"text": "x" * length}) + "\n" for length in lengths]
        path = Path(folder, "a.jsonl")
        path.write_text("".join(lines))
        shards = plan([str(path), str(path)], size)
        assert all(shard.size < size + max(map(len, lines)) for shard in shards)
        assert sum(shard.size for shard in shards) == 2 * sum(map(len, lines))
        assert [shard_from_json(shard.to_json()) for shard in shards] == shards


@settings(max_examples=60, deadline=None)
@given(files=FILES, size=st.integers(1, 400), other=st.integers(1, 400))
def test_an_earlier_plan_is_followed_whatever_the_size(
    files: list[tuple[bool, list[bytes], bool]], size: int, other: int
) -> None:
    with TemporaryDirectory() as folder:
        write(Path(folder), files)
        first = plan([folder], size)
        assert plan([folder], other, [shard.rows for shard in first]) == first


def test_a_mended_line_leaves_all_other_shards_as_they_are(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "x"}\n\n' * 9)
    before = plan([str(tmp_path)], 30)
    (tmp_path / "b.jsonl").write_text('{"text": "x"}\n\n' * 4 + '{"text": "longer"}\n\n' + '{"text": "x"}\n\n' * 4)
    after = plan([str(tmp_path)], 30, [shard.rows for shard in before])
    (changed,) = [a for a, b in zip(before, after, strict=True) if a.sha256 != b.sha256]
    (piece,) = changed.pieces
    assert piece.name == "b.jsonl"
    assert piece.first <= 9 < piece.first + 2 * piece.rows


def test_row_groups_keep_their_shards_when_a_plan_is_followed(tmp_path: Path) -> None:
    table = pa.table({"text": [f"x{number}" for number in range(50)]})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    parquet.write_table(table, tmp_path / "b.parquet", row_group_size=20)
    for size in (1, 20, 100, 10_000):
        first = plan([str(tmp_path)], size)
        assert plan([str(tmp_path)], size, [shard.rows for shard in first]) == first


def test_meta_of_parquet_may_be_json_or_a_struct(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"id": ["1"], "text": ["x"], "meta": ['{"a": 1}']}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"id": [2], "text": ["y"], "meta": [{"a": 1}]}), tmp_path / "b.parquet")
    parquet.write_table(pa.table({"text": ["z"], "meta": ["{"]}), tmp_path / "c.parquet")
    first, second, third = read(plan([str(tmp_path)], 1_000))
    assert first == Document("1", "x", meta={"source": "a.parquet", "row": 1, "a": 1})
    assert second == Document("2", "y", meta={"source": "b.parquet", "row": 1, "a": 1})
    assert isinstance(third, Failure)
    assert third.message.startswith('c.parquet:1: "meta": no JSON')


@pytest.mark.parametrize("name", ["missing.txt", "missing.jsonl", "missing.parquet", "bad.parquet", "other.parquet"])
def test_a_file_that_cannot_be_read_is_one_failure_in_its_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"no parquet at all")
    parquet.write_table(pa.table({"content": ["x"]}), tmp_path / "other.parquet")
    (tmp_path / "a.txt").write_text("x")
    path = str(tmp_path / name)
    reasons = {"bad.parquet": "no Parquet (Parquet magic", "other.parquet": 'has no column "text"'}
    items = read(plan([str(tmp_path / "a.txt"), path, str(tmp_path / "a.txt")], 1_000))
    assert [type(item) for item in items] == [Document, Failure, Document]
    assert isinstance(items[1], Failure)
    assert items[1].id == path
    assert items[1].message.startswith(f"{path}: {reasons.get(name, 'no such file')}")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.parquet"])
def test_a_file_that_changes_behind_the_plan_ends_the_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = ["xxxx", "yyyy"]
    if name == "a.parquet":
        parquet.write_table(pa.table({"text": rows}), path)
    else:
        path.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    shards = plan([str(path)], 1_000)
    if name == "a.parquet":
        parquet.write_table(pa.table({"text": rows[:1]}), path)
    else:
        path.write_text(path.read_text().replace("yyyy", "yyyz"))
    with pytest.raises(UserError, match="has changed since the run began"):
        read(shards)
    path.unlink()
    with pytest.raises(UserError, match="cannot be read here"):
        read(shards)


def test_paths_are_read_below_the_base_and_named_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    shards = plan(["a.txt"], 10)
    monkeypatch.chdir("/")
    assert read(shards, tmp_path) == [Document("a.txt", "x", meta={"source": "a.txt"})]


def test_standard_input_is_refused() -> None:
    with pytest.raises(UserError, match="write stdin to a file"):
        plan(["-"], 10)


def test_files_of_one_document_are_read_as_one_command_reads_them(tmp_path: Path) -> None:
    pytest.importorskip("lxml")
    (tmp_path / "a.html").write_text("<html><body><p>Đảng ủy</p><p>xã</p></body></html>", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes("Đảng ủy".encode("utf-16"))
    items = read(plan([str(tmp_path)], 1_000))
    assert items == list(read_inputs([str(tmp_path)], lambda: None))
    assert [item.text for item in items if isinstance(item, Document)] == ["Đảng ủy\nxã", "Đảng ủy"]


def test_a_file_of_many_documents_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nx\n")
    (item,) = read(plan([str(tmp_path / "a.csv")], 1_000))
    assert isinstance(item, Failure)
    assert "is a CSV file, which is read without --engine ray" in item.message
