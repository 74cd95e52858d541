"""A model directory with an ONNX graph and weights that tell words apart, and rows to feed it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
import pytest
import torch
from tiny import DANVAN
from transformers import AutoModelForTokenClassification

from ner_danvan.export.graph import build_graph

HAS_BF16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
needs_bf16 = pytest.mark.skipif(not HAS_BF16, reason="this processor does not multiply in bf16")

ROWS = [np.array([0, 7, 8, 2]), np.array([0, 7, 8, 9, 10, 11, 2]), np.array([0, *range(20, 60), 2])]


def write_model(encoder: Path, folder: Path, dtype: torch.dtype) -> Path:
    torch.manual_seed(1)
    model = AutoModelForTokenClassification.from_pretrained(encoder, num_labels=len(DANVAN.tags), dtype=torch.float32)
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    for layer in model.roberta.encoder.layer:  # as initialised it would hardly look at other words
        torch.nn.init.normal_(layer.attention.self.query.weight, std=0.5)
        torch.nn.init.normal_(layer.attention.self.key.weight, std=0.5)
    model.to(dtype).save_pretrained(folder)
    (folder / "model.onnx").write_bytes(build_graph(folder).SerializeToString())
    return folder


def inside(logits: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    kept: npt.NDArray[np.float32] = logits[mask > 0]
    return kept
