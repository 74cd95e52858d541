from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import DANVAN

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, parse_inline, render_inline
from ner_danvan.errors import UserError
from ner_danvan.evaluation.relations import HOLDS, OF, LinkScore, read_links, run, score_links
from ner_danvan.relations import KINDS

ROOT = Path(__file__).parents[2]
HEADER = "report\tlink\tstart\tend\ttext\tto_start\tto_end\tto_text\n"
DOCUMENT = parse_inline(
    "<POSITION>Bí thư</POSITION> <PERSON>Lò Mai</PERSON>; <PERSON>Vi An</PERSON>, <POSITION>Chánh án</POSITION>",
    "a",
    DANVAN.labels,
)


def links(tmp_path: Path, rows: str) -> dict[str, set[tuple[str, tuple[int, int], tuple[int, int]]]]:
    path = tmp_path / "links.tsv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return read_links(path, [DOCUMENT])


def test_a_link_counts_where_both_ends_are_exact(tmp_path: Path) -> None:
    gold = links(tmp_path, "a\tholds\t7\t13\tLò Mai\t0\t6\tBí thư\na\tholds\t7\t13\tLò Mai\t22\t30\tChánh án\n")
    assert score_links([DOCUMENT], gold, KINDS) == {HOLDS: LinkScore(1, 2, 2), OF: LinkScore(0, 0, 0)}
    assert LinkScore(1, 2, 2).f1 == 0.5
    assert LinkScore(0, 0, 0).f1 == 0.0


def test_gold_of_spans_that_were_not_found_counts_as_missed(tmp_path: Path) -> None:
    gold = links(tmp_path, "a\tholds\t7\t13\tLò Mai\t0\t6\tBí thư\n")
    assert score_links([Document("a", DOCUMENT.text)], gold, KINDS)[HOLDS] == LinkScore(0, 0, 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("b\tholds\t7\t13\tLò Mai\t0\t6\tBí thư\n", 'links.tsv:2: no report "b"'),
        ("a\thold\t7\t13\tLò Mai\t0\t6\tBí thư\n", "a link other than"),
        ("a\tholds\t7\t13\tLò Nai\t0\t6\tBí thư\n", "links.tsv:2: the text at"),
        ("a\tholds\t7\t13\tLò Mai\t0\tx\tBí thư\n", "to_start and to_end must be whole numbers"),
    ],
)
def test_a_fault_in_the_links_names_its_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        links(tmp_path, rows)


def test_the_command_scores_gold_and_found_spans_and_names_a_wrong_kind(tmp_path: Path) -> None:
    report = tmp_path / "reports" / "a.txt"
    report.parent.mkdir()
    report.write_text(render_inline(DOCUMENT), encoding="utf-8")
    (tmp_path / "links.tsv").write_text(HEADER + "a\tholds\t7\t13\tLò Mai\t0\t6\tBí thư\n", encoding="utf-8")
    values: dict[str, Any] = {
        "labels": {"layers": DANVAN.to_config()},
        "data": {"path": str(report.parent), "links": str(tmp_path / "links.tsv")},
        "model": {"path": None},
        "device": "cpu",
        "kinds": {"person": "PERSON", "position": "POSITION", "body": "ORG", "date": "DATE", "task": "TASK"},
    }
    assert run(values)["gold spans"][HOLDS] == LinkScore(1, 2, 1)
    with pytest.raises(UserError, match="PER is no label of the scheme"):
        run(values | {"kinds": values["kinds"] | {"person": "PER"}})
    with pytest.raises(UserError, match="kinds=None: name the label"):
        run(values | {"kinds": None})


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "links.tsv"
    path.write_text("report\n", encoding="utf-8")
    with pytest.raises(UserError, match="columns must be"):
        read_links(path, [DOCUMENT])


@pytest.mark.parametrize(("split", "links_at_least"), [("dev", 310), ("test", 280)])
def test_the_rules_link_persons_and_posts_of_the_projects_reports(split: str, links_at_least: int) -> None:
    documents = read_gold(ROOT / "data" / "reports" / split, DANVAN.layer_of)
    gold = read_links(ROOT / "data" / "relations" / f"{split}.tsv", documents)
    score = score_links(documents, gold, KINDS)[HOLDS]
    assert len(documents) == 75
    assert score.gold >= links_at_least
    assert score.f1 >= 0.95
