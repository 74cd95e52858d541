"""The numbers and bullets of Word's lists, which stand in no paragraph: Word counts them when it shows the page.

After ECMA-376 part 1, 17.9: a paragraph, or its style, names a list and a level; the list names an abstract one, which
says for each level how it counts and what stands around the count.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.etree.ElementTree import Element

from ner_danvan.io.readers.docx_xml import attribute, child, children, is_on

_LEVELS = 9  # as many as Word has
_DEEPEST = 50  # styles that are based on one another; in a broken file it may be a ring
_LONGEST = 40  # characters of a level's pattern; a real one has a dozen
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MOST_ROMAN, _MOST_LETTERS = 3_999, 780  # Word itself counts no further
_BULLETS = frozenset("-–—+*•")  # others are pictures of symbol fonts

Use: TypeAlias = tuple[str, int | None]  # a list's id and a level, where one is said


@dataclass(frozen=True, slots=True)
class Level:
    """How a level counts, from what number on, and what is shown: `%1` to `%9` are the counts of the levels."""

    kind: str = "decimal"
    start: int = 1
    pattern: str = ""
    joint: str = " "
    restart: int = _LEVELS  # it begins anew behind a paragraph of one of so many uppermost levels; 0: never
    plain: bool = False  # all counts in it are shown as decimals
    style: str = ""  # of paragraphs that stand for it


@dataclass(frozen=True, slots=True)
class Numbering:
    """Every list of a document, by its id: which count it shares with others, its levels, and where it begins anew."""

    counts: dict[str, str] = field(default_factory=dict)
    levels: dict[str, dict[int, Level]] = field(default_factory=dict)
    anew: dict[str, dict[int, int]] = field(default_factory=dict)
    styles: dict[str, Use] = field(default_factory=dict)

    @staticmethod
    def read(numbering: Element | None, styles: Element | None) -> Numbering:
        """What `numbering.xml` and `styles.xml` say; None for one that is not there."""
        found = Numbering(styles=_uses_of_styles(styles))
        if numbering is None:
            return found
        abstract = {attribute(one, "abstractNumId"): _abstract(one) for one in children(numbering, "abstractNum")}
        lists = {attribute(one, "numId"): one for one in children(numbering, "num")}
        names = {list_id: attribute(child(one, "abstractNumId"), "val") for list_id, one in lists.items()}
        for list_id, one in lists.items():
            name = names[list_id]
            link = abstract.get(name, _NOTHING).link
            if link in found.styles:  # a list style: the levels stand in the list that it names
                name = names.get(found.styles[link][0], name)
            plain = abstract.get(name, _NOTHING).levels
            levels, anew = dict(plain), {}
            for change in children(one, "lvlOverride"):
                levels |= _levels(change)
                if (start := child(change, "startOverride")) is not None:
                    anew[_whole(attribute(change, "ilvl"), 0)] = _whole(attribute(start, "val"), 1)
            found.counts[list_id], found.levels[list_id], found.anew[list_id] = name, levels, anew
            for number, level in plain.items():
                if level.style and found.styles.get(level.style) == (list_id, None):
                    found.styles[level.style] = (list_id, number)
        return found

    def use(self, paragraph: Element) -> Use | None:
        """The list and the level of a paragraph; None where it is in none."""
        properties = child(paragraph, "pPr")
        own = _use(properties)
        of_style = self.styles.get(attribute(child(properties, "pStyle"), "val"))
        if own is None or own[0] == "":  # a level by itself changes that of the style's list
            own = of_style if own is None or of_style is None else (of_style[0], own[1])
        return own if own is not None and own[0] in self.levels else None


@dataclass(frozen=True, slots=True)
class _Abstract:
    """The levels of an abstract list, or the list style that has them."""

    levels: dict[int, Level]
    link: str


_NOTHING = _Abstract({}, "")


@dataclass(slots=True)
class Counter:
    """Counts the paragraphs of one part of a document, in their order."""

    numbering: Numbering
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)
    _begun: set[tuple[str, int]] = field(default_factory=set)

    def mark(self, paragraph: Element) -> str:
        """What Word shows before a paragraph, with what parts it from the text; "" where it shows nothing."""
        use = self.numbering.use(paragraph)
        if use is None or _deleted(paragraph):
            return ""
        list_id, number = use[0], use[1] or 0
        levels = self.numbering.levels[list_id]
        level = levels.get(number)
        if level is None:
            return ""
        counts = self._counts.setdefault(self.numbering.counts[list_id], {})
        anew = self.numbering.anew[list_id].get(number)
        if anew is not None and (list_id, number) not in self._begun:
            counts[number] = anew
        else:
            counts[number] = counts[number] + 1 if number in counts else level.start
        self._begun.add((list_id, number))
        for deeper in range(number + 1, _LEVELS):
            if number < levels.get(deeper, Level()).restart:
                counts.pop(deeper, None)
        shown = _shown(level, levels, counts)
        return f"{shown}{level.joint}" if shown else ""


def _shown(level: Level, levels: dict[int, Level], counts: dict[int, int]) -> str:
    if level.kind == "none":
        return ""
    if level.kind == "bullet":
        return level.pattern.strip() if level.pattern.strip() in _BULLETS else "-"

    def count(match: re.Match[str]) -> str:
        number = int(match[1]) - 1
        other = levels.get(number, Level())
        return _written(counts.get(number, other.start), "decimal" if level.plain else other.kind)

    return re.sub(r"%([1-9])", count, level.pattern).strip()


def _written(number: int, kind: str) -> str:
    """A count as its level writes it; as a decimal where Word's other ways end, or are not known here."""
    if kind in ("lowerRoman", "upperRoman") and 0 < number <= _MOST_ROMAN:
        text = ""
        for value, letters in _ROMAN:
            times, number = divmod(number, value)
            text += letters * times
    elif kind in ("lowerLetter", "upperLetter") and 0 < number <= _MOST_LETTERS:
        times, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) * (times + 1)  # z is followed by aa, bb, cc
    elif kind == "decimalZero":
        text = f"{number:02}"
    else:
        text = "" if kind in ("none", "bullet") else str(number)
    return text.upper() if kind.startswith("upper") else text


