"""Documents that are too long to be read at once: cut where a paragraph ends, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ner_danvan.document import Document
from ner_danvan.span import Span

LONGEST = 100_000  # characters of a piece, some fifty pages: what is held of a text while it is read grows with it
_ENDS = ("\n\n", "\n", ". ", " ")  # where a text is cut, the best first


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(Document):
    """A part of the document `whole`, all of it if that is short; it begins at `start` there."""

    whole: Document
    start: int

    @property
    def end(self) -> int:
        """Where it ends in the document."""
        return self.start + len(self.text)


def pieces(documents: Iterable[str | Document], longest: int | None = None) -> Iterator[Piece]:
    """Every document in pieces of up to `longest` characters (LONGEST), in order; strings get their number as id."""
    for number, item in enumerate(documents):
        whole = item if isinstance(item, Document) else Document(str(number), item)
        places = cuts(whole.text, longest or LONGEST)
        for start, end in zip(places, [*places[1:], len(whole.text)], strict=True):
            yield Piece(whole.id, whole.text[start:end], whole=whole, start=start)


def cuts(text: str, longest: int) -> list[int]:
    """Where its pieces begin: behind an empty line, a line, a sentence or a word in the second half of the one before.

    The first is 0. No piece is longer than `longest`, which is at least 1; where nothing ends it is cut right there.
    """
    places = [0]
    while len(text) - places[-1] > longest:
        begin = places[-1]
        end = begin + longest
        for mark in _ENDS:
            found = text.rfind(mark, begin + longest // 2, end)
            if found >= 0:
                end = found + len(mark)
                break
        places.append(end)
    return places


def joined(found: Iterable[tuple[Piece, Sequence[Span]]]) -> Iterator[Document]:
    """The documents with the spans of all their pieces; one of which a piece is missing is left out."""
    spans: list[Span] = []
    end = 0  # of the pieces of this document so far
    for piece, some in found:
        if piece.start == 0:
            spans, end = [], 0
        if piece.start != end:
            continue
        end = piece.end
        spans += _moved(some, piece.start) if piece.start else some
        if end == len(piece.whole.text):
            yield replace(piece.whole, spans=tuple(spans))


def _moved(spans: Iterable[Span], by: int) -> Iterator[Span]:
    return (replace(span, start=span.start + by, end=span.end + by) for span in spans)


def once_a_document(
    on_failure: Callable[[Document, Exception], None] | None,
) -> Callable[[Piece, Exception], None] | None:
    """The same for pieces: a document is told by the first of its pieces that fails."""
    if on_failure is None:
        return None
    last: Piece | None = None  # that failed

    def tell(piece: Piece, error: Exception) -> None:
        nonlocal last
        again = last is not None and last.whole is piece.whole and last.start < piece.start
        last = piece
        if not again:
            on_failure(piece.whole, error)

    return tell
