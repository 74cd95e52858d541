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


def written_pdf(drawn: str, pages: int = 1, **unicode: str) -> bytes:
    """A file that draws the same letters on each page; of some of them, what they stand for, in hexadecimal UTF-16."""
    content = f"BT /F 12 Tf 10 700 Td ({drawn}) Tj ET"
    pairs = " ".join(f"<{ord(letter):02X}> <{code}>" for letter, code in unicode.items())
    letters = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def "
        f"1 begincodespacerange <00> <FF> endcodespacerange {len(unicode)} beginbfchar {pairs} endbfchar "
        "endcmap end end"
    )
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{'3 0 R ' * pages}]>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        f"<</Type/Font/Subtype/Type1/BaseFont/Helvetica{'/ToUnicode 6 0 R' if unicode else ''}>>",
        f"<</Length {len(letters)}>>stream\n{letters}\nendstream",
    ]
    data = "%PDF-1.4\n"
    places = ["0000000000 65535 f \n"]
    for number, one in enumerate(objects, 1):
        places.append(f"{len(data):010} 00000 n \n")
        data += f"{number} 0 obj\n{one}\nendobj\n"
    end = f"trailer<</Size {len(places)}/Root 1 0 R>>\nstartxref\n{len(data)}\n%%EOF"
    return f"{data}xref\n0 {len(places)}\n{''.join(places)}{end}".encode()
