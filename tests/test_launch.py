from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf.errors import MissingMandatoryValue

from ner_danvan.errors import UserError
from ner_danvan.launch import Terminated, one_line_errors, own_sigterm, run_hydra


def exits_with(error: BaseException, capsys: pytest.CaptureFixture[str], *, inside: bool) -> tuple[int, str]:
    def task() -> None:
        raise error

    with pytest.raises(SystemExit) as left:
        one_line_errors(task)() if inside else run_hydra(task)
    return int(left.value.code or 0), capsys.readouterr().err


def test_a_fault_of_the_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits_with(UserError("a:\n  is wrong"), capsys, inside=True) == (2, "error: a: is wrong\n")
    hostile = UserError("\x1b[2Ja.txt: is wrong")  # a file's name must not steer the terminal
    assert exits_with(hostile, capsys, inside=True) == (2, "error: ␛[2Ja.txt: is wrong\n")


@pytest.mark.parametrize("inside", [True, False])
def test_a_missing_value_points_to_the_config(capsys: pytest.CaptureFixture[str], inside: bool) -> None:
    code, line = exits_with(MissingMandatoryValue("no model.path"), capsys, inside=inside)
    assert code == 2
    assert "no model.path" in line
    assert "configs/" in line


def test_where_hydra_looked_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigCompositionException("no model/x\nConfig search path:\n provider=hydra")
    assert "provider" not in exits_with(error, capsys, inside=False)[1]


def test_an_interruption_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits_with(KeyboardInterrupt(), capsys, inside=False) == (130, "error: interrupted\n")


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("error", [ConfigCompositionException, UnboundLocalError, MissingMandatoryValue, UserError])
def test_nor_is_one_over_which_a_library_stumbles(
    error: type[Exception], inside: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def task() -> None:
        try:
            try:
                raise KeyboardInterrupt
            finally:  # as OmegaConf puts its flags back
                raise error("flags")
        except Exception as wrapped:
            raise error("") from wrapped

    with pytest.raises(SystemExit) as left:
        run_hydra(one_line_errors(task) if inside else task)
    assert (left.value.code, capsys.readouterr().err) == (130, "error: interrupted\n")


def test_sigterm_is_ours_again_after_a_library_in_c_has_taken_it() -> None:
    """As Ray does when it starts; `signal.getsignal` does not see it."""
    program = """
import ctypes, os, signal
from ner_danvan.launch import Terminated, end_on_sigterm, own_sigterm
end_on_sigterm()
with own_sigterm():
    ctypes.CDLL(None).signal(signal.SIGTERM, 1)  # SIG_IGN
    os.kill(os.getpid(), signal.SIGTERM)
try:
    os.kill(os.getpid(), signal.SIGTERM)
except Terminated:
    print("terminated")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "terminated\n", "")


def test_sigterm_is_told_while_a_library_has_a_handler_that_just_leaves() -> None:
    """As Ray's does, with the signal's number as exit code."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), own_sigterm():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(SystemExit, match="3"), own_sigterm():
        sys.exit(3)


def test_a_fault_of_the_program_is_not_hidden() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_hydra(one_line_errors(broken))


def test_what_the_task_returns_comes_through() -> None:
    assert one_line_errors(lambda value: value + 1)(2) == 3


@pytest.mark.parametrize(("rank", "told"), [("0", ["a", "b"]), ("1", ["b"])])
def test_of_several_processes_the_first_tells_how_it_goes_on(
    rank: str, told: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def task() -> None:
        logging.getLogger("ner_danvan.training.run").info("a")
        logging.getLogger("ner_danvan.training.run").warning("b")

    monkeypatch.setenv("RANK", rank)
    with caplog.at_level(logging.INFO, logger="ner_danvan"):
        one_line_errors(task)()
    assert caplog.messages == told


def test_the_processes_part_at_the_end_even_after_a_fault(tmp_path: Path) -> None:
    import torch.distributed

    def task() -> None:
        torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
        raise UserError("x: is wrong; mend it.")

    with pytest.raises(SystemExit):
        run_hydra(one_line_errors(task))
    assert not torch.distributed.is_initialized()
