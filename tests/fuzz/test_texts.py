"""Whatever the text: words, windows and spans lie where they say, and a text is never changed."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fuzz.torture import TEXTS, calls, check_line, fuzz, tried
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tiny import DANVAN, make_tagger

from ner_danvan.decode import decode
from ner_danvan.document import (
    Document,
    escape_inline,
    find_problems,
    parse_inline,
    parse_json_line,
    render_inline,
    to_json_line,
)
from ner_danvan.errors import UserError
from ner_danvan.tagger import Tagger
from ner_danvan.text.normalize import compose, model_copy
from ner_danvan.text.segment import segment, segment_at_spaces, segment_syllables, sentence_ends
from ner_danvan.text.windows import WindowSize, cut_windows, stitch

FLOOD = "a" + "\u0316\u0334\u0301" * 3_334  # ten thousand marks on one letter


@fuzz(300)
@given(text=TEXTS)
@example(text=FLOOD)
@example(text="\ufeffĐảng\ufeff ủy\ufeff")
def test_words_lie_in_the_text_from_left_to_right(text: str) -> None:
    copy = model_copy(text)
    assert len(copy.text) == len(copy.starts) == len(copy.ends)
    for words in (segment(text), segment_syllables(text), segment_at_spaces(text)):
        position = 0
        for word in words:
            assert position <= word.start < word.end <= len(text)
            assert word.form
            position = word.end
        assert len(sentence_ends(text, words)) == len(words)
    seen = {i for word in segment(text) for i in range(word.start, word.end)}
    visible = {i for i, char in enumerate(text) if unicodedata.category(char)[0] in "LNPS"}
    assert visible <= seen


@fuzz(200)
@given(text=TEXTS)
@example(text=FLOOD)
def test_a_text_is_composed_as_unicode_says_but_for_floods(text: str) -> None:
    if max(map(len, _runs(text)), default=0) < 64:
        assert compose(text) == unicodedata.normalize("NFC", text)
    assert len(compose(text, "NFD")) >= len(text)


def _runs(text: str) -> list[str]:
    runs, run = [], ""
    for char in text:
        run = run + char if not char.isalnum() and char > "\x7f" else ""
        runs.append(run)
    return runs


def test_a_text_twice_as_long_is_twice_the_work() -> None:
    for piece in ("Ủy ban xã, ", "a\u0316\u0334\u0301", "....", "q", "\u00a0\u200b", "ﷺ", "\ud83d", "-a", "a. "):
        segment(piece)
        first, second = (calls(lambda text=piece * size: segment(text))[0] for size in (1_000, 2_000))  # type: ignore[misc]
        assert second < 2.6 * first + 2_000, piece


@fuzz(300)
@given(
    counts=st.lists(st.integers(1, 400), max_size=60),
    subwords=st.integers(3, 256),
    overlap=st.integers(0, 300),
    data=st.data(),
)
def test_windows_hold_every_word_and_logits_come_back_a_row_a_word(
    counts: list[int], subwords: int, overlap: int, data: st.DataObject
) -> None:
    ends = data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts)))
    size = WindowSize(subwords, overlap)
    windows = cut_windows(np.array(counts, dtype=np.int64), ends, size)
    assert {word for first, last in windows for word in range(first, last)} == set(range(len(counts)))
    assert all(
        last - first == 1 or sum(min(n, size.room) for n in counts[first:last]) <= size.room for first, last in windows
    )
    assert len(windows) <= 2 * len(counts)
    rows = [np.arange(first, last, dtype=np.float32)[:, None] for first, last in windows]
    assert stitch(windows, rows, len(counts)).ravel().tolist() == list(range(len(counts)))


@fuzz(60)
@given(data=st.data(), count=st.integers(0, 30), size=st.sampled_from([1.0, 64.0, 2.0**14, 2.0**100]))
def test_decoded_spans_lie_on_words_and_have_probabilities(data: st.DataObject, count: int, size: float) -> None:
    values = st.floats(-size, size, width=32)
    check_decoded(data.draw(arrays.arrays(np.float32, (count, len(DANVAN.tags)), elements=values)))


def check_decoded(logits: npt.NDArray[np.float32]) -> None:
    count = len(logits)
    text = "xã " * count
    words = [(3 * i, 3 * i + 2) for i in range(count)]
    (spans,) = decode([logits], [words], [text], DANVAN)
    starts, ends = {first for first, _ in words}, {last for _, last in words}
    for span in spans:
        assert span.start in starts
        assert span.end in ends
        assert span.score is not None
        assert 0 <= span.score <= 1
    assert find_problems(Document("d", text, spans), DANVAN.layer_of) == []


@cache
def _tagger(folder: Path) -> Tagger:
    return make_tagger(folder, window=WindowSize(32, 6), line_marks=True, split_words={"uỷ_ban": (1,)})


@fuzz(100)
@given(texts=st.lists(TEXTS, max_size=4))
@example(texts=[FLOOD, "", FLOOD * 3])
def test_spans_of_any_text_say_what_stands_there(vocabulary: Path, texts: list[str]) -> None:
    found = list(_tagger(vocabulary).stream(texts))
    assert [document.text for document in found] == texts
    for document in found:
        assert find_problems(document, DANVAN.layer_of, edges=False) == []
        assert parse_json_line(to_json_line(document).encode(), "x").text == json.loads(json.dumps(document.text))


@fuzz(300)
@given(markup=TEXTS)
@example(markup="<ORG>" * 3_000)
@example(markup="<ORG></ORG>")
@example(markup="<ORG>" * 3_000 + "a" + "</ORG>" * 3_000)
@example(markup="&" + "amp;" * 9_000 + "lt;ORG>")
def test_inline_markup_is_read_or_refused_in_one_line_and_comes_back(markup: str) -> None:
    document = tried(lambda: parse_inline(markup, "a.txt", DANVAN.labels), "a.txt:")
    if document is None:
        return
    assert all(document.text[span.start : span.end] == span.text for span in document.spans)
    again = parse_inline(render_inline(document), "a.txt", DANVAN.labels)
    assert (again.text, again.spans) == (document.text, document.spans)
    assert parse_inline(escape_inline(markup), "a.txt", DANVAN.labels).text == markup


def test_markup_twice_as_long_is_twice_the_work() -> None:
    for piece in ("<ORG>a</ORG>", "&lt;ORG>", "&amp;", "<ORG", "\n<TASK>x\n</TASK>"):
        first, second = (
            calls(lambda text=piece * size: render_inline(parse_inline(text, "a", DANVAN.labels)))[0]  # type: ignore[misc]
            for size in (500, 1_000)
        )
        assert second < 2.6 * first + 1_000, piece


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(10**400)
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
_spans = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("start", "end", "label", "text", "score"), _values)) | _values
)


@fuzz(100)
@given(
    row=st.fixed_dictionaries({}, optional={"id": _values, "text": TEXTS | _values, "spans": _spans, "meta": _values})
    | _values,
    escaped=st.booleans(),
)
@example(row={"text": "a", "meta": {"a": float("nan")}}, escaped=True)
@example(row={"text": "a", "spans": [{"start": 0, "end": 1, "label": "ORG", "score": 10**400}]}, escaped=True)
@example(row={"text": "a", "id": [[]]}, escaped=True)
def test_a_row_is_a_document_that_can_be_written_or_one_line(row: Any, escaped: bool) -> None:
    line = json.dumps(row, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    document = tried(lambda: parse_json_line(line, "f:1"), "f:1: ")
    if document is None:
        return
    check_line(document)


@pytest.mark.parametrize("depth", [101, 900, 990, 1_000, 100_000])
@pytest.mark.parametrize(
    "row", ['{"text": "a", "meta": {"a": @}}', '{"text": "a", "id": @}', '{"text": "a", "spans": [@]}', "@"]
)
def test_what_is_nested_too_deep_to_be_written_is_refused_in_one_line(row: str, depth: int) -> None:
    line = row.replace("@", "[" * depth + "]" * depth).encode()
    with pytest.raises(UserError, match=r"^f:1: JSON that cannot be read \(nested more than 100 deep\)\.$"):
        parse_json_line(line, "f:1")


def test_what_is_nested_less_deep_is_written_as_it_was() -> None:
    line = b'{"text": "a", "meta": {"a": ' + b"[" * 90 + b"]" * 90 + b"}}"
    assert parse_json_line(to_json_line(parse_json_line(line, "f:1")).encode(), "f:1").meta


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_json_has_not_are_refused(number: str) -> None:
    with pytest.raises(UserError, match=rf"f:1: JSON that cannot be read \({number} is "):
        parse_json_line(f'{{"text": "a", "meta": {{"a": {number}}}}}'.encode(), "f:1")
