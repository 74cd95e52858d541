"""Which backend runs a model directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ner_danvan.backends.base import Backend
from ner_danvan.backends.onnx import OnnxBackend
from ner_danvan.errors import UserError
from ner_danvan.hub import Wanted
from ner_danvan.model_dir import CONFIG_FILE, INT8_FILE, ONNX_FILE, READ, SPLIT_WORDS_FILE, WEIGHTS_FILE, file_hash
from ner_danvan.text.subwords import MERGES_FILE, VOCAB_FILE

BACKENDS = ("auto", "onnx", "int8", "bf16", "torch")
_CPU = (None, "cpu")
_DECISIVE = (CONFIG_FILE, WEIGHTS_FILE, SPLIT_WORDS_FILE, VOCAB_FILE, MERGES_FILE)


def open_backend(folder: Path, name: str = "auto", device: str | None = None) -> Backend:
    """The backend of that name over a model directory; see `Tagger.from_pretrained`.

    Raises UserError for an unknown name, for a device that the backend cannot use, and if files are missing or broken.
    """
    _check_known(name)
    on_cpu = device in _CPU
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


def fingerprint(folder: Path, name: str = "auto") -> str:
    """SHA-256 over the files of a model directory that decide what is found; fp32 backends have the same."""
    names = (*_DECISIVE, INT8_FILE) if name == "int8" else _DECISIVE
    found = [(file, file_hash(folder / file)) for file in names if (folder / file).is_file()]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def precision(name: str) -> str:
    """In which numbers a backend computes: fp32, int8 or bf16. Backends of one precision find the same spans."""
    return name if name in ("int8", "bf16") else "fp32"


def wanted_files(name: str = "auto", device: str | None = None) -> Wanted:
    """What a backend reads of a model on the hub. Every graph refers to the weights; "auto" takes one if there is one.

    Raises UserError for an unknown name.
    """
    _check_known(name)
    needed = (*READ.needed, WEIGHTS_FILE)
    if name in ("onnx", "int8", "bf16"):
        return Wanted((*needed, INT8_FILE if name == "int8" else ONNX_FILE))
    return Wanted(needed, (ONNX_FILE,) if name == "auto" and device in _CPU else ())


def _check_known(name: str) -> None:
    if name not in BACKENDS:
        raise UserError(f"backend {name} is not known; take {', '.join(BACKENDS)}.")
