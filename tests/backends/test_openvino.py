"""OpenVINO over the graph of an exported directory: fp32 on any processor, bf16 on those that have it."""

from __future__ import annotations

import builtins
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
import pytest
import torch
from onnx_models import ROWS, inside, needs_bf16, write_model

from ner_danvan.backends.base import pad_batch
from ner_danvan.backends.choice import open_backend, precision
from ner_danvan.backends.onnx import OnnxBackend
from ner_danvan.backends.openvino import OpenVinoBackend
from ner_danvan.errors import UserError


@pytest.fixture(scope="module")
def folder(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(encoder, tmp_path_factory.mktemp("openvino"), torch.float16)


def batch(rows: Sequence[npt.NDArray[np.int64]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return pad_batch(rows, 1, OpenVinoBackend.length_multiple)


def test_in_fp32_it_gives_the_logits_of_onnxruntime(folder: Path) -> None:
    onnx, other = OnnxBackend(folder / "model.onnx"), OpenVinoBackend(folder / "model.onnx", precision="f32")
    for rows in (ROWS, ROWS[:1], [np.array([0, 2])], [np.arange(256) % 90 + 4] * 5):
        ids, mask = batch(rows)
        assert ids.shape[1] % OpenVinoBackend.length_multiple == 0
        np.testing.assert_allclose(inside(other(ids, mask), mask), inside(onnx(ids, mask), mask), atol=2e-4)


def test_a_call_leaves_the_logits_of_the_one_before_alone(folder: Path) -> None:
    backend = OpenVinoBackend(folder / "model.onnx", precision="f32")
    first = backend(*batch(ROWS))
    kept = first.copy()
    backend(*batch([row[::-1].copy() for row in ROWS]))
    np.testing.assert_array_equal(first, kept)


def test_threads_do_not_disturb_each_other(folder: Path) -> None:
    backend = OpenVinoBackend(folder / "model.onnx", parallel=3, precision="f32")
    batches = [batch([np.array([0, *range(4, 5 + n), 2])]) for n in range(24)]
    wanted = [backend(*one) for one in batches]
    with ThreadPoolExecutor(3) as pool:
        for found, other in zip(pool.map(lambda one: backend(*one), batches), wanted, strict=True):
            np.testing.assert_allclose(found, other, atol=1e-5)


@needs_bf16
def test_bf16_is_near_and_nearly_the_same_in_any_company(folder: Path) -> None:
    backend = open_backend(folder, "bf16")
    assert isinstance(backend, OpenVinoBackend)
    ids, mask = batch(ROWS)
    found, wanted = backend(ids, mask), OnnxBackend(folder / "model.onnx")(ids, mask)
    distance = np.abs(inside(found, mask) - inside(wanted, mask))
    assert 0 < distance.max() < 0.05 * np.ptp(wanted)
    for row, one in enumerate(ROWS):
        alone = backend(*batch([one]))[0, : len(one)]
        np.testing.assert_allclose(found[row, : len(one)], alone, atol=0.02 * np.ptp(wanted))


def test_a_processor_without_bf16_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def get_property(self, device: str, name: str) -> list[str]:
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", Old)
    with pytest.raises(UserError, match="does not multiply in bf16; take backend int8"):
        open_backend(folder, "bf16")


def test_without_the_package_one_line_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "openvino":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'ner-danvan\[fast\]'"):
        open_backend(folder, "bf16")


def test_broken_and_missing_files_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model\.onnx; export it"):
        OpenVinoBackend(tmp_path / "model.onnx", precision="f32")
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match=r"model\.onnx: cannot be loaded") as raised:
        OpenVinoBackend(tmp_path / "model.onnx", precision="f32")
    assert "\n" not in str(raised.value)
    shutil.copyfile(folder / "model.onnx", tmp_path / "model.onnx")  # its weights are not there
    with pytest.raises(UserError, match="cannot be loaded"):
        OpenVinoBackend(tmp_path / "model.onnx", precision="f32")


def test_it_runs_on_the_cpu_only(folder: Path) -> None:
    with pytest.raises(UserError, match="backend bf16 runs on the CPU, not on cuda"):
        open_backend(folder, "bf16", "cuda")


def test_nothing_is_told_to_anybody(folder: Path) -> None:
    code = (
        "import socket, sys\n"
        "from pathlib import Path\n"
        "def refuse(*_): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from ner_danvan.backends.openvino import OpenVinoBackend\n"
        "import numpy as np\n"
        "ids = np.array([[0, 5, 2]])\n"
        "print(OpenVinoBackend(Path(sys.argv[1]), precision='f32')(ids, ids * 0 + 1).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder / "model.onnx")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(1, 3, ")


def test_precisions_are_told_apart() -> None:
    assert [precision(name) for name in ("auto", "onnx", "torch", "int8", "bf16")] == ["fp32"] * 3 + ["int8", "bf16"]


def test_threads_that_read_their_first_tensors_at_once_do_not_wait_for_ever(folder: Path) -> None:
    """In three of four tries they did: one held a lock of C++ and wanted the interpreter's, another the reverse."""
    program = """
import os, sys, threading, time
from pathlib import Path
import numpy as np
from ner_danvan.backends.openvino import OpenVinoBackend

backend = OpenVinoBackend(Path(sys.argv[1]), parallel=2, precision="f32")
opened = backend._opened
opened.idle.extend(opened.model.create_infer_request() for _ in range(8))
sys.setswitchinterval(1e-6)
begin = threading.Barrier(8)

def call():
    begin.wait()
    backend(np.zeros((1, 8), np.int64), np.ones((1, 8), np.int64))

threads = [threading.Thread(target=call, daemon=True) for _ in range(8)]
for thread in threads:
    thread.start()
end = time.monotonic() + 60
for thread in threads:
    thread.join(max(0, end - time.monotonic()))
os._exit(any(thread.is_alive() for thread in threads))
"""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder / "model.onnx")], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("used", [False, True])
def test_a_forked_process_does_not_wait_for_threads_that_its_parent_has(folder: Path, used: bool) -> None:
    program = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from ner_danvan.backends.openvino import OpenVinoBackend

backend = OpenVinoBackend(Path(sys.argv[1]), parallel=2, precision="f32")
ids = np.arange(16, dtype=np.int64).reshape(2, 8) % 5 + 4

def call(_=None):
    return backend(ids, np.ones_like(ids)).tolist()

if sys.argv[2] == "used":
    call()
child = os.fork()
with ThreadPoolExecutor(4) as pool:  # several at a time, also where the child loads its own
    found = list(pool.map(call, range(8)))
    right = all(one == found[0] for one in found) and bool(np.any(found[0]))
if not child:
    os._exit(0 if right else 3)
print(right, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    command = [sys.executable, "-c", program, str(folder / "model.onnx"), "used" if used else "new"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == ("True 0\n", "")
