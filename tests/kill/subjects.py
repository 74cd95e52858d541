"""What is killed: commands over small material that is made once."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import datasets
import hydra
import onnxruntime
import rich.table
import tiny
import torch
import transformers
from harness import LOG, ROOT, Begin, Files, Subject, forked, script

import bulk
from ner_danvan import predict
from ner_danvan.corpus import build
from ner_danvan.export import run as exporting
from ner_danvan.training import run as training

# in this process before any fork, so that a child begins with its work
IMPORTED = (datasets, hydra, onnxruntime, rich.table, torch, transformers, build, exporting, training)

_OWN_TIMES = ("cost", "commit", "changed_since_commit")  # of run.json: not what a run's result depends on
_SPLITS = {"train": 24, "dev": 6, "test": 6}
_TRAINING = (
    *("model.dropout=0", "training.epochs=5", "training.learning_rate=0.01", "training.batch_size=4"),
    *("training.compile='no'", "training.precision=fp32"),
)


class Stock:
    """A tiny encoder, a trained run and an export of it, texts and reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        _wait(forked(self._make)(folder))

    def _make(self) -> None:
        encoder = tiny.write_encoder(self.folder / "encoder")
        run = tiny.write_run(encoder, self.folder / "run")
        exporting.export(run, self.folder / "model", "fp32", [], name="older", onnx=True)
        self._write_texts()
        self._write_reports()
        older = ("train", 12), ("dev", 3), ("test", 3)
        build.run(_data_values(self.folder, self.folder / "older", dict(older)))

    def _write_texts(self) -> None:
        texts = self.folder / "texts"
        texts.mkdir()
        for number in range(6):
            rows = [
                {"id": f"{number}/{row}", "text": " ".join(tiny.SENTENCES[(row + i) % 6] for i in range(1 + row % 4))}
                for row in range(90)
            ]
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
            lines[40] = '{"id": "broken"'  # some inputs fail, and are told in a file of their own
            (texts / f"{number}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _write_reports(self) -> None:
        index = (ROOT / "data" / "reports" / "index.tsv").read_text(encoding="utf-8")
        (self.folder / "index.tsv").write_text(index, encoding="utf-8")
        for split, count in _SPLITS.items():
            (self.folder / "reports" / split).mkdir(parents=True)
            for path in sorted((ROOT / "data" / "reports" / split).glob("*.txt"))[:count]:
                shutil.copy(path, self.folder / "reports" / split)
        for split, numbers in (("train", range(1, 17)), ("dev", range(20, 24))):
            (self.folder / "small" / split).mkdir(parents=True)
            for number in numbers:
                text = "\n".join(tiny.REPORTS).format(n=number)
                (self.folder / "small" / split / f"{number}.txt").write_text(text, encoding="utf-8")


def _wait(process: int) -> None:
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def _every_file(folder: Path) -> Files:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != LOG}


# --- predict ----------------------------------------------------------------------------------


def predicting(stock: Stock) -> Subject:
    """JSONL, gone on with by --resume: a partial output is the beginning of the whole one."""
    command = [str(stock.folder / "texts"), "--model", str(stock.folder / "model"), "--on-error", "skip"]
    command += ["-o", "out.jsonl"]

    def faults(folder: Path, whole: Files) -> list[str]:
        found = _every_file(folder)
        wrong = [
            name for name in ("out.jsonl", "out.jsonl.errors.jsonl") if name in found and found[name] != whole[name]
        ]
        part = found.get("out.jsonl.part", b"")
        if not whole["out.jsonl"].startswith(part):
            wrong.append("out.jsonl.part, which is not how the whole one begins")
        return [f"there is a wrong {name}" for name in wrong]

    return Subject(
        _new,
        forked(lambda: predict.main(command)),
        forked(lambda: predict.main([*command, "--resume"])),
        _every_file,
        faults,
    )


def predicting_csv(stock: Stock) -> Subject:
    """CSV over an older output, which stays until the new one is whole; by workers in processes of their own."""
    command = [str(stock.folder / "texts"), "--model", str(stock.folder / "model"), "--on-error", "skip"]
    command += ["-o", "out.csv", "--workers", "1"]

    def prepare(folder: Path) -> None:
        _new(folder)
        (folder / "out.csv").write_bytes(b"older")

    def faults(folder: Path, whole: Files) -> list[str]:
        content = (folder / "out.csv").read_bytes()
        return [] if content in (b"older", whole["out.csv"]) else ["out.csv is neither the older nor the new one"]

    begin = forked(lambda: predict.main(command))
    return Subject(prepare, begin, begin, _every_file, faults)


def _new(folder: Path) -> None:
    folder.mkdir(parents=True)


# --- scripts ----------------------------------------------------------------------------------


def _training(stock: Stock) -> Subject:
    """A model is whole or not there; `resume=auto` ends with its weights."""
    data = [f"data.{split}={stock.folder / 'small' / split}" for split in ("train", "dev")]
    command = [f"model.path={stock.folder / 'encoder'}", *data, "augment=none", *_TRAINING, "output=run", "resume=auto"]
    command.append("tracker=null")  # what TensorBoard writes has times in it

    def read(folder: Path) -> Files:
        return {
            name: _without_times(content) if name.endswith("run.json") else content
            for name, content in _every_file(folder).items()
            if "checkpoints" not in name or name.endswith("model.safetensors")
        }

    def faults(folder: Path, whole: Files) -> list[str]:
        return _other_folder(read(folder), [whole], "run/model/")

    begin = forked(script("train", *command))
    return Subject(_new, begin, begin, read, faults)


