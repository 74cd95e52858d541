"""Text as a terminal may show it: a report must not drive the reader's screen."""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KEPT = "\n\t"


def visible(text: str) -> str:
    """Control characters and those that turn the direction of writing become pictures; line ends and tabs stay."""
    return "".join(_picture(char) for char in text.replace("\r\n", "\n"))


def _picture(char: str) -> str:
    if char in _KEPT or not (char in _BIDI or unicodedata.category(char) == "Cc"):
        return char
    if char < " ":
        return chr(0x2400 + ord(char))
    return "␡" if char == "\x7f" else "\N{REPLACEMENT CHARACTER}"
