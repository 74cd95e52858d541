"""Lines on pages to paragraphs: a line break that only the width of the page made is a space again.

The model reads a line's end as the end of what is said, so a break inside a sentence would cost spans.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

_EDGE_LINES = 3  # of a page's top and bottom among which headers and footers are looked for
_REPEATED = 0.5  # share of the pages that a header stands on, at least two
_SAME_PLACE = 3.0  # points that it may move
_WIDE_GAP = 1.2  # of the usual distance of lines: another paragraph
_LEVEL = 0.5  # sizes that a line's base or its left may be off
_HANGING = 4.0  # sizes that text may stand behind its bullet
_OTHER_SIZE = 1.15
_SLACK = 0.5  # points
_MOST = 0.8  # share of the paragraphs that makes a habit
_SOFT_HYPHEN = "\u00ad"
_PAGE_NUMBER = re.compile(
    r"(?:trang|page)?\W{0,3}(\d{1,4})\W{0,3}(?:(?:/|trên|of)\W{0,2}\d{1,4})?\W{0,3}", re.IGNORECASE
)
_BULLET = re.compile(r"(?:[-–—+*•▪●○◦➢✓§]|\(?\d{1,3}[.)]|\d{1,3}/(?!\d)|\(?[a-zđ]\)|[IVX]{1,5}[.)])\s*", re.IGNORECASE)
_DASH_OF_A_SENTENCE = re.compile(r"[-–—]\s+[^\W_A-ZĐÀ-Ý]")
_ENDS_A_SENTENCE = re.compile(r"[.;:!?…][\"”’)\]]*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line or a cell's line: its text, and in points its left, right, base line (upwards) and size of its font.

    `first` is the width of its first word, `space` that of its spaces.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    first: float
    space: float

    def with_text(self, text: str) -> Line:
        """The same place with another text."""
        return replace(self, text=text)


def flow(pages: Sequence[Sequence[Line]]) -> tuple[str, list[int]]:
    """Text of the pages, and the offset at which each begins; headers, footers and page numbers left out."""
    kept = _without_edges(pages)
    if not any(kept):  # two copies of a short page repeat all of it, and yet that is the text
        kept = [list(lines) for lines in pages]
    placed = [_Placed(line, page) for page, lines in enumerate(kept) for line in lines]
    _find_margins(placed)
    habits = _Habits(placed)
    pieces: list[str] = []
    starts = [-1] * len(pages)
    length = 0
    for before, here in zip([None, *placed], placed, strict=False):
        text = here.line.text
        if before is not None:
            joint = _joint(before, here, habits)
            if joint == _SOFT_HYPHEN:
                pieces[-1], joint = pieces[-1].removesuffix(_SOFT_HYPHEN), ""
                length -= 1
            pieces.append(joint)
            length += len(joint)
        if starts[here.page] < 0:
            starts[here.page] = length
        pieces.append(text)
        length += len(text)
    following = length
    for page in reversed(range(len(starts))):  # a page without text begins where the next one does
        following = starts[page] = starts[page] if starts[page] >= 0 else following
    return "".join(pieces), starts


# --- headers and footers ----------------------------------------------------------------------


def _without_edges(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    numbers: Counter[tuple[int, bool]] = Counter()
    for page, lines in enumerate(pages):
        for line in _edges(lines):
            places[_pattern(line.text)].append((page, line.base))
            if number := _page_number(line):
                numbers[(number - page, line is max(lines, key=lambda one: one.base))] += 1

    known: dict[tuple[str, float], bool] = {}  # a header stands at the same place on thousands of pages

    def repeated(line: Line) -> bool:
        key = _pattern(line.text), line.base
        if key not in known:
            found = {page for page, base in places[key[0]] if abs(base - line.base) <= _SAME_PLACE}
            known[key] = len(found) >= max(2, _REPEATED * len(pages))
        return known[key]

    def numbered(line: Line, page: int, top: bool) -> bool:
        number = _page_number(line)
        return number is not None and (number == page + 1 or numbers[(number - page, top)] > 1)

    kept = []
    for page, lines in enumerate(pages):
        edges = {id(line) for line in _edges(lines)}
        first, last = (max(lines, key=_base), min(lines, key=_base)) if lines else (None, None)
        kept.append(
            [
                line
                for line in lines
                if not (id(line) in edges and repeated(line))
                and not ((line is first or line is last) and numbered(line, page, line is first))
            ]
        )
    return kept


def _base(line: Line) -> float:
    return line.base


def _edges(lines: Sequence[Line]) -> list[Line]:
    ordered = sorted(lines, key=_base)
    return ordered if len(ordered) <= 2 * _EDGE_LINES else ordered[:_EDGE_LINES] + ordered[-_EDGE_LINES:]


def _pattern(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _page_number(line: Line) -> int | None:
    match = _PAGE_NUMBER.fullmatch(line.text)
    return int(match.group(1)) if match else None


# --- paragraphs -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Placed:
    """A line, its page, how far right the lines around it reach, and how far right of them it begins."""

    line: Line
    page: int
    margin: float = 0.0
    offset: float = 0.0

    @property
    def indented(self) -> bool:
        """Whether it begins right of where the lines around it do."""
        return self.offset > _LEVEL * self.line.size


def _find_margins(placed: list[_Placed]) -> None:
    for run in _runs(placed):
        # of all that begin left of a line's right the one that reaches furthest right overlaps it, and the other way
        by_left = sorted((one.line.left, one.line.right) for one in run)
        by_right = sorted(((one.line.right, one.line.left) for one in run), reverse=True)
        lefts, rights = [left for left, _ in by_left], [-right for right, _ in by_right]
        furthest = list(accumulate((right for _, right in by_left), max))
        foremost = list(accumulate((left for _, left in by_right), min))
        for one in run:
            line = one.line
            before, behind = bisect_left(lefts, line.right), bisect_left(rights, -line.left)
            one.margin = max(line.right, furthest[before - 1] if before else line.right)
            one.offset = line.left - min(line.left, foremost[behind - 1] if behind else line.left)


def _runs(placed: list[_Placed]) -> Iterator[list[_Placed]]:
    """Stretches of lines that go down a page: a column, or a cell."""
    run: list[_Placed] = []
    for one in placed:
        if run and (one.page != run[-1].page or not _below(run[-1].line, one.line)):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _below(first: Line, second: Line) -> bool:
    return first.base - second.base > _LEVEL * min(first.size, second.size)


class _Habits:
    """How a document sets its lines: their usual distance, and whether paragraphs are marked by indent or space."""

    def __init__(self, placed: list[_Placed]) -> None:
        self._distances: defaultdict[int, Counter[float]] = defaultdict(Counter)
        pairs = [(a, b) for a, b in pairwise(placed) if a.page == b.page and _below(a.line, b.line)]
        for above, below in pairs:
            distance = round(above.line.base - below.line.base, 1)
            self._distances[round(below.line.size)][distance] += 1
        ends = [(a, b) for a, b in pairs if _fits(a, b)]
        indents = Counter(round(b.offset) for _, b in ends if b.indented)
        marked = sum(self.spaced(a.line, b.line) or b.indented for a, b in ends)
        self.indents = len(ends) > 1 and indents.total() > _MOST * len(ends)
        self._indent = indents.most_common(1)[0][0] if self.indents else 0
        self.marked = len(ends) > 1 and marked > _MOST * len(ends)

    def begins(self, here: _Placed) -> bool:
        """Whether a line stands where first lines of paragraphs do."""
        return self.indents and abs(here.offset - self._indent) <= _LEVEL * here.line.size

    def spaced(self, above: Line, below: Line) -> bool:
        """Whether there is more room between two lines than is usual."""
        distances = self._distances[round(below.size)]
        if not distances:
            return False
        most = max(distances.values())
        usual = min(distance for distance, count in distances.items() if count >= most / 2)
        return above.base - below.base > max(_WIDE_GAP * usual, usual + 2)


def _fits(before: _Placed, here: _Placed) -> bool:
    """Whether the first word would have had room on the line before, which then ends where its author ended it."""
    return before.line.right + before.line.space + here.line.first < before.margin - _SLACK


def _joint(before: _Placed, here: _Placed, habits: _Habits) -> str:
    """What stands between two lines: a line end, a space, nothing, or a soft hyphen to take away."""
    first, second = before.line, here.line
    if _is_break(before, here, habits):
        return "\n"
    if first.text.endswith(_SOFT_HYPHEN):
        return _SOFT_HYPHEN
    # a word is broken behind its own hyphen, as in "2020-" and "2025"; "tế -" has a space before it
    return "" if re.search(r"\w-$", first.text) and second.text[:1].isalnum() else " "


def _is_break(before: _Placed, here: _Placed, habits: _Habits) -> bool:
    first, second = before.line, here.line
    if before.page == here.page and abs(first.base - second.base) <= _LEVEL * first.size:
        return True  # cells side by side
    same_column = before.page == here.page and _below(first, second)
    if max(first.size, second.size) > _OTHER_SIZE * min(first.size, second.size):
        return True
    if _fits(before, here) or _is_headline_alone(first.text, second.text):
        return True
    if not same_column:
        return here.indented if habits.indents else _starts_anew(first.text, second.text)
    room = _HANGING if _BULLET.match(first.text) else _LEVEL
    if habits.begins(here):
        return True
    apart = second.left > first.right or second.right < first.left - _HANGING * second.size
    if apart or second.left > first.left + room * second.size or habits.spaced(first, second):
        return True
    return not habits.marked and _starts_anew(first.text, second.text)


def _is_headline_alone(before: str, here: str) -> bool:
    """Whether capitals end with a line, as those of a headline do."""
    return before.isupper() and " " in before and here != here.upper()


def _starts_anew(before: str, here: str) -> bool:
    """Whether two lines read like two paragraphs, where their places do not tell."""
    if _DASH_OF_A_SENTENCE.match(here):
        return False
    if re.match(r"[-–—+•▪●]\s*\w", here):
        return True
    return bool(_ENDS_A_SENTENCE.search(before)) and (here[:1].isupper() or bool(_BULLET.match(here)))
