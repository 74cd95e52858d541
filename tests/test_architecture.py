from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ner_danvan"

# from the ground up: a room may import what stands before it, and itself
ROOMS = [
    "errors",
    "document",
    "labels",
    "text",
    "decode",
    "model_dir",
    "backends",
    "tagger",
    "io",
    "launch",
    "predict",
    "corpus",
    "evaluation",
    "training",
    "export",
]
NEVER = {"training": {"evaluation", "tagger", "io"}, "corpus": {"tagger", "io"}}
LIGHT = ["errors", "document", "labels", "text", "decode", "model_dir", "tagger", "io", "launch", "predict"]
HEAVY = {"torch", "transformers", "datasets", "hydra", "omegaconf", "seqeval", "scipy", "accelerate"}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
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


@pytest.mark.parametrize(
    "path", [p for p in modules() if room_of(p) in LIGHT], ids=lambda p: str(p.relative_to(SOURCE))
)
def test_prediction_starts_without_the_training_extra(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path, top_level=True)} & HEAVY == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_grows_past_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_package_gives_its_names_and_no_others() -> None:
    import ner_danvan

    for name in ner_danvan.__all__:
        assert getattr(ner_danvan, name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ner_danvan.Nothing
