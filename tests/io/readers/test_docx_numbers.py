"""Numbers and bullets of Word's lists stand where Word shows them."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan.io.readers.docx_numbers import Counter, Level, Numbering

from .reading import fault, read_one
from .test_docx import p, write

docx = pytest.importorskip("docx")


def item(text: str, *, list_id: str | None = None, level: int | None = None, style: str = "", mark: str = "") -> str:
    """A paragraph of a list."""
    use = f'<w:ilvl w:val="{level}"/>' if level is not None else ""
    use += f'<w:numId w:val="{list_id}"/>' if list_id is not None else ""
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    properties += f"<w:numPr>{use}</w:numPr>" if use else ""
    run = f"<w:r><w:t>{text}</w:t></w:r>" if text else ""
    return f"<w:p><w:pPr>{properties}<w:rPr>{mark}</w:rPr></w:pPr>{run}</w:p>"


def level(number: int, kind: str, pattern: str, more: str = "", start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/>{more}'
        f'<w:lvlText w:val="{pattern}"/></w:lvl>'
    )


def lists(abstract: dict[str, str], lists: dict[str, tuple[str, str]]) -> str:
    """`numbering.xml`: the levels of abstract lists, and of lists the abstract one and what they change."""
    found = "".join(
        f'<w:abstractNum w:abstractNumId="{name}">{levels}</w:abstractNum>' for name, levels in abstract.items()
    )
    return found + "".join(
        f'<w:num w:numId="{name}"><w:abstractNumId w:val="{of}"/>{change}</w:num>'
        for name, (of, change) in lists.items()
    )


REPORT = (
    level(0, "upperRoman", "%1.")
    + level(1, "decimal", "%2.")
    + level(2, "lowerLetter", "%3)")
    + level(3, "bullet", "\uf0b7")
    + level(4, "decimal", "%2.%5")
)


def read(tmp_path: Path, body: str, numbering: str = "", styles: str = "") -> list[str]:
    parts = {name: content for name, content in (("numbering", numbering), ("styles", styles)) if content}
    return read_one(write(tmp_path / "a.docx", body, **parts)).text.split("\n")


def test_lists_that_word_makes_by_itself_are_numbered(tmp_path: Path) -> None:
    file = docx.Document()
    for style, text in (
        ("List Number", "Tuyên truyền"),
        ("List Number", "Vận động"),
        ("Normal", "Các xã"),
        ("List Bullet", "rà soát"),
        ("List Number", "Kiểm tra"),
    ):
        file.add_paragraph(text, style=style)
    file.save(tmp_path / "a.docx")
    assert read_one(tmp_path / "a.docx").text.split("\n") == [
        *["1. Tuyên truyền", "2. Vận động", "Các xã", "- rà soát", "3. Kiểm tra"]
    ]


def test_levels_count_by_themselves_and_begin_anew_below_a_higher_one(tmp_path: Path) -> None:
    body = "".join(
        item(text, list_id="1", level=number)
        for number, text in [
            *[(0, "Kết quả"), (1, "Tuyên truyền"), (2, "xã"), (2, "phường"), (3, "họp"), (1, "Vận động"), (2, "tổ")],
            *[(4, "ấp"), (0, "Nhiệm vụ"), (1, "Rà soát")],
        ]
    )
    assert read(tmp_path, body, lists({"0": REPORT}, {"1": ("0", "")})) == [
        *["I. Kết quả", "1. Tuyên truyền", "a) xã", "b) phường", "- họp", "2. Vận động", "a) tổ"],
        *["2.1 ấp", "II. Nhiệm vụ", "1. Rà soát"],
    ]


def test_two_lists_of_one_kind_share_their_count_unless_one_begins_anew(tmp_path: Path) -> None:
    anew = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    numbering = lists({"0": level(0, "decimal", "%1.")}, {"1": ("0", ""), "2": ("0", ""), "3": ("0", anew)})
    body = "".join(item("x", list_id=name, level=0) for name in "1123313")
    assert read(tmp_path, body, numbering) == ["1. x", "2. x", "3. x", "1. x", "2. x", "3. x", "4. x"]


def test_a_list_may_change_a_level_of_its_abstract_one(tmp_path: Path) -> None:
    change = f'<w:lvlOverride w:ilvl="0">{level(0, "lowerLetter", "(%1)", start=3)}</w:lvlOverride>'
    numbering = lists({"0": level(0, "decimal", "%1.")}, {"1": ("0", change)})
    assert read(tmp_path, item("x", list_id="1", level=0) * 2, numbering) == ["(c) x", "(d) x"]


def test_styles_bring_their_lists_and_what_they_are_based_on_does_too(tmp_path: Path) -> None:
    styles = (
        '<w:style w:styleId="Muc"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:styleId="Muccon"><w:basedOn w:val="Muc"/><w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr>'
        "</w:style>"
        '<w:style w:styleId="Khoan"><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>'
        '<w:style w:styleId="A"><w:basedOn w:val="B"/></w:style><w:style w:styleId="B"><w:basedOn w:val="A"/></w:style>'
    )
    second = level(0, "decimal", "Điều %1.") + level(1, "decimal", "%2.", '<w:pStyle w:val="Khoan"/>')
    numbering = lists({"0": REPORT, "1": second}, {"1": ("0", ""), "2": ("1", "")})
    body = item("a", style="Muc") + item("b", style="Muccon") + item("c", style="Muccon", level=2)
    body += item("d", style="Muc", list_id="0") + item("e", style="A") + item("f", style="nowhere")
    body += item("g", list_id="2", level=0) + item("h", style="Khoan") + item("i", style="Khoan")
    assert read(tmp_path, body, numbering, styles) == [
        *["I. a", "1. b", "a) c", "d", "e", "f", "Điều 1. g", "1. h", "2. i"]
    ]


def test_a_list_style_leads_to_the_list_that_has_the_levels(tmp_path: Path) -> None:
    styles = '<w:style w:styleId="L"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    numbering = lists({"0": REPORT, "1": '<w:numStyleLink w:val="L"/>'}, {"1": ("0", ""), "2": ("1", "")})
    body = item("a", list_id="1", level=1) + item("b", list_id="2", level=1)
    assert read(tmp_path, body, numbering, styles) == ["1. a", "2. b"]


def test_deleted_paragraphs_do_not_count_and_empty_ones_do(tmp_path: Path) -> None:
    numbering = lists({"0": level(0, "decimal", "%1.")}, {"1": ("0", "")})
    body = item("a", list_id="1", level=0) + item("", list_id="1", level=0, mark="<w:del/>")
    body += item("b", list_id="1", level=0) + item("", list_id="1", level=0) + item("c", list_id="1", level=0)
    assert read(tmp_path, body, numbering) == ["1. a", "2. b", "4. c"]


def test_headers_and_footnotes_count_by_themselves(tmp_path: Path) -> None:
    numbering = lists({"0": level(0, "decimal", "%1.")}, {"1": ("0", "")})
    one = item("x", list_id="1", level=0)
    document = read_one(write(tmp_path / "a.docx", one, numbering=numbering, header1=one + p("y"), footnotes=one))
    assert document.text.split("\n") == ["1. x", "y", "1. x", "1. x"]


@pytest.mark.parametrize(
    ("kind", "start", "shown"),
    [
        ("decimalZero", 7, "07"),
        ("upperLetter", 26, "Z"),
        ("lowerLetter", 28, "bb"),
        ("lowerLetter", 781, "781"),
        ("lowerLetter", 0, "0"),
        ("lowerRoman", 1994, "mcmxciv"),
        ("upperRoman", 4000, "4000"),
        ("ordinalText", 3, "3"),
        ("none", 1, ""),
    ],
)
def test_counts_are_written_as_word_does_up_to_where_it_ends(tmp_path: Path, kind: str, start: int, shown: str) -> None:
    numbering = lists({"0": level(0, kind, "%1", start=start)}, {"1": ("0", "")})
    assert read(tmp_path, item("x", list_id="1", level=0), numbering) == [f"{shown} x".strip()]


@pytest.mark.parametrize(
    ("pattern", "more", "shown"),
    [
        ("+", "", "+ x"),
        ("–", "", "– x"),
        ("o", "", "- x"),
        ("", "", "- x"),
        ("-", '<w:suff w:val="nothing"/>', "-x"),
    ],
)
def test_bullets_that_are_no_characters_become_dashes(tmp_path: Path, pattern: str, more: str, shown: str) -> None:
    numbering = lists({"0": level(0, "bullet", pattern, more)}, {"1": ("0", "")})
    assert read(tmp_path, item("x", list_id="1", level=0), numbering) == [shown]


def test_legal_levels_show_decimals_and_some_never_begin_anew(tmp_path: Path) -> None:
    levels = level(0, "upperRoman", "%1.") + level(1, "decimal", "%1.%2.", '<w:isLgl/><w:lvlRestart w:val="0"/>')
    body = "".join(item("x", list_id="1", level=number) for number in (0, 1, 0, 1))
    assert read(tmp_path, body, lists({"0": levels}, {"1": ("0", "")})) == ["I. x", "1.1. x", "II. x", "2.2. x"]


def test_hostile_lists_stay_short_and_are_read(tmp_path: Path) -> None:
    levels = level(0, "decimal", "%1" * 100_000) + level(99, "decimal", "%1.")
    levels += f'<w:lvl w:ilvl="1"><w:start w:val="{"9" * 5000}"/><w:lvlText w:val="%2."/></w:lvl>'
    numbering = lists({"0": levels}, {"1": ("0", ""), "2": ("nowhere", "")}) + "<w:num/><w:abstractNum/>"
    body = item("a", list_id="1", level=0) + item("b", list_id="1", level=1) + item("c", list_id="2", level=0)
    body += item("d", list_id="1", level=77) + item("e", list_id="none", level=-1)
    first, *others = read(tmp_path, body, numbering)
    assert len(first) < 60
    assert others == ["0. b", "c", "d", "e"]


def test_a_broken_part_is_told(tmp_path: Path) -> None:
    assert "word/numbering.xml in it is no XML" in fault(write(tmp_path / "a.docx", p("x"), numbering="<w:num>"))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_number_is_one_more_than_its_brothers(levels: list[int]) -> None:
    kinds = {number: Level(pattern="".join(f"%{one + 1}." for one in range(number + 1))) for number in range(4)}
    numbering = Numbering({"1": "0"}, {"1": kinds}, {"1": {}})
    counter = Counter(numbering)
    place = [0, 0, 0, 0]
    for number in levels:
        place = [*place[:number], place[number] + 1, *([0] * (3 - number))]
        paragraph = fromstring(f'<p><pPr><numPr><ilvl val="{number}"/><numId val="1"/></numPr></pPr></p>')
        # a level above that had no paragraph is shown as its first
        assert counter.mark(paragraph) == "".join(f"{max(one, 1)}." for one in place[: number + 1]) + " "
