from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tiny import DANVAN, SENTENCES, KeywordBackend, RandomBackend, make_tagger

from ner_danvan.document import Document, find_problems
from ner_danvan.span import Span
from ner_danvan.tagger import Tagger
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize

PIECES = st.one_of(
    st.sampled_from(SENTENCES),
    st.sampled_from(SENTENCES).map(lambda s: unicodedata.normalize("NFD", s)),
    st.sampled_from(
        [
            "Uỷ ban",
            "Ủy ban",
            "hoà",
            "hòa",
            "\r\n",
            "\n\n",
            "\u00a0",
            "\u200b",
            "\ufeff",
            "\t",
            " ",
            "😀",
            "👨‍👩‍👧",
            "…/.",
        ]
    ),
    st.sampled_from(
        [
            "(UBND)",
            "15/7/2024",
            "tổ_chức",
            "_",
            "ĐẢNG ỦY",
            "Đ/c",
            "TP.HCM",
            "“Dân vận khéo”",
            "a\u0301\u0323b",
            "Ð",
            "\x00",
            "\ud800",
        ]
    ),
    st.text(max_size=30),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@pytest.fixture(scope="module")
def tagger(vocabulary: Path) -> Tagger:
    return make_tagger(vocabulary, window=WindowSize(64, 12), split_words={"tổ_chức": (1,), "cán_bộ_xã": (2,)})


@given(text=TEXTS)
@example(text="")
@example(text=" \t\r\n\u00a0\u200b")
@example(text="a" * 50_000)
@example(text="Ủy ban nhân dân xã, ngày 5/3: rà soát; " * 1_300)
@example(text=unicodedata.normalize("NFD", "Đồng chí Nguyễn Thị Thuỷ ") * 1_500)
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_offsets_hold_in_any_text(tagger: Tagger, text: str) -> None:
    document = tagger(text)
    assert document.text == text
    assert find_problems(document, DANVAN.layer_of, edges=False) == []
    for span in document.spans:
        assert text[span.start : span.end] == span.text
        assert span.score is not None
        assert 0 <= span.score <= 1


def keyword_tagger(vocabulary: Path, window: WindowSize, blind: int) -> Tagger:
    """Tags "Thanh_Sơn" as an ORG, but sees nothing within `blind` subwords of a window's edge."""
    ids = Subwords.from_files(vocabulary).encode(["Thanh_Sơn"]).ids.tolist()
    tag = DANVAN.tags.index("mention:B-ORG")
    return make_tagger(vocabulary, KeywordBackend({ids[0]: tag}, len(DANVAN.tags), blind=blind), window=window)


def test_an_entity_is_found_at_every_place_of_a_long_report_and_so_at_every_window_edge(vocabulary: Path) -> None:
    tagger = keyword_tagger(vocabulary, WindowSize(256, 48), blind=0)
    words = ["xã"] * 600
    edges = {edge for window in tagger.prepare(" ".join(words)).windows for edge in window}
    assert len(edges) >= 6
    for place in range(600):
        text = " ".join([*words[:place], "Thanh Sơn", *words[place + 1 :]])
        if place % 50 and not any(abs(place - edge) <= 2 for edge in edges):
            continue
        assert [span.text for span in tagger(text).spans] == ["Thanh Sơn"], f"lost at word {place}"


def test_words_near_a_cut_are_read_where_they_have_context(vocabulary: Path) -> None:
    tagger = keyword_tagger(vocabulary, WindowSize(256, 48), blind=20)
    filler = ["xã"] * 600
    for edge in sorted({edge for window in tagger.prepare(" ".join(filler)).windows for edge in window}):
        for place in range(max(25, edge - 4), min(575, edge + 5)):
            text = " ".join([*filler[:place], "Thanh Sơn", *filler[place + 1 :]])
            assert [span.text for span in tagger(text).spans] == ["Thanh Sơn"], f"lost at word {place}, edge {edge}"


def test_a_report_of_many_windows_is_tagged_to_its_last_word(vocabulary: Path) -> None:
    tagger = keyword_tagger(vocabulary, WindowSize(256, 48), blind=0)
    text = "Họp ở xã. " * 800 + "Thanh Sơn"
    assert [(span.start, span.end) for span in tagger(text).spans] == [(8_000, 8_009)]


def test_spans_do_not_depend_on_batches_or_neighbours(vocabulary: Path) -> None:
    documents = [Document(f"d{i}", sentence * (1 + i % 3)) for i, sentence in enumerate(SENTENCES * 12)]
    alone = [make_tagger(vocabulary)(document) for document in documents]
    for batch_tokens in (1, 300, 100_000):
        tagger = make_tagger(vocabulary, batch_tokens=batch_tokens)
        assert list(tagger.stream(documents)) == alone


def test_stream_keeps_order_ids_and_meta_and_replaces_spans(vocabulary: Path) -> None:
    given_ = [Document("a", "Đảng", (Span(0, 4, "ORG", "Đảng"),), {"year": 2024}), "một chuỗi", Document("c", "")]
    found = list(make_tagger(vocabulary, KeywordBackend({}, 13)).stream(given_))
    assert [document.id for document in found] == ["a", "1", "c"]
    assert found[0].meta == {"year": 2024}
    assert [document.spans for document in found] == [(), (), ()]


def test_stream_is_lazy(vocabulary: Path) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield SENTENCES[0]

    next(make_tagger(vocabulary).stream(endless()))
    assert taken < 300


def test_the_split_lexicon_is_used_at_prediction(vocabulary: Path) -> None:
    plain = make_tagger(vocabulary).prepare("tổ chức")
    split = make_tagger(vocabulary, split_words={"tổ_chức": (1,)}).prepare("tổ chức")
    assert (len(plain.words), len(split.words)) == (1, 2)


def test_a_word_of_more_subwords_than_a_window_still_gets_a_prediction(vocabulary: Path) -> None:
    tagger = make_tagger(vocabulary, window=WindowSize(16, 4))
    inputs = tagger.prepare("xã " + "q" * 300 + " xã")
    assert max(len(ids) for ids in inputs.ids) <= 16
    assert np.concatenate(inputs.firsts).min() >= 1
    inputs = tagger.prepare("q" * 300)
    keyword = KeywordBackend({int(inputs.ids[0][1]): DANVAN.tags.index("mention:B-ORG")}, len(DANVAN.tags))
    tagged = make_tagger(vocabulary, keyword, window=WindowSize(16, 4))("xã " + "q" * 300 + " xã")
    assert [(span.start, span.end) for span in tagged.spans] == [(3, 303)]


def test_no_batch_is_larger_than_its_budget(vocabulary: Path) -> None:
    sizes: list[int] = []

    class Watch(RandomBackend):
        def __call__(self, ids: np.ndarray[Any, Any], mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            sizes.append(ids.size)
            return super().__call__(ids, mask)

    list(make_tagger(vocabulary, Watch(len(DANVAN.tags)), batch_tokens=500).stream(SENTENCES * 10))
    assert len(sizes) > 2
    assert max(sizes) <= 500
