"""A linear-chain model with two labels in the file format of CRFsuite (Okazaki 2007).

A header, the features (weights of an attribute at a label, or of a label behind a label), and a constant database
("CQDB") each for the names of labels and of attributes; the reference tables behind them are not needed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

_HEADER = struct.Struct("<4sI4s9I")
_CHUNK = struct.Struct("<4sII")
_DATABASE = struct.Struct("<4s5I")
_VERSION = 100
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("target", "<u4"), ("weight", "<f8")])
_ENTRY_HEAD = 8  # bytes before a name: its number and its length


@dataclass(frozen=True)
class TwoLabels:
    """`weights[attribute]` is its weight at either label; `transitions` is `[2, 2]`, from label to label."""

    labels: list[str]
    weights: dict[str, tuple[float, float]]
    transitions: npt.NDArray[np.float64]


def read_two_labels(path: Path) -> TwoLabels:
    """Read a model file; raises OSError, or ValueError if it is of another form."""
    data = path.read_bytes()
    try:
        magic, _, kind, version, _, label_count, count, features, labels, attributes, *_ = _HEADER.unpack_from(data)
        if (magic, kind, version, label_count) != (b"lCRF", b"FOMC", _VERSION, 2):
            raise ValueError(f"{path}: no CRFsuite model of version {_VERSION} with two labels")
        weights = _read_features(data, features)
        names, label_names = _read_names(data, attributes, count), _read_names(data, labels, label_count)
    except struct.error as error:
        raise ValueError(f"{path}: {error}") from None
    state, transition = weights[weights["kind"] == 0], weights[weights["kind"] == 1]
    if (
        weights["kind"].max(initial=0) > 1
        or weights["target"].max(initial=0) > 1
        or state["source"].max(initial=0) >= count
    ):
        raise ValueError(f"{path}: a feature of an attribute or label without a name")
    table = np.zeros((count, 2))
    table[state["source"], state["target"]] = state["weight"]
    transitions = np.zeros((2, 2))
    transitions[transition["source"], transition["target"]] = transition["weight"]
    columns = (table[:, label].tolist() for label in range(2))
    return TwoLabels(label_names, dict(zip(names, zip(*columns, strict=True), strict=True)), transitions)


def _read_features(data: bytes, start: int) -> npt.NDArray[np.void]:
    magic, _, count = _CHUNK.unpack_from(data, start)
    if magic != b"FEAT":
        raise ValueError("no features where the header says")
    return np.frombuffer(data, _FEATURE, count, start + _CHUNK.size)


def _read_names(data: bytes, start: int, count: int) -> list[str]:
    """Names in the order of their numbers: one decoding for all, since a call for each would take longer than the rest.

    An entry is its number, its length in bytes, and the name with a zero byte; numbers ascend, without gaps.
    """
    magic, _, _, _, entries, places = _DATABASE.unpack_from(data, start)
    if magic != b"CQDB" or entries != count or not count:
        raise ValueError("no names where the header says")
    offsets = np.frombuffer(data, "<u4", count, start + places).astype(np.int64)
    size = int(offsets[-1]) + _ENTRY_HEAD + int.from_bytes(data[start + offsets[-1] + 4 :][:4], "little")
    block = np.frombuffer(data, np.uint8, size, start)
    heads = offsets[:, None] + np.arange(_ENTRY_HEAD)
    numbers, lengths = np.ascontiguousarray(block[heads]).view("<u4").T
    follows = np.diff(offsets) == lengths[:-1] + _ENTRY_HEAD
    if not (follows.all() and np.array_equal(numbers, np.arange(count))):
        raise ValueError("names in another order than their numbers")
    is_name = np.ones(size, dtype=np.bool_)
    is_name[: offsets[0]] = False
    is_name[heads] = False
    *names, rest = block[is_name].tobytes().decode("utf-8").split("\0")
    if len(names) != count or rest:
        raise ValueError("a name that does not end where its length says")
    return names
