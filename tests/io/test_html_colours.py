"""Contrast (WCAG 2.2) and colour blindness, computed from the colours that the page ships."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

CSS = files("ner_danvan.io.html").joinpath("assets", "colours.css").read_text(encoding="utf-8")
LIGHT, DARK, DARK_BY_HAND = (
    dict(re.findall(r"(--[\w-]+): (#\w{6})", block)) for block in re.findall(r":root[^{]*\{([^}]*--ink[^}]*)\}", CSS)
)
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
FILLS = [f"--fill-{i}" for i in range(8)]
LINES = [f"--line-{i}" for i in range(8)]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour: str) -> npt.NDArray[np.float64]:
    """Linear RGB, `[3]`, of "#rrggbb"."""
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIE L*a*b*, D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@THEMES
def test_text_is_readable_on_every_ground(theme: dict[str, str]) -> None:
    assert min(contrast(theme["--ink"], theme[ground]) for ground in ("--page", "--paper", *FILLS)) >= 7
    assert contrast(theme["--ink"], theme["--hit"]) >= 4.5
    assert contrast(theme["--hit-ink"], theme["--hit-now"]) >= 4.5
    for ground in ("--page", "--paper"):
        assert contrast(theme["--quiet"], theme[ground]) >= 4.5
        assert contrast(theme["--accent"], theme[ground]) >= 4.5


@THEMES
def test_lines_controls_and_focus_can_be_seen(theme: dict[str, str]) -> None:
    assert min(contrast(theme[line], theme["--paper"]) for line in LINES) >= 4.5  # label names stand on them
    assert min(contrast(theme[line], theme[fill]) for line, fill in zip(LINES, FILLS, strict=True)) >= 3
    for ground in ("--page", "--paper"):
        assert contrast(theme["--edge"], theme[ground]) >= 3


@THEMES
@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_first_labels_differ_for_colour_blind_people(theme: dict[str, str], kind: str) -> None:
    seen = [lab(BLINDNESS[kind] @ linear(theme[line])) for line in LINES[:5]]
    assert (
        min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) >= 18
    )  # in delta E 1976; about 2 can just be seen


def test_dark_by_hand_is_dark_by_system() -> None:
    assert DARK == DARK_BY_HAND
    assert DARK.keys() == LIGHT.keys()


def test_no_colour_stands_anywhere_else() -> None:
    assets = files("ner_danvan.io.html").joinpath("assets")
    for name in ("page.css", "text.css", "media.css"):
        assert re.findall(r":[^;\n]*#[0-9a-fA-F]{3,8}\b", assets.joinpath(name).read_text(encoding="utf-8")) == []
