"""Run the notebooks anew and keep their outputs: python notebooks/refresh.py [NAME.ipynb]..."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def refresh(path: Path) -> None:
    """Execute a notebook in its folder and write it back, without times and versions that differ from run to run."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.clear()
    NotebookClient(notebook, record_timing=False, resources={"metadata": {"path": path.parent}}).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.name for path in HERE.glob("*.ipynb")):
        refresh(HERE / name)
        print(f"written: notebooks/{name}")
