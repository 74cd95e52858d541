"""Rewriting a document while its spans stay exact: the one primitive that every augmentation is made of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ner_danvan.document import Document
from ner_danvan.span import Span, sorted_spans


@dataclass(frozen=True, slots=True)
class Patch:
    """Put `text` in the place of `[start, end)`, which must not be empty.

    Without `spans` it is a rewriting: spans that begin or end at its edges, or hold it, still do, and none may begin
    or end inside. With `spans` (offsets in `text`) these take the place of all that lie within `[start, end)`.
    """

    start: int
    end: int
    text: str
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document, its spans counted from its own beginning."""

    text: str
    spans: tuple[Span, ...] = ()


def splice(document: Document, patches: Iterable[Patch]) -> Document:
    """The document with all patches made at once; a span whose text comes to nothing is dropped.

    Raises ValueError if a patch is empty or out of the text, if two overlap, or if a span would be cut by one.
    """
    ordered = sorted(patches, key=lambda patch: patch.start)
    _check(document, ordered)
    texts: list[str] = []
    edges: list[tuple[int, int]] = []  # of each patch: where it begins in the new text, and where it ends
    length = position = 0
    for patch in ordered:
        kept = document.text[position : patch.start]
        texts += [kept, patch.text]
        begin = length + len(kept)
        length = begin + len(patch.text)
        edges.append((begin, length))
        position = patch.end
    text = "".join([*texts, document.text[position:]])
    starts = [patch.start for patch in ordered]

    def moved(edge: int, span: Span) -> int:
        number = bisect_right(starts, edge) - 1
        if number < 0:
            return edge
        patch, (begin, end) = ordered[number], edges[number]
        if edge == patch.start:
            return begin
        if edge < patch.end:
            raise ValueError(f"a patch at [{patch.start}, {patch.end}) cuts {span.label} [{span.start}, {span.end})")
        return end + edge - patch.end

    found = [
        (begin + span.start, begin + span.end, span.label)
        for patch, (begin, _) in zip(ordered, edges, strict=True)
        for span in patch.spans or ()
    ]
    for span in document.spans:
        number = bisect_right(starts, span.start) - 1
        if number >= 0 and ordered[number].spans is not None and span.end <= ordered[number].end:
            continue
        found.append((moved(span.start, span), moved(span.end, span), span.label))
    spans = (Span(start, end, label, text[start:end]) for start, end, label in found if start < end)
    return Document(document.id, text, sorted_spans(spans), document.meta)


def piece_of(document: Document, start: int, end: int) -> Piece:
    """What stands in `[start, end)`, with the spans that lie within; raises ValueError where one crosses an edge.

    Spans that hold the whole of it without being equal to it belong to the document, not to the piece.
    """
    inside = []
    for span in document.spans:
        if start <= span.start and span.end <= end:
            inside.append(Span(span.start - start, span.end - start, span.label, span.text))
        elif span.start < end and start < span.end and not (span.start <= start and end <= span.end):
            raise ValueError(f"{span.label} [{span.start}, {span.end}) crosses the piece [{start}, {end})")
    return Piece(document.text[start:end], tuple(inside))


def joined(pieces: Iterable[Piece | str]) -> Piece:
    """Pieces and plain strings one after the other."""
    texts: list[str] = []
    spans: list[Span] = []
    length = 0
    for part in pieces:
        piece = Piece(part) if isinstance(part, str) else part
        spans += [Span(length + span.start, length + span.end, span.label, span.text) for span in piece.spans]
        texts.append(piece.text)
        length += len(piece.text)
    return Piece("".join(texts), tuple(spans))


def is_cut(document: Document, start: int, end: int) -> bool:
    """Whether a span begins or ends strictly inside `[start, end)`, so that it cannot be rewritten as a whole."""
    return any(start < edge < end for span in document.spans for edge in (span.start, span.end))


def rewritten(document: Document, start: int, end: int, change: Callable[[str], str]) -> list[Patch]:
    """Patches that apply `change` to `[start, end)`, between the edges of spans one by one."""
    edges = sorted({start, end} | {e for s in document.spans for e in (s.start, s.end) if start < e < end})
    patches = []
    for first, last in pairwise(edges):
        old = document.text[first:last]
        if (new := change(old)) != old:
            patches.append(Patch(first, last, new))
    return patches


def without_overlap(patches: Iterable[Patch]) -> list[Patch]:
    """The patches in order, each that overlaps an earlier one left out."""
    kept: list[Patch] = []
    for patch in sorted(patches, key=lambda patch: (patch.start, -patch.end)):
        if not kept or kept[-1].end <= patch.start:
            kept.append(patch)
    return kept


def _check(document: Document, ordered: Sequence[Patch]) -> None:
    end = 0
    for patch in ordered:
        if not end <= patch.start < patch.end <= len(document.text):
            raise ValueError(f"the patch at [{patch.start}, {patch.end}) is empty, overlaps or lies outside the text")
        end = patch.end
