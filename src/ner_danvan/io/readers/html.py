"""HTML: title, date line, by-line and text of a page, without its menus, counters, share buttons and other news."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers.article import article_lines
from ner_danvan.io.readers.blocks import prose_in
from ner_danvan.io.readers.encodings import convert_legacy, decode
from ner_danvan.io.readers.source import Item, Settings, Source, library
from ner_danvan.io.readers.web import NEVER, is_furniture
from ner_danvan.io.readers.zips import short

_MOST_KEPT = 20  # elements in one another that are furniture by their names and yet hold the text
# lxml gives these and does not take them back; a page feed and the like part words
_NO_TEXT = {code: " " if chr(code).isspace() else "" for code in (*range(0x20), 0xFFFE, 0xFFFF)}
_NO_TEXT |= {code: chr(code) for code in (0x09, 0x0A, 0x0D)}
_META_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.I)


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
        except (LookupError, ValueError):
            pass
        try:
            return decode(data, source.place)[0]
        except UserError:
            return data.decode("utf-8", "replace")  # one bad byte should not cost a page


def html_to_text(page: str, source: Source) -> str:
    """Main text of a page; raises UserError if there is no library that reads it."""
    html = library("lxml.html", source)
    if not page.strip():
        return ""
    # lxml takes no declared encoding in a string
    page = re.sub(r"^\s*<\?xml[^>]*\?>", "", page.lstrip("\ufeff")).translate(_NO_TEXT)
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.fromstring(page.encode("utf-8", "replace"), parser=parser)
    except Exception as error:  # lxml's errors are known only once it is imported
        raise source.fault(f"is no HTML ({short(error)}); save the page again.") from None
    body = root.find(".//body")
    body = root if body is None else body
    _strip(body)
    names = [root.findtext(".//title"), *root.xpath("//meta[@property='og:title']/@content")]
    return "\n".join(article_lines(body, " ".join(" ".join(name for name in names if name).split())))


def _strip(body: Any) -> None:
    """Take away what nobody reads, and what is furniture by its name, unless most of the prose is in it."""
    for element in list(body.iter()):
        if element is body or element.getparent() is None:
            continue
        if element.tag in NEVER or _hidden(element):
            _drop(element)
    whole = prose_in(body)
    waiting = [(child, 0) for child in reversed(body)]
    while waiting:
        element, kept = waiting.pop()
        if kept < _MOST_KEPT and is_furniture(element):
            if prose_in(element) <= 0.5 * whole:
                _drop(element)
                continue
            kept += 1
        waiting += [(child, kept) for child in reversed(element)]


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
