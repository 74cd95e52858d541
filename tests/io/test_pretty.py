from __future__ import annotations

import io

from rich.console import Console

from ner_danvan.document import Document
from ner_danvan.io.pretty import marked_text, print_document
from ner_danvan.io.writers import pretty_writer
from ner_danvan.span import Span


def document(text: str, *spans: tuple[int, int, str]) -> Document:
    return Document("báo cáo", text, tuple(Span(s, e, label, text[s:e], 0.875) for s, e, label in spans))


def test_nesting_is_visible() -> None:
    nested = document("ông Trưởng Ban Dân vận đến", (4, 22, "POSITION"), (11, 22, "ORG"))
    assert marked_text(nested, {}).plain == "ông [Trưởng [Ban Dân vận ORG] POSITION] đến"


def test_adjacent_and_crossing_spans_keep_all_their_text() -> None:
    crossing = document("abcdef", (0, 4, "TASK"), (2, 6, "POSITION"))
    assert marked_text(crossing, {}).plain == "[ab[cd TASK]ef POSITION]"
    assert marked_text(document("ab", (0, 1, "X"), (1, 2, "Y")), {}).plain == "[a X][b Y]"


def test_brackets_of_the_text_are_no_markup() -> None:
    assert marked_text(document("[bold]x[/]"), {}).plain == "[bold]x[/]"


def test_spans_are_listed_with_offsets_and_scores() -> None:
    stream = io.StringIO()
    print_document(document("Đảng ủy", (0, 7, "ORG")), ["ORG"], Console(file=stream, width=80))
    shown = stream.getvalue()
    assert "báo cáo" in shown
    assert " ".join(shown.split()).endswith("ORG 0 7 0.88 Đảng ủy")


def test_colours_only_where_the_stream_is_a_terminal() -> None:
    stream = io.StringIO()
    pretty_writer(stream, ["ORG"])(document("Đảng ủy", (0, 7, "ORG")))
    assert "\x1b" not in stream.getvalue()
    coloured = io.StringIO()
    print_document(
        document("Đảng ủy", (0, 7, "ORG")),
        ["ORG"],
        Console(file=coloured, force_terminal=True, color_system="standard"),
    )
    assert "\x1b[" in coloured.getvalue()


def test_control_characters_do_not_reach_the_terminal() -> None:
    shown = marked_text(document("a\x1b[31mđỏ\x07\r\nb\x7f\x9b\u202ec"), {}).plain
    assert shown == "a␛[31mđỏ␇\nb␡\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}c"
    stream = io.StringIO()
    print_document(Document("\x1b]0;x", "a"), [], Console(file=stream, width=80))
    assert "\x1b" not in stream.getvalue()
