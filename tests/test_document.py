from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.document import (
    Document,
    decode_utf8,
    document_from_dict,
    escape_inline,
    find_problems,
    parse_inline,
    parse_json_line,
    read_jsonl,
    render_inline,
    to_json_line,
)
from ner_danvan.errors import UserError
from ner_danvan.span import Span

LABELS = DANVAN.labels


def parse(markup: str) -> Document:
    return parse_inline(markup, "r.txt", LABELS)


def problems(*spans: tuple[int, int, str], text: str) -> list[str]:
    document = Document("d", text, tuple(Span(s, e, label, text[s:e]) for s, e, label in spans))
    return [problem.message for problem in find_problems(document, DANVAN.layer_of)]


def test_inline_nested_tags_give_text_and_offsets() -> None:
    document = parse("ông <POSITION>Trưởng <ORG>Ban Dân vận</ORG></POSITION>\r\n")
    assert document.text == "ông Trưởng Ban Dân vận\r\n"
    assert [(s.label, s.text) for s in document.spans] == [("POSITION", "Trưởng Ban Dân vận"), ("ORG", "Ban Dân vận")]


def test_inline_keeps_decomposed_accents_and_counts_code_points() -> None:
    document = parse("<ORG>U\u031by ban</ORG>")
    assert document.text == "U\u031by ban"
    assert document.spans[0].end == 7


def test_inline_escaped_tag_is_text() -> None:
    assert parse("thẻ &lt;ORG> và &amp;lt;ORG>").text == "thẻ <ORG> và &lt;ORG>"


def test_inline_other_markup_is_left_alone() -> None:
    assert parse("<b>đậm</b> & 3 < 4 &lt; &amp;").text == "<b>đậm</b> & 3 < 4 &lt; &amp;"


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("a\nb <LOC>c</LOC>", 'r.txt:2: unknown label "LOC"'),
        ("<ORG>a", "r.txt:1: <ORG> is never closed"),
        ("a</ORG>", "r.txt:1: </ORG> closes nothing"),
        ("<TASK>a\n<ORG>b</TASK></ORG>", "r.txt:2: </TASK> comes before </ORG> of line 2"),
    ],
)
def test_inline_fault_names_file_line_and_mend(markup: str, wanted: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(markup)
    assert str(raised.value).startswith(wanted)


@st.composite
def annotated(draw: st.DrawFn) -> Document:
    """Any text, tags and escapes among its characters, with properly nested spans of any label."""
    piece = st.one_of(st.text(max_size=5), st.sampled_from(["<ORG>", "</TASK>", "&lt;ORG>", "&amp;lt;/X>", "&", "<"]))
    text = "".join(draw(st.lists(piece, max_size=12)))
    spans: list[Span] = []
    for _ in range(draw(st.integers(0, 4))):
        if len(text) < 1:
            break
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        if all(end <= s.start or start >= s.end or (s.start <= start and end <= s.end) for s in spans):
            spans.append(Span(start, end, draw(st.sampled_from(LABELS)), text[start:end]))
    unique = {(s.start, s.end): s for s in spans}.values()
    return Document("d", text, tuple(sorted(unique, key=lambda s: (s.start, -s.end))))


@given(annotated())
@settings(max_examples=500, deadline=None)
def test_inline_rendering_and_parsing_are_inverse(document: Document) -> None:
    again = parse(render_inline(document))
    assert (again.text, again.spans) == (document.text, document.spans)


@given(st.text())
def test_inline_escaping_survives_parsing(text: str) -> None:
    assert parse(escape_inline(text)).text == text


def test_rendering_crossing_spans_says_why_it_cannot() -> None:
    document = Document("d", "abcdef", (Span(0, 4, "TASK", "abcd"), Span(2, 6, "POSITION", "cdef")))
    with pytest.raises(UserError, match="cross; put one inside the other"):
        render_inline(document)


def test_overlap_in_one_layer_is_a_problem() -> None:
    assert "overlap in layer" in problems((0, 11, "ORG"), (8, 16, "DATE"), text="Ban Dân vận 15/7")[0]


def test_nesting_of_different_layers_is_no_problem() -> None:
    assert problems((0, 18, "POSITION"), (7, 18, "ORG"), text="Trưởng Ban Dân vận") == []


def test_crossing_of_different_layers_is_a_problem() -> None:
    assert "cross" in problems((0, 10, "POSITION"), (7, 18, "ORG"), text="Trưởng Ban Dân vận")[0]


@pytest.mark.parametrize(
    ("start", "end", "text", "wanted"),
    [
        (0, 4, "Đảng,", None),
        (0, 5, "Đảng,", "ends with ,"),
        (0, 5, "(Đảng", "begins with ("),
        (0, 5, "Đảng ", "white space"),
        (0, 9, "Ban (BCĐ)", None),
        (0, 7, "Ban BC)", "ends with )"),
        (0, 7, "giảm 5%", None),
    ],
)
def test_edges_are_free_of_punctuation_but_for_closed_brackets(
    start: int, end: int, text: str, wanted: str | None
) -> None:
    found = problems((start, end, "ORG"), text=text)
    assert (found == []) if wanted is None else (wanted in found[0])


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2), (0, 99)])
def test_offsets_outside_the_text_are_a_problem(start: int, end: int) -> None:
    document = Document("d", "abc", (Span(start, end, "ORG", "x"),))
    assert "outside the text" in find_problems(document, DANVAN.layer_of)[0].message


