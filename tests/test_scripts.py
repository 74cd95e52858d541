from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from safetensors.torch import load_file
from studio import annotation, exported, save, task_of
from tiny import DANVAN, REPORTS

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, parse_inline
from ner_danvan.span import Span


def script(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a script as a user would."""
    environment = {key: value for key, value in os.environ.items() if key != "HYDRA_FULL_ERROR"}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=300,
        check=False,
    )


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path.parent)


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("train", ["training.epoch=3"], "epoch"),
        ("train", ["model=no_such"], "no_such"),
        ("train", ["model.path=no/such/folder"], "no/such/folder"),
        ("train", ["=="], "=="),
        ("evaluate", ["model.path=nowhere"], "nowhere: no such model directory"),
        ("evaluate", ["predictions=nowhere.jsonl"], "nowhere.jsonl"),
        ("evaluate", ["report.wrong=1"], "wrong"),
        ("compare", ["a=default"], "error: b: is not set; give b=VALUE. (--help"),
        ("compare", ["a=nowhere", "b=default"], "nowhere: no such model directory"),
        ("export", [], "is not set; give "),
        ("export", ["model.path=nowhere", "output=x"], "nowhere"),
        ("prepare_data", ["splits.train=nowhere"], "nowhere: no such folder"),
        ("pretrain", ["training.steps=1"], "text.files"),
        ("pretrain", ["text.files=[nowhere.txt]", "training.steps=1"], "nowhere.txt: no such file"),
    ],
)
def test_wrong_input_is_one_line_and_a_non_zero_exit(
    name: str, arguments: list[str], wanted: str, tmp_path: Path
) -> None:
    done = script(name, *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert wanted in line


def test_faults_of_the_data_are_a_line_each(tmp_path: Path) -> None:
    train = write(tmp_path / "train" / "a.txt", "<ORG>Đảng ủy</ORG> <LOC>xã</LOC>")
    dev = write(tmp_path / "dev" / "b.txt", "một\n<ORG>Đảng <DATE>15/7</DATE></ORG>")
    done = script(
        "prepare_data", f"splits={{train: {train}, dev: {dev}}}", "index=null", f"output={tmp_path / 'built'}"
    )
    assert done.returncode == 2
    first, second, last = done.stderr.splitlines()
    assert f'{train}/a.txt:1: unknown label "LOC"' in first
    assert f'{dev}/b.txt:2: ORG "Đảng 15/7" and DATE "15/7" overlap in layer "mention"' in second
    assert last.startswith("error: faults in the annotated reports: 2")


def test_training_on_an_unknown_label_is_one_line(tmp_path: Path) -> None:
    folder = write(tmp_path / "train" / "a.txt", "<LOC>xã</LOC>")
    done = script("train", f"data.train={folder}", f"data.dev={folder}", f"output={tmp_path / 'out'}")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f'error: {folder}/a.txt:1: unknown label "LOC"')
    assert "Traceback" not in done.stderr


def test_the_scripts_work_together_from_reports_to_a_tagged_text(tmp_path: Path, encoder: Path) -> None:
    for split, numbers in (("train", range(1, 9)), ("dev", range(20, 22))):
        for number in numbers:
            write(tmp_path / split / f"{split}{number}.txt", "\n".join(REPORTS).format(n=number))
    small = [f"model.path={encoder}", "model.dropout=0", "training.epochs=15", "training.learning_rate=0.01"]
    small.append("training.compile='no'")  # it takes longer than the run
    data = [f"data.train={tmp_path / 'train'}", f"data.dev={tmp_path / 'dev'}"]
    trained = script(
        "train", *small, *data, "training.batch_size=4", "training.head_factor=1", f"output={tmp_path / 'run'}"
    )
    assert trained.returncode == 0, trained.stderr
    assert "dev micro F1" in trained.stdout

    gold = [f"data.path={tmp_path / 'dev'}", "data.name=mine", f"output={tmp_path / 'scores'}"]
    evaluated = script("evaluate", f"model.path={tmp_path / 'run' / 'model'}", *gold)
    assert evaluated.returncode == 0, evaluated.stderr
    assert "Strict scores on mine, 2 documents" in evaluated.stdout

    exported = script(
        "export",
        f"model.path={tmp_path / 'run'}",
        f"output={tmp_path / 'mine'}",
        f"evaluations=[{tmp_path / 'scores' / 'metrics.json'}]",
    )
    assert exported.returncode == 0, exported.stderr
    assert "| mine | 2 |" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")

    tagged = subprocess.run(
        [sys.executable, "-m", "ner_danvan.predict", "--model", str(tmp_path / "mine"), "--text", "Ông Lò Văn Pản dự."],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tagged.returncode == 0, tagged.stderr
    assert "[Lò Văn Pản PERSON]" in tagged.stdout


NEW = "Chiều qua, <ORG>xã đoàn Thanh Sơn</ORG> vận động nhân dân hiến {n} m2 đất làm đường liên ấp."


def test_what_people_correct_is_learned(tmp_path: Path, encoder: Path) -> None:
    for split, numbers in (("train", range(1, 9)), ("dev", range(20, 22))):
        for number in numbers:
            write(tmp_path / split / f"{split}{number}.txt", "\n".join(REPORTS).format(n=number))
    gold = {}
    for number in range(40, 50):
        markup = "\n".join([NEW, REPORTS[number % 3]]).format(n=number)
        gold[f"{number}.txt"] = parse_inline(markup, "new", DANVAN.labels)
        write(tmp_path / "plain" / f"{number}.txt", gold[f"{number}.txt"].text)

    def trained(run: str, data: str) -> Path:
        done = script(
            *("train", f"model.path={encoder}", "model.dropout=0", "training.epochs=15", "training.learning_rate=0.01"),
            *("training.compile='no'", "training.batch_size=4", "training.head_factor=1", "augment=none"),
            *(f"data.train={data}", f"data.dev={tmp_path / 'dev'}", f"output={tmp_path / run}"),
        )
        assert done.returncode == 0, done.stderr
        return tmp_path / run / "model"

    def predicted(model: Path, *arguments: str) -> str:
        command = [sys.executable, "-m", "ner_danvan.predict", "--model", str(model), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = trained("first", str(tmp_path / "train"))
    unseen = parse_inline(NEW.format(n=77), "unseen", DANVAN.labels).text
    assert "[xã đoàn Thanh Sơn ORG]" not in predicted(first, "--text", unseen)
    before = tmp_path / "predictions.json"
    predicted(first, str(tmp_path / "plain"), "--format", "label-studio", "--uncertain-first", "-o", str(before))

    tasks = json.loads(before.read_text(encoding="utf-8"))
    unsure = [
        sum(1 - region["score"] for row in task.get("predictions", []) for region in row["result"])
        / len(task["data"]["text"])
        for task in tasks
    ]
    assert unsure == sorted(unsure, reverse=True)
    done_so_far = {task["data"]["document_id"]: gold[task["data"]["document_id"]] for task in tasks[:8]}
    work = [[annotation(document.spans)] for document in done_so_far.values()] + [[], []]
    export = save(tmp_path / "export.json", [exported(task, i, *work[i]) for i, task in enumerate(tasks)])
    corrected = tmp_path / "corrected"
    done = script(
        *("prepare_data", f"corrections.path={export}", f"corrections.before={before}", "index=null", "foreign=null"),
        *(f"splits.{split}={tmp_path / split}" for split in ("train", "dev")),
        *(f"splits.test={tmp_path / 'dev'}", f"corrections.output={corrected}"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"xã đoàn Thanh Sơn"\n') == 8  # added to all, or moved there
    assert "skipped: not annotated: 2 (" in done.stdout
    assert done.stdout.endswith(f"written: 8 reports to {corrected}\n")
    there = {document.id: document for document in read_gold(corrected, DANVAN.layer_of)}
    assert {f"{name}.txt": document.spans for name, document in there.items()} == {
        name: document.spans for name, document in done_so_far.items()
    }

    second = trained("second", f"[{tmp_path / 'train'},{corrected}]")
    record = json.loads((second / "run.json").read_text(encoding="utf-8"))
    assert record["data"]["train"]["documents"] == 16
    assert "[xã đoàn Thanh Sơn ORG]" in predicted(second, "--text", unseen)


def test_faults_of_an_export_are_a_line_each_and_nothing_is_written(tmp_path: Path) -> None:
    text = "Bà Mai Thị Quyên, dự."
    document = Document("a\x1b[31m", text, (Span(3, 17, "PERSON", text[3:17]), Span(18, 21, "TASK", text[18:21])))
    export = save(tmp_path / "export.json", [exported(task_of(document), 5, annotation(document.spans))])
    done = script("prepare_data", f"corrections.path={export}", f"corrections.output={tmp_path / 'out'}")
    assert done.returncode == 2
    first, second, last = done.stderr.splitlines()
    assert first == (f'{export}: task 5, a␛[31m:1: PERSON "Mai Thị Quyên," ends with ,; move the tag before it.')
    assert 'TASK "dự." ends with .; move the tag before it.' in second
    assert last == f"error: faults in {export}, and nothing was taken in: 2; mend each where its line says."
    assert not (tmp_path / "out").exists()


def test_a_flat_benchmark_is_trained_scored_and_predicted_with_its_own_words_and_labels(
    tmp_path: Path, encoder: Path
) -> None:
    rows = [("Bệnh_nhân", "O"), ("{n}", "B-PATIENT_ID"), ("ở", "O"), ("Thanh_Sơn", "B-LOCATION"), ("họp", "O")]
    for split, numbers in (("train", range(40)), ("dev", range(40, 46))):
        lines = [f"{word} {tag}".format(n=n) for n in numbers for word, tag in [*rows, ("", "")]]
        write(tmp_path / f"{split}.conll", "\n".join(line.strip() for line in lines))
    trained = script(
        *("train", "experiment=benchmark", f"model.path={encoder}", "model.dropout=0", "training.epochs=12"),
        *("training.learning_rate=0.01", "training.head_factor=1", f"output={tmp_path / 'run'}"),
        *(f"data.{split}={tmp_path / split}.conll" for split in ("train", "dev")),
    )
    assert trained.returncode == 0, trained.stderr
    model = f"model.path={tmp_path / 'run' / 'model'}"
    data = [f"data.path={tmp_path / 'dev.conll'}", "data.name=flat", f"output={tmp_path / 'scores'}"]
    evaluated = script("evaluate", model, *data)
    assert evaluated.returncode == 0, evaluated.stderr
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["documents"] == 6
    assert metrics["gold_beyond_words"] == 0
    assert list(metrics["strict"]["labels"]) == ["LOCATION", "PATIENT_ID"]
    assert metrics["strict"]["labels"]["LOCATION"]["f1"] == 1.0


def test_the_projects_own_reports_pass_the_checker_and_are_as_the_datasheet_says(tmp_path: Path) -> None:
    committed = ROOT / "data"
    page = tmp_path / "data" / "README.md"
    shutil.copytree(committed / "plots", page.parent / "plots")
    shutil.copy(committed / "README.md", page)
    done = script("prepare_data", f"output={tmp_path / 'built'}", f"readme={page}")
    assert done.returncode == 0, done.stderr
    compared = (ROOT.parent / "shared" / "real").is_dir()
    assert ("skipped: ../shared/real: no such folder" in done.stdout) != compared
    # where one of these fails: python scripts/prepare_data.py readme=data/README.md
    assert page.read_text(encoding="utf-8") == (committed / "README.md").read_text(encoding="utf-8")
    drawn = {path.name: path.read_bytes() for path in (page.parent / "plots").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (committed / "plots").iterdir()}
    assert all(len(image) < 100_000 for image in drawn.values())


def test_two_processes_train_as_one_with_the_doubled_batch(tmp_path: Path, encoder: Path) -> None:
    for number in range(1, 9):
        write(tmp_path / "train" / f"t{number}.txt", "\n".join(REPORTS).format(n=number))
    write(tmp_path / "dev" / "d.txt", "\n".join(REPORTS).format(n=20))
    common = [
        str(ROOT / "scripts" / "train.py"),
        f"model.path={encoder}",
        "model.dropout=0",
        f"data.train={tmp_path / 'train'}",
        f"data.dev={tmp_path / 'dev'}",
        "augment=default",
        "training.epochs=2",
        "training.precision=fp32",
        "training.compile='no'",
    ]
    one = [sys.executable, *common, "training.batch_size=4", f"output={tmp_path / 'one'}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    two = [*torchrun, *common, "training.batch_size=2", f"output={tmp_path / 'two'}"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    for command in (one, two):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    first, second = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    for key, tensor in first.items():
        assert (tensor - second[key]).abs().max() < 1e-4, key
    assert not any("transitions" in key for key in second)
