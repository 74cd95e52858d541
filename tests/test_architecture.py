from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ner_danvan"

# from the ground up: a room may import what stands before it, and itself
ROOMS = [
    "atomic",
    "errors",
    "sections",
    "strict_json",
    "span",
    "relations",
    "document",
    "labels",
    "text",
    "decode",
    "hub",
    "model_files",
    "model_dir",
    "backends",
    "pieces",
    "pipeline",
    "tagger",
    "io",
    "launch",
    "bulk",
    "convert",
    "predict",
    "corpus",
    "evaluation",
    "corrections",
    "training",
    "pseudo_labels",
    "export",
    "benchmark",
    "experiments",
    "reliability",
]
NEVER = {"training": {"evaluation", "tagger", "io"}, "corpus": {"tagger", "io"}}
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "hydra",
    "omegaconf",
    "seqeval",
    "scipy",
    "accelerate",
    "ray",
    "pyarrow",
} | {"lxml", "openpyxl", "openvino", "pypdfium2"}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "ner_danvan":
            found |= {f"ner_danvan.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("ner_danvan.")}
    above = {other for other in used if ROOMS.index(other) > ROOMS.index(room)}
    assert above | (used & NEVER.get(room, set())) == set()


def test_prediction_starts_without_the_training_extra() -> None:
    program = (
        "import sys, ner_danvan.predict, ner_danvan.tagger, ner_danvan.io.pretty, ner_danvan.text.segment\n"
        f"sys.exit(', '.join({HEAVY!r} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_grows_past_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_package_gives_its_names_and_no_others() -> None:
    import ner_danvan

    for name in ner_danvan.__all__:
        assert getattr(ner_danvan, name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ner_danvan.Nothing
