"""PDFs as programs print them, with a font that has Vietnamese letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def new_pdf(header: str = "", footer: str = "", **options: Any) -> Any:
    """An empty A4 file; `header` and `footer` stand on each page, {page} in them is its number."""
    fpdf = pytest.importorskip("fpdf")
    matplotlib = pytest.importorskip("matplotlib")

    class Printed(fpdf.FPDF):  # type: ignore[misc, name-defined]
        def header(self) -> None:
            if header:
                self.cell(0, 8, header.format(page=self.page_no()), align="C", new_x="LMARGIN", new_y="NEXT")

        def footer(self) -> None:
            if footer:
                self.set_y(-15)
                self.cell(0, 8, footer.format(page=self.page_no()), align="C")

    file = Printed(**options)
    file.add_font("serif", "", Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSerif.ttf"))
    file.set_font("serif", size=12)
    file.set_auto_page_break(True, 25)
    file.add_page()
    return file


def add(file: Any, lines: Sequence[str], align: str = "J", space: float = 0, indent: int = 0) -> None:
    """Paragraphs; behind each `space` mm, before its first line `indent` spaces."""
    for line in lines:
        file.multi_cell(0, 7, "\u00a0" * indent + line, align=align, new_x="LMARGIN", new_y="NEXT")
        if space:
            file.ln(space)


def print_pdf(path: Path, lines: Sequence[str], header: str = "", footer: str = "", **how: Any) -> Path:
    file = new_pdf(header, footer)
    add(file, lines, **how)
    file.output(str(path))
    return path
