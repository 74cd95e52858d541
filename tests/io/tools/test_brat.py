from __future__ import annotations

from pathlib import Path

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import brat
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span

TEXT = "rà soát\r\n\thộ nghèo"


def read(folder: Path, ann: str, text: str = TEXT) -> Document:
    (folder / "a.txt").write_bytes(text.encode())
    (folder / "a.ann").write_text(ann, encoding="utf-8", newline="")
    (document,) = brat.read(folder)
    return document


def test_a_span_over_lines_is_written_in_fragments_as_brat_does(tmp_path: Path) -> None:
    document = Document("a", TEXT, (Span(0, 18, "TASK", TEXT, 0.5), Span(3, 7, "ORG", "soát")))
    brat.write([document], tmp_path, SCHEME)
    assert (tmp_path / "a.ann").read_text(encoding="utf-8").splitlines() == [
        "T1\tTASK 0 7;10 18\trà soát hộ nghèo",
        "T2\tORG 3 7\tsoát",
        "#1\tAnnotatorNotes T1\tscore 0.5",
    ]
    assert (tmp_path / "a.txt").read_bytes() == TEXT.encode()
    assert list(brat.read(tmp_path)) == [document]


@pytest.mark.parametrize("char", "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
def test_no_annotation_repeats_what_ends_a_line(char: str, tmp_path: Path) -> None:
    text = f"a{char}b"
    brat.write([Document("a", text, (Span(0, 3, "TASK", text),))], tmp_path, SCHEME)
    assert (tmp_path / "a.ann").read_text(encoding="utf-8") == "T1\tTASK 0 1;2 3\ta b\n"


def test_brat_is_told_the_labels(tmp_path: Path) -> None:
    brat.write([], tmp_path, SCHEME)
    assert (tmp_path / "annotation.conf").read_text().split("\n\n")[0] == "[entities]\n" + "\n".join(SCHEME.labels)
    assert (tmp_path / "visual.conf").read_text().count("bgColor:#") == len(SCHEME.labels)


def test_other_annotations_and_notes_are_passed_over(tmp_path: Path) -> None:
    lines = ["T1\tORG 0 2\trà", "R1\tPart Arg1:T1 Arg2:T1", "*\tEquiv T1 T1", "#1\tAnnotatorNotes T1\tnot sure", ""]
    assert read(tmp_path, "\r\n".join(lines)).spans == (Span(0, 2, "ORG", "rà"),)


def test_a_text_without_annotations_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.txt").write_text("y")
    (tmp_path / "b.ann").write_text("T1\tORG 0 1\n")
    assert list(brat.read(tmp_path)) == [Document("a", "x"), Document("b", "y", (Span(0, 1, "ORG", "y"),))]
    assert list(brat.read(tmp_path / "b.ann")) == [Document("b", "y", (Span(0, 1, "ORG", "y"),))]


@pytest.mark.parametrize(
    ("ann", "wanted"),
    [
        ("T1\tORG 0 2;10 12\trà hộ\n", "T1 is discontinuous"),
        ("T1\tORG 0 2\thộ\n", "T1 says another text"),
        ("T1\tORG 0\n", "no text-bound annotation"),
        ("T1 ORG 0 2\n", "no text-bound annotation"),
        (f"T1\tORG 0 {'9' * 5_000}\n", "no text-bound annotation"),
        ("T1\tORG 0 99\trà soát\n", "says another text"),
        ("T1\tORG 0 99\n", "outside the text of 18"),
        ("T1\tORG 2 2\n", "is empty"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_told_with_its_line(ann: str, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"a\.ann:2: .*{wanted}"):
        read(tmp_path, "#1\tAnnotatorNotes T9\tx\n" + ann)


def test_a_score_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.ann:2: the score"):
        read(tmp_path, "T1\tORG 0 2\trà\n#1\tAnnotatorNotes T1\tscore 1e1e1\n")


@pytest.mark.parametrize(("start", "end"), [(7, 12), (0, 8), (0, 10), (7, 10)])
def test_an_edge_that_brat_cannot_mark_is_one_line(start: int, end: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a:1: TASK \[\d+, \d+\) begins or ends with a line end or a tab"):
        brat.write([Document("a", TEXT, (Span(start, end, "TASK", TEXT[start:end]),))], tmp_path, SCHEME)


def test_a_label_that_would_break_its_configuration_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='the label "a b" cannot stand'):
        brat.write([], tmp_path, LabelScheme((Layer("x", ("a b",)),)))


def test_fragments_that_lie_in_one_another_end_where_the_furthest_does(tmp_path: Path) -> None:
    assert [span.key for span in read(tmp_path, "T1\tORG 0 7;3 5").spans] == [(0, 7, "ORG")]


def test_a_fragment_that_runs_backwards_is_no_span(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.ann:1: the span \[8, 5\)"):
        read(tmp_path, "T1\tORG 0 7;8 5", "rà soát  hộ")


def test_an_annotation_whose_number_stands_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.ann:2: T1 stands twice"):
        read(tmp_path, "T1\tORG 0 2\nT1\tORG 3 7")


def test_an_annotation_without_its_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.ann").write_text("T1\tORG 0 2")
    with pytest.raises(UserError, match=r"b\.ann: has no \.txt beside it"):
        read(tmp_path, "")


def test_endings_in_capitals_belong_together(tmp_path: Path) -> None:
    (tmp_path / "a.TXT").write_text("ab")
    (tmp_path / "a.ANN").write_text("T1\tORG 0 2")
    for path in (tmp_path, tmp_path / "a.TXT", tmp_path / "a.ANN"):
        assert list(brat.read(path)) == [Document("a", "ab", (Span(0, 2, "ORG", "ab"),))]
