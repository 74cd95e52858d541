"""Kills commands at random moments, and looks at what they leave and whether they go on as if nothing had been.

PYTHONPATH=src python tests/kill/harness.py predict csv train export data bulk --kills 50 --stops 10
PYTHONPATH=src python tests/kill/harness.py ray --kills 5 --stops 1

Every trial begins a command in a fresh folder, ends it at a moment drawn from a seed (SIGKILL, or SIGINT or SIGTERM),
one in two of them after an unbroken run would have begun to write, perhaps again while it goes on, looks at each file
that is there, and has it go on to its end. Commands are forked from this process, which has imported everything and
started no thread, so that moments fall into work and not into imports.
"""

from __future__ import annotations

import argparse
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

ROOT = Path(__file__).parents[2]
LOG = "stderr.log"
_TELLS = {signal.SIGINT: (130, "error: interrupted"), signal.SIGTERM: (143, "error: terminated")}
_LONGEST = 600.0  # seconds that any command may take
_AGAIN = 0.4  # how often what goes on is killed once more

Files = dict[str, bytes]
Begin = Callable[[Path], int]  # starts the command in a folder, and gives its process id, which leads a session


@dataclass(frozen=True)
class Subject:
    """A command: what prepares its folder, what starts it, what may lie there after a kill, and must at the end.

    `begin` is the command, `go_on` the one after a kill; `read` gives the files that count, cleaned of times;
    `faults` tells what must not be there, given the folder and the files of an unbroken run.
    """

    prepare: Callable[[Path], None]
    begin: Begin
    go_on: Begin
    read: Callable[[Path], Files]
    faults: Callable[[Path, Files], list[str]]
    patience: float = 10.0  # seconds in which what it started must be gone after it was killed


@dataclass
class Tally:
    """What came of the trials of a subject."""

    seconds: float = 0.0  # of an unbroken run
    first: float = 0.0  # seconds until it first changed a file
    ended: Counter[str] = field(default_factory=Counter)
    begun: int = 0  # kills after which something had been written
    faults: list[str] = field(default_factory=list)


def kill(subject: Subject, kills: int, stops: int, seed: int, work: Path) -> Tally:
    """Kill a subject so often by SIGKILL, and by SIGINT and SIGTERM `stops` times each."""
    tally = Tally()
    whole = _whole_run(subject, work / "whole", tally)
    signals = [signal.SIGKILL] * kills + [signal.SIGINT, signal.SIGTERM] * stops
    for number, sent in enumerate(signals):
        folder = work / f"trial-{number}"
        subject.prepare(folder)
        before = subject.read(folder)
        _trial(subject, folder, sent, random.Random(f"{seed}/{number}"), whole, before, tally)
        print(f"{number + 1} of {len(signals)}: {_so_far(tally)}", file=sys.stderr, flush=True)
        if not tally.faults:
            shutil.rmtree(folder)
    return tally


def _so_far(tally: Tally) -> str:
    ended = ", ".join(f"{count} {how}" for how, count in sorted(tally.ended.items()))
    return f"{ended}; {tally.begun} after the first write; {len(tally.faults)} faults"


def _whole_run(subject: Subject, folder: Path, tally: Tally) -> Files:
    """The files of a run that nobody breaks; of two, which must be the same."""
    found: list[Files] = []
    for name in ("first", "second"):
        place = folder / name
        subject.prepare(place)
        before, begin = _stamps(place), time.monotonic()
        process, tally.first = subject.begin(place), 0.0
        while (code := _ended(process, 0.0)) is None:
            if not tally.first and _stamps(place) != before:
                tally.first = time.monotonic() - begin
            time.sleep(0.005)
            if time.monotonic() - begin > _LONGEST:
                raise SystemExit(f"an unbroken run takes more than {_LONGEST:g} s")
        tally.seconds = time.monotonic() - begin
        if code not in (0, 1):
            raise SystemExit(f"an unbroken run ended with {code}:\n{(place / LOG).read_text()}")
        found.append(subject.read(place))
    if differing := _differing(*found):
        raise SystemExit(f"two unbroken runs differ in {differing}")
    return found[0]


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What changes when anything but the log is written."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(OSError):
            status = path.stat()
            if path.name != LOG:
                found[str(path)] = (status.st_mtime_ns, status.st_size)
    return found


