"""Pickles of built-in types, read without running anything that they name."""

from __future__ import annotations

import pickle  # nosec B403: its loader is narrowed below
from pathlib import Path
from typing import Any

UnpicklingError = pickle.UnpicklingError  # from here, so that no other module need import pickle  # nosec B403: its loader is narrowed below


def read_plain_pickle(path: str | Path) -> Any:
    """The lists, sets, dicts, strings and numbers of a file.

    Raises OSError if there is no such file, and pickle.UnpicklingError or EOFError if it is no pickle or names a
    class or function.
    """
    with Path(path).open("rb") as file:
        return _Plain(file).load()


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")