# --- reading ----------------------------------------------------------------------------------


def _deleted(paragraph: Element) -> bool:
    """Whether the end of a paragraph was deleted or moved away, so that it is none any more."""
    mark = child(child(paragraph, "pPr"), "rPr")
    return any(child(mark, name) is not None for name in ("del", "moveFrom"))


def _whole(text: str, otherwise: int) -> int:
    """A number from 0 to what a count may be; `otherwise` for anything else."""
    with suppress(ValueError):
        if len(text) < 8 and int(text) >= 0:
            return int(text)
    return otherwise


def _levels(element: Element | None) -> dict[int, Level]:
    found = {}
    for one in children(element, "lvl"):
        start, kind = child(one, "start"), attribute(child(one, "numFmt"), "val")
        level = Level(
            kind=kind or "decimal",
            start=_whole(attribute(start, "val"), 0),
            pattern=attribute(child(one, "lvlText"), "val")[:_LONGEST],
            joint="" if attribute(child(one, "suff"), "val") == "nothing" else " ",
            restart=_whole(attribute(child(one, "lvlRestart"), "val"), _LEVELS),
            plain=is_on(child(one, "isLgl")),
            style=attribute(child(one, "pStyle"), "val"),
        )
        if (number := _whole(attribute(one, "ilvl"), _LEVELS)) < _LEVELS:
            found[number] = level
    return found


def _abstract(element: Element) -> _Abstract:
    return _Abstract(_levels(element), attribute(child(element, "numStyleLink"), "val"))


def _use(properties: Element | None) -> Use | None:
    """What `pPr` says of a list; its id is "" where it says a level alone."""
    element = child(properties, "numPr")
    if element is None:
        return None
    level = attribute(child(element, "ilvl"), "val")
    return attribute(child(element, "numId"), "val"), min(_whole(level, 0), _LEVELS - 1) if level else None


def _uses_of_styles(styles: Element | None) -> dict[str, Use]:
    """The list of each style that has one, by itself or from the style it is based on."""
    by_id = {attribute(style, "styleId"): style for style in children(styles, "style")}
    found: dict[str, Use] = {}
    for name in by_id:
        at, level = name, None
        for _ in range(_DEEPEST):
            if at not in by_id:
                break
            if use := _use(child(by_id[at], "pPr")):
                level = use[1] if level is None else level
                if use[0]:
                    found[name] = (use[0], level)
                    break
            at = attribute(child(by_id[at], "basedOn"), "val")
    return found
