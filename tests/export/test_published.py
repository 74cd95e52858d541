"""From an export to the hub and back as a user would: scripts and the card's own examples, each in a process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT
from hub_server import TOKEN, Hub
from huggingface_hub import ModelCard
from tiny import DANVAN, SENTENCES, TRANSITIONS, write_run
from transformers import AutoModelForTokenClassification, AutoTokenizer

from ner_danvan.decode import start_scores, valid_moves, viterbi
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import file_hash, read_model_dir
from ner_danvan.tagger import Tagger

FLAT = LabelScheme.from_config([{"name": "words", "labels": ["PERSON", "LOCATION"]}])
SCORE = {"precision": 0.9, "recall": 0.8, "f1": 0.847, "gold": 10, "predicted": 9}


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="module")
def process(server: Hub, work: Path) -> Any:
    """Runs Python as a user of that hub, with the token in the place where `hf auth login` puts it."""
    (work / "home").mkdir()
    (work / "home" / "token").write_text(TOKEN)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "HYDRA"))}
    environment = kept | {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(work / "home"),
        "HF_HUB_DISABLE_XET": "1",  # see tests/conftest.py
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PYTHONPATH": str(ROOT / "src"),
    }

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=work,
            env=environment,
            timeout=600,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="module", params=[DANVAN, FLAT], ids=["layered", "flat"])
def exported(request: pytest.FixtureRequest, encoder: Path, work: Path, process: Any) -> tuple[str, Path, str]:
    """A model that the export script has published: its name on the hub, its directory, and what the script printed."""
    scheme: LabelScheme = request.param
    kind = "layered" if scheme == DANVAN else "flat"
    run = write_run(encoder, work / f"run-{kind}", scheme)
    metrics = {
        "name": "test",
        "documents": 2,
        "strict": {"micro": SCORE, "macro": SCORE, "labels": dict.fromkeys(scheme.labels, SCORE)},
        "f1_intervals": {name: [0.7, 0.9] for name in ("micro", *scheme.labels)},
        "weights_sha256": file_hash(run / "model" / "model.safetensors"),
    }
    (run / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    done = process(
        str(ROOT / "scripts" / "export.py"),
        *(f"model.path={run}", f"output={work / kind}", f"evaluations=[{run / 'metrics.json'}]"),
        *(f"hub.repo_id=org/{kind}", "hub.push=true", "hub.private=true"),
    )
    return f"org/{kind}", work / kind, done.stdout + done.stderr


def examples(folder: Path) -> list[str]:
    """The card's Python, as it stands there."""
    return re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_script_publishes_what_it_exports(server: Hub, exported: tuple[str, Path, str]) -> None:
    name, folder, told = exported
    assert f"published: {server.url}/{name}/commit/" in told
    there = {path: data for path, data in server.files(name).items() if path != ".gitattributes"}
    assert there == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert server.repositories[name].private


def test_the_token_is_in_nothing_that_is_told_or_written(
    server: Hub, exported: tuple[str, Path, str], work: Path, process: Any
) -> None:
    _, folder, told = exported
    export = [str(ROOT / "scripts" / "export.py"), f"output={folder}", "hub.repo_id=other/mine", "hub.push=true"]
    for more in ([], [f"hub.token={TOKEN}"], [f"+hub.token={TOKEN}"]):
        done = process(*export, *more, check=False)
        told += done.stdout + done.stderr
    assert "error: other/mine: your token may not write to it" in told
    assert TOKEN not in told
    written = [path for path in work.rglob("*") if path.is_file() and path != work / "home" / "token"]
    assert {folder / "run.json", folder / "README.md"} <= set(written)
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []


def test_the_command_reads_with_it_as_from_its_directory(exported: tuple[str, Path, str], process: Any) -> None:
    name, folder, _ = exported
    command = ["-m", "ner_danvan.predict", "--text", SENTENCES[1], "--format", "jsonl", "--min-score", "0"]
    there = process(*command, "--model", name, "--revision", "main")
    assert json.loads(there.stdout)["spans"]
    assert there.stdout == process(*command, "--model", str(folder)).stdout
    assert there.stderr == ""


def test_the_cards_first_example_runs_as_written(exported: tuple[str, Path, str], process: Any) -> None:
    folder = exported[1]
    first, _ = examples(folder)
    rows = [line.split(" ") for line in process("-c", first).stdout.splitlines()]
    text = "Đồng chí Trần Văn Minh, Bí thư Huyện ủy, yêu cầu rà soát hộ nghèo."
    found = Tagger.from_pretrained(folder, device="cpu")(text).spans
    assert found
    assert [(row[0], int(row[1]), int(row[2])) for row in rows] == [(s.label, s.start, s.end) for s in found]


def test_the_cards_example_of_plain_transformers_runs_as_written(exported: tuple[str, Path, str], process: Any) -> None:
    name, folder, _ = exported
    _, plain = examples(folder)
    assert re.search(r"(import|from) ner_danvan", plain) is None
    lines = process("-c", plain).stdout.splitlines()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32).eval()
    sentence = "Đồng_chí Trần_Văn_Minh , Bí_thư Huyện_uỷ , yêu_cầu rà_soát hộ nghèo ."
    ids = tokenizer(sentence, return_tensors="pt")
    with torch.no_grad():
        logits = model(**ids).logits[0].double()
    if name == "org/flat":
        groups = [line.split(" ", 1)[0] for line in lines]
        tags = [model.config.id2label[int(i)][2:] for i in logits[1:-1].argmax(-1)]
        assert groups
        assert set(groups) == {tag for tag in tags if tag}
        return
    words = sentence.split()
    subwords = read_model_dir(folder).subwords
    ends = np.cumsum([len(subwords.encode([word]).ids) for word in words]).tolist()
    assert ends[-1] == len(logits) - 2
    begins = [0, *ends[:-1]]
    wanted, at = [], 0
    for layer in DANVAN.layers:
        scores = logits[1:-1][begins, at : at + len(layer.tags)].numpy()[None]
        moves = valid_moves(layer, TRANSITIONS[layer.name])
        (best,) = viterbi(scores, np.array([len(words)]), moves, start_scores(layer))
        row = (f"{word}/{layer.tags[i]}" for word, i in zip(words, best.tolist(), strict=True))
        wanted.append(" ".join([layer.name, *row]))
        at += len(layer.tags)
    assert lines == wanted


def test_the_cards_front_matter_survives_its_data_class(exported: tuple[str, Path, str]) -> None:
    _, folder, _ = exported
    card = ModelCard.load(folder / "README.md")
    again = ModelCard(str(card))
    assert again.data.to_dict() == card.data.to_dict()
    results = {row.metric_name: row for row in card.data.eval_results or ()}
    labels = (DANVAN if "layered" in folder.name else FLAT).labels
    wanted = {"strict micro F1", "strict micro precision", "strict micro recall"}
    assert set(results) == wanted | {f"strict F1, {label}" for label in labels}
    assert results["strict micro F1"].metric_value == 0.847
    assert results["strict F1, PERSON"].metric_args == {"interval_95": [0.7, 0.9]}
