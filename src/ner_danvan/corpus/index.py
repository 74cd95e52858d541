"""The index of the reports: genre, level, region, year and style of each, sorted into groups."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ner_danvan.corpus.reports import Report
from ner_danvan.document import read_text
from ner_danvan.errors import UserError
from ner_danvan.text.normalize import new_style_tones

COLUMNS = ("report", "genre", "level", "region", "year", "style")
GROUPED = ("genre", "level", "region")

Groups = Mapping[str, Mapping[str, Sequence[str]]]  # column -> group -> words that tell it

_MARK = re.compile(r"[^\w\s]")
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True)
class Row:
    """A line of the index, counted from 1, by column."""

    line: int
    cells: Mapping[str, str]


def read_index(path: Path) -> dict[str, Row]:
    """Rows by report; raises UserError with the line of one that has not COLUMNS, or names a report twice."""
    lines = read_text(path).splitlines()
    if not lines or tuple(lines[0].split("\t")) != COLUMNS:
        raise UserError(f"{path}:1: the columns must be {', '.join(COLUMNS)}, with tabs between them.")
    rows: dict[str, Row] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            raise UserError(f"{path}:{number}: {len(cells)} cells, {len(COLUMNS)} are wanted; put tabs between them.")
        if cells[0] in rows:
            raise UserError(f"{path}:{number}: {cells[0]} stands in line {rows[cells[0]].line} too; take one out.")
        rows[cells[0]] = Row(number, dict(zip(COLUMNS, cells, strict=True)))
    return rows


def with_meta(reports: Sequence[Report], path: Path, groups: Groups) -> tuple[list[Report], list[str]]:
    """The reports with what the index says of them in `document.meta`, and the faults found in it, a line each.

    `genre`, `level` and `region` become their groups, `place` is the region as it was written, `year` a number.
    """
    rows = read_index(path)
    found: list[Report] = []
    faults: list[str] = []
    for report in reports:
        row = rows.get(report.path.stem)
        if row is None:
            faults.append(f"{report.path}:1: not in {path}; add a line there, or say index=null to do without.")
            continue
        try:
            meta = _meta(row, groups)
        except UserError as error:
            faults.append(f"{path}:{row.line}: {error}")
            continue
        found.append(replace(report, document=replace(report.document, meta=meta)))
    return found, faults


def report_groups(path: Path, column: str, groups: Groups, names: Collection[str]) -> dict[str, str]:
    """The group, by one column of the index, of those of the named reports that stand in it.

    Raises UserError for a column that the index lacks, and with the line of a value that is in no group.
    """
    if column not in COLUMNS[1:]:
        raise UserError(f'the index has no column "{column}"; name one of {", ".join(COLUMNS[1:])}.')
    found = {}
    for name, row in read_index(path).items():
        if name in names:
            try:
                found[name] = find_group(column, row.cells[column], groups)
            except UserError as error:
                raise UserError(f"{path}:{row.line}: {error}") from None
    return found


def _meta(row: Row, groups: Groups) -> dict[str, Any]:
    year = _YEAR.match(row.cells["year"])
    if not year:
        raise UserError(f'year "{row.cells["year"]}" does not begin with four figures; write it so.')
    grouped = {column: find_group(column, row.cells[column], groups) for column in GROUPED}
    return {**grouped, "place": row.cells["region"], "year": int(year.group()), "style": row.cells["style"]}


def find_group(column: str, value: str, groups: Groups) -> str:
    """The group whose words stand first in the value, of two the longer; the value itself without groups.

    The value is read part by part, from mark to mark. Letter case and tone style are no difference, nor are accents
    in a part that has none (`tin_hoi_nghi`). Raises UserError where no group's words stand in the value.
    """
    if not groups.get(column):
        return value
    places = [
        (number, place, -len(plain), group)
        for number, part in enumerate(_MARK.split(value))
        for group, words in groups[column].items()
        for plain in (_plain(each, accents=not part.isascii()) for each in words)
        if (place := _plain(part, accents=True).find(plain)) >= 0
    ]
    if not places:
        raise UserError(f'{column} "{value}" is in no group; add words of it to groups.{column}.')
    return min(places)[-1]


def _plain(text: str, *, accents: bool) -> str:
    """Words in lower case and new-style tone marks, or without accents, a space on each side of every word."""
    text = new_style_tones(unicodedata.normalize("NFC", text.lower()))
    if not accents:
        decomposed = unicodedata.normalize("NFD", text.replace("đ", "d"))
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    return f" {' '.join(text.replace('_', ' ').split())} "
