"""PDF with a text layer: lines and where they stand, by PDFium; `layout` makes paragraphs of them."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from ner_danvan.document import Document, join_pairs
from ner_danvan.io.readers.encodings import convert_legacy
from ner_danvan.io.readers.layout import Line, flow
from ner_danvan.io.readers.source import Item, Settings, Source, library
from ner_danvan.text.normalize import compose

_HYPHENS = {0x02, 0xFFFE}  # how PDFium gives a hyphen at the end of a line
_CELL_GAP = 2.5  # sizes of the font: white space between what stands in two columns
_WORD_GAP = 0.18  # white space between two words where no space is written
_SPACE = 0.25  # a space, where a line has none
_TIGHT = 0.3  # what a glyph may go back, or up, in a line
_MOST_UNKNOWN = 0.2  # share of the characters of which the fonts do not say what they are
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_MOST_ON_A_PAGE = 500_000  # characters; A4 holds some 5,000, and each takes 400 bytes until its page is read


def read_pdf(source: Source, settings: Settings) -> Iterator[Item]:
    """One document; `meta["pages"]` has the offset at which each page begins."""
    pdfium = library("pypdfium2", source)
    try:
        # bytes: PDFium must not read a stream that others move
        file = pdfium.PdfDocument(source.stream.read())
    except pdfium.PdfiumError as error:
        raise _why(source, error) from None
    try:
        pages = _read_pages(file, source)
    except pdfium.PdfiumError as error:
        raise source.fault(f"a page cannot be read ({error}); print it to a new PDF.") from None
    finally:
        file.close()
    empty = [str(number) for number, lines in enumerate(pages, 1) if not lines]
    if len(empty) == len(pages):
        raise source.fault("has no text layer, so it is a scan; run OCR on it first, say: ocrmypdf -l vie")
    if empty:
        shown = ", ".join(empty[:10]) + ("…" if len(empty) > 10 else "")
        settings.note(f"{source.place}: left out page {shown}, which has no text layer; OCR would give its text.")
    _check_letters(pages, source)
    sample = "\n".join(line.text for lines in pages for line in lines)
    if convert := convert_legacy(sample, source.place, settings.note):
        pages = [[line.with_text(convert(line.text)) for line in lines] for lines in pages]
    text, starts = flow(pages)
    yield Document(source.name, text, meta={**source.origin, "pages": starts})


def _why(source: Source, error: Any) -> Exception:
    code = getattr(error, "err_code", None)
    if code == _PASSWORD or "assword" in str(error):
        return source.fault("is encrypted; save a copy without its password.")
    return source.fault("is no whole PDF; get the file again, or print it to a new one.")


def _check_letters(pages: list[list[Line]], source: Source) -> None:
    text = "".join(line.text for lines in pages for line in lines)
    unknown = sum(unicodedata.category(char) in ("Co", "Cn", "Cc") or char == "\ufffd" for char in text)
    if unknown > _MOST_UNKNOWN * len(text):
        raise source.fault("its fonts do not say which letters they show; run OCR on it: ocrmypdf --force-ocr -l vie")


def _read_pages(file: Any, source: Source) -> list[list[Line]]:
    """The lines of each page; raises UserError where there are more pages or characters than may be."""
    limits = source.limits
    if len(file) > limits.pages:
        raise source.fault(
            f"has {len(file)} pages, more than {limits.pages}; cut it into several, or allow more by "
            f"--limit pages={len(file)}."
        )
    pages = []
    left = limits.characters  # a few bytes can name a page again and again, and draw it full of letters
    for number in range(len(file)):
        lines, count = _read_page(file, number, left, source)
        pages.append(lines)
        left -= count
    return pages


def _read_page(file: Any, number: int, left: int, source: Source) -> tuple[list[Line], int]:
    """The lines of a page in the order of its content, and how many of the characters `left` it has."""
    page = file[number]
    text_page = page.get_textpage()
    try:
        raw = library("pypdfium2.raw", source)
        count = text_page.count_chars()
        if count > left:
            raise source.fault(
                f"has more than {source.limits.characters} characters up to page {number + 1}; cut it into several, "
                "or allow more by --limit characters=N."
            )
        if count > _MOST_ON_A_PAGE:
            raise source.fault(
                f"page {number + 1} has {count} characters, more than {_MOST_ON_A_PAGE}; print it to smaller pages."
            )
        lines = _merged(_glyph_lines(text_page.raw, count, raw))
    finally:
        text_page.close()
        page.close()
    return [line for glyphs in lines for line in _cells(glyphs)], count


class _Glyph(NamedTuple):
    """A character, its left, right and base line in points, and the size of its font."""

    char: str
    left: float
    right: float
    base: float
    size: float


def _glyph_lines(page: Any, count: int, raw: Any) -> Iterator[list[_Glyph]]:
    x, base, box, matrix = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF(), raw.FS_MATRIX()
    line: list[_Glyph] = []
    for index in range(count):
        code = raw.FPDFText_GetUnicode(page, index)
        if code in (0x0A, 0x0D):
            if line:
                yield line
            line = []
        elif code and raw.FPDFText_IsGenerated(page, index) != 1:  # the spaces that PDFium adds are found again
            raw.FPDFText_GetLooseCharBox(page, index, box)
            raw.FPDFText_GetCharOrigin(page, index, x, base)
            raw.FPDFText_GetMatrix(page, index, matrix)
            size = raw.FPDFText_GetFontSize(page, index) * math.hypot(matrix.c, matrix.d)
            line.append(_Glyph("-" if code in _HYPHENS else chr(code), box.left, box.right, base.value, size or 1.0))
    if line:
        yield line


def _merged(lines: Iterable[list[_Glyph]]) -> list[list[_Glyph]]:
    """Lines in reading order, whole again where letters of another font were drawn behind the rest of their line."""
    merged: list[list[_Glyph]] = []
    reach = (0.0, 0.0)  # of the last one, left and right
    for line in lines:
        left, right = min(glyph.left for glyph in line), max(glyph.right for glyph in line)
        if merged and _interleave(merged[-1], reach, line):
            merged[-1] += line
            reach = (min(reach[0], left), max(reach[1], right))
        else:
            merged.append(line)
            reach = (left, right)
    for line in merged:
        if any(second.left < first.left - _TIGHT * first.size for first, second in pairwise(line)):
            line.sort(key=lambda glyph: glyph.left)
    return merged


def _interleave(first: list[_Glyph], reach: tuple[float, float], second: list[_Glyph]) -> bool:
    if abs(first[0].base - second[0].base) > _TIGHT * first[0].size:
        return False
    left, right = reach
    return any(left < glyph.left < right for glyph in second)


def _cells(glyphs: list[_Glyph]) -> Iterator[Line]:
    """A line; several where wide gaps show that cells stand side by side."""
    sizes = Counter(round(glyph.size, 1) for glyph in glyphs if not glyph.char.isspace())
    if not sizes:
        return
    size = sizes.most_common(1)[0][0]
    words: list[list[_Glyph]] = []
    before: _Glyph | None = None
    for glyph in glyphs:
        if glyph.char.isspace():
            before = None
            continue
        if before is None or glyph.left - before.right > _WORD_GAP * size:
            if words and glyph.left - words[-1][-1].right > _CELL_GAP * size:
                yield _line(words, size)
                words = []
            words.append([])
        words[-1].append(glyph)
        before = glyph
    yield _line(words, size)


def _line(words: list[list[_Glyph]], size: float) -> Line:
    # PDFium gives a character above U+FFFF as two halves; kept apart, JSON would join them, and all offsets be wrong
    text = compose(join_pairs(" ".join("".join(glyph.char for glyph in word) for word in words)))
    left, base = words[0][0].left, words[0][0].base
    space = median([after[0].left - word[-1].right for word, after in pairwise(words)] or [_SPACE * size])
    return Line(text, left, words[-1][-1].right, base, size, words[0][-1].right - left, space)
