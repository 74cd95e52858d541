"""A soak: mixed documents for hours through readers, tagger and writer, and whether memory or speed drift."""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.io.readers import read_inputs
from ner_danvan.io.writers import FORMATS
from ner_danvan.model_dir import find_model
from ner_danvan.reliability.plots import draw_soak
from ner_danvan.reliability.watch import held_by
from ner_danvan.sections import number_of, whole_numbers
from ner_danvan.tagger import Tagger

RESULT_FILE, PLOT_FILE = "soak.json", "soak.png"
_LEAST_SAMPLES = 5  # after the warm-up, that a setting must leave room for
_FOR_A_SLOPE = 3
_DIGIT = re.compile("[0-9]")


@dataclass(frozen=True, slots=True)
class Sample:
    """After so many seconds: the most MB of its own, file handles, and characters a second, since the sample before."""

    seconds: float
    memory_mb: float
    handles: int
    speed: float


@dataclass(frozen=True, slots=True)
class Slope:
    """Change an hour, by least squares, and the half-width of its 95 % interval if deviations are independent."""

    per_hour: float
    half_width: float


@dataclass(frozen=True)
class Result:
    """What was read, the samples, and the slopes after the warm-up."""

    documents: int
    characters: int
    failures: int
    warmup_seconds: float
    memory: Slope
    handles: Slope
    speed_percent: Slope
    samples: list[Sample]


@dataclass
class _Seen:
    """What came so far. Failures are no list: it would grow, and be measured with the rest."""

    documents: int = 0
    characters: int = 0
    failures: int = 0
    samples: list[Sample] = field(default_factory=list)


