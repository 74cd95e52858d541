"""Publishing a dataset to a hub on this machine, over real HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_dataset
from hub_server import READER, TOKEN, Hub
from huggingface_hub import DatasetCard, snapshot_download
from tiny import DANVAN

from ner_danvan.corpus.export import DatasetName, write_dataset
from ner_danvan.corpus.reports import Report
from ner_danvan.corpus.statistics import Reading, corpus_statistics
from ner_danvan.document import Document, parse_inline
from ner_danvan.errors import UserError
from ner_danvan.export.hub import Publishing, dataset_publishing, publish
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize

TO = Publishing("org/reports", kind="dataset")
TEXTS = {
    "train": ["Bà <PERSON>Lò Thị Pản</PERSON>, <POSITION>Chủ tịch <ORG>UBND xã</ORG></POSITION>.", "không có gì"],
    "test": ["<ORG>Đảng ủy</ORG> họp <DATE>15/7</DATE>."],
}


@pytest.fixture
def folder(vocabulary: Path, tmp_path: Path) -> Path:
    reports = []
    for split, texts in TEXTS.items():
        for number, markup in enumerate(texts):
            parsed = parse_inline(markup, split, DANVAN.labels)
            reports.append(
                Report(Path(f"{number}.txt"), split, Document(f"{split}{number}", parsed.text, parsed.spans))
            )
    reading = Reading(Subwords.from_files(vocabulary), InputSettings(WindowSize(256, 48)), min_cuts=1, min_share=0.02)
    named = DatasetName("small", "mit", {}, "They are made up.", [], hub_id="org/reports")
    write_dataset(reports, corpus_statistics(reports, list(TEXTS), DANVAN, reading), DANVAN, named, tmp_path / "hub")
    return tmp_path / "hub"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    files = hub.files("datasets/org/reports", revision)
    return {name: data for name, data in files.items() if name != ".gitattributes"}


def test_a_published_dataset_comes_back_byte_for_byte_and_loads(hub: Hub, folder: Path, tmp_path: Path) -> None:
    done = publish(folder, TO)
    sha = hub.repositories["datasets/org/reports"].refs["main"]
    assert done.url == f"{hub.url}/datasets/org/reports/commit/{sha}"
    assert published(hub) == contents(folder)
    assert len(hub.repositories["datasets/org/reports"].commits) == 2  # the one that made it, and ours
    back = snapshot_download("org/reports", repo_type="dataset")
    loaded = load_dataset(back, cache_dir=str(tmp_path / "cache"))
    assert {split: rows.num_rows for split, rows in loaded.items()} == {
        split: len(rows) for split, rows in TEXTS.items()
    }
    assert [span["text"] for span in loaded["test"][0]["spans"]] == ["Đảng ủy", "15/7"]


def test_a_dry_run_names_every_file_and_asks_the_hub_nothing(hub: Hub, folder: Path) -> None:
    told = str(publish(folder, Publishing("org/reports", kind="dataset", dry_run=True)))
    assert [line.split()[0] for line in told.splitlines()[1:]] == sorted(contents(folder))
    assert [line.endswith("LFS") for line in told.splitlines()[1:]] == [False, True, True]
    assert hub.requests == []


def test_a_split_that_is_no_more_goes_in_the_same_commit(hub: Hub, folder: Path) -> None:
    hub.put("datasets/org/reports", {"data/old.parquet": b"old", "LICENSE": b"somebody's own"})
    done = publish(folder, TO)
    assert done.deleted == ["data/old.parquet"]
    assert published(hub) == contents(folder) | {"LICENSE": b"somebody's own"}


def test_a_model_of_that_name_is_another_repository(hub: Hub, folder: Path) -> None:
    hub.put("org/reports", {"config.json": b"{}"})
    publish(folder, TO)
    assert set(hub.files("org/reports")) == {".gitattributes", "config.json"}


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/preupload/", 429),
        ("POST", "/objects/batch", 403),
        ("PUT", "^/lfs/[0-9a-f]{64}$", 0),
        ("POST", "/commit/", 0),
        ("POST", "/commit/", 409),
        ("POST", "/commit/", 502),
    ],
)
def test_after_a_fault_the_hub_is_as_before(
    hub: Hub, folder: Path, method: str, path: str, status: int, there: bool
) -> None:
    if there:
        hub.put("datasets/org/reports", {"README.md": b"first"})
    before = hub.state()
    hub.fail(method, path, status, times=100)
    with pytest.raises(UserError, match=r"^org/reports: .*Nothing was published\.$") as raised:
        publish(folder, TO)
    assert TOKEN not in str(raised.value)
    assert hub.state() == before


@pytest.mark.parametrize(
    ("token", "wanted"), [(None, "no token, so the hub"), (READER, "your token may not write to it")]
)
def test_without_a_token_that_may_write_nothing_goes_up(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, wanted: str
) -> None:
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UserError, match=wanted):
        publish(folder, TO)
    assert hub.repositories == {}


def change_rows(folder: Path, change: Any) -> None:
    path = folder / "data" / "test.parquet"
    rows = Dataset.from_parquet(str(path), cache_dir=str(folder.parent / "rows"))
    changed = rows.to_list()
    change(changed)
    Dataset.from_list(changed, features=rows.features).to_parquet(str(path))


def change_card(folder: Path, old: str, new: str) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert old in text
    (folder / "README.md").write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda at: (at / "README.md").unlink(), "no README.md"),
        (lambda at: (at / "notes.txt").write_text("x"), r"notes\.txt: is no file of a dataset"),
        (lambda at: (at / "data" / "load.py").write_text("x"), r"load\.py: is no file of a dataset"),
        (lambda at: (at / "data" / "x").mkdir(), "is no file of a dataset"),
        (lambda at: (at / "data" / "test.parquet").unlink(), "cannot be loaded|names other splits"),
        (lambda at: (at / "data" / "test.parquet").write_bytes(b"PAR1"), "cannot be loaded"),
        (lambda at: change_card(at, "license: mit\n", ""), "no licence; set hub.license"),
        (lambda at: change_card(at, "language: vi", "language: [vi"), "front matter cannot be read"),
        (lambda at: change_card(at, "num_examples: 1", "num_examples: 5"), "loaded|names other splits"),
        (lambda at: change_card(at, "## Use", f"## {TOKEN}"), r"README\.md: holds what looks like a token"),
        (lambda at: change_rows(at, lambda rows: rows[0].update(text=f"{rows[0]['text']} {TOKEN}")), "test0: holds"),
        (lambda at: change_rows(at, lambda rows: rows[0]["spans"][0].update(start=1)), "test0: ORG at 1: its text"),
    ],
)  # fmt: skip
def test_a_dataset_that_may_not_go_up_is_told_before_the_hub_is_asked(
    hub: Hub, folder: Path, spoil: Any, wanted: str
) -> None:
    spoil(folder)
    with pytest.raises(UserError, match=wanted) as raised:
        publish(folder, TO)
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert hub.requests == []


def test_the_card_says_how_it_is_loaded_from_the_hub(folder: Path) -> None:
    card = DatasetCard.load(folder / "README.md")
    assert 'load_dataset("org/reports")\n' in str(card)


def config(**section: Any) -> dict[str, Any]:
    asked = dict.fromkeys(["repo_id", "private", "revision", "message"]) | {"create_pr": False, "dry_run": False}
    built = dict.fromkeys(["folder", "name", "license", "origin", "limits", "meanings"], "x")
    hub = built | asked | {"push": True, "repo_id": "org/reports"} | section
    return {"index": "index.tsv", "corrections": {"path": None}, "hub": hub}


def test_a_dataset_is_published_only_if_that_is_asked_for() -> None:
    assert dataset_publishing(config(push=False)) is None
    assert dataset_publishing({"hub": None}) is None
    asked = dataset_publishing(config(revision="v2"))
    assert asked is not None
    assert (asked.repo_id, asked.kind, asked.revision) == ("org/reports", "dataset", "v2")
    assert asked.message.startswith("Dataset built by")


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (config(repo_id="reports"), "write owner/name"),
        (config(token=TOKEN), r"hub\.token is not known"),
        (config() | {"index": None}, "no dataset is built"),
        (config() | {"corrections": {"path": "x"}}, "exclude each other"),
    ],
)
def test_what_cannot_be_published_is_told_before_it_is_built(values: dict[str, Any], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted) as raised:
        dataset_publishing(values)
    assert TOKEN not in str(raised.value)
