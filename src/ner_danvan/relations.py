"""Who holds which post in which body, and who is asked to do what: rules on top of spans.

The rules read what stands between two mentions. They know how Vietnamese reports join them: a title before the name
(*Phó Chủ tịch UBND tỉnh Lò Văn Hoạt*), after it behind a comma, a dash or in brackets, a list behind a title and a
colon, a verb of appointment, a signature. What is not joined in the text is not linked.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ner_danvan.span import Span


@dataclass(frozen=True, slots=True)
class Kinds:
    """The labels that the rules speak of."""

    person: str = "PERSON"
    position: str = "POSITION"
    body: str = "ORG"
    date: str = "DATE"
    task: str = "TASK"


KINDS = Kinds()


@dataclass(frozen=True, slots=True)
class Role:
    """A post, who holds it (None where the text joins nobody to it), and the bodies it is a post in, inner first."""

    position: Span
    person: Span | None
    bodies: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task, whom it is addressed to (bodies, posts or persons), and the bodies and dates inside it."""

    task: Span
    addressees: tuple[Span, ...]
    bodies: tuple[Span, ...]
    dates: tuple[Span, ...]


_HONORIFIC = (
    r"(?:(?:các|hai|ba|cùng)\s+)?(?:đồng\s+chí|đ/c|đ\.c\.?|ông|bà|anh|chị|cô|chú|thầy|cụ|nhà\s+báo|luật\s+sư|nghệ\s+nhân|"
    r"(?:đại|thượng|trung|thiếu)\s+(?:tướng|tá|[uú][ýyỷủ])|(?:thượng|đại)\s+u[ýy]|"
    r"(?:phó\s+)?giáo\s+sư|tiến\s+s[ĩỹ]|thạc\s+s[ĩỹ]|bác\s+s[ĩỹ]|dược\s+s[ĩỹ]|kỹ\s+sư|cử\s+nhân|"
    r"PGS|GS|TSKH|TS|ThS|BS|BSCKI{1,2}|CKI{1,2}|KS|CN|AHLĐ|"
    r"linh\s+mục|giám\s+mục|mục\s+sư|h[oò][àa]\s+thượng|thượng\s+to?[ạọ]a?|đại\s+đức|ni\s+sư|sư\s+cô)"
)
_SPACE = r"[^\S\n]"  # but no new line
_HONORIFICS = rf"(?:{_HONORIFIC}(?!\w)[.,]*\s*)*"


