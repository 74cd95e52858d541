from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import REPORTS, make_tagger

from ner_danvan.errors import UserError
from ner_danvan.reliability import soak
from ner_danvan.tagger import Tagger

VALUES: dict[str, Any] = {
    "model": {"path": None},
    "lengths": [5, 200, 2_000],
    "minutes": 1,
    "warmup": 0.2,
    "interval": 2,
    "backend": "int8",
    "workers": 0,
    "seed": 1,
}


def test_a_line_is_found_again_with_its_noise() -> None:
    hours = [i / 60 for i in range(120)]
    noise = [(-1) ** i for i in range(120)]
    found = soak.slope(hours, [100 + 3 * hour + one for hour, one in zip(hours, noise, strict=True)])
    assert found.per_hour == pytest.approx(3, abs=0.2)
    assert abs(found.per_hour - 3) < found.half_width < 1
    with pytest.raises(ValueError, match="three values"):
        soak.slope([0, 1], [0, 1])


def test_a_soak_reads_all_it_makes_and_keeps_what_it_saw(
    tmp_path: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("\n".join(REPORTS).format(n=3), encoding="utf-8")
    monkeypatch.setattr(Tagger, "from_pretrained", lambda *_, **__: make_tagger(vocabulary))
    ticks = itertools.count(0, 0.2)
    values = VALUES | {"minutes": 2, "data": {"path": str(tmp_path)}, "output": str(tmp_path / "out")}
    result = soak.run(values, clock=lambda: float(next(ticks)))
    saved = json.loads((tmp_path / "out" / "soak.json").read_text())
    assert len(saved["samples"]) == len(result.samples) > 10
    with pytest.raises(UserError, match="too few for a slope"):
        soak.run(values | {"minutes": 0.5}, clock=lambda: float(next(ticks)))
    assert result.documents > 40
    assert result.failures > result.documents / 10
    assert 0.5 < result.characters / (result.documents * 735) < 2
    assert (tmp_path / "out" / "soak.png").read_bytes().startswith(b"\x89PNG")


def test_a_soak_that_is_interrupted_keeps_what_it_saw(
    tmp_path: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("\n".join(REPORTS).format(n=3), encoding="utf-8")
    monkeypatch.setattr(Tagger, "from_pretrained", lambda *_, **__: make_tagger(vocabulary))
    values = VALUES | {"minutes": 60, "data": {"path": str(tmp_path)}, "output": str(tmp_path / "out")}
    for seconds, is_kept in ((10, False), (60, True)):
        ticks = itertools.count(0, 0.2)

        def clock(ticks: Iterator[float] = ticks, seconds: float = seconds) -> float:
            if (now := next(ticks)) > seconds:
                raise KeyboardInterrupt
            return now

        with pytest.raises(KeyboardInterrupt):
            soak.run(values, clock)
        assert (tmp_path / "out" / "soak.json").exists() == (tmp_path / "out" / "soak.png").exists() == is_kept
    assert json.loads((tmp_path / "out" / "soak.json").read_text())["samples"][-1]["seconds"] > 50


def test_too_short_a_soak_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than 5 samples"):
        soak.run(VALUES | {"minutes": 0.3})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"minutes": "x"}, r"minutes=x must be a number\."),
        ({"interval": 0}, r"interval=0 must be above 0\."),
        ({"seed": 1.5}, r"seed=1\.5 must be a whole number\."),
        ({"lengths": 5}, r"lengths=5 is no list; put it in brackets"),
        ({"lengths": [5, 0]}, r"lengths: 0 must be at least 1\."),
        ({"lengths": []}, r"lengths=\[\]: give one length or more\."),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_key(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        soak.run(VALUES | change)
