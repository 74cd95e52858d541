from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT

from ner_danvan.corpus.index import COLUMNS, find_group, read_index, report_groups, with_meta
from ner_danvan.corpus.reports import Report
from ner_danvan.document import Document
from ner_danvan.errors import UserError

GROUPS = {
    "genre": {"news": ["tin", "hội nghị"], "plan": ["kế hoạch"], "session": ["tin kỳ họp"]},
    "region": {"south": ["Bình Phước", "Trà Vinh"], "north": ["Ninh Bình", "Hoà Bình"], "coast": ["Huế"]},
}


def index(root: Path, *rows: str) -> Path:
    path = root / "index.tsv"
    path.write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def report(name: str) -> Report:
    return Report(Path(f"train/{name}.txt"), "train", Document(name, "x"))


def test_a_report_gets_its_groups_its_place_and_its_year(tmp_path: Path) -> None:
    path = index(tmp_path, "a\tke_hoach (quý I)\txã\tLộc Ninh, Bình Phước\t2025 (sau 1/7)\ttone new")
    ((found,), faults) = with_meta([report("a")], path, GROUPS)
    assert faults == []
    assert found.document.meta == {
        "genre": "plan",
        "level": "xã",  # no groups: as it stands
        "region": "south",
        "place": "Lộc Ninh, Bình Phước",
        "year": 2025,
        "style": "tone new",
    }


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("genre", "tin_hoi_nghi", "news"),
        ("genre", "Kế hoạch, hội nghị", "plan"),  # the first counts
        ("genre", "tin kỳ họp", "session"),  # of two that begin alike the longer
        ("genre", "ke_hoach (hội nghị)", "plan"),  # a part without accents among others with
        ("region", "Lộc Khánh, Lộc Ninh, Bình Phước", "south"),  # a comma parts: no "Ninh Bình" in it
        ("region", "huyện Đức Huệ, Trà Vinh", "south"),  # accents tell Huệ from Huế
        ("region", "Hòa Bình", "north"),  # either tone style
    ],
)
def test_the_group_whose_words_stand_first(column: str, value: str, wanted: str) -> None:
    assert find_group(column, value, GROUPS) == wanted


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ("b\ttin\txã\tHuế\t2025\tx", "train/a.txt:1: not in "),
        ("a\tthơ\txã\tHuế\t2025\tx", 'index.tsv:2: genre "thơ" is in no group'),
        ("a\ttin\txã\tHuế\tnăm 2025\tx", 'index.tsv:2: year "năm 2025"'),
    ],
)
def test_what_the_index_does_not_tell_is_a_fault_with_its_line(tmp_path: Path, row: str, wanted: str) -> None:
    _, (fault,) = with_meta([report("a")], index(tmp_path, row), GROUPS)
    assert wanted in fault


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [(["a\ttin"], ":2: 2 cells"), (["a\t1\t2\t3\t4\t5", "a\t1\t2\t3\t4\t5"], ":3: a stands in line 2 too")],
)
def test_a_broken_index_is_one_line(tmp_path: Path, rows: list[str], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        read_index(index(tmp_path, *rows))


def test_an_index_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.tsv"
    path.write_text("report,genre\n", encoding="utf-8")
    with pytest.raises(UserError, match=":1: the columns must be report, genre"):
        read_index(path)


def test_the_projects_index_has_every_report_and_no_other() -> None:
    folder = ROOT / "data" / "reports"
    assert set(read_index(folder / "index.tsv")) == {path.stem for path in folder.rglob("*.txt")}


def test_groups_of_named_reports_are_read_and_a_fault_elsewhere_is_no_matter(tmp_path: Path) -> None:
    path = index(tmp_path, "a\tke_hoach\txã\tHuế\t2025 (quý I)\tx", "b\tthơ\txã\tHuế\t2025\tx")
    assert report_groups(path, "genre", GROUPS, {"a", "c"}) == {"a": "plan"}
    assert report_groups(path, "level", GROUPS, {"a"}) == {"a": "xã"}
    with pytest.raises(UserError, match=r'index\.tsv:3: genre "thơ" is in no group'):
        report_groups(path, "genre", GROUPS, {"b"})
