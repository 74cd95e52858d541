"""Long documents are read in pieces, and nobody sees it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN, SENTENCES, KeywordBackend, make_tagger

from ner_danvan import pieces as module
from ner_danvan import pipeline
from ner_danvan import tagger as tagger_module
from ner_danvan.document import Document
from ner_danvan.pieces import cuts, joined, pieces
from ner_danvan.span import Span
from ner_danvan.tagger import Tagger
from ner_danvan.text.inputs import Inputs
from ner_danvan.text.subwords import Subwords

TEXTS = st.lists(st.sampled_from(["xã", "a", ". ", "\n", "\n\n", " ", "", "\u0301", "😀", "\ud800"])).map("".join)


@given(text=TEXTS, longest=st.integers(1, 12))
def test_pieces_follow_one_another_and_none_is_too_long(text: str, longest: int) -> None:
    places = cuts(text, longest)
    assert places[0] == 0
    assert all(0 < after - before <= longest for before, after in pairwise(places))
    assert len(text) - places[-1] <= longest
    found = list(pieces([text], longest))
    assert "".join(piece.text for piece in found) == text
    assert [piece.start for piece in found] == places


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("mot hai.\n\nba bon. nam\nsau bay", "ba bon. nam\nsau bay"),
        ("mot hai. ba\nbon nam sau bay tam", "bon nam sau bay tam"),
        ("mot hai ba. bon nam sau bay tam", "bon nam sau bay tam"),
        ("mothaiba bonnam saubaytamchin", "saubaytamchin"),
        ("mothaibabonnamsaubaytamchin", "baytamchin"),
        ("a\n\nmothaibabonnamsaubaytamchin", "saubaytamchin"),  # an end so early would make small pieces
    ],
)
def test_a_text_is_cut_behind_the_best_end_near_by(text: str, second: str) -> None:
    assert text[cuts(text, 17)[1] :] == second


@pytest.fixture
def tagger(vocabulary: Path) -> Tagger:
    """Tags "Thanh Sơn" as an ORG."""
    first = int(Subwords.from_files(vocabulary).encode(["Thanh_Sơn"]).ids[0])
    return make_tagger(vocabulary, KeywordBackend({first: DANVAN.tags.index("mention:B-ORG")}, len(DANVAN.tags)))


def keys(document: Document) -> list[tuple[int, int, str]]:
    return [span.key for span in document.spans]


def test_spans_lie_where_they_do_without_pieces(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Họp ở Thanh Sơn. " * 40, "", "Thanh Sơn", "\n\n".join(SENTENCES * 3), "x" * 500]
    whole = [keys(tagger(text)) for text in texts]
    monkeypatch.setattr(module, "LONGEST", 200)
    assert [len(cuts(text, 200)) for text in texts] == [4, 1, 1, 12, 3]
    documents = [Document(f"d{i}", text, meta={"i": i}) for i, text in enumerate(texts)]
    for workers in (0, 1):
        found = list(tagger.stream(documents, workers=workers))
        assert [keys(document) for document in found] == whole  # scores feel the end of a piece a little
        assert [(document.id, document.text, document.meta) for document in found] == [
            (document.id, document.text, document.meta) for document in documents
        ]
    assert len(whole[0]) == 40
    assert all(document.text[span.start : span.end] == span.text for document in found for span in document.spans)


def test_no_more_of_a_long_text_is_held_than_its_pieces(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    decode = tagger_module.decode
    monkeypatch.setattr(
        tagger_module,
        "decode",
        lambda rows, *others: (sizes.append(sum(map(len, rows))), decode(rows, *others))[1],
    )
    monkeypatch.setattr(module, "LONGEST", 2_000)
    (document,) = tagger.stream(["Họp ở Thanh Sơn. " * 20_000])
    assert len(document.spans) == 20_000
    assert len(sizes) > 10
    assert max(sizes) < 64 * 256  # words of a group of windows


def test_a_document_of_which_a_piece_fails_is_told_once_and_left_out(
    vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 40)
    prepare = pipeline.prepare

    def breaking(text: str, *others: Any) -> Inputs:
        if "xấu" in text:
            raise ValueError("no")
        return prepare(text, *others)

    monkeypatch.setattr(pipeline, "prepare", breaking)
    bad = Document(
        "bad",
        "Một dòng lành ở xã này.\n\nxấu một.\n\nMột dòng lành ở xã này.\n\nxấu hai.\n\nHết ở đây rồi nhé.",
    )
    good = Document("good", "Một dòng lành ở xã này.\n\n" * 3)
    failed: list[Document] = []
    tagger = make_tagger(vocabulary)
    found = tagger.stream([bad, good, bad, bad, good], on_failure=lambda document, _: failed.append(document))
    assert [document.id for document in found] == ["good", "good"]
    assert [document.id for document in failed] == ["bad", "bad", "bad"]
    with pytest.raises(ValueError, match="no"):
        list(tagger.stream([good, bad]))


def test_joined_leaves_out_what_lacks_a_piece() -> None:
    whole = Document("a", "mot hai ba bon")
    parts = [(piece, [Span(0, 3, "ORG", piece.text[:3])]) for piece in pieces([whole], 8)]
    (document,) = joined(parts)
    assert [span.start for span in document.spans] == [0, 8]
    assert list(joined(parts[:1])) == []
    assert list(joined(parts[1:])) == []
    assert [document.spans for document in joined([*parts[:1], *parts])] == [document.spans]
