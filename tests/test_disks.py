from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState

from ner_danvan.atomic import remove_folder, whole_folder, write_whole
from ner_danvan.launch import disk_fault
from ner_danvan.training.checkpoints import KeepCheckpoints, checkpoints

TEXT = "Bà Mai Thị Quyên, Chủ tịch UBND xã, đề nghị rà soát hộ nghèo trước 31/10."
NOWHERE = "/proc/nowhere"  # where not even root can make a folder


def predict(
    *arguments: str, cwd: Path, most: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if most:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.run(
        [sys.executable, "-m", "ner_danvan.predict", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | environment,
        preexec_fn=limit,
    )


def test_output_goes_on_where_the_disk_was_full(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.txt").write_text(TEXT, encoding="utf-8")
    command = [*(f"{number:03}.txt" for number in range(100)), "-o", "out.jsonl"]
    full = predict(*command, cwd=tmp_path, most=20_000)
    assert (full.returncode, full.stderr) == (
        2,
        "error: out.jsonl.part: cannot be written (File too large); make room or give another -o.\n",
    )
    assert not (tmp_path / "out.jsonl").exists()
    assert (tmp_path / "out.jsonl.part").stat().st_size == 20_000
    assert predict(*command, "--resume", cwd=tmp_path).returncode == 0
    gone_on = (tmp_path / "out.jsonl").read_bytes()
    assert predict(*command, cwd=tmp_path).returncode == 0
    assert gone_on == (tmp_path / "out.jsonl").read_bytes()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc, where nobody may write")
def test_a_target_that_nobody_may_write_is_one_line(tmp_path: Path) -> None:
    done = predict("--text", TEXT, "--format", "jsonl", "-o", "/proc/out.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "/proc/out.jsonl.part: cannot be written" in line


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc, where nobody may write")
def test_no_cache_is_needed_for_a_model_that_is_here(tmp_path: Path) -> None:
    nowhere = {"HOME": NOWHERE, "HF_HOME": NOWHERE, "HF_HUB_CACHE": f"{NOWHERE}/hub", "XDG_CACHE_HOME": NOWHERE}
    done = predict("--text", TEXT, "--format", "jsonl", cwd=tmp_path, **nowhere)
    assert (done.returncode, done.stderr) == (0, "")
    asked = predict("--text", TEXT, "--model", "owner/name", cwd=tmp_path, **nowhere)
    assert asked.returncode == 2
    assert len(asked.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), "a/b: cannot be written (No space left on device)"),
        (OSError(errno.EROFS, "Read-only file system"), "cannot be written (Read-only file system)"),
        (RuntimeError("PytorchStreamWriter failed writing file data/3"), "cannot be written (failed writing file)"),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 212992 vs 212884"),
            "cannot be written (a file came out too short)",
        ),
        (RuntimeError("something else"), None),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), None),
    ],
)
def test_faults_of_a_disk_are_told_from_others(error: Exception, wanted: str | None) -> None:
    found = disk_fault(error)
    assert found == wanted if wanted is None else (found or "").startswith(wanted)


def test_checkpoints_are_kept_by_step_whatever_the_clock_says(tmp_path: Path) -> None:
    for number, step in enumerate((90, 100, 110, 120)):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text("{}")
        os.utime(folder, (1e9 - number * 3600, 1e9 - number * 3600))  # each is older than the one before it
    state = TrainerState(best_model_checkpoint=str(tmp_path / "checkpoints" / "checkpoint-90"))
    arguments = SimpleNamespace(output_dir=str(tmp_path / "checkpoints"))
    KeepCheckpoints(2).on_save(arguments, state, TrainerControl())  # type: ignore[arg-type]
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-90", "checkpoint-120"]


def test_a_folder_takes_the_place_of_an_older_one_as_a_whole(tmp_path: Path) -> None:
    model = tmp_path / "model"
    for content in ("older", "newer"):
        with whole_folder(model) as folder:
            write_whole(folder / "a", content)
            assert not (model / "a").exists() or (model / "a").read_text() != content
    assert (model / "a").read_text() == "newer"
    with pytest.raises(RuntimeError), whole_folder(model) as folder:
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_interruption_between_two_names_puts_the_older_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_text("older")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "model.part":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "model"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "a").read_text() == "older"


def test_an_older_folder_that_a_kill_left_aside_is_put_back(tmp_path: Path) -> None:
    (tmp_path / "model.old.part").mkdir()
    (tmp_path / "model.old.part" / "a").write_text("older")
    (tmp_path / "model.part").mkdir()
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "model"):
        raise RuntimeError
    assert (tmp_path / "model" / "a").read_text() == "older"
    remove_folder(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_behind_a_link_is_replaced_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    with whole_folder(tmp_path / "link") as folder:
        write_whole(folder / "a", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a").read_text() == "x"
    shutil.rmtree(tmp_path / "there")
