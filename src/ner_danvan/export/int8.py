"""An int8 model is only written if it is as good and faster: ranges from texts, then a gate on dev."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import numpy.typing as npt
import onnxruntime

from ner_danvan.backends.base import Backend, pad_batch
from ner_danvan.backends.onnx import OnnxBackend
from ner_danvan.document import Document
from ner_danvan.evaluation.scores import strict_scores
from ner_danvan.export.graph import Ranges, build_graph
from ner_danvan.model_dir import INT8_FILE, ONNX_FILE, ModelFiles
from ner_danvan.pipeline import batches
from ner_danvan.tagger import Tagger
from ner_danvan.text.subwords import PAD_ID

_PROBE_FILE = "probe.onnx"
_ROUNDS = 5
_TIMED_WINDOWS = 64


@dataclass(frozen=True)
class Gate:
    """What int8 does against fp32 on the same documents: strict micro F1 (0 to 1), and how much faster it reads."""

    fp32: float
    int8: float
    speedup: float
    max_loss: float

    @property
    def reason(self) -> str | None:
        """Why the int8 model is not written, or None if it is."""
        if self.fp32 - self.int8 > self.max_loss:
            return f"it loses more than {100 * self.max_loss:g} points"
        return "it is not faster" if self.speedup <= 1 else None

    def __str__(self) -> str:
        figures = f"F1 {100 * self.fp32:.2f} in fp32, {100 * self.int8:.2f} in int8, {self.speedup:.2f} times as fast"
        return f"int8 not written, {self.reason} ({figures})" if self.reason else f"int8 written ({figures})"


def write_int8(files: ModelFiles, ranges: Ranges, gold: Sequence[Document], max_loss: float) -> Gate:
    """Write `model.int8.onnx` beside `model.onnx`, and take it away again if it does not pass."""
    path = files.folder / INT8_FILE
    path.write_bytes(build_graph(files.folder, ranges=ranges).SerializeToString())
    plain, quantised = OnnxBackend(files.folder / ONNX_FILE), OnnxBackend(path)
    fp32, int8 = (_f1(Tagger(files, backend), gold) for backend in (plain, quantised))
    windows = [ids for document in gold for ids in Tagger(files, plain).prepare(document.text).ids][:_TIMED_WINDOWS]
    gate = Gate(fp32, int8, speedup(plain, quantised, windows), max_loss)
    if gate.reason:
        path.unlink()
    return gate


def _f1(tagger: Tagger, gold: Sequence[Document]) -> float:
    found = list(tagger.stream(replace(document, spans=()) for document in gold))
    return strict_scores(gold, found, tagger.scheme).micro.f1


def gather_ranges(files: ModelFiles, texts: Iterable[str]) -> Ranges:
    """The lowest and highest value of each product's input over texts, every window by itself, so without padding."""
    probe = files.folder / _PROBE_FILE  # beside the weights that it refers to
    probe.write_bytes(build_graph(files.folder, probe=True).SerializeToString())
    session = onnxruntime.InferenceSession(str(probe), providers=["CPUExecutionProvider"])
    probe.unlink()
    names = [output.name for output in session.get_outputs()][1:]  # all but the logits
    lowest, highest = np.zeros(len(names) // 2), np.zeros(len(names) // 2)
    tagger = Tagger(files, OnnxBackend(files.folder / ONNX_FILE))
    for text in texts:
        for ids in tagger.prepare(text).ids:
            values = session.run(names, {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])})
            lowest, highest = np.minimum(lowest, values[::2]), np.maximum(highest, values[1::2])
    products = [name.removesuffix(":low") for name in names[::2]]
    return {name: (float(low), float(high)) for name, low, high in zip(products, lowest, highest, strict=True)}


def speedup(first: Backend, second: Backend, windows: Sequence[npt.NDArray[np.int64]]) -> float:
    """How many times as fast the second reads these windows; the median of rounds in which they take turns."""
    padded = [
        pad_batch([windows[i] for i in rows], PAD_ID)
        for rows in batches([len(ids) for ids in windows], first.batch_tokens)
    ]
    ratios = []
    for _ in range(_ROUNDS + 1):
        seconds = []
        for backend in (first, second):
            begin = time.perf_counter()
            for ids, mask in padded:
                backend(ids, mask)
            seconds.append(time.perf_counter() - begin)
        ratios.append(seconds[0] / seconds[1])
    return median(ratios[1:])  # the first round warms up