def _gap(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: compiled.fullmatch(_plain(text)) is not None


def _plain(text: str) -> str:
    """NFC, as the patterns are written, without what is invisible."""
    return unicodedata.normalize("NFC", text).replace("\u200b", "").replace("\u200c", "").replace("\ufeff", "")


# between a title and the name behind it
_direct = _gap(rf"(?:[ \t\u00a0]+\([^)\n]{{0,60}}\))?[ \t\u00a0]+{_HONORIFICS}")
_ITEM = r"[ \t]*+\r?\n[ \t]*+(?:[-–+•*]|\d{1,2}[.)])[ \t]*+"  # a line of a list
_colon = _gap(rf"[ \t]*+(?:gồm|là)?[ \t]*+:(?:{_ITEM}|\s*+){_HONORIFICS}")
_dash_name = _gap(rf"[ \t]*+[-–—][ \t]*+{_HONORIFICS}")
_for_name = _gap(rf"\s*+(?:đối\s+với|cho)\s+{_HONORIFICS}")
_signature = _gap(r"[ \t]*+\r?\n\s*+(?:\(?[ \t]*+(?:đã\s+ký|ký\s+tên)[^\n]*+\n\s*+)?")
# between a name and the title behind it
_title_behind = _gap(
    rf"(?:{_SPACE}*\([^)\n]{{0,40}}\))?(?:{_SPACE}*[,\-–—:(\[]{_SPACE}*|{_SPACE}+)"
    r"(?:(?:nay|hiện|hiện nay|lúc đó|khi đó|khi ấy)?\s*(?:là|giữ\s+chức(?:\s+(?:vụ|danh))?|làm)\s+)?"
    r"(?:tân\s+|nữ\s+|cố\s+|đồng\s+thời\s+là\s+)?"
)
_bare_space = _gap(r"\s+")
_APPOINTED = re.compile(
    r"(?:(?<!\w)(?:giữ|đắc\s+cử|đảm\s+nhiệm|đảm\s+nhận|đảm\s+trách|trúng\s+cử|tái\s+cử|thôi|làm|phụ\s+trách|vào)|"
    r"(?<!\w)bầu(?:\s+bổ\s+sung)?(?=\s+(?:giữ|làm|chức|vào))|"
    r"(?<!nhất)(?<!biệt)(?<!hết)(?<!tiếp)(?<!tức)\s(?:từng\s+)?là)\b"
    r"(?:\s+(?:giữ|bổ\s+sung|làm|vào))*(?:\s+(?:các\s+)?chức(?:\s+(?:vụ|danh))?)?(?:\s+(?:là|làm))?\s*:?\s*$",
    re.IGNORECASE,
)
_DUTY = re.compile(r"\bchức(?:\s+(?:vụ|danh))?\s*:?\s*$", re.IGNORECASE)
# between two titles of one person, and between two names of one list
_next_title = _gap(
    rf"{_SPACE}*(?:,|-|–|và|kiêm|,{_SPACE}*kiêm|,{_SPACE}*đồng\s+thời(?:\s+là)?|,{_SPACE}*nguyên){_SPACE}*(?:là\s+|nguyên\s+)?"
)
_next_name = _gap(rf"(?:[;,.]?{_ITEM}|\s*(?:,|;|và|cùng|-|–|,\s*và)\s*){_HONORIFICS}")
_GROUP = re.compile(
    r"(?:\b(?:các|hai|ba)|(?<![\d/.-])\b0?[2-9])(?:\s+(?:đồng\s+chí|ông|bà|ông,\s*bà))?\s*(?:tân\s+)?$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?…]\s+(?=[^\W\d_])|[;\n]")
_INSTEAD = re.compile(rf"\bthay\s+(?:cho\s+)?{_HONORIFICS}$", re.IGNORECASE)
_REACH = 160  # characters that a verb of appointment may stand from the name


def find_roles(text: str, spans: Sequence[Span], kinds: Kinds = KINDS) -> tuple[Role, ...]:
    """Every post of the text in order, once for each person the text gives it to, or once without a person."""
    holders = _holders(text, spans, kinds)
    bodies = [span for span in spans if span.label == kinds.body]
    found = []
    for position in (span for span in spans if span.label == kinds.position):
        people = holders.get(position, ())
        named = any(person.end <= position.start for person in people)
        where = tuple(_bodies_of(text, position, bodies, named))
        found += [Role(position, person, where) for person in people or (None,)]
    return tuple(found)


def _holders(text: str, spans: Sequence[Span], kinds: Kinds) -> dict[Span, list[Span]]:
    """The persons of each post."""
    mentions = [span for span in spans if span.label in (kinds.person, kinds.position)]
    found: dict[Span, list[Span]] = {}
    for first, last in _chains(text, mentions, kinds):
        titles = mentions[first : last + 1]
        for title, people in _of_chain(text, mentions, first, last, kinds):
            found.setdefault(title, []).extend(person for person in people if person not in found.get(title, ()))
        if titles[0] not in found and (person := _appointee(text, titles[0], mentions, kinds)):
            found |= {title: [person] for title in titles if title not in found}
    return found


def _chains(text: str, mentions: Sequence[Span], kinds: Kinds) -> Iterator[tuple[int, int]]:
    """First and last index of each run of titles that are joined to one another."""
    number = 0
    while number < len(mentions):
        first = number
        if mentions[number].label == kinds.position:
            while (
                number + 1 < len(mentions)
                and mentions[number + 1].label == kinds.position
                and _next_title(text[mentions[number].end : mentions[number + 1].start])
            ):
                number += 1
            yield first, number
        number += 1


def _of_chain(
    text: str, mentions: Sequence[Span], first: int, last: int, kinds: Kinds
) -> Iterator[tuple[Span, list[Span]]]:
    titles = list(mentions[first : last + 1])
    before = mentions[first - 1] if first else None
    after = mentions[last + 1] if last + 1 < len(mentions) else None
    right = after if after and after.label == kinds.person else None
    gap = text[titles[-1].end : right.start] if right else ""
    left = before if before and before.label == kinds.person else None
    if (
        left
        and first > 1
        and mentions[first - 2].label == kinds.person
        and _is_instead(text, mentions[first - 2], left)
    ):
        left = None  # a verb must tell whom the title is given to
    if left:
        link = text[left.end : titles[0].start]
        # "… Lò Văn Hoạt Chủ tịch … Lò Thị Mai": the title is the second one's
        if not _title_behind(link) or (_bare_space(link) and right and _direct(gap)):
            left = None
    if right and (_direct(gap) or _colon(gap)):
        people = [right]
        if _colon(gap) or _is_group(text, titles[0]):
            people = list(_list_of(text, mentions, last + 1, kinds))
        if left is None:
            yield from ((title, people) for title in titles)
        else:
            yield from ((title, [left]) for title in titles[:-1])
            yield titles[-1], people
    elif left:
        yield from ((title, [left]) for title in titles)
    elif right and (_dash_name(gap) or _signature(gap) or _for_name(gap)):
        yield from ((title, [right]) for title in titles)
    elif after and _colon(text[titles[-1].end : after.start]) and _is_group(text, titles[0]):
        # "các Ủy viên Bộ Chính trị: Chủ tịch nước …, Thủ tướng …": each of them holds both titles
        yield from ((title, list(_titled_list(text, mentions, last + 1, kinds))) for title in titles)


def _list_of(text: str, mentions: Sequence[Span], first: int, kinds: Kinds) -> Iterator[Span]:
    """The names of a list that begins at `first`."""
    yield mentions[first]
    for one, other in zip(mentions[first:], mentions[first + 1 :], strict=False):
        if other.label != kinds.person or not _next_name(text[one.end : other.start]):
            return
        yield other


def _titled_list(text: str, mentions: Sequence[Span], first: int, kinds: Kinds) -> Iterator[Span]:
    """The names of a list that begins at `first`, each behind a title."""
    for number in range(first, len(mentions) - 1, 2):
        title, person = mentions[number : number + 2]
        if (title.label, person.label) != (kinds.position, kinds.person) or not _direct(text[title.end : person.start]):
            return
        yield person
        if number + 2 < len(mentions) and not _next_name(text[person.end : mentions[number + 2].start]):
            return


def _is_group(text: str, title: Span) -> bool:
    return bool(_GROUP.search(_plain(text[max(0, title.start - 30) : title.start])))


def _appointee(text: str, title: Span, mentions: Sequence[Span], kinds: Kinds) -> Span | None:
    """The person who, in the same sentence, is given the title by a verb; the last one named before it."""
    before = range(bisect_left(mentions, title.start, key=_start) - 1, -1, -1)
    people = list(islice((mentions[i] for i in before if mentions[i].label == kinds.person), 2))[::-1]
    if len(people) > 1 and _is_instead(text, people[-2], people[-1]):
        people.pop()
    if not people or title.start - people[-1].end > _REACH:
        return None
    gap = _plain(text[people[-1].end : title.start])
    if _SENTENCE_END.search(gap):
        return None
    return people[-1] if _APPOINTED.search(gap) or _DUTY.search(gap) else None


def _is_instead(text: str, person: Span, other: Span) -> bool:
    """Whether what follows is said of the first: *A thay ông B giữ chức*, but not *A, thay ông B được điều động*."""
    behind = _plain(text[other.end : other.end + 20]).lstrip().lower()
    return bool(_INSTEAD.search(_plain(text[person.end : other.start]))) and not behind.startswith(("được", "nghỉ"))


def _start(span: Span) -> int:
    return span.start


_in_brackets = _gap(r"\s*+\(\s*+")
_parent = _gap(r"\s*+,\s*+|\s+(?:của|tại|thuộc)\s+")
_AFTER_PARENT = re.compile(
    r"\s*+(?:[;.)]|$|\n|(?:được|đã|cho|nói|chủ|phát|báo|trình|giới|nhấn|khẳng)\b)", re.IGNORECASE
)
_ON_BEHALF = re.compile(r"(?:T/?M|thay\s+mặt)[.:]?\s*+$", re.IGNORECASE)
_NEAR = 60  # characters that are looked at beside a body


def _bodies_of(text: str, position: Span, bodies: Sequence[Span], has_name_before: bool) -> Iterator[Span]:
    """The bodies inside a title, the parent body right behind it, the one it signs for on the line above.

    Behind a comma only where a name stands before the title: elsewhere it may be the next of a list of bodies.
    """
    number = bisect_left(bodies, position.start, key=_start)
    before = bodies[number - 1] if number and bodies[number - 1].end <= position.start else None
    while number < len(bodies) and bodies[number].end <= position.end:
        yield bodies[number]
        number += 1
    if number < len(bodies):
        behind = bodies[number]
        gap, after = text[position.end : behind.start], _plain(text[behind.end : behind.end + _NEAR])
        if len(gap) <= _NEAR and (
            (_in_brackets(gap) and after.lstrip().startswith(")") and not _is_short_for(behind, text, position))
            or (_parent(gap) and (has_name_before or "," not in gap) and _AFTER_PARENT.match(after))
        ):
            yield behind
    on_behalf = before is not None and _ON_BEHALF.search(_plain(text[max(0, before.start - _NEAR) : before.start]))
    if before and on_behalf and _signature(text[before.end : position.start]):
        yield before


def _is_short_for(body: Span, text: str, title: Span) -> bool:
    """Whether a body in brackets is but another name of one in the title, an acronym or words of it."""
    short = _plain(text[body.start : body.end])
    return short.isupper() or f" {_unmarked(short)} " in f" {_unmarked(text[title.start : title.end])} "


def _unmarked(text: str) -> str:
    """Lower case without tone marks, which two styles put in two places."""
    return "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))


# --- tasks ------------------------------------------------------------------------------------

_to_task = _gap(
    r"(?:\s*+\([^)\n]*+\))?\s*+[,:]?\s*+(?:(?:(?:cần|phải|sẽ|nên|được|tiếp\s+tục|(?:trong\s+)?thời\s+gian\s+tới)\b|"
    r"căn\s+cứ\b[^.;\n,]{0,60},|theo\s+chức\s+năng,?\s+nhiệm\s+vụ(?:\s+được\s+(?:giao|phân\s+công))?)\s*+,?\s*+)*"
)
_joined_body = _gap(r"\s*(?:,|và|cùng|với|-|–|,\s*các|và\s+các)\s*(?:các\s+)?")
_same_list = _gap(r"\s*[;,]\s*(?:đồng\s+thời\s*,?\s*)?(?:cần\s+|phải\s+)?")


def find_tasks(text: str, spans: Sequence[Span], kinds: Kinds = KINDS) -> tuple[Task, ...]:
    """Every task in order. Addressees stand right before the task; a task joined by a semicolon shares them."""
    tasks = [span for span in spans if span.label == kinds.task]
    addressable = _outermost([s for s in spans if s.label in (kinds.body, kinds.position, kinds.person, kinds.task)])
    addressable = [span for span in addressable if span.label != kinds.task]  # what a task names it is not told to
    found: list[Task] = []
    for task in tasks:
        addressees = _addressees(text, task, addressable)
        if not addressees and found and _same_list(text[found[-1].task.end : task.start]):
            addressees = found[-1].addressees
        first, last = (bisect_left(spans, edge, key=_start) for edge in (task.start, task.end))
        inside = [span for span in spans[first:last] if span.end <= task.end]
        found.append(
            Task(
                task,
                addressees,
                tuple(span for span in inside if span.label == kinds.body),
                tuple(span for span in inside if span.label == kinds.date),
            )
        )
    return tuple(found)


def _addressees(text: str, task: Span, mentions: Sequence[Span]) -> tuple[Span, ...]:
    before = mentions[: bisect_left(mentions, task.start, key=_start)]
    if not before or before[-1].end > task.start or task.start - before[-1].end > _REACH:
        return ()
    if not _to_task(text[before[-1].end : task.start]):
        return ()
    chosen = [before[-1]]
    for mention in reversed(before[:-1]):
        if not _joined_body(text[mention.end : chosen[0].start]):
            break
        chosen.insert(0, mention)
    return tuple(chosen)


def _outermost(spans: Iterable[Span]) -> list[Span]:
    """Spans that lie in no other of them."""
    kept: list[Span] = []
    for span in spans:  # in order, the outer before the inner
        if not kept or span.end > kept[-1].end:
            kept.append(span)
    return kept
