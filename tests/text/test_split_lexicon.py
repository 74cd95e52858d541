from __future__ import annotations

from pathlib import Path

import pytest

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.span import Span
from ner_danvan.text.segment import Word
from ner_danvan.text.split_lexicon import learn_split_words, read_split_words, write_split_words


def document(text: str, *pieces: str) -> Document:
    spans = tuple(Span(text.index(piece), text.index(piece) + len(piece), "ORG", piece) for piece in pieces)
    return Document("d", text, spans)


def learn(text: str, piece: str, words: list[Word], **limits: float) -> dict[str, tuple[int, ...]]:
    options = {"min_cuts": 1, "min_share": 0.0} | limits
    return learn_split_words([(document(text, piece), words)], **options)  # type: ignore[arg-type]


def test_a_span_that_begins_inside_a_word_cuts_it_there() -> None:
    assert learn("Trưởng ban Dân vận", "ban Dân vận", [Word(0, 10, "Trưởng_ban"), Word(11, 18, "Dân_vận")]) == {
        "trưởng_ban": (1,)
    }


def test_a_span_that_ends_inside_a_word_cuts_it_there() -> None:
    assert learn("Đoàn trình bày", "Đoàn", [Word(0, 14, "Đoàn_trình_bày")]) == {"đoàn_trình_bày": (1,)}


def test_a_boundary_inside_a_syllable_is_no_cut() -> None:
    assert learn("tổ chức", "tổ ch", [Word(0, 7, "tổ_chức")]) == {}


def test_rare_cuts_are_left_out() -> None:
    text = "tổ chức " * 9
    words = [Word(8 * i, 8 * i + 7, "tổ_chức") for i in range(9)]
    assert learn(text, "chức", words, min_share=0.2) == {}
    assert learn(text, "chức", words, min_cuts=2) == {}
    assert learn(text, "chức", words, min_share=0.1) == {"tổ_chức": (1,)}


def test_file_round_trip(tmp_path: Path) -> None:
    lexicon = {"trưởng_ban": (1,), "phó_chủ_tịch": (1,), "a_b_c": (1, 2)}
    write_split_words(lexicon, tmp_path / "s.txt")
    assert (tmp_path / "s.txt").read_text(encoding="utf-8") == "a b c\nphó chủ_tịch\ntrưởng ban\n"
    assert read_split_words(tmp_path / "s.txt") == lexicon


def test_an_entry_without_a_cut_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("trưởng ban\nphó_chủ_tịch\n", encoding="utf-8")
    with pytest.raises(UserError, match=r's\.txt:2: "phó_chủ_tịch" is not cut'):
        read_split_words(tmp_path / "s.txt")
