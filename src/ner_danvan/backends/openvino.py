"""The bf16 backend: an exported model directory in OpenVINO, on processors that multiply in bf16."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from ner_danvan.backends.base import run_fault
from ner_danvan.backends.graph import check_graph
from ner_danvan.backends.onnx import CPU_BATCH_TOKENS, available_cores
from ner_danvan.errors import UserError, one_line

_FIRST_TENSOR = Lock()


@dataclass(frozen=True)
class _Opened:
    """A model in the process that loaded it."""

    model: Any
    process: int = field(default_factory=os.getpid)
    idle: deque[Any] = field(default_factory=deque)  # requests, each with its buffers, for one call at a time


class OpenVinoBackend:
    """The fp32 graph of the model directory, computed in bf16; `parallel` calls may run at a time, each on one core.

    bf16 has the range of fp32 and 8 significant bits (Kalamkar et al. 2019); weights and activations are rounded to it,
    sums are in fp32. A sum may be taken in another order in a batch of another shape. A forked process loads the model
    anew at its first call.
    """

    batch_tokens = CPU_BATCH_TOKENS
    length_multiple = 8  # some code is made anew for each shape: 16 has fewer, and 6 % of padding for 4

    def __init__(self, path: Path, *, parallel: int | None = None, precision: str = "bf16") -> None:
        """`precision` is "bf16" or "f32"; the latter runs on any processor.

        Raises UserError if OpenVINO is not installed, if the processor has no bf16, and if the file, or the weights it
        refers to, are missing or broken.
        """
        try:
            import openvino  # late: an extra, and not needed elsewhere
        except ImportError:
            raise UserError(
                "backend bf16 needs openvino, which is not installed:  pip install 'ner-danvan[fast]'"
            ) from None
        check_graph(path)
        with _FIRST_TENSOR:  # two threads whose first tensors are read at a time wait for each other for ever
            _ = openvino.Tensor(np.zeros(1)).data
        self.parallel = parallel or available_cores()
        self._path, self._precision = path, precision
        self._opened = self._open()
        self._inherited: list[_Opened] = []

    def _open(self) -> _Opened:
        import openvino

        core = openvino.Core()
        if self._precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UserError("backend bf16: this processor does not multiply in bf16; take backend int8, or onnx.")
        settings = {
            "INFERENCE_PRECISION_HINT": self._precision,
            "INFERENCE_NUM_THREADS": self.parallel,
            "NUM_STREAMS": self.parallel,  # one thread each
        }
        try:
            return _Opened(core.compile_model(core.read_model(str(self._path)), "CPU", settings))
        except RuntimeError as error:
            reason = one_line(str(error))[:200]
            raise UserError(f"{self._path}: cannot be loaded ({reason}); export the model again.") from None

    def _own(self) -> _Opened:
        """The model of this process: a forked one has none of the threads that its parent's model waits for."""
        opened = self._opened
        if opened.process != os.getpid():
            self._inherited.append(opened)  # kept, for its end would wait for those threads too
            self._opened = opened = self._open()
        return opened

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        opened = self._own()
        try:
            request = opened.idle.pop()
        except IndexError:
            request = opened.model.create_infer_request()
        try:
            found = request.infer({"input_ids": ids, "attention_mask": mask})
            logits: npt.NDArray[np.float32] = found[0].copy()  # the request's next call overwrites it
        except Exception as error:
            raise run_fault(self._path, error) from None
        opened.idle.append(request)
        return logits
