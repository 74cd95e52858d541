from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from ner_danvan.io.readers import pdf
from ner_danvan.io.readers.layout import Line, flow

from .printing import add, new_pdf, print_pdf, written_pdf
from .reading import LINES, fault, read, read_one
from .test_encodings import to_tcvn3

pytest.importorskip("pypdfium2")


@pytest.mark.parametrize(
    "how", [{"align": "L"}, {"align": "J"}, {"space": 3}, {"indent": 10}, {"indent": 10, "space": 2}]
)
def test_lines_that_the_page_broke_are_paragraphs_again(tmp_path: Path, how: dict[str, Any]) -> None:
    document = read_one(print_pdf(tmp_path / "a.pdf", LINES, **how))
    assert document.text.split("\n") == LINES
    assert document.meta == {"source": str(tmp_path / "a.pdf"), "pages": [0]}


def test_headers_footers_and_page_numbers_do_not_cut_a_sentence(tmp_path: Path) -> None:
    lines = LINES * 6
    header, footer = "Ban Dân vận Huyện ủy Thanh Sơn", "- {page} -"
    document = read_one(print_pdf(tmp_path / "a.pdf", lines, header, footer, space=2))
    assert document.text.split("\n") == lines
    pages = document.meta["pages"]
    assert len(pages) == 2
    assert 0 < pages[1] < len(document.text)
    assert document.text[pages[1] - 1].isspace()  # a page begins with a word


def test_a_line_that_only_one_page_has_stays(tmp_path: Path) -> None:
    file = new_pdf()
    add(file, ["Trang đầu có tiêu đề", *LINES])
    file.add_page()
    add(file, LINES)
    file.output(str(tmp_path / "a.pdf"))
    assert read_one(tmp_path / "a.pdf").text.startswith("Trang đầu có tiêu đề\n")


def test_columns_are_read_one_behind_the_other(tmp_path: Path) -> None:
    file = new_pdf()
    with file.text_columns(text_align="J", ncols=2, gutter=10) as columns:
        for line in LINES * 4:
            with columns.paragraph(bottom_margin=3) as paragraph:
                paragraph.write(line)
    file.output(str(tmp_path / "a.pdf"))
    assert read_one(tmp_path / "a.pdf").text.split("\n") == LINES * 4


def test_cells_side_by_side_are_lines_of_their_own(tmp_path: Path) -> None:
    file = new_pdf()
    for left, right in (("HUYỆN ỦY THANH SƠN", "ĐẢNG CỘNG SẢN VIỆT NAM"), ("BAN DÂN VẬN", "Thanh Sơn, ngày 5/3/2024")):
        file.cell(100, 8, left)
        file.cell(80, 8, right, new_x="LMARGIN", new_y="NEXT")
    file.output(str(tmp_path / "a.pdf"))
    assert read_one(tmp_path / "a.pdf").text.split("\n") == [
        "HUYỆN ỦY THANH SƠN",
        "ĐẢNG CỘNG SẢN VIỆT NAM",
        "BAN DÂN VẬN",
        "Thanh Sơn, ngày 5/3/2024",
    ]


def test_letters_of_another_font_are_put_back_into_their_words(tmp_path: Path) -> None:
    """Where a font lacks letters, programs draw them behind the rest of the line."""
    file = new_pdf()
    text = "Đảng ủy xã Thanh Sơn"
    places = []
    for char in text:
        places.append(file.get_x())
        file.set_x(file.get_x() + file.get_string_width(char))
    for wanted in (False, True):
        for char, place in zip(text, places, strict=True):
            if (char in "ảủơ") == wanted and char != " ":
                file.set_x(place - file.c_margin)
                file.cell(file.get_string_width(char), 8, char)
    file.output(str(tmp_path / "a.pdf"))
    assert read_one(tmp_path / "a.pdf").text == text


def test_decomposed_letters_are_composed(tmp_path: Path) -> None:
    print_pdf(tmp_path / "a.pdf", [unicodedata.normalize("NFD", "Đảng ủy xã họp")])
    assert read_one(tmp_path / "a.pdf").text == "Đảng ủy xã họp"


def test_old_fonts_are_converted_with_a_remark(tmp_path: Path) -> None:
    print_pdf(tmp_path / "a.pdf", [to_tcvn3(line).decode("latin-1").replace("\xad", "\xac") for line in LINES[1:]])
    notes: list[str] = []
    assert "Ban D©n vËn" not in read_one(tmp_path / "a.pdf", notes=notes).text
    assert "TCVN3" in notes[0]


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        ({"A": "D83DDE00"}, "\U0001f600 Ban \U0001f600, huy\u00ean"),
        ({"A": "D83D"}, "\ud83d Ban \ud83d, huy\u00ean"),
        ({"A": "DE00D83D"}, "\ude00\ud83d Ban \ude00\ud83d, huy\u00ean"),
    ],
    ids=["a character of two halves", "half of one", "halves the wrong way round"],
)
def test_offsets_are_those_that_a_reader_of_json_sees(tmp_path: Path, codes: dict[str, str], wanted: str) -> None:
    (tmp_path / "a.pdf").write_bytes(written_pdf("A Ban A, huy#n", **codes, **{"#": "00EA"}))
    text = read_one(tmp_path / "a.pdf").text
    assert text == wanted
    assert json.loads(json.dumps(text)) == text