def run(values: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> Result:
    """Soak as the resolved configuration says; writes `soak.json` and `soak.png` under `output`, interrupted too.

    Raises UserError for a value that cannot be, if the time is too short for the samples asked for, or the model or
    data are missing.
    """
    values = _checked(values)
    seconds, interval, warmup = 60 * values["minutes"], values["interval"], 60 * values["warmup"]
    if (seconds - warmup) / interval < _LEAST_SAMPLES:
        raise UserError(
            f"minutes={values['minutes']} less warmup={values['warmup']} leaves fewer than {_LEAST_SAMPLES} samples, "
            f"one in {interval} s; give more minutes, or a shorter interval."
        )
    model = find_model(values["model"]["path"])
    tagger = Tagger.from_pretrained(model, backend=values["backend"])
    gold = read_gold(Path(values["data"]["path"]), tagger.scheme.layer_of)
    texts = [document.text for document in gold]
    output = Path(values["output"])
    output.mkdir(parents=True, exist_ok=True)
    seen = _Seen()
    try:
        _soak(tagger, texts, values, seconds, clock, seen)
    except KeyboardInterrupt:
        if len(_behind(seen.samples, warmup)) >= _FOR_A_SLOPE:
            _write(_result(seen, warmup), output)
        raise
    if (count := len(_behind(seen.samples, warmup))) < _FOR_A_SLOPE:
        raise UserError(f"only {count} samples came behind the warm-up, too few for a slope; give more minutes.")
    result = _result(seen, warmup)
    _write(result, output)
    return result


def _behind(samples: Sequence[Sample], warmup: float) -> list[Sample]:
    return [sample for sample in samples if sample.seconds >= warmup]


def _result(seen: _Seen, warmup: float) -> Result:
    kept = _behind(seen.samples, warmup)
    hours = [sample.seconds / 3600 for sample in kept]
    mean_speed = float(np.mean([sample.speed for sample in kept]))
    return Result(
        seen.documents,
        seen.characters,
        seen.failures,
        warmup,
        slope(hours, [sample.memory_mb for sample in kept]),
        slope(hours, [sample.handles for sample in kept]),
        slope(hours, [100 * sample.speed / mean_speed for sample in kept]),
        seen.samples,
    )


def _write(result: Result, output: Path) -> None:
    (output / RESULT_FILE).write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    draw_soak(asdict(result), output / PLOT_FILE)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with numbers for numbers."""
    found = {key: number_of(key, values[key], float) for key in ("minutes", "warmup", "interval")}
    if found["interval"] <= 0:
        raise UserError(f"interval={values['interval']} must be above 0.")
    whole = {key: number_of(key, values[key], int) for key in ("workers", "seed")}
    lengths = whole_numbers("lengths", values["lengths"], 1)
    if not lengths:
        raise UserError("lengths=[]: give one length or more.")
    return {**values, **found, **whole, "lengths": lengths}


def slope(hours: Sequence[float], values: Sequence[float]) -> Slope:
    """The least-squares line through the values; raises ValueError for fewer than three."""
    if len(hours) < _FOR_A_SLOPE:
        raise ValueError(f"a slope needs three values, not {len(hours)}")
    x, y = np.asarray(hours, dtype=np.float64), np.asarray(values, dtype=np.float64)
    centred = x - x.mean()
    spread = float((centred**2).sum())
    per_hour = float((centred * y).sum() / spread)
    left = y - y.mean() - per_hour * centred
    error = float(np.sqrt((left**2).sum() / (len(x) - 2) / spread))
    return Slope(per_hour, 1.96 * error)


def _soak(
    tagger: Tagger,
    texts: Sequence[str],
    values: Mapping[str, Any],
    seconds: float,
    clock: Callable[[], float],
    seen: _Seen,
) -> None:
    since, most = 0, 0.0
    begin = before = clock()
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w", encoding="utf-8") as sink:
        inputs = _endless(texts, Path(folder), values, lambda: clock() - begin < seconds, seen)
        with FORMATS["jsonl"](sink, tagger.scheme) as write:
            for document in tagger.stream(inputs, workers=values["workers"]):
                write(document)
                seen.documents += 1
                seen.characters += len(document.text)
                since += len(document.text)
                held, now = held_by(), clock()
                most = max(most, held.own_mb)  # it goes up and down with the length of documents
                if now - before >= values["interval"] and now - begin <= seconds:  # behind the end inputs are closed
                    seen.samples.append(Sample(now - begin, most, held.handles, since / (now - before)))
                    since, before, most = 0, now, 0.0


def _endless(
    texts: Sequence[str],
    folder: Path,
    values: Mapping[str, Any],
    goes_on: Callable[[], bool],
    seen: _Seen,
) -> Iterator[Document]:
    """Rounds of files of mixed lengths, written anew and read as the command reads them; one in each is broken."""
    chance = random.Random(values["seed"])
    while goes_on():
        lines = [Document(str(i), text) for i, text in enumerate(_mixed(texts, values["lengths"], chance))]
        rows = [to_json_line(document) for document in lines[::2]]
        (folder / "rows.jsonl").write_text("\n".join([*rows, "{broken"]), encoding="utf-8")
        for number, document in enumerate(lines[1::2]):
            (folder / f"{number}.txt").write_text(document.text, encoding="utf-8", newline="")
        for item in read_inputs([str(folder)], lambda: None):
            if isinstance(item, Document):
                yield item
            else:
                seen.failures += 1
            if not goes_on():
                return


def _mixed(texts: Sequence[str], lengths: Sequence[int], chance: random.Random) -> Iterator[str]:
    """One text of each length in characters, in random order, cut out of reports one behind the other.

    Its figures are new each time, as those of reports are: what is kept of words seen is full within minutes. With the
    same words again and again it would fill up for hours, and look like a drift.
    """
    for length in chance.sample(list(lengths), len(lengths)):
        pieces = [chance.choice(texts)]
        while sum(map(len, pieces)) < length:
            pieces.append(chance.choice(texts))
        yield _DIGIT.sub(lambda _: chance.choice("0123456789"), "\n".join(pieces)[:length])
