"""Seconds and bytes: paired rounds, each stage by itself, the machine's own peak, memory and start of the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

import numpy as np
from packaging.requirements import Requirement

from ner_danvan.backends.base import Backend, pad_batch
from ner_danvan.backends.choice import open_backend
from ner_danvan.benchmark.models import Size
from ner_danvan.benchmark.ways import Way
from ner_danvan.decode import decode
from ner_danvan.model_dir import ModelFiles, read_model_dir
from ner_danvan.pipeline import batches
from ner_danvan.text.inputs import stitch_documents, tokenise
from ner_danvan.text.segment import SEGMENTERS
from ner_danvan.text.subwords import PAD_ID

_LEAST_SECONDS = 1.5  # a way that is done sooner reads the same again, so that its time can be trusted
_START_ROUNDS = 7
STAGES = ("segment", "tokenise", "encode", "decode")
# a process of its own between us and the command: a child counts what its parent held when it was made
_PEAK_MEMORY = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "ner_danvan.predict", *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def paired_rounds(ways: Mapping[str, Way], rounds: Sequence[Sequence[str]]) -> dict[str, list[float]]:
    """Characters a second of each way in each round; in a round all ways read the same texts, one after the other."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(rounds[0][:1])  # what happens once, happens before
    for texts in rounds:
        characters = sum(len(text) for text in texts)
        for name, way in ways.items():
            speeds[name].append(characters / _seconds(way, texts))
    return speeds


def ratio(speeds: Mapping[str, Sequence[float]], name: str, to: str) -> float:
    """The median over rounds of how many times as fast one way is as another."""
    return median(a / b for a, b in zip(speeds[name], speeds[to], strict=True))


def _seconds(way: Way, texts: Sequence[str]) -> float:
    times = 0
    begin = time.perf_counter()
    while True:
        way(texts)
        times += 1
        if (passed := time.perf_counter() - begin) >= _LEAST_SECONDS:
            return passed / times


@dataclass(frozen=True)
class Stages:
    """Seconds of each stage over the same texts, on one core; subwords read, padding included and not."""

    segment: float
    tokenise: float
    encode: float
    decode: float
    subwords: int
    padded: int
    windows: int

    @property
    def total(self) -> float:
        return self.segment + self.tokenise + self.encode + self.decode


def time_stages(folder: Path, backend: str, rounds: Sequence[Sequence[str]]) -> list[Stages]:
    """Each stage by itself, one after the other, over the texts of each round."""
    files = read_model_dir(folder)
    model = open_backend(folder, backend, "cpu")
    _stages(files, model, rounds[0][:2])  # what happens once, happens before
    return [_stages(files, model, texts) for texts in rounds]


def _stages(files: ModelFiles, model: Backend, texts: Sequence[str]) -> Stages:
    settings = files.settings
    begin = time.perf_counter()
    words = [SEGMENTERS[settings.inputs.segmenter](text, files.split_words) for text in texts]
    segmented = time.perf_counter() - begin
    begin = time.perf_counter()
    inputs = [tokenise(*pair, files.subwords, settings.inputs) for pair in zip(texts, words, strict=True)]
    tokenised = time.perf_counter() - begin
    rows = [ids for one in inputs for ids in one.ids]
    chosen = list(batches([len(row) for row in rows], model.batch_tokens))
    padded = [pad_batch([rows[i] for i in batch], PAD_ID, model.length_multiple) for batch in chosen]
    begin = time.perf_counter()
    outputs = [model(ids, mask) for ids, mask in padded]
    encoded = time.perf_counter() - begin
    begin = time.perf_counter()
    logits: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = [np.zeros((0, 0), np.float32)] * len(rows)
    for batch, output in zip(chosen, outputs, strict=True):
        for i, row in zip(batch, output, strict=True):
            logits[i] = row
    stitched = stitch_documents(inputs, logits)
    offsets = [one.offsets for one in inputs]
    decode(stitched, offsets, texts, settings.scheme, settings.transitions, settings.temperatures)
    decoded = time.perf_counter() - begin
    return Stages(
        segmented,
        tokenised,
        encoded,
        decoded,
        sum(len(row) for row in rows),
        sum(ids.size for ids, _ in padded),
        len(rows),
    )


def matrix_peak() -> float:
    """The most floating-point operations a second (fp32) that a product of matrices reaches here on one core."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    best = 0.0
    try:
        for size in (512, 1_024, 2_048):
            left, right = torch.rand(size, size), torch.rand(size, size)
            for _ in range(8):
                begin = time.perf_counter()
                left @ right
                best = max(best, 2 * size**3 / (time.perf_counter() - begin))
    finally:
        torch.set_num_threads(threads)
    return best


def share_of_peak(stages: Stages, size: Size, peak: float) -> float:
    """What the encoder does of the machine's peak; padding is no work."""
    return size.operations(stages.subwords / stages.windows) * stages.subwords / stages.encode / peak


def command_memory(folder: Path, backend: str, texts: Sequence[str], work: Path) -> float:
    """Peak resident memory in MB of `python -m ner_danvan.predict` over the texts as JSONL."""
    source, target = work / "texts.jsonl", work / "tagged.jsonl"
    lines = [json.dumps({"id": str(i), "text": text, "spans": []}, ensure_ascii=False) for i, text in enumerate(texts)]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [str(source), "--model", str(folder), "--backend", backend, "--format", "jsonl", "-o", str(target)]
    done = subprocess.run([sys.executable, "-c", _PEAK_MEMORY, *command], check=True, capture_output=True, text=True)
    return float(done.stdout) * 1.024e-3


def cold_start(python: str) -> tuple[float, float]:
    """Seconds of the command for a short text, and of `python -c pass`; medians of rounds in which they take turns."""
    text = "Đồng chí Trần Văn Minh, Bí thư Huyện ủy, yêu cầu rà soát hộ nghèo."
    commands = ([python, "-m", "ner_danvan.predict", "--text", text], [python, "-c", "pass"])
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_START_ROUNDS):
        for command, kept in zip(commands, seconds, strict=True):
            begin = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            kept.append(time.perf_counter() - begin)
    return median(seconds[0]), median(seconds[1])


def installed_bytes(package: str = "ner-danvan") -> dict[str, int]:
    """Bytes on the disk of a package and of all that it requires without extras, by distribution."""
    sizes: dict[str, int] = {}
    waiting = [package]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in sizes:
            continue
        distribution = metadata.distribution(name)
        paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or []]
        sizes[name] = sum(path.stat().st_size for path in paths if path.is_file())
        for line in distribution.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return sizes
