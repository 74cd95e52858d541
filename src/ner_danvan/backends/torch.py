"""The torch backend: any model directory, on CPU or GPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ner_danvan.backends.weights import read_header
from ner_danvan.errors import UserError, one_line
from ner_danvan.model_dir import WEIGHTS_FILE

if TYPE_CHECKING:
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
            from transformers import AutoModelForTokenClassification
        except ImportError as error:
            raise UserError(
                f"{folder}: running it needs {error.name}, which is not installed:  pip install 'ner-danvan[train]'"
            ) from None
        if not (folder / WEIGHTS_FILE).is_file():
            raise UserError(f"{folder}: no model.safetensors; export or fetch the model again (pickles are not read).")
        read_header(folder / WEIGHTS_FILE)
        self._torch = torch
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        quiet_transformers()
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
            reason = one_line(str(error))[:200] or type(error).__name__
            raise UserError(
                f"{folder}: cannot be loaded on {self.device} ({reason}); name another device, or export it again."
            ) from None
        wrong = [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
        if wrong:
            name = min(wrong)
            raise UserError(f"{folder}: model.safetensors lacks {name}, or has it in another size; export it again.")

    @classmethod
    def of(cls, model: PreTrainedModel) -> TorchBackend:
        """The backend over a model in memory, on the device where it is."""
        import torch

        backend = cls.__new__(cls)
        backend._torch = torch
        model.train(False)
        backend._model = model
        backend.device = str(model.device)
        return backend

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        torch = self._torch
        with torch.inference_mode():
            logits = self._model(
                input_ids=torch.from_numpy(ids).to(self.device), attention_mask=torch.from_numpy(mask).to(self.device)
            ).logits
        result: npt.NDArray[np.float32] = logits.float().cpu().numpy()
        return result


def quiet_transformers() -> None:
    """Keep transformers' progress bars and loading reports off the terminal; what matters in them is checked."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
