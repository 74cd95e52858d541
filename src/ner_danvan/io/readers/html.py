"""HTML: title, date line, by-line and text of a page, without its menus, counters, share buttons and other news."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.encodings import convert_legacy, decode
from ner_danvan.io.readers.source import Item, Settings, Source, library
from ner_danvan.io.readers.web import FURNITURE, NEVER, RELATED, REMARK, is_furniture

_META_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.I)
_BLOCKS = frozenset(
    re.split(
        r"\s+",
        "address article aside blockquote body center caption dd details dialog div dl dt fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary table tbody td tfoot "
        "th thead tr ul",
    )
)
_LINKS = 0.5  # share of a block's letters in links, from which it is a menu
_PROSE = 60  # characters of a block without links that count it as running text
_DATE = re.compile(r"\b\d{1,2}\s*[/.-]\s*\d{1,2}\s*[/.-]\s*\d{4}\b|\bngày\s+\d{1,2}\s+tháng\s+\d{1,2}\b", re.I)
_MOST_DATE_LINE = 90  # characters


def read_html(source: Source, settings: Settings) -> Iterator[Item]:
    """One document, a line a block."""
    data = source.stream.read()
    text = html_to_text(_decode(data, source), source)
    if convert := convert_legacy(text, source.place, settings.note):
        text = convert(text)
    if not text:
        raise source.fault("has no text; a page that scripts fill must be saved from the browser once it is shown.")
    yield Document(source.name, text, meta=source.origin)


def _decode(data: bytes, source: Source) -> str:
    """UTF-8 or UTF-16 if it can be, else what the page names, else what it looks like."""
    try:
        if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-8-sig")
        return data.decode("utf-16")
    except UnicodeDecodeError:
        named = _META_CHARSET.search(data[:4096])
        try:
            if named and named[1].lower() not in (b"utf-8", b"utf8"):
                return data.decode(named[1].decode())
        except (LookupError, UnicodeDecodeError):
            pass
        try:
            return decode(data, source.place)[0]
        except UserError:
            return data.decode("utf-8", "replace")  # one bad byte should not cost a page


@dataclass(slots=True)
class _Block:
    """A line of the page: its element, its text, and how many of its letters are links."""

    element: Any
    text: str
    linked: int

    @property
    def is_menu(self) -> bool:
        return self.linked > _LINKS * len(self.text)

    @property
    def is_prose(self) -> bool:
        return len(self.text) >= _PROSE and not self.is_menu and not FURNITURE.fullmatch(self.text)


def html_to_text(page: str, source: Source) -> str:
    """Main text of a page; raises UserError if there is no library that reads it."""
    html = library("lxml.html", source)
    if not page.strip():
        return ""
    # lxml takes no declared encoding in a string
    page = re.sub(r"^\s*<\?xml[^>]*\?>", "", page.lstrip("\ufeff")).replace("\0", "")
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.fromstring(page.encode("utf-8", "replace"), parser=parser)
    except Exception as error:  # lxml's errors are known only once it is imported
        raise source.fault(f"is no HTML ({' '.join(str(error).split())[:80]}); save the page again.") from None
    body = root.find(".//body")
    body = root if body is None else body
    _strip(body)
    blocks = _blocks(body)
    head = " ".join((root.findtext(".//title") or "").split())
    return "\n".join(_main_lines(blocks, body, head))


def _strip(body: Any) -> None:
    """Take away what nobody reads, and what is furniture by its name, unless most of the prose is in it."""
    for element in list(body.iter()):
        if element is body or element.getparent() is None:
            continue
        if element.tag in NEVER or _hidden(element):
            _drop(element)
    whole = _prose(body)
    for element in list(body.iter()):
        if element is body or element.getparent() is None or not is_furniture(element):
            continue
        if _prose(element) <= 0.5 * whole:
            _drop(element)


def _drop(element: Any) -> None:
    """Without its tail, which is its parent's text."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _hidden(element: Any) -> bool:
    style = element.get("style", "").replace(" ", "").lower()
    return "display:none" in style or "visibility:hidden" in style or element.get("hidden") is not None


def _prose(element: Any) -> int:
    """Characters of running text in an element."""
    return sum(len(block.text) for block in _blocks(element) if block.is_prose)


