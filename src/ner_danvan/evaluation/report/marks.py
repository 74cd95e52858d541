"""A text with its spans as nested HTML marks, those that are wrong with their names."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from ner_danvan.document import Document
from ner_danvan.io.terminal import visible
from ner_danvan.span import Span, sorted_spans

_COLOURS = 8  # that text.css has
_DEEPEST = 3  # lines below one another that text.css has


def marked_text(document: Document, wrong: Collection[Span], labels: Sequence[str]) -> Markup:
    """A paragraph a line; spans of different layers may cross, then the inner one goes on in a second mark.

    Whatever comes from the document is escaped, and control characters are shown as pictures.
    """
    spans = sorted_spans(document.spans)
    heights = _heights(spans)
    colours = {label: f"c{number % _COLOURS}" for number, label in enumerate(labels)}
    paragraphs = []
    start = 0
    for line in document.text.split("\n"):
        here = [span for span in spans if span.start < start + len(line) and span.end > start]
        paragraphs.append(_paragraph(document.text, start, start + len(line), here, wrong, heights, colours))
        start += len(line) + 1
    return Markup("").join(paragraphs)


def _paragraph(
    text: str,
    start: int,
    end: int,
    spans: Sequence[Span],
    wrong: Collection[Span],
    heights: Mapping[Span, int],
    colours: Mapping[str, str],
) -> Markup:
    cuts = sorted({start, end} | {edge for span in spans for edge in (span.start, span.end) if start < edge < end})
    pieces: list[Markup] = []
    stack: list[tuple[Span, int]] = []  # open marks, the outer first, and where each ends
    for at, following in pairwise(cuts):
        covering = [span for span in spans if span.start <= at < span.end]
        kept = 0
        while kept < min(len(stack), len(covering)) and stack[kept][0] == covering[kept]:
            kept += 1
        pieces += [Markup("</mark>")] * (len(stack) - kept)
        del stack[kept:]
        for span in covering[kept:]:
            limit = min([end, *(close for _, close in stack)])
            stack.append((span, min(limit, span.end)))
            pieces.append(_opening(span, wrong, heights, colours, span.start == at, span.end <= limit))
        pieces.append(escape(visible(text[at:following])))
    pieces += [Markup("</mark>")] * len(stack)
    return Markup("<p>{}</p>").format(Markup("").join(pieces) or Markup("<br>"))


def _opening(
    span: Span,
    wrong: Collection[Span],
    heights: Mapping[Span, int],
    colours: Mapping[str, str],
    first: bool,
    last: bool,
) -> Markup:
    classes = [colours.get(span.label, "c0")]
    if height := min(_DEEPEST, heights[span]):
        classes.append(f"h{height}")
    classes += [name for name, is_so in (("first", first), ("last", last), ("wrong", span in wrong)) if is_so]
    score = "" if span.score is None else f" {span.score:.2f}"
    verdict = ", wrong" if span in wrong else ""
    return Markup('<mark class="{}" data-name="{}" title="{}">').format(
        " ".join(classes), span.label, f"{span.label}{score}{verdict}"
    )


def _heights(spans: Sequence[Span]) -> dict[Span, int]:
    """How many marks can stand inside one another within each span."""
    heights: dict[Span, int] = {}
    starts = [span.start for span in spans]
    for number in reversed(range(len(spans))):
        span = spans[number]
        inside = spans[number + 1 : bisect_right(starts, span.end - 1)]
        heights[span] = max((1 + heights[inner] for inner in inside), default=0)
    return heights
