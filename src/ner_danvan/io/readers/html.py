"""HTML: title, date line, by-line and text of a page, without its menus, counters, share buttons and other news."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ner_danvan.document import Document
from ner_danvan.errors import UserError, one_line
from ner_danvan.io.readers.article import article_lines
from ner_danvan.io.readers.blocks import prose_in
from ner_danvan.io.readers.encodings import convert_legacy, decode, marked_codec, text_codec
from ner_danvan.io.readers.source import Item, Settings, Source, library
from ner_danvan.io.readers.web import NEVER, is_furniture
from ner_danvan.io.readers.zips import short

_MOST_ATTRIBUTES = 1_000  # of an element: libxml2 takes the square of their number, half a minute for 600 kB
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
    """As its mark says, or UTF-8, if it can be, else what the page names, else what it looks like."""
    try:
        return data.decode(marked_codec(data) or "utf-8-sig")
    except UnicodeDecodeError:
        try:
            if codec := _named_codec(data):
                return data.decode(codec)
        except ValueError:
            pass
        try:
            return decode(data, source.place)[0]
        except UserError:
            return data.decode("utf-8", "replace")  # one bad byte should not cost a page


def _named_codec(data: bytes) -> str | None:
    """What a page names, if it is an encoding of text; not UTF-16 or such, in which its name would not be found."""
    named = _META_CHARSET.search(data[:4096])
    codec = text_codec(named[1].decode()) if named else None
    return None if codec is None or codec.startswith("utf-") else codec


def html_to_text(page: str, source: Source) -> str:
    """Main text of a page; raises UserError if there is no library that reads it."""
    html = library("lxml.html", source)
    if not page.strip():
        return ""
    # lxml takes no declared encoding in a string
    page = re.sub(r"^\s*<\?xml[^>]*\?>", "", page.lstrip("\ufeff")).translate(_NO_TEXT)
    data = page.encode("utf-8", "replace")
    _check_attributes(data, source)
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(data, parser=parser)
    except Exception as error:  # lxml's errors are known only once it is imported
        raise source.fault(f"is no HTML ({short(error)}); save the page again.") from None
    if cut := next((entry for entry in parser.error_log if entry.level_name == "FATAL"), None):
        # libxml2 gives what stands before, and no word of the rest
        raise source.fault(
            f"cannot be read to its end (line {cut.line}: {one_line(cut.message)[:80]}); open it in a browser, and "
            "save its text."
        )
    body = _body(root)
    _strip(body)
    names = [root.findtext(".//title"), *root.xpath("//meta[@property='og:title']/@content")]
    return "\n".join(article_lines(body, " ".join(" ".join(name for name in names if name).split())))


def _check_attributes(data: bytes, source: Source) -> None:
    """Raises UserError if an element has too many. Without a tree libxml2, from 2.14 on, takes a time like the page."""
    etree = library("lxml.etree", source)

    class Target:
        def start(self, tag: str, attributes: Mapping[str, str]) -> None:
            if len(attributes) > _MOST_ATTRIBUTES:
                raise source.fault(
                    f"has more than {_MOST_ATTRIBUTES} attributes in one element, <{tag[:20]}>; open it in a browser, "
                    "and save its text."
                )

        def close(self) -> None:
            pass

    with suppress(etree.LxmlError):  # what is wrong with the page is told when it is read
        etree.fromstring(data, etree.HTMLParser(target=Target(), encoding="utf-8", huge_tree=True))


def _body(root: Any) -> Any:
    """The body, with what stands behind it and behind the page, as browsers show it."""
    body = root.find(".//body")
    if body is None:
        body, behind = root, list(root.itersiblings())
    else:
        behind = [body.makeelement("span"), *body.itersiblings(), *root.itersiblings()]
        behind[0].text, body.tail = body.tail, None
    for element in behind:
        if element.tag in ("html", "body"):
            element.tag = "div"
        body.append(element)
    return body


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
    """Leave nothing of it but its tail, which is its parent's text, and itself: to join texts is quadratic."""
    element.clear(keep_tail=True)
    element.tag = "span"


def _hidden(element: Any) -> bool:
    style = element.get("style", "").replace(" ", "").lower()
    return "display:none" in style or "visibility:hidden" in style or element.get("hidden") is not None
