from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import docbin
from ner_danvan.span import Span

TEXT = "Bí thư  Huyện ủy \n"
SPANS = (Span(0, 16, "POSITION", TEXT[:16], 0.5), Span(8, 16, "ORG", "Huyện ủy", 0.25))


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    for call in (lambda: docbin.write([], tmp_path / "x", SCHEME), lambda: list(docbin.read(tmp_path / "x"))):
        with pytest.raises(UserError, match=r'pip install "ner-danvan\[spacy\]"'):
            call()


def test_layers_are_span_groups_with_their_scores(tmp_path: Path) -> None:
    tokens = pytest.importorskip("spacy.tokens")
    from spacy.vocab import Vocab

    docbin.write([Document("a", TEXT, SPANS)], tmp_path / "x", SCHEME)
    (doc,) = tokens.DocBin().from_disk(tmp_path / "x").get_docs(Vocab())
    assert doc.text == TEXT
    assert [token.text for token in doc] == ["Bí", "thư", " ", "Huyện", "ủy", "\n"]
    groups = {name: [(span.text, span.label_) for span in group] for name, group in doc.spans.items()}
    assert groups == {"mention": [("Huyện ủy", "ORG")], "title": [(TEXT[:16], "POSITION")], "task": []}
    assert [list(group.attrs.get("scores", [])) for group in doc.spans.values()] == [[0.25], [0.5], []]


def test_a_corpus_for_entities_is_read_too(tmp_path: Path) -> None:
    tokens = pytest.importorskip("spacy.tokens")
    from spacy.vocab import Vocab

    doc = tokens.Doc(Vocab(), words=["Huyện", "ủy"], spaces=[True, False])
    doc.ents = [tokens.Span(doc, 0, 2, label="ORG")]
    tokens.DocBin(docs=[doc]).to_disk(tmp_path / "gold.spacy")
    assert list(docbin.read(tmp_path / "gold.spacy")) == [
        Document("gold:1", "Huyện ủy", (Span(0, 8, "ORG", "Huyện ủy"),))
    ]


def test_what_is_no_docbin_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    (tmp_path / "x.spacy").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match="no DocBin that spaCy can read"):
        list(docbin.read(tmp_path / "x.spacy"))
    with pytest.raises(UserError, match="cannot be read"):
        list(docbin.read(tmp_path / "no"))


@pytest.mark.parametrize(
    ("data", "attrs", "wanted"),
    [
        ({"meta": "[1]"}, {}, "document 1: meta is no JSON object"),
        ({"meta": "5"}, {}, "document 1: meta is no JSON object"),
        ({}, {"scores": ["x"]}, "document 1: attrs.* no list of numbers"),
        ({}, {"scores": 5}, "document 1: attrs.* no list of numbers"),
        ({}, {"scores": [float("nan")]}, "document 1: the score of ORG"),
    ],
)
def test_what_we_could_not_have_written_is_one_line(
    data: dict[str, Any], attrs: dict[str, Any], wanted: str, tmp_path: Path
) -> None:
    tokens = pytest.importorskip("spacy.tokens")
    from spacy.vocab import Vocab

    doc = tokens.Doc(Vocab(), words=["Huyện", "ủy"])
    doc.user_data.update(data)
    doc.spans["m"] = tokens.SpanGroup(doc, name="m", spans=[tokens.Span(doc, 0, 1, label="ORG")], attrs=attrs)
    tokens.DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "x.spacy")
    with pytest.raises(UserError, match=wanted):
        list(docbin.read(tmp_path / "x.spacy"))
