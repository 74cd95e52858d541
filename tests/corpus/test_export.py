from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from datasets import load_dataset
from tiny import DANVAN

from ner_danvan.corpus.export import META, DatasetName, write_dataset
from ner_danvan.corpus.reports import Report
from ner_danvan.corpus.statistics import Reading, Statistics, corpus_statistics
from ner_danvan.document import Document, document_from_dict, parse_inline
from ner_danvan.errors import UserError
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize

KNOWN = {"genre": "plan", "level": "commune", "region": "coast", "place": "Huế", "year": 2025, "style": "tone new"}
# decomposed accents, a line end of two characters, a character past 16 bits, a text without a final newline
AWKWARD = (
    "Quy\u0301 I\r\n\u00a0"
    "<POSITION>tru\u031bo\u031b\u0309ng <ORG>ban Da\u0302n v\u00e2\u0323n</ORG></POSITION> 🙂 <DATE>15/7</DATE>"
)
LINE = (
    "Sáng nay, bà <PERSON>Lò Thị Pản</PERSON>, <POSITION>Chủ tịch <ORG>UBND xã</ORG></POSITION>, yêu cầu "
    "<TASK>rà soát hộ nghèo trước <DATE>ngày 15/7</DATE></TASK>.\nHết."
)


@pytest.fixture
def documents() -> dict[str, list[Document]]:
    def made(markup: str, name: str, **meta: Any) -> Document:
        parsed = parse_inline(markup, name, DANVAN.labels)
        return Document(name, parsed.text, parsed.spans, meta)

    return {
        "train": [made(AWKWARD, "a", **KNOWN), made("không có gì", "b"), made(LINE, "c", **KNOWN)],
        "dev": [made("<ORG>Đảng ủy</ORG>", "d")],
    }


@pytest.fixture
def folder(documents: dict[str, list[Document]], vocabulary: Path, tmp_path: Path) -> Path:
    reports = [Report(Path(f"{d.id}.txt"), split, d) for split, found in documents.items() for d in found]
    reading = Reading(Subwords.from_files(vocabulary), InputSettings(WindowSize(256, 48)), min_cuts=1, min_share=0.02)
    statistics = corpus_statistics(reports, list(documents), DANVAN, reading)
    named = DatasetName("small-reports", "mit", {"ORG": "a body"}, "They are made up.", ["Few of them."])
    write_dataset(reports, statistics, DANVAN, named, tmp_path / "hub")
    return tmp_path / "hub"


def test_a_folder_that_holds_other_things_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "data").mkdir(parents=True)
    table = tmp_path / "mine" / "data" / "own.parquet"
    table.write_bytes(b"x")
    named = DatasetName("small", "mit", {}, "", [])
    with pytest.raises(UserError, match="holds other things"):
        write_dataset([], cast(Statistics, None), DANVAN, named, table.parents[1])
    assert table.is_file()
    assert "They are made up." in (folder / "README.md").read_text(encoding="utf-8")
    assert "- Few of them." in (folder / "README.md").read_text(encoding="utf-8")


def test_what_was_written_loads_as_the_same_documents(
    documents: dict[str, list[Document]], folder: Path, tmp_path: Path
) -> None:
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == list(documents)
    for split, wanted in documents.items():
        for row, document in zip(loaded[split], wanted, strict=True):
            assert isinstance(row["spans"], list)  # not a dict of lists
            meta = {column: row[column] for column in META if row[column] is not None}
            assert document_from_dict(row | {"meta": meta}, "row") == document
            assert all(row["text"][span["start"] : span["end"]] == span["text"] for span in row["spans"])


def test_the_card_tells_the_hub_what_is_in_it(folder: Path) -> None:
    _, header, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    data = yaml.safe_load(header)
    assert (data["language"], data["license"], data["size_categories"]) == ("vi", "mit", "n<1K")
    assert data["task_categories"] == ["token-classification"]
    files = data["configs"][0]["data_files"]
    assert files == [{"split": split, "path": f"data/{split}.parquet"} for split in ("train", "dev")]
    assert [split["num_examples"] for split in data["dataset_info"]["splits"]] == [3, 1]
    assert [column["name"] for column in data["dataset_info"]["features"]] == ["id", "text", "spans", *META]
    assert "| ORG | mention | a body |" in body
    assert "| reports | 3 | 1 |" in body


def test_the_card_shows_a_line_with_offsets_of_its_own(folder: Path) -> None:
    body = (folder / "README.md").read_text(encoding="utf-8")
    assert LINE.splitlines()[0] in body
    assert "{'start': 13, 'end': 23, 'label': 'PERSON', 'text': 'Lò Thị Pản'}" in body
    assert "Hết." not in body


def test_files_of_an_earlier_time_do_not_stay(
    documents: dict[str, list[Document]], folder: Path, vocabulary: Path
) -> None:
    reports = [Report(Path("d.txt"), "dev", documents["dev"][0])]
    reading = Reading(Subwords.from_files(vocabulary), InputSettings(WindowSize(256, 48)), min_cuts=1, min_share=0.02)
    statistics = corpus_statistics(reports, ["dev"], DANVAN, reading)
    write_dataset(reports, statistics, DANVAN, DatasetName("x", "mit", {}, "", []), folder)
    assert [path.name for path in (folder / "data").iterdir()] == ["dev.parquet"]
    assert "and as its row" not in (folder / "README.md").read_text(encoding="utf-8")  # no line is long enough


def test_writing_leaves_progress_bars_as_they_were(folder: Path) -> None:
    from datasets.utils.logging import is_progress_bar_enabled

    assert is_progress_bar_enabled()
