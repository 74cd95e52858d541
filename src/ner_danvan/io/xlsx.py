"""An Excel workbook: the sheets spans, people and tasks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, TextIO

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.cells import is_formula
from ner_danvan.io.tables import TABLES, Cell, Table
from ner_danvan.io.terminal import visible

if TYPE_CHECKING:
    from ner_danvan.io.writers import Writer

ROWS = 1_048_576  # of a sheet, the headings included
UNITS = 32_767  # UTF-16 code units of a cell

_IN_MEMORY = 16 * 2**20  # bytes of a workbook; a larger one goes to a temporary file
_WIDTHS = {"label": 12, "score": 8, "times": 8, "text": 60, "task": 70, "start": 9, "end": 9}
_WIDTH = 26  # of the other columns, in characters
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


@contextmanager
def xlsx_writer(stream: TextIO, labels: Sequence[str]) -> Iterator[Writer]:
    """Writes to the bytes beneath the stream, when the block ends; raises UserError without openpyxl.

    Rows wait in temporary files, not in memory. A sheet that is full goes on in the next, "spans 2"; a text longer than
    a cell may be ends in "…", and its offsets still say the whole.
    """
    try:
        from openpyxl import Workbook  # late: an extra, and most runs write another format
    except ImportError:
        raise UserError("--format xlsx needs openpyxl; install it with:  pip install 'ner-danvan[xlsx]'") from None
    book = Workbook(write_only=True)
    sheets = [_Sheet(book, table) for table in TABLES.values()]

    def write(document: Document) -> None:
        for sheet in sheets:
            for row in sheet.table.rows(document):
                sheet.add(row)

    try:
        yield write
    except BaseException:
        for unfinished in book.worksheets:  # else each complains on stderr when it is thrown away
            unfinished.close()
        raise
    for sheet in sheets:
        sheet.end()
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as whole:  # a ZIP is gone back in, which not every stream lets
        book.save(whole)
        whole.seek(0)
        shutil.copyfileobj(whole, stream.buffer)


class _Sheet:
    """A table's sheet, and the next one where it is full."""

    def __init__(self, book: Any, table: Table) -> None:
        self.table = table
        self._book = book
        self._number = 0
        self._begin()

    def add(self, row: Sequence[Cell]) -> None:
        if self._rows == ROWS:
            self.end()
            self._begin()
        self._sheet.append([self._cell(value) for value in row])
        self._rows += 1

    def end(self) -> None:
        """Let the headings filter what stands below them."""
        last = chr(ord("A") + len(self.table.headings) - 1)
        self._sheet.auto_filter.ref = f"A1:{last}{self._rows}"

    def _begin(self) -> None:
        from openpyxl.styles import Font

        self._number += 1
        self._rows = 1
        name = self.table.name if self._number == 1 else f"{self.table.name} {self._number}"
        self._sheet = self._book.create_sheet(name)
        self._sheet.freeze_panes = "A2"
        cells = []
        for number, heading in enumerate(self.table.headings):
            self._sheet.column_dimensions[chr(ord("A") + number)].width = _WIDTHS.get(heading, _WIDTH)
            cells.append(self._cell(heading))
            cells[-1].font = Font(bold=True)
        self._sheet.append(cells)

    def _cell(self, value: Cell) -> Any:
        if not isinstance(value, str):
            return value
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(self._sheet, cell_text(value))
        cell.data_type = "s"  # openpyxl would take "=1+1" for a formula, "#N/A" for an error
        if is_formula(value):
            cell.quotePrefix = True  # nor may it become one when somebody edits the cell
        return cell


def cell_text(text: str) -> str:
    """The text as a cell can hold it.

    Line ends are Excel's, control characters and halves of surrogate pairs become pictures, what looks like Excel's
    own escape (`_x000D_`) is escaped, and what goes past 32,767 UTF-16 code units is cut, "…" at its end.
    """
    text = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ESCAPE.sub("_x005F_", _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
    units = text.encode("utf-16-le")
    if len(units) <= 2 * UNITS:
        return text
    return units[: 2 * (UNITS - 1)].decode("utf-16-le", errors="ignore") + "…"
