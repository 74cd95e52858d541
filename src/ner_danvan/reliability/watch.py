"""What a running process holds: its memory and its open files, as Linux tells them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_danvan.errors import UserError

_KIB = 1_024 / 1e6  # in MB
_INTERVAL = 0.2  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Held:
    """Resident memory, its peak so far and what of it no file has, in MB (10^6 bytes), and the number of file handles.

    Pages of files (libraries, weights) the system may take away and bring back as it likes; `own_mb` it cannot.
    """

    memory_mb: float
    peak_mb: float
    own_mb: float
    handles: int


def held_by(process: int | None = None) -> Held:
    """What a process holds, or this one; raises UserError where there is no /proc, and OSError if it has ended."""
    proc = Path("/proc")
    if not proc.is_dir():
        raise UserError("memory and file handles are read from /proc, which this system has not; run it on Linux.")
    folder = proc / str(process or os.getpid())
    rows = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    if "VmRSS" not in rows:  # it has ended, and nobody has asked how
        raise ProcessLookupError(process)
    memory, peak, anonymous, swapped = (
        int(rows.get(key, "0").split()[0]) * _KIB for key in ("VmRSS", "VmHWM", "RssAnon", "VmSwap")
    )
    return Held(memory, peak, anonymous + swapped, len(os.listdir(folder / "fd")))  # noqa: PTH208, a count of names is all


@dataclass(frozen=True)
class Run:
    """How a command went: exit code, seconds, the most memory in MB and the most file handles it had."""

    code: int
    seconds: float
    peak_mb: float
    handles: int


def run_command(arguments: Sequence[str], errors: Path, look: Callable[[Held], None] | None = None) -> Run:
    """Run `python -m ner_danvan.predict` with the arguments; its stderr goes to a file. `look` sees what it holds."""
    begin = time.monotonic()
    handles, peak = 0, 0.0
    with errors.open("wb") as stderr:
        command = [sys.executable, "-m", "ner_danvan.predict", *arguments]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)
        ended = threading.Event()

        def wait() -> None:
            running.wait()
            ended.set()

        threading.Thread(target=wait, daemon=True).start()
        while not ended.wait(_INTERVAL):
            try:
                held = held_by(running.pid)
            except OSError:  # it ended between the two
                continue
            handles, peak = max(handles, held.handles), max(peak, held.peak_mb)
            if look:
                look(held)
    return Run(running.returncode, time.monotonic() - begin, peak, handles)