def _without_times(record: bytes) -> bytes:
    kept = {key: value for key, value in json.loads(record).items() if key not in _OWN_TIMES}
    return json.dumps(kept).encode()


def _exporting(stock: Stock) -> Subject:
    """An older export stays until the new one is whole; between the two its other name has it."""
    older = {f"mine/{name}": content for name, content in _every_file(stock.folder / "model").items()}

    def prepare(folder: Path) -> None:
        _new(folder)
        shutil.copytree(stock.folder / "model", folder / "mine")

    def faults(folder: Path, whole: Files) -> list[str]:
        found = _every_file(folder)
        if (folder / "mine").exists():
            return _other_folder(found, [older, whole], "mine/")
        set_aside = {name.replace("mine/", "mine.old.part/"): content for name, content in older.items()}
        return _other_folder(found, [set_aside], "mine.old.part/", needed=True)

    begin = forked(script("export", f"model.path={stock.folder / 'run'}", "output=mine"))
    return Subject(prepare, begin, begin, _every_file, faults)


def _other_folder(found: Files, allowed: list[Files], name: str, *, needed: bool = False) -> list[str]:
    """A fault where the files below a name are not those of one of the allowed folders."""

    def below(files: Files) -> Files:
        return {path: content for path, content in files.items() if path.startswith(name)}

    there = below(found)
    if (not there and not needed) or there in [below(files) for files in allowed]:
        return []
    return [f"{name} is a half one: {sorted(there)}"]


def _preparing(stock: Stock) -> Subject:
    """Every file of the splits and of the dataset is the older or the new one."""
    older = {f"built/{name}": content for name, content in _every_file(stock.folder / "older").items()}
    splits = ", ".join(f"{split}: {stock.folder / 'reports' / split}" for split in _SPLITS)
    command = [f"splits={{{splits}}}", f"index={stock.folder / 'index.tsv'}", "foreign=null", "output=built"]
    command.append(f"model.path={stock.folder / 'encoder'}")

    def prepare(folder: Path) -> None:
        _new(folder)
        shutil.copytree(stock.folder / "older", folder / "built")

    def faults(folder: Path, whole: Files) -> list[str]:
        found = {name: content for name, content in _every_file(folder).items() if not name.endswith(".part")}
        wrong = [name for name, content in found.items() if content not in (older.get(name), whole.get(name))]
        return [f"{name} is neither the older nor the new one" for name in wrong]

    begin = forked(script("prepare_data", *command))
    return Subject(prepare, begin, begin, _every_file, faults)


def _data_values(stock: Path, output: Path, counts: dict[str, int]) -> dict[str, object]:
    """The configuration of an older build over the first reports of each split."""
    from omegaconf import OmegaConf

    some = stock / "some"
    for split, count in counts.items():
        (some / split).mkdir(parents=True)
        for path in sorted((stock / "reports" / split).glob("*.txt"))[:count]:
            shutil.copy(path, some / split)
    with hydra.initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = hydra.compose("prepare_data")
    values = OmegaConf.to_container(config, resolve=False)
    assert isinstance(values, dict)
    changes = {
        "splits": {split: str(some / split) for split in counts},
        "index": str(stock / "index.tsv"),
        "foreign": None,
        "output": str(output),
        "model": {"path": str(stock / "encoder")},
    }
    plain = OmegaConf.to_container(OmegaConf.create({**values, **changes}), resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


# --- bulk -------------------------------------------------------------------------------------


def _bulk(stock: Stock) -> Subject:
    """What --engine ray writes, by one worker in this process."""
    command = [str(stock.folder / "texts"), str(stock.folder / "model")]
    return _parts_subject(forked(lambda: bulk.main(*command)), forked(lambda: bulk.main(*command, "--resume")))


def _ray(stock: Stock) -> Subject:
    """The same by two actors of a Ray that the command starts, in a process that begins with its imports."""

    def begin(*more: str) -> Callable[[Path], int]:
        def run() -> None:
            os.environ.pop("RAY_ADDRESS", None)
            program = [sys.executable, str(Path(__file__).with_name("bulk.py"))]
            os.execv(sys.executable, [*program, str(stock.folder / "texts"), str(stock.folder / "model"), *more])

        return forked(run)

    parts = _parts_subject(begin("--ray"), begin("--ray", "--resume"))
    return replace(parts, patience=150.0)  # Ray's agents end a minute after the processes that they belong to


def _parts_subject(begin: Begin, go_on: Begin) -> Subject:
    """Parts are whole or not there, and --resume makes those that are missing."""

    def read(folder: Path) -> Files:
        return {name: content for name, content in _every_file(folder).items() if not name.endswith("_parts.log")}

    def faults(folder: Path, whole: Files) -> list[str]:
        parts = {name: content for name, content in read(folder).items() if "/part-" in name}
        wrong = [f"{name} is not as it should be" for name, content in parts.items() if content != whole.get(name)]
        manifest = folder / "tagged" / "_manifest.json"
        if manifest.is_file() and json.loads(manifest.read_text())["done"] and len(parts) < _count(whole):
            wrong.append("the manifest says that all is done")
        return wrong

    return Subject(_new, begin, go_on, read, faults)


def _count(files: Files) -> int:
    return sum("/part-" in name for name in files)


SUBJECTS: dict[str, Callable[[Stock], Subject]] = {
    "predict": predicting,
    "csv": predicting_csv,
    "train": _training,
    "export": _exporting,
    "data": _preparing,
    "bulk": _bulk,
    "ray": _ray,
}
