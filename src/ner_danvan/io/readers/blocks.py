"""A page's lines: blocks of text, and how much of each is links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ner_danvan.io.readers.web import FURNITURE

_BLOCKS = frozenset(
    re.split(
        r"\s+",
        "address article aside blockquote body center caption dd details dialog div dl dt fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary table tbody td tfoot "
        "th thead tr ul",
    )
)
_LINKS = 0.5  # share of a block's letters in links, from which it is a menu
PROSE = 60  # characters of a block without links that count it as running text


@dataclass(slots=True)
class Block:
    """A line of the page: its element, its text, and how many of its letters are links."""

    element: Any
    text: str
    linked: int

    @property
    def is_menu(self) -> bool:
        """Whether it is links more than text."""
        return self.linked > _LINKS * len(self.text)

    @property
    def is_prose(self) -> bool:
        """Whether it is running text."""
        return len(self.text) >= PROSE and not self.is_menu and not FURNITURE.fullmatch(self.text)


def blocks_of(body: Any) -> list[Block]:
    """The lines of an element, in order: what block elements and line breaks part."""
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
        self.blocks: list[Block] = []
        self.pieces: list[str] = []
        self._linked = 0

    def add(self, text: str | None, pre: bool, link: bool) -> None:
        if text:
            self.pieces.append(text if pre else re.sub(r"[ \t\r\n\f\v]+", " ", text))
            self._linked += len(" ".join(text.split())) if link else 0

    def close(self, element: Any) -> None:
        for line in "".join(self.pieces).split("\n"):
            if text := " ".join(line.split()):
                self.blocks.append(Block(element, text, min(self._linked, len(text))))
        self.pieces, self._linked = [], 0


def prose_in(element: Any) -> int:
    """Characters of running text in an element."""
    return sum(len(block.text) for block in blocks_of(element) if block.is_prose)
