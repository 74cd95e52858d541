"""The ONNX backend: an exported model directory on the CPU, without torch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ner_danvan.backends.base import run_fault
from ner_danvan.backends.graph import check_graph
from ner_danvan.errors import UserError, one_line

CPU_BATCH_TOKENS = 1_024  # more do not stay in a core's cache, and fill up with padding


class OnnxBackend:
    """A graph of the model directory in onnxruntime; `parallel` calls may run at a time, each on one core.

    Batches side by side keep all cores busy where one batch on all of them would wait at every small operation.
    """

    batch_tokens = CPU_BATCH_TOKENS
    length_multiple = 1

    def __init__(self, path: Path, *, parallel: int | None = None) -> None:
        """Raises UserError if the file, or the weights it refers to, are missing or broken."""
        import onnxruntime  # late: not needed where torch runs the model

        check_graph(path)
        self._path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # weights are converted once; what is fused beyond that would take longer than the graph as it is
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.log_severity_level = 3  # errors come as exceptions
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class
            reason = one_line(str(error))[:200]
            raise UserError(f"{path}: cannot be loaded ({reason}); export the model again.") from None
        self.parallel = parallel or available_cores()

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        try:
            (logits,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        except Exception as error:
            raise run_fault(self._path, error) from None
        result: npt.NDArray[np.float32] = logits
        return result


def available_cores() -> int:
    """Those that this process may run on, or as many as OMP_NUM_THREADS says."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdigit() and int(limit):
        return int(limit)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
