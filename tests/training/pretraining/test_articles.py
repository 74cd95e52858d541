from __future__ import annotations

import lzma
import unicodedata
from pathlib import Path

import pytest

from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.training.pretraining.articles import read_articles
from ner_danvan.training.pretraining.selection import most_alike


def test_articles_are_parted_by_empty_lines_also_in_a_compressed_file(tmp_path: Path) -> None:
    text = "Hội_nghị giao_ban\nĐồng_chí dự .\n\n\n \nBão số 3\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with lzma.open(tmp_path / "a.txt.xz", "wt", encoding="utf-8") as stream:
        stream.write(text)
    for name in ("a.txt", "a.txt.xz"):
        found = [article.split() for article in read_articles([tmp_path / name], "spaces")]
        assert found == [["Hội_nghị", "giao_ban", "Đồng_chí", "dự", "."], ["Bão", "số", "3"]]


def test_segmented_words_are_as_the_vocabulary_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(unicodedata.normalize("NFD", "ủy_ban Hòa_Bình"), encoding="utf-8")
    assert [article.split() for article in read_articles([tmp_path / "a.txt"], "spaces")] == [["uỷ_ban", "Hoà_Bình"]]


def test_documents_that_are_not_segmented_become_words(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(to_json_line(Document("a", "Hội nghị tổ chức ở Hòa Bình.")) + "\n", "utf-8")
    (words,) = read_articles([tmp_path / "a.jsonl"], "underthesea")
    assert words.split()[0] == "Hội_nghị"
    assert "Hoà_Bình" in words.split()  # in the tone style of the vocabulary


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, r"none\.txt: no such file"),
        ("a.pdf", b"x", r"a\.pdf: cannot be read as text"),
        ("a.txt", b"\xff\xfe", r"a\.txt: is no UTF-8 text"),
        ("a.txt.xz", lzma.compress(b"x" * 999)[:-20], r"a\.txt\.xz: is no UTF-8 text"),
        ("a.txt.xz", b"no xz", r"a\.txt\.xz: is no UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(read_articles([tmp_path / name], "spaces"))


def test_what_is_taken_is_most_like_the_reports() -> None:
    articles = ["bóng_đá trận_đấu thủ_môn", "Ban_Dân_vận họp giao_ban", "ca_sĩ hát", "uỷ_ban họp hội_nghị giao_ban"]
    like = ["ban_dân_vận uỷ_ban họp giao_ban", "hội_nghị giao_ban"]
    assert most_alike(articles, like, 0.5) == [1, 3]
    assert most_alike(articles, like, 1.0) == [0, 1, 2, 3]
