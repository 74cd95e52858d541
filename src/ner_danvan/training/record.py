"""What makes a run reproducible: its config, data fingerprint, package versions and commit, in `run.json`."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ner_danvan.atomic import write_whole
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.model_dir import RUN_FILE

_PACKAGES = (
    "ner-danvan",
    "accelerate",
    "datasets",
    "numpy",
    "safetensors",
    "scipy",
    "seqeval",
    "tokenizers",
    "torch",
    "transformers",
    "underthesea",
    "underthesea_core",
)
_NO_MATTER = {"config.resume", "config.tracker", "config.tracking"}  # of a run's result


def make_record(config: Mapping[str, Any], data: Mapping[str, Sequence[Document]], **more: Any) -> dict[str, Any]:
    """The record of a run: the resolved config, and all that its result depends on beyond it."""
    return {
        "config": dict(config),
        "data": {
            split: {"documents": len(documents), "sha256": fingerprint(documents)} for split, documents in data.items()
        },
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": _git("status", "--porcelain", "--untracked-files=no", "--", "src", "scripts", "configs")
        != "",
        **more,
    }


def fingerprint(documents: Sequence[Document]) -> str:
    """SHA-256 over ids, texts and spans, in the order given."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(to_json_line(document).encode() + b"\n")
    return digest.hexdigest()


def hardware(device: torch.device, processes: int = 1) -> str:
    """What a run computes on, for people: the GPU's name, or how many threads of which kind of CPU."""
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    threads = processes * torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''} of a CPU ({platform.machine()})"


def write_record(record: Mapping[str, Any], folder: Path) -> None:
    """Write `run.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RUN_FILE, json.dumps(record, ensure_ascii=False, indent=2, default=str) + "\n")


def check_same_run(record: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError if a run to be gone on with was begun with another config or other data."""
    path = folder / RUN_FILE
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(record, default=str))
    for key in ("config", "data", "text", "encoder", "lexicon"):
        if changed := difference(before.get(key), now.get(key), key, ignored=_NO_MATTER):
            raise UserError(f"{folder}: begun with {changed}; set it back, or leave out resume=auto to start anew.")


def difference(before: Any, now: Any, name: str = "", ignored: Collection[str] = ()) -> str | None:
    """The first key at which two configurations differ, with both values; None where they do not."""
    if name in ignored or before == now:
        return None
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            below = f"{name}.{key}" if name else str(key)
            if found := difference(before.get(key), now.get(key), below, ignored):
                return found
        return None
    return f"{name}={before}, now it is {now}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """What git says where this file is tracked; None elsewhere, as in an installed package."""
    folder = Path(__file__).parents[3]
    if not (folder / ".git").exists():
        return None
    try:
        shown = subprocess.run(  # nosec B607: the git that a developer uses
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=10, cwd=folder
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return shown.stdout.strip()
