from __future__ import annotations

from pathlib import Path

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import conll
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span


def read(folder: Path, content: str) -> list[Document]:
    (folder / "x.conll").write_text(content, encoding="utf-8", newline="")
    return list(conll.read(folder / "x.conll"))


def test_a_layer_is_a_column_and_a_line_a_sentence(tmp_path: Path) -> None:
    text = "Bí thư Huyện ủy,\n#1\\ xong"
    spans = (Span(0, 15, "POSITION", "Bí thư Huyện ủy"), Span(7, 15, "ORG", "Huyện ủy", 0.5))
    conll.write([Document("a/1", text, spans, {"year": 2024})], tmp_path / "x", SCHEME)
    assert (tmp_path / "x").read_text(encoding="utf-8").split("\n") == [
        "# global.columns = FORM mention title task",
        '# id = "a/1"',
        '# text = "Bí thư Huyện ủy,\\n#1\\\\ xong"',
        '# meta = {"year": 2024}',
        '# scores = [[7, 15, "ORG", 0.5]]',
        "Bí\tO\tB-POSITION\tO",
        "thư\tO\tI-POSITION\tO",
        "Huyện\tB-ORG\tI-POSITION\tO",
        "ủy\tI-ORG\tI-POSITION\tO",
        ",\tO\tO\tO",
        "",
        "\\u0023\tO\tO\tO",
        "1\tO\tO\tO",
        "\\\\\tO\tO\tO",
        "xong\tO\tO\tO",
        "",
        "",
    ]


def test_a_span_over_lines_keeps_them_in_one_sentence(tmp_path: Path) -> None:
    document = Document("a", "một\nhai\nba", (Span(0, 7, "TASK", "một\nhai"),))
    conll.write([document], tmp_path / "x", SCHEME)
    blocks = (tmp_path / "x").read_text(encoding="utf-8").strip().split("\n\n")
    assert [block.splitlines()[-1] for block in blocks] == ["hai\tO\tO\tI-TASK", "ba\tO\tO\tO"]


def test_spans_of_one_layer_that_overlap_are_an_error(tmp_path: Path) -> None:
    document = Document("a", "ab", (Span(0, 2, "ORG", "ab"), Span(1, 2, "DATE", "b")))
    with pytest.raises(UserError, match=r'a: DATE \[1, 2\) overlaps another span of layer "mention"'):
        conll.write([document], tmp_path / "x", SCHEME)


def test_a_file_without_comments_is_read_a_sentence_a_document(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- -X- O\r\n\r\nEU NNP I-NP B-ORG\r\n# O\r\nHà_Nội NNP I-NP I-ORG\r\n\r\n\r\n. . O O\r\n"
    assert read(tmp_path, content) == [
        Document("x:1", "EU # Hà_Nội", (Span(0, 2, "ORG", "EU"), Span(5, 11, "ORG", "Hà_Nội"))),
        Document("x:2", "."),
    ]


def test_an_i_of_another_label_and_a_b_begin_a_span(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a\tI-ORG\nb\tI-DATE\nc\tB-DATE\nd\tI-DATE\n")
    assert [span.key for span in document.spans] == [(0, 1, "ORG"), (2, 3, "DATE"), (4, 7, "DATE")]


def test_the_text_of_conll_u_is_used_as_it_stands(tmp_path: Path) -> None:
    content = "# newdoc\n# sent_id = 1\n# text = C:\\new,  xã\nC:\\new\tB-ORG\n,\tO\nxã\tB-ORG\n\n# text = b\nb\tO\n"
    first, second = read(tmp_path, content)
    assert (first.text, [span.text for span in first.spans], second.text) == ("C:\\new,  xã", ["C:\\new", "xã"], "b")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("a\tO\nb\n", "x.conll:2: a token without a tag"),
        ("a\tNNP\n", 'x.conll:1: the tag "NNP" is none of'),
        ("a\tB-\n", 'x.conll:1: the tag "B-" is none of'),
        ('# text = "ab"\nb\tO\n', "x.conll:2: the token .* does not follow"),
        ('# text = "ab\\"\nb\tO\n', "x.conll:2: the token .* does not follow"),
        ("# global.columns = ID FORM\n", "x.conll:1: the first column is not FORM"),
        ("# meta = 7\n", "x.conll:1: meta is no JSON object"),
        ("# meta = {\n", "x.conll:1: no JSON"),
    ],
)
def test_a_line_that_cannot_be_read_is_told(content: str, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=wanted):
        read(tmp_path, content)


@pytest.mark.parametrize("scheme", [LabelScheme((Layer("a b", ("X",)),)), LabelScheme((Layer("a", ("X Y",)),))])
def test_names_that_would_break_a_column_are_one_line(scheme: LabelScheme, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot stand in"):
        conll.write([], tmp_path / "x", scheme)


def test_a_text_that_begins_and_ends_with_a_quotation_is_taken_as_it_stands(tmp_path: Path) -> None:
    said = '"Xin chào" bạn "nhé"'
    words = ['"', "Xin", "chào", '"', "bạn", '"', "nhé", '"']
    (document,) = read(tmp_path, f"# text = {said}\n" + "".join(f"{word}\tO\n" for word in words))
    assert document.text == said
