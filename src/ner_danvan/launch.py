"""Where command-line programs begin: faults of the input become one line and an exit code, never a traceback."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from ner_danvan.errors import UserError, one_line
from ner_danvan.hub import without_tokens
from ner_danvan.io.terminal import visible

USAGE = 2
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_DISK_WORDS = re.compile(
    r"No space left on device|File too large|Read-only file system|Disk quota exceeded|failed writing file"
    r"|Permission denied|inline_container\.cc.*unexpected pos",
)
_OF_TORCH = "inline_container"  # writes an archive, and finds fewer bytes in it than it wrote
_DISK_MEND = "make room or choose another place, and run it again."
_HINT = "(--help shows the config, and configs/ says what each key means)"

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def open_closed_streams() -> bool:
    """Give stdin, stdout and stderr that the caller has closed to the null device; says whether stdout was open.

    The next file to be opened would otherwise take the number of one, and with it what libraries write there.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    was_open = sys.stdout is not None
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115, for the whole run
    return was_open


def fail(message: str, code: int = USAGE) -> NoReturn:
    """Print one line to stderr and exit."""
    print(f"error: {visible(without_tokens(one_line(message)))}", file=sys.stderr)
    sys.exit(code)


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken as Ctrl-C is: what was begun is put in order, and one line says how to go on."""


def end_on_sigterm() -> None:
    """Have SIGTERM raise Terminated, where it would end the process and nobody else waits for it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


@contextmanager
def own_sigterm() -> Iterator[None]:
    """What SIGTERM does before the block it does after it too; Ray takes the signal when it starts.

    Its own handler, which leaves with the signal's number and says nothing, becomes Terminated.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit as left:
        if left.code == signal.SIGTERM:
            raise Terminated from None
        raise
    finally:
        if before is not None:  # None is a handler that was not set from Python
            signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one does not wait
    raise Terminated


def fail_stopped(stop: KeyboardInterrupt, hint: str = "") -> NoReturn:
    """Say that somebody stopped the program, and exit as a shell would tell it."""
    word, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
    fail(word + hint, code)


def stop_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interruption while which an error was raised: a library that puts itself in order may stumble over it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def is_first_process() -> bool:
    """Whether this is the one to tell results, of all that torchrun or accelerate has started; True for a lone one."""
    return os.environ.get("RANK", "0") == "0"


class OneLineParser(argparse.ArgumentParser):
    """Tells wrong usage in one line; `--help` tells the rest."""

    def error(self, message: str) -> None:  # type: ignore[override]
        fail(f"{message.rstrip('.')}. See --help.")


def one_line_errors(task: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate what `hydra.main` runs: a fault of the input ends it with one line.

    It must be caught inside the job, for Hydra adds a line of its own to whatever leaves it. Of several processes only
    the first tells how it goes on.
    """

    @wraps(task)
    def guarded(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        from omegaconf.errors import OmegaConfBaseException

        if not is_first_process():
            logging.getLogger("ner_danvan").setLevel(logging.WARNING)
        try:
            return task(*arguments, **options)
        except Exception as error:
            if stop := stop_behind(error):
                raise stop from None
            if isinstance(error, UserError):
                fail(str(error))
            if isinstance(error, OmegaConfBaseException):
                fail(f"{_config_fault(error)} {_HINT}")
            if fault := disk_fault(error):
                fail(fault)
            raise

    return guarded


def _config_fault(error: Exception) -> str:
    """What OmegaConf, or Hydra, says of a configuration, without where they looked and what class they found."""
    from omegaconf.errors import MissingMandatoryValue

    key = getattr(error, "full_key", None)
    if isinstance(error, MissingMandatoryValue) and key:
        return f"{key}: is not set; give {key}=VALUE."
    reason, _, _ = str(error).partition("\n    full_key:")
    reason, _, _ = reason.partition("Config search path:")
    return f"{key}: {reason}" if key and key not in reason else reason


def file_fault(error: OSError) -> str:
    """What went wrong with a file, in one line."""
    return disk_fault(error) or f"{error.filename or 'a file'}: cannot be used ({error.strerror}); check the path."


def disk_fault(error: BaseException | None) -> str | None:
    """What a disk that is full, read-only or closed to this user did, with its mend; None for any other error.

    Libraries that write in C++ or Rust tell it in their own errors, which only their words betray.
    """
    if error is None:
        return None
    if isinstance(error, OSError) and error.errno in _DISK:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}cannot be written ({error.strerror}); {_DISK_MEND}"
    if found := _DISK_WORDS.search(str(error)):
        reason = "a file came out too short" if found[0].startswith(_OF_TORCH) else found[0]
        return f"cannot be written ({reason}); {_DISK_MEND}"
    return disk_fault(error.__cause__ or error.__context__)


def run_hydra(main: Callable[[], None]) -> None:
    """Run a function decorated with `hydra.main`.

    Hydra tells a wrong override in several lines and a fault in the program as a traceback cut short; here the first
    is one line, and the second is whole.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    open_closed_streams()
    if "RANK" not in os.environ:  # of several processes each waits for the others: torchrun's must end at once
        end_on_sigterm()
    try:
        main()
    except KeyboardInterrupt as stop:
        fail_stopped(stop)
    except Exception as error:
        if behind := stop_behind(error):
            fail_stopped(behind)
        if not isinstance(error, HydraException | OmegaConfBaseException):
            raise
        fail(f"{_config_fault(error)} {_HINT}")
    finally:
        _leave_processes()


def _leave_processes() -> None:
    """Ends what joins this process to the others of torchrun; its threads, still running, could abort the exit."""
    distributed: Any = sys.modules.get("torch.distributed")  # of one that has not been imported there is nothing to end
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
