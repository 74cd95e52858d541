"""What of a page's lines is the article: title, date line, text and by-line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ner_danvan.io.readers.blocks import PROSE, Block, blocks_of
from ner_danvan.io.readers.web import FURNITURE, RELATED, REMARK

_DATE = re.compile(r"\b\d{1,2}\s*[/.-]\s*\d{1,2}\s*[/.-]\s*\d{4}\b|\bngày\s+\d{1,2}\s+tháng\s+\d{1,2}\b", re.I)
_SHORT = 90  # characters that a date line or a by-line may have
_FAR = 12  # lines before the text, above which a line is the site's name and no title
_NAME = 1_000  # characters of a page's names of itself that are looked at, for each block
_TITLE = 13  # characters that a title has at least
_NEARLY_ALL = 0.8  # share of the running text that the article's element holds
_MOST_IN_BOX = 0.8  # share of it that a box of other news may hold
_MOST_BOXES = 30  # of other news; each is looked for among all blocks
_MOST_LEVELS = 30  # of the page that are gone up
_MOST_ABOVE = 5  # lines between a title that nothing names and the text, title included


def article_lines(body: Any, head: str) -> list[str]:
    """Title, what stands between it and the text, the text, and what signs it; `head` is how the page names itself."""
    blocks = _without_boxes(blocks_of(body), body)
    main = _main_element(blocks, body)
    inside = {id(element) for element in main.iter()}
    places = [place for place, block in enumerate(blocks) if id(block.element) in inside]
    if not places:
        return []
    first, last = places[0], places[-1]
    title = _title_place(blocks, head, first, last)
    lines = [block.text for block in _above(blocks, title, first, main)]
    dropped = _related(blocks[first : last + 1], main, None if title is None or title < first else title - first)
    for place in range(first, last + 1):
        block = blocks[place]
        if place == title or not (place - first in dropped or FURNITURE.fullmatch(block.text) or block.is_menu):
            lines.append(REMARK.sub("", block.text).strip())
    near = _near(main, blocks)
    for block in blocks[last + 1 : last + 4]:
        if RELATED.fullmatch(block.text) or block.is_menu or id(block.element) not in near:
            break
        if len(block.text) <= _SHORT and _is_text(block):
            lines.append(block.text)
    return [line for line in lines if line]


def _main_element(blocks: list[Block], body: Any) -> Any:
    """The smallest element that holds nearly all of the running text."""
    weights: dict[int, int] = {}
    kept: dict[int, Any] = {}  # an element's id is its own only while it is held
    whole = sum(len(block.text) for block in blocks if block.is_prose)
    for block in blocks:
        element = block.element if block.is_prose else None
        while element is not None:
            weights[id(element)] = weights.get(id(element), 0) + len(block.text)
            kept[id(element)] = element
            element = None if element is body else element.getparent()
    element = body
    while whole:
        inner = max(element, key=lambda child: weights.get(id(child), 0), default=None)
        if inner is None or weights.get(id(inner), 0) < _NEARLY_ALL * whole or inner.tag in ("p", "li"):
            break
        element = inner
    return element


def _title_place(blocks: list[Block], head: str, first: int, last: int) -> int | None:
    """The title's block, before the end of the text: what the page is named after, else a heading."""
    head = head[:_NAME].casefold()
    long = [place for place in range(max(0, first - _FAR), last + 1) if len(blocks[place].text) >= _TITLE]
    named = [place for place in long if blocks[place].text.casefold() in head and not blocks[place].is_menu]
    if named:
        return max(named, key=lambda place: (len(blocks[place].text), place))  # a breadcrumb may say it first
    for tag in ("h1", "h2"):
        for place in long:
            if blocks[place].element.tag == tag and (tag == "h1" or place <= first):
                return place
    return None


def _above(blocks: list[Block], title: int | None, first: int, main: Any) -> Iterator[Block]:
    """Title and date line where they stand before the element of the text."""
    if title is not None:
        for place in range(title, first):
            if place == title or _is_text(blocks[place]):
                yield blocks[place]
        if title >= first:
            yield from (block for block in blocks[max(0, first - 4) : first] if _is_date_line(block))
        return
    start, near = first, _near(main, blocks)
    while start and first - start < _MOST_ABOVE and id(blocks[start - 1].element) in near:
        if blocks[start - 1].is_menu or RELATED.fullmatch(blocks[start - 1].text):
            break
        start -= 1
    yield from (block for block in blocks[start:first] if _is_text(block))


def _near(main: Any, blocks: list[Block]) -> set[int]:
    """The ids of the blocks' elements around the element of the text, in its parent or the first that has others."""
    held = {id(block.element) for block in blocks}
    inside = held & {id(element) for element in main.iter()}
    near, around = inside, main
    for _ in range(_MOST_LEVELS):
        if near != inside or around.tag == "body" or (around := around.getparent()) is None:
            break
        near = held & {id(element) for element in around.iter()}
    return near


def _related(blocks: list[Block], main: Any, title: int | None) -> set[int]:
    """Places of headlines such as "Tin liên quan", and of what stands below them."""
    dropped: set[int] = set()
    for place in _headlines_of_others(blocks):
        if place == title or place in dropped:
            continue
        box = _box(blocks, place, main)
        dropped |= set(box)
        for below in range(max(box) + 1, len(blocks)):
            if blocks[below].is_prose or below == title:
                break
            dropped.add(below)
    return dropped


def _without_boxes(blocks: list[Block], body: Any) -> list[Block]:
    """Without the boxes of other news, whose summaries read like an article."""
    dropped: set[int] = set()
    for place in _headlines_of_others(blocks):
        if place not in dropped and len(box := _box(blocks, place, body)) > 1:
            dropped |= set(box)
    return [block for place, block in enumerate(blocks) if place not in dropped]


def _box(blocks: list[Block], place: int, main: Any) -> list[int]:
    """The places of the largest element that begins with a headline and holds not nearly all of the text."""
    whole = sum(len(block.text) for block in blocks if block.is_prose)
    box, element = [place], blocks[place].element
    for _ in range(_MOST_LEVELS):
        if element is None or element is main:
            break
        inside = {id(one) for one in element.iter()}
        places = [number for number, block in enumerate(blocks) if id(block.element) in inside]
        prose = sum(len(blocks[number].text) for number in places if blocks[number].is_prose)
        if min(places) < place or prose > _MOST_IN_BOX * whole:
            break
        box, element = places, element.getparent()
    return box


def _headlines_of_others(blocks: list[Block]) -> list[int]:
    """The places of the first ones."""
    headlines = (place for place, block in enumerate(blocks) if _is_headline_of_others(block))
    return list(islice(headlines, _MOST_BOXES))


def _is_headline_of_others(block: Block) -> bool:
    return len(block.text) < PROSE and bool(RELATED.fullmatch(block.text))


def _is_text(block: Block) -> bool:
    return not block.is_menu and not FURNITURE.fullmatch(block.text)


def _is_date_line(block: Block) -> bool:
    return bool(_DATE.search(block.text)) and len(block.text) <= _SHORT and not block.is_menu
