from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc for processes that were left")
def test_killed_commands_leave_nothing_half_and_go_on_as_if_nothing_had_been() -> None:
    # by hand for hours: python tests/kill/harness.py --help
    command = [sys.executable, str(Path(__file__).with_name("harness.py")), "predict", "export"]
    done = subprocess.run(
        [*command, "--kills", "1", "--stops", "1"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("0 faults") == 2
