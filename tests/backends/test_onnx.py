from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import ROWS, inside, write_model

from ner_danvan.backends.base import pad_batch
from ner_danvan.backends.choice import open_backend
from ner_danvan.backends.onnx import OnnxBackend, available_cores
from ner_danvan.backends.torch import TorchBackend
from ner_danvan.errors import UserError
from ner_danvan.export.graph import build_graph


@pytest.fixture(scope="module")
def folder(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(encoder, tmp_path_factory.mktemp("onnx"), torch.float32)


def test_onnx_gives_the_logits_of_torch_for_any_batch_and_length(folder: Path) -> None:
    onnx, plain = OnnxBackend(folder / "model.onnx"), TorchBackend(folder, "cpu")
    for rows in (ROWS, ROWS[:1], [np.array([0, 2])], [np.arange(256) % 90 + 4] * 5):
        ids, mask = pad_batch(rows, 1)
        wanted = inside(plain(ids, mask), mask)
        assert np.ptp(wanted) > 1
        np.testing.assert_allclose(inside(onnx(ids, mask), mask), wanted, atol=2e-4)


def test_padding_changes_no_logit_in_onnx(folder: Path) -> None:
    onnx = OnnxBackend(folder / "model.onnx")
    together = onnx(*pad_batch(ROWS, 1))
    for row, ids in enumerate(ROWS):
        np.testing.assert_allclose(together[row, : len(ids)], onnx(*pad_batch([ids], 1))[0], atol=1e-4)


def test_weights_in_half_precision_are_read_as_they_lie_there(encoder: Path, tmp_path: Path) -> None:
    folder = write_model(encoder, tmp_path, torch.float16)
    assert (folder / "model.onnx").stat().st_size < 0.5 * (folder / "model.safetensors").stat().st_size
    ids, mask = pad_batch(ROWS, 1)
    wanted = inside(TorchBackend(folder, "cpu")(ids, mask), mask)
    np.testing.assert_allclose(inside(OnnxBackend(folder / "model.onnx")(ids, mask), mask), wanted, atol=2e-4)


def test_a_graph_without_its_weights_is_one_line(folder: Path, tmp_path: Path) -> None:
    shutil.copyfile(folder / "model.onnx", tmp_path / "model.onnx")
    with pytest.raises(UserError, match="cannot be loaded") as raised:
        OnnxBackend(tmp_path / "model.onnx")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_graph_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match=r"model\.onnx: cannot be loaded"):
        OnnxBackend(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("name", "device", "kind"),
    [
        ("auto", None, OnnxBackend),
        ("auto", "cpu", OnnxBackend),
        ("onnx", None, OnnxBackend),
        ("torch", "cpu", TorchBackend),
    ],
)
def test_the_backend_that_was_asked_for_runs(folder: Path, name: str, device: str | None, kind: type) -> None:
    assert isinstance(open_backend(folder, name, device), kind)


def test_a_directory_without_a_graph_runs_on_torch(folder: Path, tmp_path: Path) -> None:
    for file in ("config.json", "model.safetensors"):
        shutil.copyfile(folder / file, tmp_path / file)
    assert isinstance(open_backend(tmp_path, "auto", "cpu"), TorchBackend)
    with pytest.raises(UserError, match=r"no model\.onnx; export it"):
        open_backend(tmp_path, "onnx")


@pytest.mark.parametrize(
    ("name", "device", "wanted"),
    [
        ("tensorrt", None, "backend tensorrt is not known; take auto, onnx, int8, bf16, torch"),
        ("onnx", "cuda", "backend onnx runs on the CPU, not on cuda"),
        ("int8", None, r"no model\.int8\.onnx"),
    ],
)
def test_a_backend_that_cannot_be_is_one_line(folder: Path, name: str, device: str | None, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        open_backend(folder, name, device)


def test_cores_are_those_that_the_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert available_cores() == 3
    for nonsense in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert available_cores() >= 1


def test_another_kind_of_model_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "bert")
    config = json.loads((folder / "config.json").read_text())
    for change in ({"model_type": "bert"}, {"hidden_act": "relu"}):
        (tmp_path / "bert" / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(UserError, match="only RoBERTa models with gelu"):
            build_graph(tmp_path / "bert")
