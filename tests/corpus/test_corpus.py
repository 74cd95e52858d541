from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import DANVAN

from ner_danvan.corpus.build import run
from ner_danvan.corpus.check import CorpusError, check_corpus
from ner_danvan.corpus.reports import read_gold, read_report
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.span import Span

LONG = "Hôm qua bà con trong xóm cùng nhau ra đồng gặt lúa rất sớm"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def faults(root: Path, **files: str) -> list[str]:
    """Faults of reports given as split__name = markup."""
    for split in ("train", "dev"):
        write(root, f"{split}/fine_{split}.txt", f"<ORG>Đảng ủy {split}</ORG> họp")
    for key, text in files.items():
        split, _, name = key.partition("__")
        write(root, f"{split}/{name}.txt", text)
    folders = {split: root / split for split in ("train", "dev")}
    return check_corpus(folders, DANVAN.layer_of, shared_words=12, names=("ORG",))[1]


def test_good_reports_have_no_faults(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\n<LOC>b</LOC>", ':2: unknown label "LOC"'),
        ("a\n\n<ORG>Đảng ủy,</ORG>", ":3: ORG"),
        ("<ORG>Đảng <DATE>15/7</DATE></ORG>", "overlap in layer"),
        ("<ORG>Đảng", "never closed"),
        ("không có gì", "no span in it"),
    ],
)
def test_a_fault_names_file_and_line(tmp_path: Path, text: str, wanted: str) -> None:
    (fault,) = faults(tmp_path, train__bad=text)
    assert str(tmp_path / "train" / "bad.txt") in fault
    assert wanted in fault


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "bad.txt").write_bytes(b"abc\xff")
    assert "byte 3" in faults(tmp_path)[0]


def test_a_sentence_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, train__a=f"<ORG>Xã đoàn</ORG> {LONG}", dev__b=f"x\n{LONG} <ORG>Xã đoàn</ORG>")
    assert fault.startswith(f"{tmp_path / 'dev' / 'b.txt'}:2: leaks from {tmp_path / 'train' / 'a.txt'}")


def test_a_sentence_twice_in_a_split_is_a_repetition_whatever_its_case(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, train__a=f"<ORG>Xã đoàn</ORG> {LONG}", train__b=f"<ORG>Hội</ORG> {LONG.upper()}")
    assert "repeats" in fault


def test_the_full_name_of_a_body_is_no_repetition(tmp_path: Path) -> None:
    name = "Ban Chỉ đạo thực hiện Quy chế dân chủ ở cơ sở tỉnh Quảng Nam"
    assert faults(tmp_path, train__a=f"<ORG>{name}</ORG> họp", dev__b=f"hôm nay <ORG>{name}</ORG>") == []


def test_a_name_used_in_two_splits_is_told(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, train__a="<ORG>Xã đoàn</ORG> một", dev__a="<ORG>Hội</ORG> hai")
    assert "rename one of the two" in fault


def test_a_report_is_read_with_its_stem_as_id(tmp_path: Path) -> None:
    assert read_report(write(tmp_path, "hn_1.txt", "<ORG>Đảng</ORG>"), DANVAN.layer_of).id == "hn_1"


def test_gold_comes_from_a_folder_a_report_or_jsonl(tmp_path: Path) -> None:
    path = write(tmp_path, "sub/a.txt", "<ORG>Đảng</ORG> họp")
    jsonl = write(tmp_path, "d.jsonl", to_json_line(read_report(path, DANVAN.layer_of)) + "\n")
    assert read_gold(tmp_path, DANVAN.layer_of) == read_gold(path, DANVAN.layer_of) == read_gold(jsonl, DANVAN.layer_of)


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("no", None, "no such folder"),
        ("empty", "", "no .txt report in it"),
        ("e.jsonl", "", "no document in it"),
        ("x.jsonl", to_json_line(Document("q", "xã", (Span(0, 2, "LOC", "xã"),))), 'unknown label "LOC"'),
        ("y.jsonl", to_json_line(Document("q", "xã", (Span(0, 9, "ORG", "xã"),))), "outside the text"),
    ],
)
def test_gold_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: str | None, wanted: str) -> None:
    if name == "empty":
        (tmp_path / name).mkdir()
    elif content is not None:
        write(tmp_path, name, content)
    with pytest.raises(UserError, match=wanted):
        read_gold(tmp_path / name, DANVAN.layer_of)


def values(root: Path, vocabulary: Path) -> dict[str, Any]:
    return {
        "labels": {"layers": DANVAN.to_config()},
        "model": {"path": str(vocabulary)},
        "training": {
            "window": 256,
            "overlap": 48,
            "line_marks": True,
            "split_words": {"min_cuts": 1, "min_share": 0.02},
        },
        "splits": {"train": str(root / "train"), "dev": str(root / "dev")},
        "index": None,
        "groups": None,
        "shared_words": 12,
        "names": ["ORG"],
        "foreign": None,
        "output": str(root / "built"),
        "hub": None,
        "readme": None,
    }


@pytest.fixture
def config(tmp_path: Path, vocabulary: Path) -> dict[str, Any]:
    """The configuration of a corpus of two reports, which are there."""
    write(tmp_path, "train/a.txt", "<ORG>Đảng ủy</ORG> họp")
    write(tmp_path, "dev/b.txt", "<DATE>15/7</DATE> nghỉ")
    return values(tmp_path, vocabulary)