def _blocks(body: Any) -> list[_Block]:
    gathered = _Gathered()
    # no recursion: pages nest deeper than Python calls may; of each open element its block, "in pre", "in a link"
    stack: list[tuple[Any, bool, bool]] = [(body, False, False)]
    pending = [(body, False)]
    while pending:
        element, done = pending.pop()
        owner, pre, link = stack[-1]
        block = element.tag in _BLOCKS or element is body
        if done:
            if block:
                gathered.close(owner)
            stack.pop()
            if element is not body:
                gathered.add(element.tail, *stack[-1][1:])
            continue
        if block:
            gathered.close(owner)
        pre, link = pre or element.tag == "pre", link or (element.tag == "a" and element.get("href") is not None)
        stack.append((element if block else owner, pre, link))
        if element.tag == "br":
            gathered.pieces.append("\n")
        gathered.add(element.text, pre, link)
        pending.append((element, True))
        pending += [(child, False) for child in reversed(element)]
    return gathered.blocks


class _Gathered:
    """Blocks so far, and the text of the one that is open."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.pieces: list[str] = []
        self._linked = 0

    def add(self, text: str | None, pre: bool, link: bool) -> None:
        if text:
            self.pieces.append(text if pre else re.sub(r"[ \t\r\n\f\v]+", " ", text))
            self._linked += len(" ".join(text.split())) if link else 0

    def close(self, element: Any) -> None:
        for line in "".join(self.pieces).split("\n"):
            if text := " ".join(line.split()):
                self.blocks.append(_Block(element, text, min(self._linked, len(text))))
        self.pieces, self._linked = [], 0


def _main_lines(blocks: list[_Block], body: Any, head: str) -> list[str]:
    """Title, what stands between it and the text, the text, and what signs it."""
    main = _main_element(blocks, body)
    inside = {id(element) for element in main.iter()}
    places = [place for place, block in enumerate(blocks) if id(block.element) in inside]
    if not places:
        return []
    first, last = places[0], places[-1]
    title = _title_place(blocks, head, last)
    lines = [blocks[title].text] if title is not None and title < first else []
    if title is not None and title < first:
        lines += [block.text for block in blocks[title + 1 : first] if _belongs_above(block)]
    else:
        lines += [block.text for block in blocks[max(0, first - 4) : first] if _is_date_line(block)]
    related = False  # below a headline such as "Tin liên quan"
    for place in range(first, last + 1):
        block = blocks[place]
        if place != title and RELATED.fullmatch(block.text) and len(block.text) < _PROSE:
            related = True
            continue
        related = related and place != title and not block.is_prose
        if place == title or not (related or FURNITURE.fullmatch(block.text) or block.is_menu):
            lines.append(REMARK.sub("", block.text).strip())
    for block in blocks[last + 1 : last + 4]:
        if RELATED.fullmatch(block.text) or block.is_menu:
            break
        if _is_by_line(block):
            lines.append(block.text)
    return [line for line in lines if line]


def _main_element(blocks: list[_Block], body: Any) -> Any:
    """The smallest element that holds nearly all of the running text."""
    weights: dict[int, int] = {}
    elements: dict[int, Any] = {}
    whole = 0
    for block in blocks:
        if not block.is_prose:
            continue
        whole += len(block.text)
        element = block.element
        while element is not None:
            weights[id(element)] = weights.get(id(element), 0) + len(block.text)
            elements[id(element)] = element
            if element is body:
                break
            element = element.getparent()
    if not whole:
        return body
    element = body
    while True:
        inner = max(element, key=lambda child: weights.get(id(child), 0), default=None)
        if inner is None or weights.get(id(inner), 0) < 0.8 * whole or inner.tag in ("p", "li"):
            return element
        element = inner


def _title_place(blocks: list[_Block], head: str, last: int) -> int | None:
    """The title's block, before the end of the text: a heading, best the one that the page is named after."""
    named = [
        place
        for place, block in enumerate(blocks[: last + 1])
        if len(block.text) > 12 and head.casefold().startswith(block.text.casefold()[:200])
    ]
    if named:
        return named[-1]  # a breadcrumb may say it first
    for tag in ("h1", "h2"):
        for place, block in enumerate(blocks[: last + 1]):
            if block.element.tag == tag and len(block.text) > 12:
                return place
    return None


def _belongs_above(block: _Block) -> bool:
    return not block.is_menu and not FURNITURE.fullmatch(block.text)


def _is_date_line(block: _Block) -> bool:
    return bool(_DATE.search(block.text)) and len(block.text) <= _MOST_DATE_LINE and not block.is_menu


def _is_by_line(block: _Block) -> bool:
    return len(block.text) <= _MOST_DATE_LINE and _belongs_above(block)
