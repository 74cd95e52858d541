from __future__ import annotations

import builtins
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import DANVAN
from transformers import AutoModelForTokenClassification

from ner_danvan.backends.base import pad_batch
from ner_danvan.backends.torch import TorchBackend
from ner_danvan.errors import UserError
from ner_danvan.training.config import EncoderConfig
from ner_danvan.training.encoder import load_encoder


@pytest.fixture(scope="module")
def model(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    AutoModelForTokenClassification.from_pretrained(encoder, num_labels=len(DANVAN.tags)).save_pretrained(folder)
    return folder


def test_padding_changes_no_logit(model: Path) -> None:
    backend = TorchBackend(model, "cpu")
    rows = [np.array([0, 7, 8, 2]), np.array([0, 7, 8, 9, 10, 11, 2])]
    ids, mask = pad_batch(rows, 1)
    together = backend(ids, mask)
    alone = backend(*pad_batch(rows[:1], 1))
    assert together.dtype == np.float32
    assert together.shape == (2, 7, 13)
    np.testing.assert_allclose(together[0, :4], alone[0], atol=1e-5)


def test_weights_saved_in_half_precision_run_in_fp32(model: Path, tmp_path: Path) -> None:
    AutoModelForTokenClassification.from_pretrained(model, dtype=torch.float16).save_pretrained(tmp_path)
    ids, mask = pad_batch([np.array([0, 7, 8, 2])], 1)
    halved = TorchBackend(tmp_path, "cpu")(ids, mask)
    np.testing.assert_allclose(halved, TorchBackend(model, "cpu")(ids, mask), atol=1e-2)
    assert halved.dtype == np.float32


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_weights_that_are_missing_or_broken_are_one_line(model: Path, tmp_path: Path, content: bytes | None) -> None:
    shutil.copyfile(model / "config.json", tmp_path / "config.json")
    if content:
        (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=str(tmp_path)) as raised:
        TorchBackend(tmp_path)
    assert "\n" not in str(raised.value)


def test_weights_that_lack_a_tensor_are_told(model: Path, tmp_path: Path) -> None:
    shutil.copyfile(model / "config.json", tmp_path / "config.json")
    tensors = load_file(model / "model.safetensors")
    del tensors["classifier.bias"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lacks classifier\.bias"):
        TorchBackend(tmp_path)


def test_without_torch_the_extra_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_torch(name: str, *rest: Any, **more: Any) -> Any:
        if name == "torch":
            raise ImportError("No module named 'torch'", name="torch")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(UserError, match=r"needs torch, .* pip install 'ner-danvan\[train\]'"):
        TorchBackend(model)


def test_code_in_a_model_directory_is_never_run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(model, tmp_path / "evil")
    config = json.loads((model / "config.json").read_text())
    names = {"AutoConfig": "evil.EvilConfig", "AutoModelForTokenClassification": "evil.EvilModel"}
    (tmp_path / "evil" / "config.json").write_text(json.dumps(config | {"model_type": "evil", "auto_map": names}))
    (tmp_path / "evil" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # transformers would ask
    with pytest.raises(UserError, match="cannot be loaded"):
        TorchBackend(tmp_path / "evil")
    with pytest.raises(UserError, match='"auto_map" would look for code elsewhere'):
        load_encoder(tmp_path / "evil", EncoderConfig("evil", str(tmp_path / "evil"), "mit", False, 0.1, 0.1), DANVAN)
    assert not (tmp_path / "ran").exists()