def test_a_build_writes_each_split_and_counts_it(tmp_path: Path, config: dict[str, Any]) -> None:
    splits = run(config).statistics.splits
    assert (splits["train"].documents, splits["train"].words, splits["train"].labels["ORG"].spans) == (1, 3, 1)
    row = json.loads((tmp_path / "built" / "train.jsonl").read_text(encoding="utf-8"))
    assert (row["id"], row["spans"][0]["text"]) == ("a", "Đảng ủy")
    written = json.loads((tmp_path / "built" / "statistics.json").read_text(encoding="utf-8"))
    assert written["splits"]["dev"]["labels"]["DATE"]["spans"] == 1


def test_a_build_with_faults_writes_nothing_and_gives_them_all(tmp_path: Path, config: dict[str, Any]) -> None:
    write(tmp_path, "train/a.txt", "<ORG>Đảng ủy,</ORG> <LOC>")
    write(tmp_path, "dev/b.txt", "<DATE>15/7")
    with pytest.raises(CorpusError) as raised:
        run(config)
    assert len(raised.value.faults) == 2
    assert not (tmp_path / "built").exists()


def test_what_the_index_says_comes_with_the_documents(tmp_path: Path, config: dict[str, Any]) -> None:
    rows = ["report\tgenre\tlevel\tregion\tyear\tstyle", "a\tke_hoach\txã\tHuế\t2020\tx", "b\ttin\txã\tHuế\t2021\ty"]
    config["index"] = str(write(tmp_path, "index.tsv", "\n".join(rows) + "\n"))
    built = run(config)
    assert built.statistics.groups["year"] == {"2020": {"train": 1, "dev": 0}, "2021": {"train": 0, "dev": 1}}
    row = json.loads((tmp_path / "built" / "train.jsonl").read_text(encoding="utf-8"))
    assert row["meta"]["genre"] == "ke_hoach"


def test_a_report_that_the_index_lacks_is_a_fault_of_the_build(tmp_path: Path, config: dict[str, Any]) -> None:
    config["index"] = str(write(tmp_path, "index.tsv", "report\tgenre\tlevel\tregion\tyear\tstyle\n"))
    with pytest.raises(CorpusError) as raised:
        run(config)
    assert [fault.partition(":")[0] for fault in raised.value.faults] == [
        str(tmp_path / "train" / "a.txt"),
        str(tmp_path / "dev" / "b.txt"),
    ]


def test_an_absent_folder_of_foreign_texts_is_told_in_a_line(tmp_path: Path, config: dict[str, Any]) -> None:
    config["foreign"] = {"folder": str(tmp_path / "no"), "words": 10}
    (line,) = run(config).skipped
    assert line.startswith(f"{tmp_path / 'no'}: no such folder")


def test_a_copied_text_of_others_is_a_fault_of_the_build(tmp_path: Path, config: dict[str, Any]) -> None:
    write(tmp_path, "train/a.txt", f"<ORG>Đảng ủy</ORG> {LONG}")
    write(tmp_path, "others/x.txt", LONG)
    config["foreign"] = {"folder": str(tmp_path / "others"), "words": 10}
    with pytest.raises(CorpusError) as raised:
        run(config)
    (fault,) = raised.value.faults
    assert f"shares with {tmp_path / 'others' / 'x.txt'}" in fault


def test_the_tables_of_a_page_are_rewritten_and_nothing_else(tmp_path: Path, config: dict[str, Any]) -> None:
    page = write(tmp_path, "page.md", "trước\n<!-- statistics -->\ncũ\n<!-- /statistics -->\nsau\n")
    config["readme"] = str(page)
    run(config)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("trước\n<!-- statistics -->\n")
    assert text.endswith("<!-- /statistics -->\nsau\n")
    assert "| reports | 1 | 1 |" in text
    assert "cũ" not in text
    assert (tmp_path / "plots" / "sizes.png").is_file()


def test_a_page_without_the_markers_is_told_before_anything_is_written(tmp_path: Path, config: dict[str, Any]) -> None:
    config["readme"] = str(write(tmp_path, "page.md", "<!-- statistics --> không có cuối"))
    with pytest.raises(UserError, match="put them there"):
        run(config)
    assert not (tmp_path / "built").exists()


def test_a_window_that_holds_nothing_is_told_by_its_key(config: dict[str, Any]) -> None:
    config["training"] = config["training"] | {"window": 2}
    with pytest.raises(UserError, match=r"training\.window"):
        run(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shared_words": 0}, "shared_words=0 must be at least 1"),
        ({"shared_words": None}, "shared_words=None must be"),
        ({"shared_words": True}, "shared_words=True must be a whole number"),
        ({"foreign": {"folder": "x", "words": "many"}}, r"foreign\.words=many must be"),
        ({"names": None}, "names=None: must be a list"),
        ({"splits": {}}, "name a folder for each split"),
        ({"splits": {"train": None}}, "name a folder for each split"),
        ({"output": None}, "output=None: name a folder"),
        ({"model": {"path": None}}, "model.path=null"),
        ({"training": {"window": None, "overlap": 1}}, r"training\.window=None must be a whole number"),
        ({"hub": {"folder": "x"}}, "hub: 'name'; it wants"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_key(
    config: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(config | changes)


def test_the_dataset_for_the_hub_is_written_where_it_is_asked(tmp_path: Path, config: dict[str, Any]) -> None:
    folder = tmp_path / "hub"
    config["hub"] = {
        **{"folder": str(folder), "name": "small", "license": "mit", "meanings": None},
        **{"origin": "Made up.", "limits": None},
    }
    assert "index=null: no dataset for the hub" in run(config).skipped[-1]
    assert not folder.exists()
    rows = ["report\tgenre\tlevel\tregion\tyear\tstyle", "a\tg\tl\tr\t2020\ts", "b\tg\tl\tr\t2021\ts"]
    config["index"] = str(write(tmp_path, "index.tsv", "\n".join(rows)))
    assert folder in run(config).written
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"README.md", "train.parquet", "dev.parquet"}
