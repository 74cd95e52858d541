"""The gazetteers of `data/lexicon/`, read once, and drawing from them by weight."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

from ner_danvan.errors import UserError

Item = TypeVar("Item")

FEMALE, MALE = "f", "m"
SLOTS = ("place", "committee", "name")
DATE_FIELDS = ("d", "dd", "m", "mm", "y", "y5", "roman", "weekday")
_SLOT = re.compile(r"\{(\w*)\}")
LEVELS = {  # the units a body's place may have, by the level of the body
    "tỉnh": ("tỉnh", "thành phố"),
    "huyện": ("huyện", "quận", "thị xã"),
    "xã": ("xã", "phường"),
}
COMMITTEES = {
    "tỉnh": ("Tỉnh ủy", "Thành ủy"),
    "huyện": ("Huyện ủy", "Quận ủy", "Thị ủy"),
    "xã": ("Đảng ủy xã", "Đảng ủy phường"),
}


class Weighted(Generic[Item]):
    """Items drawn as often as their weights say."""

    def __init__(self, rows: Iterable[tuple[Item, float]]) -> None:
        kept = [(item, weight) for item, weight in rows if weight > 0]
        self.items = [item for item, _ in kept]
        self._sums = list(accumulate(weight for _, weight in kept))

    def __bool__(self) -> bool:
        return bool(self.items)

    def draw(self, random: Random) -> Item:
        """One item."""
        return random.choices(self.items, cum_weights=self._sums)[0]


@dataclass(frozen=True)
class DateFormat:
    """A way to write a date: `{d}`, `{dd}`, `{m}`, `{mm}`, `{y}`, `{y5}`, `{roman}`, `{weekday}` are filled in."""

    kind: str
    pattern: str


@dataclass(frozen=True)
class FullForm:
    """What a short form stands for: a body, a title, or something else.

    `holds_body` says that it names a body, which would have to be marked: *Ủy viên Ban Thường vụ*.
    """

    text: str
    kind: str
    holds_body: bool


@dataclass(frozen=True)
class Lexicon:
    """Names, places, bodies, title heads, short forms and date formats."""

    surnames: Weighted[str]
    middles: Mapping[str, Weighted[str]]  # by gender
    givens: Mapping[str, Weighted[str]]  # by gender
    places: Mapping[str, tuple[str, ...]]  # names by unit: tỉnh, huyện, xã …
    bodies: Mapping[str, tuple[str, ...]]  # patterns by level
    titles: Mapping[str, Weighted[str]]  # heads by the group in which they may be exchanged
    title_group: Mapping[str, str]  # group of each head in lower case
    shorts: Mapping[str, tuple[FullForm, ...]]  # full forms of each short one
    fulls: Mapping[str, str]  # short form of each full one in lower case
    dates: tuple[DateFormat, ...]


def read_lexicon(folder: Path) -> Lexicon:
    """The gazetteers of a folder; raises UserError that names the file, and the line, at fault."""
    middles, givens = (_rows(folder / name, ("name", "gender", "weight")) for name in _NAMED)
    titles = _rows(folder / "titles.tsv", ("head", "group", "weight"))
    forms = _rows(folder / "acronyms.tsv", ("short", "full", "kind"))
    bodies = _rows(folder / "bodies.tsv", ("pattern", "level"))
    groups = {group for _, group, _ in titles}
    named = ["văn phòng", *(full.lower() for _, full, kind in forms if kind == "body")]
    shorts: dict[str, tuple[FullForm, ...]] = {}
    for short, full, kind in forms:
        holds_body = any(body in full.lower() for body in named)
        shorts[short] = (*shorts.get(short, ()), FullForm(full, kind, holds_body))
    found = Lexicon(
        surnames=_tempered(_rows(folder / "surnames.tsv", ("name", "weight"))),
        middles={sex: _of_sex(middles, sex) for sex in (FEMALE, MALE)},
        givens={sex: _of_sex(givens, sex) for sex in (FEMALE, MALE)},
        places=_places(folder),
        bodies={level: tuple(p for p, of in bodies if of == level) for level in sorted({of for _, of in bodies})},
        titles={g: Weighted((head, float(w)) for head, of, w in titles if of == g) for g in sorted(groups)},
        title_group={head.lower(): group for head, group, _ in titles},
        shorts=shorts,
        fulls={full.lower(): short for short, full, _ in forms},
        dates=tuple(DateFormat(*row) for row in _rows(folder / "date_formats.tsv", ("kind", "format"))),
    )
    _check(found, folder)
    return found


def lexicon_hash(folder: Path) -> str:
    """SHA-256 over the gazetteers, so that a run is not gone on with others."""
    digest = sha256()
    for path in sorted(folder.glob("*.tsv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _check(lexicon: Lexicon, folder: Path) -> None:
    """Raise UserError for what could not be drawn from, or filled in."""
    for name, lists in (("middle_names.tsv", lexicon.middles), ("given_names.tsv", lexicon.givens)):
        if empty := [sex for sex, names in lists.items() if not names]:
            raise UserError(f'{folder / name}: no name of gender "{empty[0]}" or "any" with a weight above 0; add one.')
    if not lexicon.surnames:
        raise UserError(f"{folder / 'surnames.tsv'}: no weight is above 0; give one.")
    if empty_groups := [group for group, heads in lexicon.titles.items() if not heads]:
        raise UserError(f'{folder / "titles.tsv"}: no weight in group "{empty_groups[0]}" is above 0; give one.')
    slots = {slot for patterns in lexicon.bodies.values() for text in patterns for slot in _SLOT.findall(text)}
    if unknown := sorted(slots - set(SLOTS)):
        raise UserError(f"{folder / 'bodies.tsv'}: {{{unknown[0]}}} is no slot; known are {', '.join(SLOTS)}.")
    fields = {field for form in lexicon.dates for field in _SLOT.findall(form.pattern)}
    if unknown := sorted(fields - set(DATE_FIELDS)):
        raise UserError(f"{folder / 'date_formats.tsv'}: {{{unknown[0]}}} is no field of {', '.join(DATE_FIELDS)}.")
    for level, units in LEVELS.items():
        if level in lexicon.bodies and not any(unit in lexicon.places for unit in units):
            raise UserError(f"{folder}: bodies.tsv has level {level}, but no place is a {' or '.join(units)}; add one.")


_NAMED = ("middle_names.tsv", "given_names.tsv")


def _of_sex(rows: Sequence[tuple[str, ...]], sex: str) -> Weighted[str]:
    return _tempered((name, weight) for name, of, weight in rows if of in (sex, "any"))


def _tempered(rows: Iterable[tuple[str, ...]]) -> Weighted[str]:
    """By the root of the weight: common names are common, but the rare ones are what a model has yet to see."""
    return Weighted((name, float(weight) ** 0.5) for name, weight in rows)


def _places(folder: Path) -> dict[str, tuple[str, ...]]:
    rows = [(name, kind) for name, kind, *_ in _rows(folder / "provinces.tsv", ("name", "kind"))]
    for file in ("districts.tsv", "communes.tsv"):
        rows += [(name, kind) for name, kind, *_ in _rows(folder / file, ("name", "kind"))]
    found: dict[str, dict[str, None]] = {}
    for name, kind in rows:
        if not re.search(r"\d", name):  # "quận 1" has no name to exchange
            found.setdefault(kind, {})[name] = None
    return {kind: tuple(names) for kind, names in found.items()}


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The named columns of a tab-separated file with a header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
                raise UserError(f'{path}:1: no column "{missing[0]}"; its header must have {", ".join(columns)}.')
            rows = []
            for row in reader:
                values = tuple(row[column] or "" for column in columns)
                if not all(values) or (columns[-1] == "weight" and not _is_number(values[-1])):
                    raise UserError(f"{path}:{reader.line_num}: wants {', '.join(columns)}, tab-separated.")
                rows.append(values)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); set augment.lexicon to a folder of gazetteers."
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8; convert it.") from None
    if not rows:
        raise UserError(f"{path}: no row in it; give at least one.")
    return rows


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None
