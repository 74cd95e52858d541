"""What a file may take of time and memory: limits with safe defaults, which whoever trusts a file may raise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace

from ner_danvan.errors import UserError

# what Python's readers of lines and of CSV can be told, on every system
_MOST, _MOST_OF = 2**62, {"cell": 2**31 - 1}
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class Limits:
    """Each is the most that is still read; sizes are bytes, but `cell` is characters.

    `file`: of one that is read as a whole (text, DOCX, PDF, HTML, mail), and of a line of JSONL or CSV; tables and
    archives are not. `members`: in an archive, a DOCX or an XLSX. `unpacked`: all of them together. `part`: one of a
    DOCX or XLSX. `ratio`: unpacked to packed, of a member or a row group of Parquet of more than a mebibyte, and of
    the rows of Parquet together; text comes to 5, XML to 40. `cell`: of a CSV, where an unclosed quote would otherwise
    take the rest of the file, or a Parquet. `rows`: of a sheet of an XLSX, where a file may name a row a thousand
    million.
    `pages`, `characters`: of a PDF, which may draw a page again and again.
    """

    file: int = 2**30
    members: int = 10_000
    unpacked: int = 2 * 2**30
    part: int = 256 * 2**20
    ratio: int = 200
    cell: int = 16 * 2**20
    rows: int = 1_048_576
    pages: int = 10_000
    characters: int = 32 * 2**20


SAFE = Limits()


def told_limits(limits: Limits) -> str:
    """Those that are not the defaults, as somebody would set them."""
    changed = {name: value for name, value in asdict(limits).items() if value != getattr(SAFE, name)}
    return " ".join(f"{name}={value}" for name, value in changed.items()) or "the defaults"


def parse_limits(settings: Iterable[str]) -> Limits:
    """The defaults but for settings such as "file=4G" or "members=50000"; raises UserError.

    K, M and G stand for 2^10, 2^20 and 2^30.
    """
    names = [field.name for field in fields(Limits)]
    limits = SAFE
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in names:
            raise UserError(f'--limit "{setting}": there is no limit of that name; give NAME=N of {", ".join(names)}.')
        found = re.fullmatch(r"([0-9]{1,15})([KMG]?)", value.strip().upper())
        if found is None or not int(found[1]):
            raise UserError(f'--limit "{setting}": is no size; give a number above 0, as {name}=5000 or {name}=4M.')
        size, most = int(found[1]) * _UNITS[found[2]], _MOST_OF.get(name, _MOST)
        if size > most:
            raise UserError(f'--limit "{setting}": is more than can be; give {name}={most} or less.')
        limits = replace(limits, **{name: size})
    return limits
