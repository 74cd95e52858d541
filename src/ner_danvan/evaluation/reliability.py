"""The reliability diagram of the model card: the share of right spans against their score, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

DIAGRAM_FILE = "reliability.svg"

_SIDE, _MARGIN, _KEY = 320, 48, 150  # of the square, around it, and for the names beside it; in pixels
_COLOURS = ("#3b6ea5", "#e08e2c", "#5a9e5a", "#a34a6b")


def reliability_diagram(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """A line a set, a dot a bin, its area by the number of spans; the diagonal is perfect calibration.

    `evaluations` are rows of `metrics.json` with a `calibration`. Bins without spans are left out.
    """
    width, height = _SIDE + 2 * _MARGIN + _KEY, _SIDE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_axes(),
    ]
    for number, row in enumerate(evaluations):
        colour = _COLOURS[number % len(_COLOURS)]
        bins = [found for found in row["calibration"]["bins"] if found["spans"]]
        points = " ".join(f"{_x(found['score']):.1f},{_y(found['right']):.1f}" for found in bins)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        most = max((found["spans"] for found in bins), default=1)
        parts += [
            f'<circle cx="{_x(found["score"]):.1f}" cy="{_y(found["right"]):.1f}" '
            f'r="{2 + 7 * (found["spans"] / most) ** 0.5:.1f}" fill="{colour}" fill-opacity="0.7">'
            f"<title>{found['spans']} spans</title></circle>"
            for found in bins
        ]
        top = _MARGIN + 14 + 20 * number
        parts.append(f'<rect x="{_MARGIN + _SIDE + 16}" y="{top - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{_MARGIN + _SIDE + 34}" y="{top}">{escape(str(row["name"]))}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes() -> list[str]:
    lines = [
        f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>',
        f'<line x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}" '
        f'stroke="#999" stroke-dasharray="4 4"/>',
        f'<text x="{_MARGIN + _SIDE / 2}" y="{_MARGIN + _SIDE + 40}" text-anchor="middle">score of the span</text>',
        f'<text x="{_MARGIN}" y="{_MARGIN - 14}">share of spans that are right</text>',
    ]
    for tenths in range(0, 11, 2):
        value = tenths / 10
        lines.append(f'<text x="{_x(value):.1f}" y="{_MARGIN + _SIDE + 18}" text-anchor="middle">{value:g}</text>')
        lines.append(f'<text x="{_MARGIN - 8}" y="{_y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    return lines


def _x(value: float) -> float:
    return _MARGIN + _SIDE * value


def _y(value: float) -> float:
    return _MARGIN + _SIDE * (1 - value)
