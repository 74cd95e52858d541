from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan.document import Document, find_problems, parse_inline, render_inline
from ner_danvan.training.augment.splice import (
    Patch,
    Piece,
    is_cut,
    joined,
    piece_of,
    rewritten,
    splice,
    without_overlap,
)

LAYER_OF = {"PERSON": "mention", "ORG": "mention", "DATE": "mention", "POSITION": "title", "TASK": "task"}
TITLED = "Ông <POSITION>Bí thư <ORG>Huyện ủy</ORG></POSITION> <PERSON>Lò Văn Hoạt</PERSON> dự."


def read(markup: str) -> Document:
    return parse_inline(markup, "x", tuple(LAYER_OF))


def test_a_rewriting_at_the_edges_of_a_span_keeps_it() -> None:
    document = read("a <ORG>Huyện ủy</ORG> b")
    assert (
        render_inline(splice(document, [Patch(2, 10, "Ban Dân vận Quận ủy")])) == "a <ORG>Ban Dân vận Quận ủy</ORG> b"
    )


def test_a_rewriting_inside_spans_stretches_all_that_hold_it() -> None:
    document = read(TITLED)
    place = document.text.index("Huyện")
    new = splice(document, [Patch(place, place + 5, "Thành phố và Tỉnh")])
    assert (
        render_inline(new)
        == "Ông <POSITION>Bí thư <ORG>Thành phố và Tỉnh ủy</ORG></POSITION> <PERSON>Lò Văn Hoạt</PERSON> dự."
    )


def test_a_patch_with_spans_takes_the_place_of_those_within() -> None:
    document = read(TITLED)
    start, end = document.text.index("Bí"), document.text.index(" Lò")
    piece = read("<POSITION>Chánh án</POSITION>")
    new = splice(document, [Patch(start, end, piece.text, piece.spans)])
    assert render_inline(new) == "Ông <POSITION>Chánh án</POSITION> <PERSON>Lò Văn Hoạt</PERSON> dự."


def test_a_span_that_comes_to_nothing_is_dropped() -> None:
    assert splice(read("a <ORG>Đảng</ORG> b"), [Patch(2, 6, "")]) == Document("x", "a  b")


@pytest.mark.parametrize(
    "patches",
    [
        [Patch(0, 3, "x")],
        [Patch(9, 12, "x", ())],
        [Patch(0, 0, "x")],
        [Patch(0, 99, "x")],
        [Patch(4, 6, "x"), Patch(5, 7, "y")],
    ],
    ids=["cuts a span's start", "cuts a span's end", "empty", "outside", "overlap"],
)
def test_a_patch_that_would_break_the_document_is_refused(patches: list[Patch]) -> None:
    with pytest.raises(ValueError, match="patch at"):
        splice(read("a <ORG>Huyện ủy</ORG> bc"), patches)


def test_pieces_put_together_again_are_the_document() -> None:
    document = read(TITLED)
    cut = document.text.index(" Lò")
    whole = joined([piece_of(document, 0, cut), piece_of(document, cut, len(document.text))])
    assert whole == Piece(document.text, document.spans)


def test_a_piece_that_a_span_crosses_is_refused() -> None:
    with pytest.raises(ValueError, match="crosses"):
        piece_of(read(TITLED), 0, 8)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Markup of nested tags around any text."""
    words = st.text("aăđ ủyỷ.,\n\u0301🎉", min_size=1, max_size=6)
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        outer, inner = draw(words), draw(words)
        parts += [
            draw(words),
            draw(
                st.sampled_from(
                    [
                        f"<TASK>{outer}<ORG>{inner}</ORG>{outer}</TASK>",
                        f"<POSITION>{outer}<ORG>{inner}</ORG></POSITION>",
                        f"<PERSON>{inner}</PERSON>",
                        f"<DATE>{outer}</DATE>",
                    ]
                )
            ),
        ]
    return read("".join([*parts, draw(words)]))


@given(documents(), st.data())
def test_any_patches_keep_every_offset_exact(document: Document, data: st.DataObject) -> None:
    edges = st.integers(0, len(document.text))
    drawn = data.draw(st.lists(st.tuples(edges, edges, st.text(max_size=5)), max_size=8))
    patches = [Patch(start, end, text) for start, end, text in drawn if start < end]
    kept = without_overlap(patch for patch in patches if not is_cut(document, patch.start, patch.end))
    new = splice(document, kept)
    assert not find_problems(new, LAYER_OF, edges=False)
    for patch in reversed(kept):
        text = document.text[: patch.start] + patch.text + document.text[patch.end :]
        document = Document(document.id, text)
    assert new.text == document.text


@given(documents(), st.data())
def test_rewriting_between_edges_is_rewriting_the_whole(document: Document, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(document.text)))
    end = data.draw(st.integers(start, len(document.text)))
    new = splice(document, rewritten(document, start, end, lambda text: text.replace("a", "ơơ")))
    assert new.text == document.text[:start] + document.text[start:end].replace("a", "ơơ") + document.text[end:]
    assert [span.label for span in new.spans] == [span.label for span in document.spans]
    assert not find_problems(new, LAYER_OF, edges=False)
