"""Bad input by the thousand: make it, run the command on it, and see whether anything was lost or let in.

python scripts/stress.py kind=lines size=1000000
python scripts/stress.py kind=document size=20000000
python scripts/stress.py kind=files size=100000
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from ner_danvan.launch import one_line_errors, run_hydra


@hydra.main(version_base="1.3", config_path="../configs", config_name="stress")
@one_line_errors
def main(config: DictConfig) -> None:
    """Prints what came out; exits 1 if anything was lost or let in."""
    from ner_danvan.reliability.bad_input import stress  # late: a wrong override is told at once

    folder = Path(config.output)
    options = ["--backend", config.backend, "--workers", str(config.workers)]
    result = stress(config.kind, config.size, config.broken, config.seed, folder, options)
    (folder / "stress.json").write_text(json.dumps(result.to_dict(), indent=2) + "\n", encoding="utf-8")
    run = result.run
    print(f"put in: {result.documents} documents of {result.characters} characters, {result.broken} broken")
    print(f"came out: {result.tagged} documents, {result.refused} errors, exit code {run.code}")
    print(f"in {run.seconds:.0f} s, memory at most {run.peak_mb:.0f} MB, file handles at most {run.handles}")
    for fault in result.wrong[:20]:
        print(f"wrong: {fault}", file=sys.stderr)
    if result.wrong:
        sys.exit(1)


if __name__ == "__main__":
    run_hydra(main)
