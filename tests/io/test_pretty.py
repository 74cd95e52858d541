from __future__ import annotations

import io
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.io.pretty import Look, Piece, columns, marked_text, print_document, wrapped
from ner_danvan.io.writers import pretty_writer
from ner_danvan.span import Span

PLAIN, COLOURED = Look(80, colours=False), Look(80, colours=True)


def document(text: str, *spans: tuple[int, int, str]) -> Document:
    return Document("báo cáo", text, tuple(Span(s, e, label, text[s:e], 0.875) for s, e, label in spans))


def plain(pieces: list[Piece]) -> str:
    return "".join(text for text, _ in pieces)


def shown(tagged: Document, look: Look) -> str:
    stream = io.StringIO()
    print_document(tagged, ["ORG"], stream, look)
    return stream.getvalue()


def test_nesting_is_visible() -> None:
    nested = document("ông Trưởng Ban Dân vận đến", (4, 22, "POSITION"), (11, 22, "ORG"))
    assert plain(marked_text(nested, {})) == "ông [Trưởng [Ban Dân vận ORG] POSITION] đến"


def test_adjacent_and_crossing_spans_keep_all_their_text() -> None:
    crossing = document("abcdef", (0, 4, "TASK"), (2, 6, "POSITION"))
    assert plain(marked_text(crossing, {})) == "[ab[cd TASK]ef POSITION]"
    assert plain(marked_text(document("ab", (0, 1, "X"), (1, 2, "Y")), {})) == "[a X][b Y]"


def test_spans_are_listed_with_offsets_and_scores() -> None:
    lines = shown(document("Đảng ủy", (0, 7, "ORG")), PLAIN)
    assert lines.startswith("báo cáo ─")
    assert " ".join(lines.split()).endswith("label start end score text ORG 0 7 0.88 Đảng ủy")


def test_colours_only_where_the_stream_is_a_terminal() -> None:
    stream = io.StringIO()
    with pretty_writer(stream, DANVAN) as write:
        write(document("Đảng ủy", (0, 7, "ORG")))
    assert "\x1b" not in stream.getvalue()
    assert "\x1b[1;32m[\x1b[0m\x1b[32mĐảng\x1b[0m" in shown(document("Đảng ủy", (0, 7, "ORG")), COLOURED)


@pytest.mark.parametrize(
    ("name", "value", "colours"), [("NO_COLOR", "1", False), ("TERM", "dumb", False), ("A", "1", True)]
)
def test_a_terminal_without_colours_gets_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, colours: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, value)
    assert Look.of(stream) == Look(50, colours)


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = plain(marked_text(document("a\x1b[31mđỏ\x07\r\nb\x7f\x9b\u202ec"), {}))
    assert text == "a␛[31mđỏ␇\nb␡\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}c"
    assert "\x1b" not in shown(Document("\x1b]0;x", "a"), PLAIN)


def test_long_lines_are_broken_at_spaces_and_brackets_stay_with_their_word() -> None:
    marked = marked_text(document("một hai ba bốn năm", (8, 14, "X")), {})
    assert [plain(line) for line in wrapped(marked, 10)] == ["một hai", "[ba bốn X]", "năm"]


def test_a_long_span_goes_on_under_its_own_column() -> None:
    text = "rà soát " * 12
    lines = shown(document(text, (0, len(text) - 1, "TASK")), PLAIN).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("TASK"))
    assert lines[first + 1].index("soát") == lines[first].index("rà")


@given(st.lists(st.tuples(st.text("ab ế\n\u0301漢", max_size=20), st.sampled_from(["", "32"]))), st.integers(4, 30))
def test_wrapping_loses_nothing_but_white_space_at_the_ends(pieces: list[Piece], width: int) -> None:
    lines = wrapped(pieces, width)
    assert "".join("".join(plain(line).split()) for line in lines) == "".join(plain(pieces).split())
    for line in lines:
        assert columns(plain(line)) <= width or " " not in plain(line).strip()


def test_columns_are_those_of_a_terminal() -> None:
    assert columns("Huế") == columns(unicodedata.normalize("NFD", "Huế")) == 3
    assert columns("漢字") == 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x0b"])
def test_an_id_cannot_make_the_heading_of_another_document(end: str) -> None:
    forged = replace(document("a"), id=f"x{end}y ────")
    assert shown(forged, PLAIN).splitlines()[0].startswith("x y ────")
