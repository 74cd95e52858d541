from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny import DANVAN, SENTENCES

from ner_danvan.corpus.reports import read_gold
from ner_danvan.text import segment as segmenting
from ner_danvan.text.segment import segment, segment_syllables, sentence_ends

CHARACTERS = st.sampled_from([*"aAăâđĐêôơưủỦỳYuoảb1230,.;:-–/()“”\"'&@%_ \t\n\r", "\u00a0", "\u200b", "\u0301", "😀"])


def forms(text: str) -> list[str]:
    return [word.form for word in segment(text)]


def test_words_join_syllables_in_new_style() -> None:
    assert forms("Ủy ban nhân dân tỉnh") == forms("Uỷ ban nhân dân tỉnh")
    assert forms("Ủy ban nhân dân tỉnh")[0].startswith("Uỷ_ban")


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ("phường Phong Hải nhiệm kỳ 2025", " nhiệm"),
        ("Trưởng BCĐ quận", " BCĐ"),
        ("bảo đảm ATGT. Năm nay", ". Năm"),
        ("đồng chí Lan-Phó Bí thư", "-Phó"),
        ("Bộ NN&PTNT Phùng Văn Tá", " Phùng"),
        ("từ 1/7-15/7/2024", "-15"),
    ],
)
def test_a_boundary_that_spelling_shows_is_never_inside_a_word(text: str, boundary: str) -> None:
    place = text.index(boundary)
    assert all(not word.start < place < word.end for word in segment(text))


def test_the_lexicon_splits_a_word_whatever_its_case() -> None:
    text = "tổ chức hội nghị. Tổ chức họp"
    assert [form for form in forms(text) if "chức" in form] == ["tổ_chức", "Tổ_chức"]
    split = [word.form for word in segment(text, {"tổ_chức": (1,)})]
    assert [form for form in split if form.lower() in ("tổ", "chức")] == ["tổ", "chức", "Tổ", "chức"]


@pytest.mark.parametrize("text", ["Ông Cần Thơ_Lư nói", "phó_chủ tịch", "a_b_c"])
def test_an_underscore_of_the_text_is_no_joint_of_syllables(text: str) -> None:
    lexicon = {"phó_chủ_tịch": (2,), "cần_thơ_lư": (2,), "a_b_c": (2,)}
    assert [(word.start, word.end) for word in segment(text, lexicon)]


def test_decomposed_text_has_the_same_words_as_composed() -> None:
    for sentence in SENTENCES:
        decomposed = unicodedata.normalize("NFD", sentence)
        words = segment(decomposed)
        assert [word.form for word in words] == forms(sentence)
        assert unicodedata.normalize("NFC", decomposed[words[3].start : words[3].end]) in sentence


def test_syllables_are_not_joined() -> None:
    forms = [word.form for word in segment_syllables("Ban Dân vận Huyện ủy họp ngày 5/3.")]
    assert forms == ["Ban", "Dân", "vận", "Huyện", "uỷ", "họp", "ngày", "5/3", "."]


@given(st.one_of(st.text(max_size=80), st.text(CHARACTERS, max_size=80)))
@settings(max_examples=100, deadline=None)
def test_the_syllables_of_a_word_are_what_it_joins(text: str) -> None:
    syllables = segment_syllables(text)
    for word in segment(text):
        inside = [one for one in syllables if word.start <= one.start < word.end]
        assert "_".join(one.form for one in inside) == word.form
        assert (inside[0].start, inside[-1].end) == (word.start, word.end)


@given(st.one_of(st.text(max_size=80), st.text(CHARACTERS, max_size=80)))
@example("")
@example("e\u0301" * 40)
@example("각 \u1100\u1161\u11a8 Å \u212b ﬁ ½ \u0958")
@example("\ud800 \udfff")
@example("T.Ư-abc@x.vn")  # a hyphen between letters at the edge of a token
@settings(max_examples=700, deadline=None)
def test_words_cover_all_that_is_visible_in_order_without_overlap(text: str) -> None:
    words = segment(text)
    position = 0
    for word in words:
        assert position <= word.start < word.end <= len(text)
        assert word.form
        assert not any(char.isspace() for char in word.form)
        position = word.end
    outside = set(range(len(text))) - {i for word in words for i in range(word.start, word.end)}
    hidden = ("Z", "C", "M")  # white space, invisible and control characters, marks that stand alone
    assert all(unicodedata.category(text[i]).startswith(hidden) for i in outside)


def test_a_line_of_fifty_thousand_characters_is_cut_without_loss() -> None:
    for text in ("a" * 50_000, "a." * 25_000, "Ủy ban xã, " * 4_500, "A.B" * 16_667, "1-" * 25_000, "a@" * 25_000):
        found = "".join(text[word.start : word.end] for word in segment(text))
        assert found.replace(" ", "") == text.replace(" ", "")


def test_sentences_end_at_marks_and_line_ends() -> None:
    text = "Họp xong. Về nhà\nMai họp; hết"
    ends = [word.form for word, end in zip(segment(text), sentence_ends(text, segment(text)), strict=True) if end]
    assert ends == [".", "nhà", ";", "hết"]
    assert sentence_ends("", []) == []


def test_real_gold_is_seldom_cut_even_without_a_lexicon(shared: Path) -> None:
    documents = read_gold(shared / "real" / "dev", DANVAN.layer_of)
    spans = cut = 0
    for document in documents:
        words = segment(document.text)
        starts, ends = {word.start for word in words}, {word.end for word in words}
        spans += len(document.spans)
        cut += sum(span.start not in starts or span.end not in ends for span in document.spans)
    assert cut / spans <= 0.01


def test_underthesea_sees_a_line_without_spaces_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patterns are quadratic on one: 100,000 characters at once would take a minute."""
    seen: list[int] = []

    def finder(line: str) -> list[list[tuple[int, str]]]:
        seen.append(len(line))
        return [[(place, char)] for place, char in enumerate(line)]

    monkeypatch.setattr(segmenting, "word_finder", lambda: finder)
    assert [word.start for word in segment("a." * 5_000)] == list(range(10_000))
    assert max(seen) <= 1_000
