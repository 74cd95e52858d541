"""Documents that a careless reader or writer of some format would change."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span, sorted_spans

SCHEME = LabelScheme(
    (Layer("mention", ("PERSON", "ORG", "DATE")), Layer("title", ("POSITION",)), Layer("task", ("TASK",)))
)

PIECES = [
    *("a", "Đảng", "ủy", "e\u0302\u0301", "15/7", " ", "  ", "\t", "\u00a0", "\u200b", "\ufeff", "\u0301"),
    *("\n", "\n\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"),  # some readers end a line there
    *("😀", "𠮷", "👨\u200d👩\u200d👧", "\x00", "\x07", "\x7f"),  # two units of UTF-16; controls
    *("<ORG>", "</ORG>", "&lt;ORG>", "&amp;lt;ORG>", "#", "# id = 1", "# x", "\\", "\\u0020", "\\n"),
    *("[1]", "]", "|", "_", "*", "->", ";", '"', "{", "1-1\t0-1\ta\t_", "#Text=a", "T1\tORG 0 1\ta", "\tO", "B-ORG"),
]

_plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_texts = st.lists(st.sampled_from(PIECES) | _plain_text, max_size=14).map("".join)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_plain_text, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any text; in each layer spans that do not overlap, so that those of different layers nest and cross."""
    text: str = draw(_texts)
    scored = draw(st.booleans())
    spans: list[Span] = []
    for layer in SCHEME.layers:
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), unique=True, max_size=6)))
        for start, end in pairwise(cuts):
            if draw(st.booleans()):
                score = draw(st.floats(0, 1)) if scored else None
                spans.append(Span(start, end, draw(st.sampled_from(layer.labels)), text[start:end], score))
    meta: dict[str, Any] = draw(st.dictionaries(_plain_text, _json, max_size=3))
    return Document(draw(_plain_text), text, sorted_spans(spans), meta)


def without_crossings(document: Document) -> Document:
    """The document with spans that nest or stand apart only."""
    kept: list[Span] = []
    for span in document.spans:
        if not any(other.start < span.start < other.end < span.end for other in kept):
            kept.append(span)
    return replace(document, spans=tuple(kept))


def without_breaks_at_edges(document: Document) -> Document:
    """The document with spans that neither begin nor end with a line end or a tab."""
    kept = [s for s in document.spans if not {s.text[0], s.text[-1]} & set("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")]
    return replace(document, spans=tuple(kept))


def with_rounded_scores(document: Document) -> Document:
    """The document as document JSONL has it."""
    spans = [replace(s, score=None if s.score is None else round(s.score, 6)) for s in document.spans]
    return replace(document, spans=tuple(spans))
