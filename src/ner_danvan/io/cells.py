"""Text in cells that a spreadsheet must not run: `=HYPERLINK(…)` in a report is text, no formula."""

from __future__ import annotations

import re

# what Excel, LibreOffice and Google Sheets may read as a formula; full-width signs too
_FORMULA = re.compile(r"[\s']*[=+\-@＝＋－＠]|'*[\t\r\n]")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might take the text for a formula."""
    return _FORMULA.match(text) is not None


def protected(text: str) -> str:
    """Text for CSV, with an apostrophe before what might be a formula: a spreadsheet then shows it as it is."""
    return f"'{text}" if is_formula(text) else text


def unprotected(text: str) -> str:
    """The inverse of `protected`, for programs that read such a CSV."""
    return text[1:] if text.startswith("'") and is_formula(text) else text
