from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST = 150_000  # bytes, outputs and all

# a home, a temporary folder, a drive; not the "/" of a date or a path in the repository
ABSOLUTE = re.compile(r"(?<![\w.)/])/(?:home|Users|root|tmp|var|mnt|opt|usr|work|private|content)/|\b[A-Z]:\\|file://")
NOISE = re.compile(r"Warning\b|it/s\b|s/it\b|\d+%\|")  # warnings and progress bars


def notebook(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in notebook(path)["cells"] if cell["cell_type"] == "code"]


def outputs(path: Path) -> list[dict[str, Any]]:
    return [output for cell in code_cells(path) for output in cell["outputs"]]


def shown(path: Path) -> str:
    """All text of the outputs."""
    parts = [output.get("text", []) for output in outputs(path)]
    parts += [
        text for output in outputs(path) for kind, text in output.get("data", {}).items() if kind.startswith("text/")
    ]
    return "\n".join("".join(part) for part in parts)


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["01_explore_data", "02_train_and_evaluate", "03_use_a_model"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    """`python notebooks/refresh.py` mends what fails here."""

    def test_it_is_small(self, path: Path) -> None:
        assert path.stat().st_size < MOST

    def test_every_cell_was_run_once_and_in_order(self, path: Path) -> None:
        cells = code_cells(path)
        assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))

    def test_its_outputs_show_something_and_no_error(self, path: Path) -> None:
        found = outputs(path)
        assert {output["output_type"] for output in found} <= {"stream", "execute_result", "display_data"}
        assert "stderr" not in {output.get("name") for output in found}
        assert any("image/png" in output.get("data", {}) for output in found)
        assert any("text/markdown" in output.get("data", {}) for output in found)

    def test_no_path_of_a_machine_no_warning_and_no_progress_bar_is_in_it(self, path: Path) -> None:
        assert ABSOLUTE.findall(path.read_text(encoding="utf-8").replace("\\\\", "\\")) == []
        assert NOISE.findall(shown(path)) == []

    def test_nothing_of_it_differs_from_run_to_run(self, path: Path) -> None:
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        assert notebook(path)["metadata"] == {"kernelspec": kernel, "language_info": {"name": "python"}}
        assert [cell["metadata"] for cell in notebook(path)["cells"] if cell["metadata"]] == []

    def test_links_into_the_repository_lead_somewhere(self, path: Path) -> None:
        text = "\n".join("".join(cell["source"]) for cell in notebook(path)["cells"] if cell["cell_type"] == "markdown")
        links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("http")]
        assert [link for link in links if not (path.parent / link).exists()] == []

    @pytest.mark.parametrize("folder", ["", "notebooks"])
    def test_it_finds_the_repository_from_where_it_is_started(
        self, path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(ROOT / folder)
        lines = [line for cell in code_cells(path) for line in cell["source"] if line.startswith("os.chdir(")]
        assert len(lines) == 1
        exec(lines[0], {"os": os, "Path": Path})
        assert Path.cwd() == ROOT


# in two halves, so that a search for such paths does not find them here
@pytest.mark.parametrize(
    ("root", "rest"), [("/", "tmp/tmpab1/model"), ("in '/", "home/x/y'"), ("C:", "\\Users\\x"), ("file:", "///x")]
)
def test_a_path_of_a_machine_is_seen(root: str, rest: str) -> None:
    assert ABSOLUTE.search(root + rest)


@pytest.mark.parametrize("text", ["data/reports/dev", "ngày 26/9/2025", "../tmp/x", "quý III/2025", "runs/home/x"])
def test_a_date_and_a_path_of_the_repository_are_no_path_of_a_machine(text: str) -> None:
    assert not ABSOLUTE.search(text)
