"""DOCX: headers, paragraphs, tables, text boxes, footnotes and footers, in reading order.

Read from the XML itself: python-docx leaves out text boxes, footnotes, content controls and tracked insertions.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from xml.etree import ElementTree
from zipfile import ZipFile

from ner_danvan.document import Document
from ner_danvan.io.readers.docx_numbers import Counter, Numbering
from ner_danvan.io.readers.docx_xml import attribute, children, is_on, name_of
from ner_danvan.io.readers.encodings import convert_legacy
from ner_danvan.io.readers.source import Item, Settings, Source
from ner_danvan.io.readers.zips import open_zip, read_member

_LEFT_OUT = {"del", "moveFrom", "instrText", "delText", "rPr", "pPr", "tblPr", "trPr", "tcPr", "sdtPr", "sectPr"}
_OF_LISTS = ("numbering", "styles")
_NOTE_KINDS = {"separator", "continuationSeparator", "continuationNotice"}
# possessive: a line of a thousand points would otherwise be divided between its parts in a thousand million ways
_PAGE_NUMBER = re.compile(r"(?:trang|page)?\W*+\d*+(?:\W*+(?:trên|of)?\W*+\d++)?\W*+", re.IGNORECASE)
_CHARACTERS = {"tab": "\t", "noBreakHyphen": "-", "softHyphen": "\u00ad", "cr": "\n"}


def read_docx(source: Source, settings: Settings) -> Iterator[Item]:
    """One document, a line for each paragraph; a cell's paragraphs are lines too. What was deleted stays out.

    A paragraph of a list begins with the number or bullet that Word shows.
    """
    with open_zip(source) as file:
        main = _main_part(file, source)
        body = _parse(file, main, source)
        folder = posixpath.dirname(main)
        names = sorted(set(file.namelist()))  # one that is there a thousand times is read once
        parts = {
            kind: [name for name in names if re.fullmatch(re.escape(posixpath.join(folder, kind)) + r"\d*\.xml", name)]
            for kind in ("header", "footer", "footnotes", "endnotes")
        }
        of_lists = [posixpath.join(folder, f"{kind}.xml") for kind in _OF_LISTS]
        numbering = Numbering.read(*(_parse(file, name, source) if name in names else None for name in of_lists))

        def lines_of(found: list[str]) -> list[str]:
            return [line for name in found for line in _lines(_parse(file, name, source), Counter(numbering))]

        try:
            lines = _once(lines_of(parts["header"]))
            lines += _lines(body, Counter(numbering))
            lines += lines_of(parts["footnotes"] + parts["endnotes"])
            lines += _once(lines_of(parts["footer"]))
        except RecursionError:
            raise source.fault("nests deeper than Word does; open it in Word and save it again.") from None
    _check_whole(lines, body, source, settings)
    text = "\n".join(lines)
    if convert := convert_legacy(text, source.place, settings.note):
        text = convert(text)
    yield Document(source.name, text.replace("\u00ad", ""), meta=source.origin)


def _check_whole(lines: list[str], body: ElementTree.Element, source: Source, settings: Settings) -> None:
    """Tell of what Word shows and is not read here; raises UserError if nothing else is there."""
    mend = "open it in Word and save it again"
    if any(name_of(element) == "altChunk" for element in body.iter()):  # as programs write that make DOCX of HTML
        if not lines:
            raise source.fault(f"has its text in a file of another format inside; {mend}.")
        settings.note(f"{source.place}: left out what it has in a file of another format inside; {mend}.")
    if not lines:
        raise source.fault("has no text; if it shows pictures of pages, save it as PDF and run OCR on that.")


def _main_part(file: ZipFile, source: Source) -> str:
    for relation in _parse(file, "_rels/.rels", source):
        if relation.get("Type", "").endswith("/officeDocument") and (target := relation.get("Target", "").lstrip("/")):
            return target
    return "word/document.xml"


class _DoctypeError(Exception):
    """The XML has a DOCTYPE: Word writes none, and one could define entities that grow without end."""


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, public: str, system: str) -> None:
        raise _DoctypeError


def _parse(file: ZipFile, name: str, source: Source) -> ElementTree.Element:
    data = read_member(file, name, source)
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(target=_WithoutDoctype()))  # nosec B314
    except _DoctypeError:
        raise source.fault(f"{name} in it has a DOCTYPE, which no Word file has; save it again.") from None
    except ElementTree.ParseError as error:
        raise source.fault(f"{name} in it is no XML ({error}); open it in Word and save it again.") from None


def _lines(part: ElementTree.Element, counter: Counter) -> list[str]:
    lines: list[str] = []
    for line in _blocks(part, counter):
        lines += [stripped for piece in line.split("\n") if (stripped := piece.strip())]
    return lines


def _once(lines: list[str]) -> list[str]:
    """Headers of a first, an even and an odd page are often the same; of page numbers nothing is left."""
    return [line for line in dict.fromkeys(lines) if not _PAGE_NUMBER.fullmatch(line)]


def _blocks(element: ElementTree.Element, counter: Counter) -> Iterator[str]:
    """The paragraphs of a part, of a cell or of a text box."""
    for child in element:
        name = name_of(child)
        if name == "p":
            mark = counter.mark(child)
            pieces: list[str] = []
            boxes: list[ElementTree.Element] = []
            _gather(child, pieces, boxes)
            text = "".join(pieces)
            yield mark + text.lstrip() if text.strip() else ""
            for box in boxes:
                yield from _blocks(box, counter)
        elif name == "AlternateContent":
            yield from _blocks(_alternative(child), counter)
        elif name not in _LEFT_OUT and attribute(child, "type") not in _NOTE_KINDS:
            yield from _blocks(child, counter)


def _gather(element: ElementTree.Element, pieces: list[str], boxes: list[ElementTree.Element]) -> None:
    """Text of a paragraph, and the text boxes that hang on it."""
    for child in element:
        name = name_of(child)
        if name == "t":
            pieces.append(child.text or "")
        elif name == "br":
            pieces.append("\n" if attribute(child, "type") in ("", "textWrapping") else " ")
        elif name in _CHARACTERS and name_of(element) == "r":
            pieces.append(_CHARACTERS[name])
        elif name == "txbxContent":
            boxes.append(child)
        elif name == "AlternateContent":
            _gather(_alternative(child), pieces, boxes)
        elif name not in _LEFT_OUT and not (name == "r" and _hidden(child)):
            _gather(child, pieces, boxes)


def _hidden(run: ElementTree.Element) -> bool:
    return any(is_on(mark) for properties in children(run, "rPr") for mark in children(properties, "vanish"))


def _alternative(element: ElementTree.Element) -> ElementTree.Element:
    """One of several forms of the same thing: a text box is there twice, for new and for old Word."""
    choices = children(element, "Choice")
    return next((choice for choice in choices if any(choice.itertext())), element[-1] if len(element) else element)
