"""The benchmark: every way over the same documents in one run, and what the figures consist of."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ner_danvan.backends.choice import open_backend
from ner_danvan.benchmark.measure import (
    STAGES,
    cold_start,
    command_memory,
    installed_bytes,
    matrix_peak,
    paired_rounds,
    ratio,
    share_of_peak,
    time_stages,
)
from ner_danvan.benchmark.models import Size, size_of, write_random_model
from ner_danvan.benchmark.plots import draw
from ner_danvan.benchmark.ways import Way, our_way, plain_way, underthesea_ner
from ner_danvan.corpus.reports import read_gold
from ner_danvan.errors import UserError
from ner_danvan.model_dir import find_model, read_model_dir
from ner_danvan.sections import fill, number_of, whole_numbers
from ner_danvan.text.subwords import VOCAB_FILE

log = logging.getLogger(__name__)

PLAIN, NER, NER_SENTENCES = "plain, base", "underthesea.ner", "underthesea.ner, by sentence"
RESULT_FILE, PLOT_FILE = "benchmark.json", "benchmark.png"
_BACKENDS = ("torch", "onnx", "int8", "bf16")
_RANGE_TEXTS = 8
_LEAST = {"characters": 1, "documents": 1, "workers": 0}  # of what is made to grow


@dataclass(frozen=True)
class Result:
    """What was measured, as plain data, and where it lies."""

    values: dict[str, Any]
    folder: Path


def run(values: Mapping[str, Any]) -> Result:
    """Run as the resolved configuration says; writes `benchmark.json` and `benchmark.png` under `output`.

    Raises UserError for a value that cannot be, if there are too few documents, or if the model is missing.
    """
    wanted = number_of("data.documents", values["data"]["documents"], int)
    parts = number_of("rounds", values["rounds"], int)
    if not 1 <= parts <= wanted:
        raise UserError(f"rounds={parts} must be at least 1 and at most data.documents={wanted}.")
    size = fill(Size, "base.size", values["base"]["size"])
    growth = {key: whole_numbers(f"growth.{key}", values["growth"][key], least) for key, least in _LEAST.items()}
    default = find_model(values["model"]["path"])
    texts = _texts(Path(values["data"]["path"]), default, wanted)
    rounds = [texts[number::parts] for number in range(parts)]
    output = Path(values["output"])
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        vocabulary = _vocabulary(values["base"]["vocabulary"], default)
        base = write_random_model(Path(work) / "base", size, vocabulary, default, texts[:_RANGE_TEXTS])
        backends = _backends(default)
        log.info("end to end: %d documents in %d rounds", len(texts), len(rounds))
        speeds = paired_rounds(_ways(base, default, backends), rounds)
        found: dict[str, Any] = {
            "documents": len(texts),
            "characters": sum(map(len, texts)),
            "rounds": len(rounds),
            "characters_per_second": speeds,
            "ratios": _ratios(speeds),
        }
        log.info("each stage by itself")
        peak = matrix_peak()
        found["matrix_peak_gflops"] = peak / 1e9
        found["stages"] = {
            f"{name}, {backend}": _stages(folder, backend, rounds, peak)
            for name, folder in (("base", base), ("default", default))
            for backend in backends[1:]  # torch spreads a stage over all cores
        }
        log.info("memory, start and size")
        found["peak_memory_mb"] = {
            f"{name}, {backend}": command_memory(folder, backend, rounds[0], Path(work))
            for name, folder in (("base", base), ("default", default))
            for backend in backends
        }
        command, nothing = cold_start(values["python"] or sys.executable)
        found["cold_start_seconds"] = {"command": command, "python -c pass": nothing, "more": command - nothing}
        sizes = installed_bytes()
        found["installed_mb"] = {"total": sum(sizes.values()) / 1e6, **{k: v / 1e6 for k, v in sizes.items()}}
        log.info("how the cost grows")
        found["growth"] = _growth(default, texts, growth)
    (output / RESULT_FILE).write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    draw(found, output / PLOT_FILE)
    return Result(found, output)


def _texts(path: Path, model: Path, count: int) -> list[str]:
    documents = read_gold(path, read_model_dir(model).settings.scheme.layer_of)
    if len(documents) < count:
        raise UserError(f"{path}: {len(documents)} documents, data.documents={count}; give more, or ask for fewer.")
    return [document.text for document in documents[:count]]


def _vocabulary(path: str | None, default: Path) -> Path:
    """The real one where it is, else the default model's: smaller, so with less memory and as fast."""
    if path is None or not (Path(path) / VOCAB_FILE).is_file():
        log.info("the base model gets the default model's vocabulary: no %s in %s", VOCAB_FILE, path)
        return default
    return Path(path)


def _backends(model: Path) -> tuple[str, ...]:
    """All of them, but bf16 only where it runs."""
    try:
        open_backend(model, "bf16", "cpu")
    except UserError as error:
        log.info("without bf16: %s", error)
        return tuple(name for name in _BACKENDS if name != "bf16")
    return _BACKENDS


def _ways(base: Path, default: Path, backends: Sequence[str]) -> dict[str, Way]:
    window = read_model_dir(default).settings.inputs.window.subwords
    ours = {
        f"{name}, {backend}": our_way(folder, backend)
        for name, folder in (("base", base), ("default", default))
        for backend in backends
    }
    return {
        PLAIN: plain_way(base, window),
        NER: underthesea_ner(by_sentence=False),
        NER_SENTENCES: underthesea_ner(by_sentence=True),
        **ours,
    }


def _ratios(speeds: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Of each of our ways to each of the others, medians over rounds."""
    others = (PLAIN, NER, NER_SENTENCES)
    return {name: {other: ratio(speeds, name, other) for other in others} for name in speeds if name not in others}


def _stages(folder: Path, backend: str, rounds: Sequence[Sequence[str]], peak: float) -> dict[str, Any]:
    """Shares of the time, of the peak and of the subwords, medians over rounds, and what each round took."""
    measured, size = time_stages(folder, backend, rounds), size_of(folder)
    shares = {name: median(getattr(one, name) / one.total for one in measured) for name in STAGES}
    return shares | {
        "share_of_fp32_peak": median(share_of_peak(one, size, peak) for one in measured),
        "padding": median(one.padded / one.subwords - 1 for one in measured),
        "neither_encoder_nor_segmenter": median((one.tokenise + one.decode) / one.total for one in measured),
        "rounds": [asdict(one) for one in measured],
    }


def _growth(model: Path, texts: Sequence[str], values: Mapping[str, Sequence[int]]) -> dict[str, list[list[float]]]:
    """Pairs of a size and characters a second: documents of some length, so many documents, so many workers."""
    whole = "\n".join(texts)
    found: dict[str, list[list[float]]] = {"characters": [], "documents": [], "workers": []}
    for length in values["characters"]:
        parts = [whole[i : i + length] for i in range(0, min(len(whole), max(100_000, length)), length)]
        found["characters"].append([length, _speed(our_way(model, "onnx"), parts)])
    for count in values["documents"]:
        many = [texts[i % len(texts)] for i in range(count)]
        found["documents"].append([count, _speed(our_way(model, "onnx"), many)])
    for workers in values["workers"]:
        found["workers"].append([workers, _speed(our_way(model, "onnx", workers=workers), texts)])
    return found


def _speed(way: Way, texts: Sequence[str]) -> float:
    return median(paired_rounds({"": way}, [texts] * 3)[""])
