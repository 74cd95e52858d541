"""What fuzz tests share: hostile text, damaged files, and a count of the work that reading them takes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ner_danvan.document import Document, parse_json_line, to_json_line
from ner_danvan.errors import UserError

_Result = TypeVar("_Result")

# how many inputs each test makes; a long run:  FUZZ_INPUTS=100000 python -m pytest tests/fuzz
INPUTS = int(os.environ.get("FUZZ_INPUTS", "0"))


def check_line(document: Document) -> None:
    """What is written is JSON and comes back as it was, but for scores, which are written with six places."""
    line = to_json_line(document)
    json.loads(line, parse_constant=lambda name: 1 / 0)
    again = parse_json_line(line.encode(), "x")
    assert (again.id, again.text, again.meta) == (document.id, document.text, document.meta)
    assert [(span.key, span.text) for span in again.spans] == [(span.key, span.text) for span in document.spans]
    assert to_json_line(again) == line


def fuzz(inputs: int) -> settings:
    """Settings for so many inputs, or for FUZZ_INPUTS of them."""
    return settings(max_examples=INPUTS or inputs, deadline=None, suppress_health_check=list(HealthCheck))


PLANES = st.integers(0, 16).flatmap(lambda plane: st.integers(plane << 16, (plane << 16) + 0xFFFF)).map(chr)
FLOODS = st.builds(
    lambda letter, marks, count: letter + marks * count,
    st.sampled_from(["a", "Ủ", "\u0300", " ", "ﷺ", "한"]),
    st.sampled_from(["\u0301", "\u0316\u0334", "\u0323\u0301\u0306", "\u20dd", "\ufe0f", "\u200d", "\u1160", "\u0345"]),
    st.integers(1, 200),
)
PIECES = st.sampled_from(
    [
        *("Ban Dân vận ", "Uỷ ban ", "Ủy ban ", "hòa", "NN&PTNT", "ngày 5/3/2024", "15/7", "Đ/c ", "TP.HCM", "tổ_chức"),
        *("\r\n", "\n\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\t", "\u00a0", "\u3000", " "),
        *("\x00", "\x07", "\x1b[31m", "\x7f", "\x9b", "\ufeff", "\u200b", "\u00ad", "\u2060", "\ufffe", "\U0010ffff"),
        *("\u202e", "\u202c", "\u2066", "\u2069", "\u200f", "\u061c"),  # these turn the direction of writing
        *("\ud800", "\udc00", "\ud83d", "\ude00\ud83d", "\udfff"),
        *("😀", "👨\u200d👩\u200d👧", "🏳️\u200d🌈", "𠮷", "ﬁ", "ß", "İ", "ŉ", "Ǆ", "ᾳ", "ΐ", "\u0958", "\U0001d15e"),
        *("<ORG>", "</ORG>", "<TASK>", "</TASK>", "&lt;ORG>", "&amp;lt;ORG>", "&amp;", "<", ">", "_", "@@", "</w>"),
        *("....", "----", "…", "“", "”", "(", ")", "=1+1", '"', "'", ",", ";", "|", "\\", "\\ud800", "#", "{", "["),
    ]
)
TEXTS = st.lists(st.one_of(PIECES, FLOODS, st.text(max_size=10), PLANES), max_size=14).map("".join)


@st.composite
def damaged(draw: st.DrawFn, samples: list[bytes], most: int = 6) -> bytes:
    """One of the samples with bytes overwritten, put in, taken out or said again."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from("obriz"))
        length = draw(st.integers(0, 40))
        if kind == "o":
            new = draw(st.binary(max_size=8))
            data[start : start + len(new)] = new
        elif kind == "b" and data:
            data[min(start, len(data) - 1)] ^= 1 << draw(st.integers(0, 7))
        elif kind == "r":
            data[start:start] = data[start : start + length] * draw(st.integers(1, 30))
        elif kind == "i":
            data[start:start] = draw(TEXTS).encode("utf-8", "surrogatepass")
        else:
            del data[start : start + length]
    return bytes(data)


def tried(function: Callable[[], _Result], place: str = "") -> _Result | None:
    """What a function gives; None where it refuses the input, in one line that begins with the place."""
    try:
        return function()
    except UserError as error:
        message = str(error)
    assert message.startswith(place)
    assert "\n" not in message
    return None


class TooCostlyError(BaseException):
    """More was called than the size of the input allows; no `except Exception` hides it."""


def calls(function: Callable[[], _Result], budget: int | None = None) -> tuple[int, _Result]:
    """How many functions are called, of Python and of C: a measure of work that is the same on every machine."""
    count = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")
        if budget is not None and count > budget:
            sys.setprofile(None)
            raise TooCostlyError(f"more than {budget} calls")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        result = function()
    finally:
        sys.setprofile(before)
    return count, result