def test_span_text_that_is_not_the_text_there_is_a_problem() -> None:
    document = Document("d", "Đảng ủy", (Span(0, 4, "ORG", "Đoàn"),))
    assert "says" in find_problems(document, DANVAN.layer_of)[0].message


def test_unknown_label_is_a_problem() -> None:
    assert 'unknown label "LOC"' in problems((0, 3, "LOC"), text="abc")[0]


@given(annotated())
def test_jsonl_round_trip(document: Document) -> None:
    assert parse_json_line(to_json_line(document).encode(), "x") == document


def test_jsonl_of_a_lone_surrogate_can_be_written_as_utf8() -> None:
    line = to_json_line(Document("d", "ủy \ud83d ban"))
    assert json.loads(line.encode("utf-8"))["text"] == "ủy \ud83d ban"


def test_jsonl_keeps_meta_and_scores() -> None:
    document = Document("d", "Đảng", (Span(0, 4, "ORG", "Đảng", 0.5),), {"year": 2024})
    assert parse_json_line(to_json_line(document).encode(), "x") == document


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ([], "a JSON object"),
        ({}, '"text" is missing'),
        ({"text": 3}, '"text" is missing or no string'),
        ({"text": "a", "spans": {"x": 1}}, '"spans" is no list'),
        ({"text": "a", "spans": [{"start": 0}]}, "a span lacks"),
        ({"text": "a", "spans": [3]}, "a span lacks"),
        ({"text": "a", "spans": [{"start": 0.5, "end": 1, "label": "ORG"}]}, "whole numbers"),
        ({"text": "a", "spans": [{"start": True, "end": 1, "label": "ORG"}]}, "whole numbers"),
        ({"text": "a", "meta": [1]}, '"meta" is no object'),
        ({"text": "a", "spans": [{"start": 0, "end": 1, "label": "ORG", "text": 5}]}, "whole numbers"),
        ({"text": "a", "spans": [{"start": 0, "end": 1, "label": "ORG", "score": "high"}]}, "a score must be"),
    ],
)
def test_jsonl_fault_is_one_line_with_its_place(row: object, wanted: str) -> None:
    with pytest.raises(UserError) as raised:
        document_from_dict(row, "f.jsonl:7")
    assert str(raised.value).startswith("f.jsonl:7: ")
    assert wanted in str(raised.value)


