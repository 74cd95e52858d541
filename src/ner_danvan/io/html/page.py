"""The page: a frame of our own, and each document as a data block that the page's script shows.

No HTML is ever made of a document. Its text goes in as JSON in which nothing can end the block, and the script puts
it on the screen as text nodes. So documents are written as they come, a thousand of them cost the browser no more
than the one that is shown, and a Content-Security-Policy lets the page run its own script and nothing else.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TextIO

from ner_danvan.document import Document
from ner_danvan.io.html.record import to_record

if TYPE_CHECKING:
    from ner_danvan.io.writers import Writer

_SCRIPTS = ("words.js", "text.js", "search.js", "tables.js", "page.js", "hits.js", "controls.js")
_STYLES = ("colours.css", "page.css", "text.css", "media.css")
_SLOT = re.compile(r"<!--(\w+)-->")

# < > & could end or open something in HTML; the others are invisible, turn the direction, or have no UTF-8 form
_UNSAFE = re.compile(
    "[<>&\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff]"
)


@contextmanager
def html_writer(stream: TextIO, labels: Sequence[str]) -> Iterator[Writer]:
    """The frame, a block a document, and at the end an index and the script."""
    head, foot = _frame()
    stream.write(head)
    index: list[tuple[str, int]] = []
    known = dict.fromkeys(labels)

    def write(document: Document) -> None:
        number = len(index)
        stream.write(_block(f"d{number}", to_record(document)))
        index.append((document.id, len(document.spans)))
        known.update(dict.fromkeys(span.label for span in document.spans))

    yield write
    stream.write(_block("index-data", {"labels": list(known), "documents": index}))
    stream.write(foot)


def safe_json(value: Any) -> str:
    """JSON that may stand in a script element whatever it says."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", json.dumps(value, ensure_ascii=False))


def _block(name: str, value: Any) -> str:
    return f'<script type="application/json" id="{name}">{safe_json(value)}</script>\n'


@cache
def _frame() -> tuple[str, str]:
    """What stands before the documents, and what behind them."""
    style = "\n" + "\n".join(asset(name) for name in _STYLES)
    script = '\n(() => {\n"use strict";\n' + "\n".join(asset(name) for name in _SCRIPTS) + "})();\n"
    policy = {
        "default-src": "'none'",
        "style-src": csp_hash(style),
        "script-src": csp_hash(script),
        "img-src": "data:",  # the empty icon
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts = {"style": style, "script": script, "policy": "; ".join(f"{key} {value}" for key, value in policy.items())}
    page = _SLOT.sub(lambda match: parts.get(match.group(1), match.group()), asset("page.html"))
    head, foot = page.split("<!--documents-->")
    return head, foot.lstrip()


def csp_hash(source: str) -> str:
    """What a Content-Security-Policy calls this style or script."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def asset(name: str) -> str:
    """A style, script or frame of the page; other pages take their colours from here."""
    return files("ner_danvan.io.html").joinpath("assets", name).read_text(encoding="utf-8")
