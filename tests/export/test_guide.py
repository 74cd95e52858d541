"""docs/publishing.md, run as it is written against a hub on this machine."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from conftest import ROOT
from hub_server import TOKEN, Hub

GUIDE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", GUIDE, flags=re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def test_the_guides_commands_run_as_written(tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "HYDRA"))}
    told: dict[str, str] = {}
    with Hub() as hub:
        environment = kept | {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_XET": "1",
            "PYTHONPATH": str(ROOT / "src"),
        }
        for line in commands():
            words = shlex.split(line)
            settings = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
            command = [sys.executable if word == "python" else word for word in words[len(settings) :]]
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=ROOT, env=environment | settings, timeout=600, check=False
            )
            assert done.returncode == 0, (line, done.stderr)
            told[line] = done.stdout
        assert TOKEN not in "".join(told.values())
        found = hub.repositories["org/danvan-mini"]
        dataset = hub.files("datasets/org/danvan-reports")
    assert set(found.refs) == {"main", "v2"}
    dry, first, *again = (text for line, text in told.items() if "export.py" in line)
    assert dry.startswith("would publish 13 files")
    assert first.startswith("published: http://127.0.0.1")
    assert all(text.startswith("published already, nothing has changed") for text in again)
    (built,) = (text for line, text in told.items() if "prepare_data.py" in line)
    assert "published: http://127.0.0.1" in built
    for name in ("README.md", "data/train.parquet", "data/dev.parquet", "data/test.parquet"):
        assert dataset[name] == (ROOT / "data" / "built" / "hub" / name).read_bytes()
    there, _, offline = (text for line, text in told.items() if "predict" in line)
    assert "PERSON" in there
    assert offline == there
