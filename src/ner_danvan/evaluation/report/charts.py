"""Charts as SVG, readable on their own and, with the page's style, on a dark ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ner_danvan.evaluation.report.history import Curve, History

# Okabe and Ito: told apart without seeing colours; the names beside them say the rest
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#8d6cab")

_ROW, _BAR, _NAMES, _WIDTH = 28, 18, 110, 520  # pixels
_PANEL, _HEIGHT, _MARGIN, _KEY = 330, 220, 44, 110


def stacked_bars(rows: Mapping[str, Mapping[str, int]], parts: Sequence[str]) -> str:
    """A bar a row, cut into its parts, and the parts' names above; the longest row is as wide as the chart."""
    most = max((sum(row.values()) for row in rows.values()), default=0) or 1
    named = [part for part in parts if any(row.get(part) for row in rows.values())]
    key_rows = -(-len(named) // 4)
    top = 8 + 20 * key_rows
    elements = []
    for number, part in enumerate(named):
        left, line = _NAMES + 150 * (number % 4), 14 + 20 * (number // 4)
        elements.append(f'<rect x="{left}" y="{line - 10}" width="12" height="12" fill="{_colour(parts, part)}"/>')
        elements.append(f'<text x="{left + 17}" y="{line}">{escape(part)}</text>')
    for number, (name, row) in enumerate(rows.items()):
        y, x = top + _ROW * number, float(_NAMES)
        elements.append(f'<text x="{_NAMES - 8}" y="{y + _BAR - 4}" text-anchor="end">{escape(name)}</text>')
        for part in named:
            if not row.get(part):
                continue
            width = _WIDTH * row[part] / most
            elements.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{_colour(parts, part)}">'
                f"<title>{escape(name)}: {row[part]} {escape(part)}</title></rect>"
            )
            x += width
        elements.append(f'<text x="{x + 6:.1f}" y="{y + _BAR - 4}">{sum(row.values())}</text>')
    return _svg(_NAMES + max(_WIDTH, 600) + 60, top + _ROW * len(rows) + 8, elements)


def learning_curve(history: History) -> str:
    """Dev F1 by epoch, micro and by label, and beside it the losses in training and on dev."""
    scores = {("micro" if name == "f1" else name): curve for name, curve in history.scores.items()}
    losses = {name: curve for name, curve in (("training", history.loss), ("dev", history.dev_loss)) if curve}
    elements = _panel("strict F1 on dev", scores, 0, top=1.0)
    elements += _panel("loss", losses, _PANEL + 2 * _MARGIN + _KEY, top=None)
    return _svg(2 * (_PANEL + 2 * _MARGIN + _KEY), _HEIGHT + 2 * _MARGIN, elements)


def _panel(title: str, curves: Mapping[str, Curve], left: int, top: float | None) -> list[str]:
    points = [point for curve in curves.values() for point in curve]
    last = max((epoch for epoch, _ in points), default=1.0) or 1.0
    high = top or 1.05 * max((value for _, value in points), default=1.0) or 1.0

    def x(epoch: float) -> float:
        return left + _MARGIN + _PANEL * epoch / last

    def y(value: float) -> float:
        return _MARGIN + _HEIGHT * (1 - value / high)

    elements = [
        f'<text x="{left + _MARGIN}" y="{_MARGIN - 14}">{escape(title)}</text>',
        f'<rect x="{left + _MARGIN}" y="{_MARGIN}" width="{_PANEL}" height="{_HEIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{left + _MARGIN + _PANEL / 2}" y="{_MARGIN + _HEIGHT + 36}" text-anchor="middle">epoch</text>',
    ]
    for fifth in range(6):
        value, epoch = high * fifth / 5, last * fifth / 5
        elements.append(f'<text x="{left + _MARGIN - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2g}</text>')
        elements.append(
            f'<text x="{x(epoch):.1f}" y="{_MARGIN + _HEIGHT + 18}" text-anchor="middle">{epoch:.3g}</text>'
        )
    for number, (name, curve) in enumerate(curves.items()):
        colour, line = COLOURS[number % len(COLOURS)], _MARGIN + 12 + 20 * number
        path = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in curve)
        thick = 2.5 if name == "micro" else 1.5
        elements.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        elements += [
            f'<circle cx="{x(epoch):.1f}" cy="{y(value):.1f}" r="2.5" fill="{colour}">'
            f"<title>{escape(name)}, epoch {epoch:g}: {value:.4f}</title></circle>"
            for epoch, value in curve
        ]
        place = left + _MARGIN + _PANEL + 14
        elements.append(f'<rect x="{place}" y="{line - 10}" width="12" height="12" fill="{colour}"/>')
        elements.append(f'<text x="{place + 17}" y="{line}">{escape(name)}</text>')
    return elements


def _colour(parts: Sequence[str], part: str) -> str:
    return COLOURS[parts.index(part) % len(COLOURS)]


def _svg(width: int, height: int, elements: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *elements, "</svg>"]) + "\n"
