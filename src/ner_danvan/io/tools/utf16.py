"""Offsets in code points, as ours, and in UTF-16 units, as tools written in Java and JavaScript count them."""

from __future__ import annotations

from bisect import bisect_left

from ner_danvan.errors import UserError


class Utf16:
    """One text's offsets in both ways of counting: a character above U+FFFF is one code point and two units."""

    def __init__(self, text: str) -> None:
        self._points = [] if text.isascii() else [i for i, char in enumerate(text) if char > "\uffff"]
        self._units = [point + number for number, point in enumerate(self._points)]

    def units(self, points: int) -> int:
        """UTF-16 units before a code point."""
        return points + bisect_left(self._points, points)

    def points(self, units: int, place: str) -> int:
        """Code points before a UTF-16 unit; raises UserError with the place if it falls inside a character."""
        points = units - bisect_left(self._units, units)
        if self.units(points) != units:
            raise UserError(
                f"{place}: offset {units} falls inside the character {points}, counted in UTF-16 units; "
                "are the offsets code points?"
            )
        return points