def _trial(
    subject: Subject, folder: Path, sent: int, draw: random.Random, whole: Files, before: Files, tally: Tally
) -> None:
    def fault(message: str) -> None:
        tally.faults.append(f"{folder.name}, {signal.Signals(sent).name}: {message}")

    command = subject.begin
    while True:
        process = command(folder)
        moment = draw.uniform(draw.choice([0, 0.98 * tally.first]), 1.05 * tally.seconds)
        code = _ended(process, moment)
        if code is None:
            os.kill(process, sent)
            code = _ended(process, _LONGEST)
            name = signal.Signals(sent).name
        else:
            name = "ended before"
        tally.ended[name] += 1
        begun = subject.read(folder) != before
        tally.begun += begun
        if left := _left_over(process, subject.patience):
            fault(f"processes left: {left}")
        if name in ("SIGINT", "SIGTERM") and (told := _not_told(sent, code, folder, begun)):
            fault(told)
        for message in subject.faults(folder, whole):
            fault(f"after {moment:.2f} s {message}")
        command = subject.go_on
        if draw.random() > _AGAIN:
            break
    code = _ended(command(folder), _LONGEST)
    if code not in (0, 1):
        fault(f"going on ended with {code}: {(folder / LOG).read_text()[-500:]}")
    if differing := _differing(subject.read(folder), whole):
        fault(f"after going on, others than those of an unbroken run: {differing}")


def _not_told(sent: int, code: int | None, folder: Path, begun: bool) -> str:
    """What is wrong with how a command took SIGINT or SIGTERM: it says one line, and exits as shells expect.

    Before a command takes signals itself, which is before it writes anything, it just ends.
    """
    wanted, line = _TELLS[signal.Signals(sent)]
    said = (folder / LOG).read_text(errors="replace")
    if code == -sent and not said and not begun:
        return ""
    if code in (0, 1) or (code == wanted and line in said and "Traceback" not in said):
        return ""
    return f"exit {code}, said {said[-800:]!r}"


def _differing(first: Files, second: Files) -> list[str]:
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


# --- processes --------------------------------------------------------------------------------


def forked(run: Callable[[], None]) -> Begin:
    """Has `run` done in a folder, in a process of its own that leads a session; stderr goes to LOG."""

    def begin(folder: Path) -> int:
        sys.stdout.flush()
        if process := os.fork():
            return process
        _child(folder, run)

    return begin


def _child(folder: Path, run: Callable[[], None]) -> NoReturn:
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        nowhere, log = os.open(os.devnull, os.O_RDWR), os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for own, to in ((0, nowhere), (1, nowhere), (2, log)):
            os.dup2(to, own)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        run()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def script(name: str, *arguments: str) -> Callable[[], None]:
    """Runs a script as a shell would."""

    def run() -> None:
        sys.argv = [str(ROOT / "scripts" / f"{name}.py"), *arguments]
        runpy.run_path(sys.argv[0], run_name="__main__")

    return run


def _ended(process: int, seconds: float) -> int | None:
    """The exit code, negative after a signal, or None where it runs on after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.002)


def _left_over(session: int, patience: float) -> list[str]:
    """Processes of a session whose leader is gone, after they had time to end."""
    end = time.monotonic() + patience
    while found := _of_session(session):
        if time.monotonic() > end:
            return found
        time.sleep(0.05)
    return []


def _of_session(session: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, own, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(own) == session and state != "Z":
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80])
    return found


def main() -> None:
    """Kill the subjects that the command line names; exits with 1 at any fault."""
    from subjects import SUBJECTS, Stock

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="+", choices=SUBJECTS)
    parser.add_argument("--kills", type=int, default=50, help="trials that end by SIGKILL")
    parser.add_argument("--stops", type=int, default=10, help="trials that end by SIGINT, and as many by SIGTERM")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="kills."))
    failed = False
    stock = Stock(work / "stock")
    for name in options.subjects:
        tally = kill(SUBJECTS[name](stock), options.kills, options.stops, options.seed, work / name)
        _show(name, tally)
        failed |= bool(tally.faults)
    if failed:
        sys.exit(f"what was left lies in {work}")
    shutil.rmtree(work)


def _show(name: str, tally: Tally) -> None:
    print(
        f"{name}: unbroken {tally.seconds:.1f} s, writes from {tally.first:.1f} s on; {_so_far(tally)}",
        flush=True,
    )
    for fault in tally.faults:
        print(f"  {fault}", flush=True)


if __name__ == "__main__":
    main()