def test_jsonl_file_names_the_line_that_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"text": "a"}\n\n{oops\n')
    with pytest.raises(UserError, match=r"d\.jsonl:3: no JSON at column 2"):
        list(read_jsonl(path))


def test_bytes_that_are_not_utf8_are_named_with_their_offset() -> None:
    with pytest.raises(UserError, match=r"f: byte 3 \(0xff\) is not UTF-8"):
        decode_utf8(b"abc\xff", "f")


def test_rendering_crossing_spans_of_one_label_is_refused_and_nested_ones_are_not() -> None:
    crossing = Document("d", "abcdef", (Span(0, 4, "ORG", "abcd"), Span(2, 6, "ORG", "cdef")))
    with pytest.raises(UserError, match="cross"):
        render_inline(crossing)
    nested = Document("d", "Red cross", (Span(0, 9, "ORG", "Red cross"), Span(4, 9, "ORG", "cross")))
    assert render_inline(nested) == "<ORG>Red <ORG>cross</ORG></ORG>"


def test_predictions_may_cross_between_layers_but_not_overlap_in_one() -> None:
    text = "Trưởng Ban Dân vận"
    crossing = Document("d", text, (Span(0, 10, "POSITION", text[:10]), Span(7, 18, "ORG", text[7:])))
    assert find_problems(crossing, DANVAN.layer_of, edges=False, nested=False) == []
    overlapping = Document("d", text, (Span(0, 10, "ORG", text[:10]), Span(7, 18, "ORG", text[7:])))
    assert "overlap" in find_problems(overlapping, DANVAN.layer_of, edges=False, nested=False)[0].message


def test_many_spans_on_one_place_give_one_problem_each() -> None:
    document = Document("d", "xã", tuple(Span(0, 2, "ORG", "xã") for _ in range(3_000)))
    assert len(find_problems(document, DANVAN.layer_of)) == 2_999


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"text": ' + b"9" * 5_000 + b"}"])
def test_json_that_is_not_well_meant_is_one_line(line: bytes) -> None:
    with pytest.raises(UserError, match=r"f:1: "):
        parse_json_line(line, "f:1")


def test_a_byte_order_mark_before_jsonl_is_passed_over() -> None:
    assert parse_json_line(b'\xef\xbb\xbf{"text": "a", "id": null}', "f:1") == Document("f:1", "a")


@pytest.mark.parametrize(
    ("data", "wanted"), [(b"\xff\xfea\0", "UTF-16"), (b"PK\x03\x04\xff", "no text file"), (b"\xe1", "WINDOWS-1258")]
)
def test_the_mend_fits_the_bytes(data: bytes, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        decode_utf8(data, "f")


@pytest.mark.parametrize(
    ("start", "end", "wanted"), [(2, 4, "bc"), (0, 2, "\U0001f600"), (1, 3, "\U0001f600b"), (2, 3, "b")]
)
def test_offsets_are_those_of_who_reads_the_line_where_two_surrogates_are_a_character(
    start: int, end: int, wanted: str
) -> None:
    text = "\ud83d\ude00bcd\ud83d"
    line = to_json_line(Document("d", text, (Span(start, end, "ORG", text[start:end]),)))
    document = parse_json_line(line.encode(), "x")
    assert document.text == "\U0001f600bcd\ud83d"
    assert [(span.text, document.text[span.start : span.end]) for span in document.spans] == [(wanted, wanted)]


def test_spans_that_are_together_much_longer_than_the_text_are_refused() -> None:
    text = "a" * 100_000
    rows = [{"start": i, "end": len(text), "label": "ORG"} for i in range(400)]
    with pytest.raises(UserError, match=r"^f:1: the first 21 spans are together \d+ characters of a text of 100000"):
        document_from_dict({"text": text, "spans": rows}, "f:1")
    with pytest.raises(UserError, match=r"^f: the first 21 spans"):
        parse_inline("<ORG>" * 400 + text + "b</ORG>" * 400, "f", ["ORG"])


def test_many_spans_of_a_short_text_are_read() -> None:
    rows = [{"start": 0, "end": 2, "label": f"L{i}"} for i in range(3_000)]
    assert len(document_from_dict({"text": "xã", "spans": rows}, "f:1").spans) == 3_000
