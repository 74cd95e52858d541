"""What a model directory from anywhere may hold: plain files within limits, and settings that start nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError

MOST_JSON = 16 * 2**20  # bytes of a file of settings
MOST_TEXT = 256 * 2**20  # bytes of a vocabulary, merges or a lexicon
# of an encoder: far above any that is known, and what they ask for still fits into a large machine
MOST_OF = {
    "num_hidden_layers": 512,
    "hidden_size": 65_536,
    "intermediate_size": 1_048_576,
    "num_attention_heads": 1_024,
    "vocab_size": 4_194_304,
    "max_position_embeddings": 1_048_576,
    "type_vocab_size": 1_024,
}
# by these transformers would look for code, or for weights of another kind, in other places
_STARTS_CODE = ("auto_map", "custom_pipelines", "trust_remote_code", "attn_implementation", "_attn_implementation")
_OTHER_WEIGHTS = ("quantization_config", "transformers_weights")
_ADAPTER = "adapter_config.json"
_LAYERS = ("layers", "n_layer")


def check_files(folder: Path) -> None:
    """Raises UserError for a link that leads out of a folder, for what is no plain file, and for an adapter.

    Also for a folder that may not be read. The hub's cache keeps a model's files in `blobs/` beside `snapshots/`; links
    from one to the other are its own.
    """
    with readable(folder):
        _check_entries(folder)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Has what may not be looked at in a folder raise UserError."""
    try:
        yield
    except OSError as error:
        place = error.filename or folder
        raise UserError(f"{place}: cannot be read ({error.strerror}); take a folder that you may read.") from None


def _check_entries(folder: Path) -> None:
    inside = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":
        inside.append(folder.resolve().parents[1] / "blobs")
    for entry in sorted(folder.iterdir()):
        try:
            place = entry.resolve()
        except RuntimeError:  # Python 3.11 and 3.12; later ones give the link back, which is no file
            raise UserError(f"{entry}: is a link to itself; take it away, or fetch the model again.") from None
        if entry.is_symlink() and not any(place.is_relative_to(root) for root in inside):
            raise UserError(f"{entry}: is a link out of its folder, to {place}; put the file itself there.")
        if not place.is_file() and not place.is_dir():
            raise UserError(f"{entry}: is no plain file; take it away, or fetch the model again.")
        if entry.name == _ADAPTER:
            raise UserError(f"{entry}: is of an adapter, which is not read; merge it into its model first.")


def check_size(path: Path, most: int) -> None:
    """Raises UserError if a file that is read as a whole is larger; nothing where there is none."""
    if path.is_file() and (size := path.stat().st_size) > most:
        raise UserError(f"{path}: has {size} bytes, more than {most}, as no such file has; fetch the model again.")


def read_object(path: Path, mend: str) -> dict[str, Any]:
    """The object in a JSON file that is there, whatever its size and depth; raises UserError that ends with `mend`."""
    check_size(path, MOST_JSON)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise UserError(f"{path}: is nested too deeply. {mend}") from None
    except ValueError as error:
        raise UserError(f"{path}: no valid JSON ({' '.join(str(error).split())[:150]}). {mend}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). {mend}") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: holds no JSON object. {mend}")
    return found


def check_config(config: Mapping[str, Any], path: Path) -> None:
    """Raises UserError for settings of a model that would start code, or that ask for more than any machine has."""
    for key in (*_STARTS_CODE, *_OTHER_WEIGHTS):
        if config.get(key):
            why = "would look for code elsewhere" if key in _STARTS_CODE else "is of weights that are not read here"
            raise UserError(f'{path}: "{key}" {why}; take a model without it.')
    depth = MOST_OF["num_hidden_layers"]  # which goes by other names too, such as n_layers
    deep = [key for key, value in config.items() if key.endswith(_LAYERS) and isinstance(value, int) and value > depth]
    for key, most in (MOST_OF | dict.fromkeys(deep, depth)).items():
        value = config.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
            raise UserError(f'{path}: "{key}" is {str(value)[:40]}, no number from 1 to {most}; fetch the model again.')
