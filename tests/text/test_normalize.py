from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ner_danvan.text.normalize import model_copy, new_style_tones, old_style_tones


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hòa", "hoà"),
        ("Hòa", "Hoà"),
        ("HÒA", "HOÀ"),
        ("khỏe", "khoẻ"),
        ("ủy", "uỷ"),
        ("Ủy", "Uỷ"),
        ("ỦY BAN", "UỶ BAN"),
        ("thúy", "thuý"),
        ("hoàn", "hoàn"),
        ("tòan", "tòan"),  # misspelt; moving the mark would not mend it
        ("quý", "quý"),
        ("của", "của"),
        ("mùa", "mùa"),
    ],
)
def test_tone_marks_move_to_the_new_style(old: str, new: str) -> None:
    assert new_style_tones(old) == new


def test_decomposed_text_is_composed_with_offsets_of_the_original() -> None:
    text = unicodedata.normalize("NFD", "Quận ủy")
    copy = model_copy(text)
    assert copy.text == "Quận uỷ"
    assert text[copy.starts[5] : copy.ends[6]] == unicodedata.normalize("NFD", "ủy")


def test_invisible_characters_vanish_and_white_space_is_plain() -> None:
    assert model_copy("Đảng\u200b ủy\u00a0xã\tA\r\nB\u2028C\x00D\ufeff").text == "Đảng uỷ xã A\n\nB\nC D"


def test_the_icelandic_letter_that_looks_like_a_vietnamese_one_becomes_it() -> None:
    assert model_copy("Ðảng, ðồng").text == "Đảng, đồng"


@given(st.text())
def test_every_character_of_the_copy_stands_for_a_piece_of_the_original_in_order(text: str) -> None:
    copy = model_copy(text)
    assert len(copy.text) == len(copy.starts) == len(copy.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(copy.starts, copy.ends, strict=True))
    assert list(copy.starts) == sorted(copy.starts)
    assert list(copy.ends) == sorted(copy.ends)


@given(st.text())
@example("Đảng ủy\txã\r\nÐảng\u00a0ủy\u212b")
@example("Đảng\u200bủy")
@example("\u1100\u1161")
def test_a_decomposed_letter_elsewhere_changes_nothing(text: str) -> None:
    alone, beside = model_copy(text), model_copy(text + " e\u0301")
    assert beside.text == alone.text + " é"
    assert list(beside.starts)[:-2] == list(alone.starts)
    assert list(beside.ends)[:-2] == list(alone.ends)


@given(st.text())
def test_new_style_keeps_the_length(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert len(new_style_tones(composed)) == len(composed)


def test_a_syllable_ends_before_an_underscore_too() -> None:
    assert new_style_tones("ủy_ban Hòa_Bình hòan") == "uỷ_ban Hoà_Bình hòan"
    assert old_style_tones("uỷ_ban quý_báu") == "ủy_ban quý_báu"
