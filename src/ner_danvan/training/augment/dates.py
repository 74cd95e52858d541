"""Dates that become other dates, in the same format or in another."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from random import Random

from ner_danvan.document import Document
from ner_danvan.training.augment.lexicon import DateFormat, Lexicon
from ner_danvan.training.augment.settings import Roles
from ner_danvan.training.augment.splice import Patch, is_cut, splice, without_overlap

_WEEKDAYS = ("Hai", "Ba", "Tư", "Năm", "Sáu", "Bảy", "Chủ nhật")
_ROMAN = ("I", "II", "III", "IV")
_FIRST_YEAR, _LAST_YEAR = 2012, 2027
_FIELDS = {
    "d": r"(?P<d>[12]?\d|3[01])",
    "dd": r"(?P<dd>0\d|[12]\d|3[01])",
    "m": r"(?P<m>1[0-2]|[1-9])",
    "mm": r"(?P<mm>0[1-9]|1[0-2])",
    "y": r"(?P<y>\d{4})",
    "y5": r"(?P<y5>\d{4})",
    "roman": r"(?P<roman>IV|I{1,3})",
    "weekday": r"(?P<weekday>Hai|Ba|Tư|Năm|Sáu|Bảy)",
}
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class _Match:
    format: DateFormat
    year: int | None


def replace_dates(document: Document, lexicon: Lexicon, roles: Roles, random: Random, rate: float) -> Document:
    """Each date, at this rate, becomes another date of its kind; half of these change their format too.

    The years of a document move together, by at most two, so that they still belong to one time.
    """
    shift = random.choice((-2, -1, 0, 1, 2))
    patches = []
    for span in document.spans:
        if span.label != roles.date or random.random() >= rate or is_cut(document, span.start, span.end):
            continue
        if not (match := _recognised(span.text, lexicon)):
            continue
        chosen = match.format
        if random.random() < 0.5:
            chosen = random.choice([form for form in lexicon.dates if _exchangeable(match.format, form)])
        year = (match.year or 2020) + shift
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            continue  # a year of history, or one that would be too far ahead
        new = _written(chosen, year, random)
        if span.text.isupper():
            new = new.upper()
        elif span.text[0].isalpha() and span.text[0].isupper():
            new = new[0].upper() + new[1:]
        patches.append(Patch(span.start, span.end, new))
    return splice(document, without_overlap(patches))


def _recognised(text: str, lexicon: Lexicon) -> _Match | None:
    for form in lexicon.dates:
        if match := re.fullmatch(_pattern(form.pattern), text, re.IGNORECASE):
            found: Mapping[str, str | None] = match.groupdict()
            return _Match(form, int(year) if (year := found.get("y")) else None)
    return None


def _pattern(form: str) -> str:
    """The format as a regular expression; a field that comes twice is named once."""
    seen: set[str] = set()

    def field(match: re.Match[str]) -> str:
        name = match.group(1)
        again = name in seen
        seen.add(name)
        return rf"(?P={name})" if again else _FIELDS[name]

    parts = re.split(r"(\{\w+\})", form)
    return "".join(_FIELD.sub(field, part) if _FIELD.fullmatch(part) else re.escape(part) for part in parts)


def _exchangeable(old: DateFormat, new: DateFormat) -> bool:
    """Of one kind, with as many years, and both bare figures or both led by a word."""

    def shape(form: DateFormat) -> tuple[str, bool, bool, bool]:
        return form.kind, "{y}" in form.pattern, "{y5}" in form.pattern, form.pattern[0] == "{"

    return shape(old) == shape(new)


def _written(form: DateFormat, year: int, random: Random) -> str:
    month = random.randint(1, 12)
    day = random.randint(1, monthrange(year, month)[1])
    weekday = date(year, month, day).weekday()
    values = {
        "d": str(day),
        "dd": f"{day:02}",
        "m": str(month),
        "mm": f"{month:02}",
        "y": str(year),
        "y5": str(year + 5),
        "roman": random.choice(_ROMAN),
        "weekday": _WEEKDAYS[weekday % 6],
    }
    return _FIELD.sub(lambda match: values[match.group(1)], form.pattern)
