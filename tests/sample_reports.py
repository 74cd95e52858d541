"""Documents that the tests of writers share."""

from __future__ import annotations

from io import StringIO

from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.io.writers import FORMATS
from ner_danvan.span import Span, sorted_spans

LABELS = DANVAN.labels


def make(text: str, *pieces: tuple[str, str], id: str = "d.txt", score: float | None = 0.95) -> Document:  # noqa: A002
    """A document whose spans are the first places of `pieces`, each a text and a label."""
    spans = []
    for piece, label in pieces:
        start = text.index(piece)
        spans.append(Span(start, start + len(piece), label, piece, score))
    return Document(id, text, sorted_spans(spans))


MEETING = make(
    "Đồng chí Kiều Hữu Bách - Phó Bí thư Đảng ủy chủ trì.\n"
    "Bà Mai Thị Quyên cũng dự.\n"
    "Đề nghị UBND xã rà soát hộ nghèo trước ngày 31/10/2025.",
    ("Kiều Hữu Bách", "PERSON"),
    ("Phó Bí thư Đảng ủy", "POSITION"),
    ("Đảng ủy", "ORG"),
    ("Mai Thị Quyên", "PERSON"),
    ("UBND xã", "ORG"),
    ("rà soát hộ nghèo trước ngày 31/10/2025", "TASK"),
    ("ngày 31/10/2025", "DATE"),
    id="hop.txt",
)

HOSTILE = make(
    "<script>alert(1)</script> \"hai\" 'một' &amp; </script><!-- <img src=x onerror=alert(2)> ]]>\n"
    "Đồng chí Trần\u202e Văn \u2066Minh\u2069, Bí thư Huyện ủy </textarea></title><svg onload=alert(3)>\n"
    "\u2028 \u2029 \x00\x07\x1b[31m \ufeff \u200b \ud83d ${alert(4)} {{7*7}} \U0001f469\u200d\U0001f469\tx\r\n"
    'Ngày 15/7 yêu cầu <b onmouseover="alert(5)">rà soát</b>\nhộ nghèo. שלום العربية e\u0302\u0323\n',
    ("<script>alert(1)</script>", "ORG"),
    ("Trần\u202e Văn \u2066Minh\u2069", "PERSON"),
    ("Bí thư Huyện ủy </textarea>", "POSITION"),
    ("Huyện ủy", "ORG"),
    ("</textarea></title>", "TASK"),  # crosses the post
    ('<b onmouseover="alert(5)">rà soát</b>\nhộ nghèo', "TASK"),
    ("Ngày 15/7", '"><script>alert(6)</script>'),
    id='</script><script>alert(7)</script>"\u202egpj.txt',
)

_ANY = st.text(st.one_of(st.characters(exclude_categories=[]), st.sampled_from("<>&\"'=+-@;,\r\n\t\u2028\u202e\x00_x")))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any text, any id, any labels; spans anywhere in the text."""
    text = draw(_ANY.filter(bool))
    spans = []
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        label = draw(st.sampled_from(LABELS) | _ANY)
        score = draw(st.none() | st.floats(0, 1))
        spans.append(Span(start, end, label, text[start:end], score))
    return Document(draw(_ANY), text, sorted_spans(spans))


def written(format_: str, *documents: Document) -> str:
    """What a text format makes of the documents."""
    stream = StringIO(newline="")
    with FORMATS[format_](stream, DANVAN) as write:
        for document in documents:
            write(document)
    return stream.getvalue()
