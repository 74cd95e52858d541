"""What a safetensors file says of its tensors, checked before anything else reads it.

Eight bytes with the header's length, the header as JSON, then the tensors, one behind the other without gaps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError

MOST_HEADER = 64 * 2**20  # bytes; a thousand tensors take about 100,000

_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_LENGTH = 8  # bytes of the header's length
_MEND = "export or fetch the model again."
# settings that say how long and wide a tensor is, by the end of its name; other architectures have other names
_WORDS = ("embeddings.word_embeddings.weight", "vocab_size")
_PLACES = ("embeddings.position_embeddings.weight", "max_position_embeddings")
MIDDLE = ".intermediate.dense.weight"  # the name's end of a layer's widest weight, [intermediate, hidden]
_WIDEST = 64  # times hidden size: known encoders have 4; what is far wider than high is small on the disk alone


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of a safetensors file: its type there, shape, and bytes `[start, end)` of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_header(path: Path) -> dict[str, Stored]:
    """Where each tensor lies; raises UserError if the file is cut off, hostile, or another kind of file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            first = stream.read(_LENGTH)
            length = int.from_bytes(first, "little")
            if len(first) < _LENGTH:
                raise _fault(path, f"has {size} bytes, so it is no safetensors file")
            if first.startswith((b"\x80", b"PK\x03\x04")) and length > size:
                raise _fault(path, "is a pickle, whatever its name, and pickles are not read")
            if length > min(MOST_HEADER, size - _LENGTH):
                raise _fault(path, f"announces a header of {length} bytes, in a file of {size}")
            header = json.loads(stream.read(length))
    except OSError as error:
        raise _fault(path, f"cannot be read ({error.strerror})") from None
    except RecursionError:
        raise _fault(path, "has a header that is nested too deeply") from None
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise _fault(path, "has a header that is no JSON") from None
    if not isinstance(header, dict):
        raise _fault(path, "has a header that is no JSON object")
    begin = _LENGTH + length
    found = {name: _stored(path, name, row, begin) for name, row in header.items() if name != "__metadata__"}
    place = begin
    for name, stored in sorted(found.items(), key=lambda item: (item[1].start, item[1].end)):
        if stored.start != place:
            raise _fault(path, f"has {name[:80]} at byte {stored.start} where {place} is due")
        place = stored.end
    if place != size:
        raise _fault(path, f"has {size} bytes where its header says {place}")
    return found


def check_sizes(path: Path, stored: Mapping[str, Stored], config: Mapping[str, Any]) -> None:
    """Raises UserError if tables of the file have fewer rows than `config.json` says, or layers have other widths.

    More rows are no harm, and some architectures have them.
    """
    for end, key in (_WORDS, _PLACES):
        for name, tensor in stored.items():
            if name.endswith(end) and key in config and (not tensor.shape or tensor.shape[0] < config[key]):
                raise _unfit(path, name, tensor.shape, key, config)
    for name, tensor in stored.items():
        if not name.endswith(MIDDLE) or "true_hidden_size" in config:  # MobileBERT's layers are narrower than it says
            continue
        for place, key in enumerate(("intermediate_size", "hidden_size")):
            if tensor.shape[place : place + 1] != (config.get(key, tensor.shape[place]),):
                raise _unfit(path, name, tensor.shape, key, config)
        if tensor.shape[0] > _WIDEST * tensor.shape[1]:
            raise _fault(path, f"has {name[:80]} as {list(tensor.shape)}, wider than any that is known")


def _unfit(path: Path, name: str, shape: tuple[int, ...], key: str, config: Mapping[str, Any]) -> UserError:
    return _fault(path, f"has {name[:80]} as {list(shape)} where config.json says {key} {config[key]}")


def _stored(path: Path, name: str, row: Any, begin: int) -> Stored:
    try:
        dtype, shape, (start, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
        whole = all(type(value) is int and value >= 0 for value in (*shape, start, end))
        if whole and end - start == prod(shape) * _BYTES[dtype]:
            return Stored(dtype, shape, begin + start, begin + end)
    except (TypeError, KeyError, ValueError):
        pass
    raise _fault(path, f"says of {name[:80]} what cannot be")


def _fault(path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}; {_MEND}")
