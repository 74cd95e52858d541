"""Which backend runs a model directory."""

from __future__ import annotations

from pathlib import Path

from ner_danvan.backends.base import Backend
from ner_danvan.backends.onnx import OnnxBackend
from ner_danvan.errors import UserError
from ner_danvan.model_dir import INT8_FILE, ONNX_FILE

BACKENDS = ("auto", "onnx", "int8", "bf16", "torch")


def open_backend(folder: Path, name: str = "auto", device: str | None = None) -> Backend:
    """The backend of that name over a model directory; see `Tagger.from_pretrained`.

    Raises UserError for an unknown name, for a device that the backend cannot use, and if files are missing or broken.
    """
    if name not in BACKENDS:
        raise UserError(f"backend {name} is not known; take {', '.join(BACKENDS)}.")
    on_cpu = device in (None, "cpu")
    if name == "auto":
        name = "onnx" if on_cpu and (folder / ONNX_FILE).is_file() else "torch"
    if name == "torch":
        from ner_danvan.backends.torch import TorchBackend  # late: importing torch takes seconds

        return TorchBackend(folder, device)
    if not on_cpu:
        raise UserError(
            f"backend {name} runs on the CPU, not on {device}; take backend torch, or leave the device out."
        )
    if name == "bf16":
        from ner_danvan.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(folder / ONNX_FILE)
    return OnnxBackend(folder / (INT8_FILE if name == "int8" else ONNX_FILE))


def precision(name: str) -> str:
    """In which numbers a backend computes: fp32, int8 or bf16. Backends of one precision find the same spans."""
    return name if name in ("int8", "bf16") else "fp32"
