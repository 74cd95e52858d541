"""The torch backend: any model directory, on CPU or GPU."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ner_danvan.backends.base import run_fault
from ner_danvan.backends.weights import Stored, check_sizes, read_header
from ner_danvan.errors import UserError, reason_of
from ner_danvan.model_dir import CONFIG_FILE, WEIGHTS_FILE
from ner_danvan.model_files import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PreTrainedModel


class TorchBackend:
    """`AutoModelForTokenClassification` from safetensors, in fp32; torch itself spreads a call over the cores."""

    parallel = 1
    batch_tokens = 8_192
    length_multiple = 1

    def __init__(self, folder: Path, device: str | None = None) -> None:
        """Raises UserError if torch is not installed, or if the weights are missing or broken."""
        try:
            import torch
            from transformers import AutoConfig, AutoModelForTokenClassification
        except ImportError as error:
            raise UserError(
                f"{folder}: running it needs {error.name}, which is not installed:  pip install 'ner-danvan[train]'"
            ) from None
        if not (folder / WEIGHTS_FILE).is_file():
            raise UserError(f"{folder}: no model.safetensors; export or fetch the model again (pickles are not read).")
        stored = read_header(folder / WEIGHTS_FILE)
        check_sizes(folder / WEIGHTS_FILE, stored, read_object(folder / CONFIG_FILE, "Export the model again."))
        self._torch = torch
        self._place = folder
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        quiet_transformers()
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            lacking = lacking_weight(config, stored)
        except Exception as error:
            raise _cannot_be_loaded(folder, self.device, error) from None
        if lacking:
            raise _lacks(folder, lacking)
        try:
            model, report = AutoModelForTokenClassification.from_pretrained(
                folder,
                dtype=torch.float32,  # a model saved in fp16 would otherwise run in it
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,  # said aloud: left out, transformers would ask the user
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
            self._model = model.to(self.device).eval()
        except Exception as error:  # what transformers raises at settings that it does not know is anybody's guess
            raise _cannot_be_loaded(folder, self.device, error) from None
        wrong = [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
        if wrong:
            raise _lacks(folder, min(wrong))

    @classmethod
    def of(cls, model: PreTrainedModel) -> TorchBackend:
        """The backend over a model in memory, on the device where it is."""
        import torch

        backend = cls.__new__(cls)
        backend._torch = torch
        model.train(False)
        backend._model = model
        backend.device = str(model.device)
        backend._place = Path(str(model.name_or_path) or "the model")
        return backend

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        torch = self._torch
        try:
            with torch.inference_mode():
                logits = self._model(
                    input_ids=torch.from_numpy(ids).to(self.device),
                    attention_mask=torch.from_numpy(mask).to(self.device),
                ).logits
            result: npt.NDArray[np.float32] = logits.float().cpu().numpy()
        except (RuntimeError, IndexError) as error:  # a device without room, ids past a table
            raise run_fault(self._place, error) from error
        return result


def lacking_weight(config: Any, stored: Mapping[str, Stored], *, head: bool = True) -> str | None:
    """A weight that transformers' settings ask for and files lack, where these have fewer numbers than they ask for.

    The model is built without memory: torch would take as much as the settings say, however small the files are. Where
    they have enough, what is wrong with a name or shape is told after loading, for transformers knows older names.
    Without `head` only the encoder is looked at.
    """
    import torch
    from transformers import AutoModelForTokenClassification

    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForTokenClassification.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    prefix = "" if head else f"{model.base_model_prefix}."
    wanted = {name: tensor for name, tensor in model.named_parameters() if name.startswith(prefix)}  # tied ones once
    if sum(tensor.numel() for tensor in wanted.values()) <= sum(prod(tensor.shape) for tensor in stored.values()):
        return None
    return min(name for name, tensor in wanted.items() if name not in stored or stored[name].shape != tensor.shape)


def _cannot_be_loaded(folder: Path, device: str, error: Exception) -> UserError:
    return UserError(
        f"{folder}: cannot be loaded on {device} ({reason_of(error)}); name another device, or export it again."
    )


def _lacks(folder: Path, name: str) -> UserError:
    return UserError(f"{folder}: model.safetensors lacks {name}, or has it in another size; export it again.")


def quiet_transformers() -> None:
    """Keep transformers' progress bars and loading reports off the terminal; what matters in them is checked."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
