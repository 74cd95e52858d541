from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ner_danvan.text.plain_pickle import read_plain_pickle


class _Calls:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_built_in_types_come_back(tmp_path: Path) -> None:
    data = {"a": ["b", {"c", "d"}], "e": 1.5}
    (tmp_path / "data.bin").write_bytes(pickle.dumps(data))
    assert read_plain_pickle(tmp_path / "data.bin") == data


def test_what_a_pickle_names_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(pickle.dumps(_Calls(tmp_path / "touched")))
    with pytest.raises(pickle.UnpicklingError, match="names"):
        read_plain_pickle(tmp_path / "data.bin")
    assert not (tmp_path / "touched").exists()