def test_halves_of_a_character_that_two_letters_draw_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(written_pdf("AB huyen", A="D83D", B="DE00"))
    assert read_one(tmp_path / "a.pdf").text == "\U0001f600 huyen"


def test_a_page_with_more_letters_than_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_MOST_ON_A_PAGE", 20)
    (tmp_path / "a.pdf").write_bytes(written_pdf("a" * 20, 2))
    assert read_one(tmp_path / "a.pdf").text
    (tmp_path / "a.pdf").write_bytes(written_pdf("a" * 21, 2))
    assert "page 1 has 21 characters, more than 20" in fault(tmp_path / "a.pdf")


def test_two_copies_of_a_short_page_are_no_headers(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(written_pdf("Dang uy xa hop", 2))
    assert read_one(tmp_path / "a.pdf").text.split() == ["Dang", "uy", "xa", "hop"] * 2


def test_a_scan_is_one_line_and_a_scanned_page_is_told(tmp_path: Path) -> None:
    file = new_pdf()
    file.rect(10, 10, 50, 50)
    file.output(str(tmp_path / "a.pdf"))
    assert "has no text layer" in fault(tmp_path / "a.pdf")
    file = new_pdf()
    add(file, LINES)
    file.add_page()
    file.add_page()
    add(file, LINES)
    file.output(str(tmp_path / "b.pdf"))
    notes: list[str] = []
    document = read_one(tmp_path / "b.pdf", notes=notes)
    assert "left out page 2" in notes[0]
    assert document.meta["pages"][1] == document.meta["pages"][2]


def test_an_encrypted_file_is_one_line(tmp_path: Path) -> None:
    file = new_pdf()
    file.set_encryption(owner_password="a", user_password="b")
    add(file, LINES)
    file.output(str(tmp_path / "a.pdf"))
    assert "is encrypted" in fault(tmp_path / "a.pdf")


def test_a_broken_file_is_one_line_and_the_next_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\nnothing")
    print_pdf(tmp_path / "b.pdf", LINES)
    first, second = read(tmp_path)
    assert "is no whole PDF" in first.message  # type: ignore[union-attr]
    assert second.id == "b.pdf"


def test_a_pdf_is_known_by_its_content(tmp_path: Path) -> None:
    print_pdf(tmp_path / "a.pdf", LINES).rename(tmp_path / "a.txt")
    assert read_one(tmp_path / "a.txt").text.split("\n") == LINES


def lines(*texts: str, left: float = 50, width: float = 400, last: float = 100) -> list[Line]:
    """Full lines of a column, the last one short."""
    rights = [left + width] * (len(texts) - 1) + [left + last]
    return [
        Line(text, left, right, 700 - 15 * number, 12, 30, 4)
        for number, (text, right) in enumerate(zip(texts, rights, strict=True))
    ]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (("giai đoạn 2020-", "2025 của xã"), "giai đoạn 2020-2025 của xã"),
        (("phát triển kinh tế-", "xã hội của xã"), "phát triển kinh tế-xã hội của xã"),
        (("phát triển kinh tế -", "xã hội của xã"), "phát triển kinh tế - xã hội của xã"),
        (("phát triển kinh tế", "- xã hội của xã"), "phát triển kinh tế - xã hội của xã"),
        (("công ngh\u00ad", "iệp của xã"), "công nghiệp của xã"),
        (("chỉ đạo các xã", "- Rà soát hộ nghèo"), "chỉ đạo các xã\n- Rà soát hộ nghèo"),
        (("đã hoàn thành.", "Đồng chí yêu cầu"), "đã hoàn thành.\nĐồng chí yêu cầu"),
    ],
)
def test_how_two_full_lines_are_joined(texts: tuple[str, ...], wanted: str) -> None:
    assert flow([lines(*texts)])[0] == wanted


def test_a_word_below_an_indent_still_belongs_to_its_line() -> None:
    first = Line("Tổng kết công tác dân vận năm", 80, 450, 700, 12, 30, 4)
    assert flow([[first, Line("2019", 50, 75, 685, 12, 25, 4)]])[0] == "Tổng kết công tác dân vận năm 2019"


def test_pages_begin_where_their_text_begins() -> None:
    text, starts = flow([lines("một hai", last=400), [], lines("ba bốn")])
    assert text == "một hai ba bốn"
    assert starts == [0, 8, 8]
