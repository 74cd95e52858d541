"""CSV for spreadsheets: one row a span."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ner_danvan.document import Document
from ner_danvan.io.cells import protected
from ner_danvan.io.tables import SPANS

if TYPE_CHECKING:
    from ner_danvan.io.writers import Writer

_BOM = "\ufeff"  # without it Excel reads UTF-8 as the machine's old code page: "Äá»“ng chÃ­"


@contextmanager
def csv_writer(stream: TextIO, labels: Sequence[str]) -> Iterator[Writer]:
    """RFC 4180 in UTF-8 with a byte-order mark; `cells.protected` keeps text from becoming a formula.

    Read it back with `encoding="utf-8-sig"` and `cells.unprotected`. A document without spans has no row.
    """
    stream.write(_BOM)
    rows = csv.writer(stream, quoting=csv.QUOTE_MINIMAL)
    rows.writerow(SPANS.headings)

    def write(document: Document) -> None:
        for row in SPANS.rows(document):
            rows.writerow([protected(cell) if isinstance(cell, str) else cell for cell in row])

    yield write
