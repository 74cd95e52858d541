from __future__ import annotations

import os
from pathlib import Path

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import webanno
from ner_danvan.io.tools.webanno_reader import is_tsv
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span

NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
HEADER = "#FORMAT=WebAnno TSV 3.3\n"


def read(folder: Path, content: str) -> Document:
    (folder / "a.tsv").write_text(content, encoding="utf-8", newline="")
    (document,) = webanno.read(folder)
    return document


def test_nested_spans_are_stacked_and_offsets_are_those_of_utf_16() -> None:
    text = "😀 Bí thư xã\n\n xong"
    spans = (Span(2, 11, "POSITION", "Bí thư xã"), Span(9, 11, "ORG", "xã"), Span(14, 18, "TASK", "xong"))
    assert webanno.to_tsv(Document("x", text, spans)).splitlines() == [
        "#FORMAT=WebAnno TSV 3.3",
        f"#T_SP={NER}|identifier|value",
        "",
        "",
        "#Text=😀 Bí thư xã",
        "#Text=",
        "1-1\t0-2\t😀\t_\t_\t",
        "1-2\t3-5\tBí\t*[1]\tPOSITION[1]\t",
        "1-3\t6-9\tthư\t*[1]\tPOSITION[1]\t",
        "1-4\t10-12\txã\t*[1]|*[2]\tPOSITION[1]|ORG[2]\t",
        "",
        "#Text= xong",
        "2-1\t14-15\t \t_\t_\t",
        "2-2\t15-19\txong\t*\tTASK\t",
    ]


def test_parts_of_tokens_other_layers_and_values_that_are_none(tmp_path: Path) -> None:
    columns = [
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue",
        "#T_SP=webanno.custom.Danvan|label|note",
        "#T_SP=webanno.custom.Mark|",
        "#T_SP=webanno.custom.Host|ROLE_webanno.custom.Host:links_webanno.custom.Link|webanno.custom.Mark",
        "#T_RL=webanno.custom.Joins|kind|BT_webanno.custom.Danvan",
    ]
    rows = [
        "#Sentence.id=s1",
        "#Text=Bí thư,",
        "1-1\t0-2\tBí\tN\tPOSITION[1]|\\*\\_\\->\\\\[2]\tx[1]|*[2]\t_\t_\t_\t_\t_\t",
        "1-2\t3-7\tthư,\tN\tPOSITION[1]\tx[1]\t_\t_\t_\t_\t_\t",
        "1-2.1\t3-6\tthư\tN\t*\t*\t*\tp;q\t1-1\tk\t1-1\t",
        "",
        "#Text=xã",
        "2-1\t9-11\txã\tN\tPOSITION[1]\tx[1]\t_\t_\t_\t_\t_\t",
    ]
    document = read(tmp_path, HEADER + "\n".join([*columns, "", "", *rows, ""]))
    assert document.text == "Bí thư,\n xã"  # a line end between sentences, and spaces if there is more between them
    assert [(span.label, span.text) for span in document.spans] == [
        ("POSITION", "Bí thư,\n xã"),
        ("*_->\\", "Bí"),
        ("Danvan", "thư"),
        ("Host", "thư"),
        ("Mark", "thư"),
    ]


def test_labels_are_escaped(tmp_path: Path) -> None:
    label = "a\\b[1]|_->;*"
    document = Document("x", "ab", (Span(0, 1, label, "a"), Span(0, 2, label, "ab")))
    webanno.write([document], tmp_path, LabelScheme((Layer("x", (label,)),)))
    assert {span.key for span in next(webanno.read(tmp_path)).spans} == {span.key for span in document.spans}


def test_a_line_end_at_which_a_span_begins_or_ends_is_in_a_sentence(tmp_path: Path) -> None:
    document = Document("x", "a\nb\nc", (Span(1, 3, "ORG", "\nb"),))
    webanno.write([document], tmp_path, SCHEME)
    assert list(webanno.read(tmp_path)) == [document]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("EU B-ORG\n", "a.tsv:1: no WebAnno TSV 3"),
        ("#FORMAT=WebAnno TSV 2.0\n", "a.tsv:1: no WebAnno TSV 3"),
        (HEADER + "\n\nx\n", "a.tsv:4: no token"),
        (HEADER + "#T_SP=x.Y|value\n\n\n#Text=a\n1-1\t0-1\ta\n", "a.tsv:6: 0 columns"),
        (HEADER + "#T_SP=x.Y|value\n\n\n#Text=a\n1-1\t0-1\ta\tA[x]\t\n", "a.tsv:6: .* is no value"),
        (HEADER + "#T_SP=x.Y|value\n\n\n#Text=a\n1-1\t0-9\ta\tA\t\n", "a.tsv:6: .*outside the text of 1"),
        (HEADER + "#T_SP=x.Y|value\n\n\n#Text=😀\n1-1\t0-1\ta\tA\t\n", "a.tsv:6: .*falls inside"),
        (HEADER + "\n\n#Text=abc\n1-1\t0-3\tabc\t\n\n#Text=d\n2-1\t2-3\td\t\n", "a.tsv:8: the sentence begins at 2"),
        (HEADER + "\n\n#Text=a\n1-1\t9999999999-10\ta\t\n", "a.tsv:5: the sentence begins at 9999999999, far behind"),
        (HEADER + "\n\n#Text=a\n1-1\t" + "9" * 5_000 + "-10\ta\t\n", "a.tsv:5: no token"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(content: str, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=wanted):
        read(tmp_path, content)


def test_a_label_with_a_line_end_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot stand in a WebAnno file"):
        webanno.write([], tmp_path, LabelScheme((Layer("x", ("a\nb",)),)))


def test_a_pipe_is_no_file_of_webanno_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tsv")
    assert not is_tsv(tmp_path / "a.tsv")
