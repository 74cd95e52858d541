from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from conftest import ROOT
from hostile import SCHEME
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan import convert
from ner_danvan.document import Document, read_jsonl, to_json_line
from ner_danvan.io.tools.formats import FORMATS
from ner_danvan.span import Kept, Span, flat_spans

Run = Callable[..., int]
DOCUMENT = Document("a/1", "Bí thư xã", (Span(0, 9, "POSITION", "Bí thư xã"), Span(7, 9, "ORG", "xã")), {"y": 1})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in a folder that holds a document, `in.jsonl`; gives the exit code."""
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(to_json_line(DOCUMENT) + "\n", encoding="utf-8")

    def call(*arguments: str) -> int:
        try:
            convert.main(arguments)
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    return call


@pytest.mark.parametrize("name", list(FORMATS))
def test_there_and_back_by_names_alone(name: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "spacy":
        pytest.importorskip("spacy")
    form = FORMATS[name]
    out = "out" if form.is_folder else "out" + (form.endings[0] if form.endings else ".jsonl")
    assert run("in.jsonl", out, "--to", name) == 0
    assert run(out, "back.jsonl") == 0  # the format of `out` is told from it
    assert Path("back.jsonl").read_bytes() == Path("in.jsonl").read_bytes()
    assert capsys.readouterr().out.splitlines() == [f"{place}: 1 documents, 2 spans" for place in (out, "back.jsonl")]


def test_label_studio_gets_its_config_beside_the_tasks(run: Run) -> None:
    assert run("in.jsonl", "out.json") == 0
    assert sorted(path.name for path in Path().iterdir()) == ["in.jsonl", "out.config.xml", "out.json"]
    assert '<Label value="POSITION"' in Path("out.config.xml").read_text()


def test_another_label_scheme_is_read_from_yaml_json_or_a_model(run: Run) -> None:
    layers = [{"name": "one", "labels": ["POSITION"]}, {"name": "two", "labels": ["ORG"]}]
    Path("a.yaml").write_text("layers:\n  - {name: one, labels: [POSITION]}\n  - {name: two, labels: [ORG]}\n")
    Path("b.json").write_text(json.dumps(layers))
    Path("model").mkdir()
    Path("model/config.json").write_text(json.dumps({"ner_danvan": {"scheme": layers}}))
    for labels in ("a.yaml", "b.json", "model"):
        assert run("in.jsonl", "out.conll", "--labels", labels) == 0
        assert Path("out.conll").read_text().startswith("# global.columns = FORM one two\n")


def test_the_default_labels_are_those_of_the_embedded_model() -> None:
    assert convert.read_scheme(None) == convert.read_scheme(str(ROOT / "configs" / "labels" / "danvan.yaml")) == SCHEME


def test_predictions_are_taken_where_they_are_asked_for(run: Run) -> None:
    value = {"start": 0, "end": 1, "labels": ["ORG"]}
    results = [{"result": [{"type": "labels", "value": value}]}]
    Path("t.json").write_text(
        json.dumps([{"data": {"text": "x"}, "annotations": [{"result": []}], "predictions": results}])
    )
    for take, count in (("any", 0), ("annotations", 0), ("predictions", 1)):
        assert run("t.json", "out.jsonl", "--take", take) == 0
        assert len(json.loads(Path("out.jsonl").read_text())["spans"]) == count


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), "the following arguments are required"),
        (("no.jsonl", "x.json"), "no.jsonl: no such file or folder"),
        (("in.jsonl", "in.jsonl"), "is IN too"),
        (("in.jsonl", "x"), "a path without an ending names no format; say --to, one of jsonl, inline"),
        (("in.jsonl", "x.docx"), "its ending .docx names no format; say --to"),
        (("in.jsonl", "x", "--to", "word"), "invalid choice: 'word'"),
        (("in.docx", "x.json"), "its ending .docx names no format; say --from"),
        (("in.jsonl", "no/x.json"), "there is no folder no"),
        (("in.jsonl", "full", "--to", "brat"), "full: this folder is not empty"),
        (("in.jsonl", "full", "--to", "conll"), "full: is a folder, and this format is a file"),
        (("in.jsonl", "empty.jsonl", "--to", "brat"), "empty.jsonl: is a file, and this format is a folder"),
        (("full", "x.json"), "full: holds no .ann, WebAnno .tsv or .txt file"),
        (("full", "x.json", "--from", "conll"), "full: is a folder, and the format is a file"),
        (("empty.jsonl", "x.json"), "empty.jsonl: no document in it"),
        (("bad.jsonl", "x.json"), "bad.jsonl:1: no JSON"),
        (("in.jsonl", "x.json", "--labels", "no.yaml"), "no.yaml: no such file"),
        (("in.jsonl", "x.json", "--labels", "bad.yaml"), "bad.yaml: no YAML"),
        (("in.jsonl", "x.json", "--labels", "in.jsonl"), "in.jsonl: names no layers"),
        (
            ("in.jsonl", "x.json", "--labels", "org.yaml"),
            'a/1: unknown label "POSITION"; known are ORG. Give the scheme',
        ),
        (("in.jsonl", "x.json", "--take", "predictions"), "--take predictions is for Label Studio"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: tuple[str, ...], wanted: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("full").mkdir()
    Path("full/x.png").touch()
    Path("empty.jsonl").touch()
    Path("in.docx").touch()
    Path("bad.jsonl").write_text("{oops")
    Path("bad.yaml").write_text("a: [")
    Path("org.yaml").write_text("layers: [{name: a, labels: [ORG]}]")
    before = sorted(Path().rglob("*"))
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert wanted in error
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("flat", [(), ("--flat", "innermost")])
@pytest.mark.parametrize(
    "span", [{"start": 50, "end": 3, "label": "ORG"}, {"start": 0, "end": 2, "label": "X", "text": "zz"}]
)
def test_a_false_span_is_not_passed_on(
    span: object, flat: tuple[str, ...], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("false.jsonl").write_text(json.dumps({"text": "abc", "spans": [span]}))
    assert run("false.jsonl", "out.jsonl", *flat) == 2
    assert "false.jsonl:1: " in capsys.readouterr().err
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("x" * 300 + ".jsonl", "x.json"), "cannot be looked at (File name too long)"),
        (("in.jsonl", "x" * 300 + ".json"), "cannot be looked at (File name too long)"),
        (("loop.jsonl", "x.json"), "loop.jsonl: cannot be looked at (Too many levels"),
        (("in.jsonl", "loop.jsonl"), "loop.jsonl: is a link to itself"),
        (("in.jsonl", "in.jsonl/x.json"), "there is no folder in.jsonl"),
        (("in.jsonl/x.jsonl", "x.json"), "in.jsonl/x.jsonl: cannot be looked at (Not a directory)"),
        (("in.jsonl", "x.json", "--labels", "x" * 300), "File name too long"),
        (("in.jsonl", "x.json", "--labels", "loop.jsonl"), "loop.jsonl: cannot be read"),
    ],
)
def test_a_path_that_cannot_be_looked_at_is_one_line(
    arguments: tuple[str, ...], wanted: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("loop.jsonl").symlink_to("loop.jsonl")
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert wanted in error


def test_a_pipe_is_written_and_nothing_beside_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(Path("pipe").read_text(encoding="utf-8")), daemon=True)
    reader.start()
    assert run("in.jsonl", "pipe", "--to", "label-studio") == 0
    reader.join(10)
    assert json.loads(got[0])[0]["data"]["document_id"] == "a/1"
    assert sorted(path.name for path in Path().iterdir()) == ["in.jsonl", "pipe"]
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "pipe: 1 documents, 2 spans\n")  # which may be standard output


def test_a_pipe_in_a_folder_is_not_waited_for(run: Run) -> None:
    Path("folder").mkdir()
    Path("folder/b.txt").write_text("ab")
    os.mkfifo("folder/a.tsv")
    assert run("folder", "out.jsonl") == 0


def test_the_name_of_a_file_does_not_drive_the_terminal(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("\x1b[31m.jsonl", "x.json") == 2
    assert "\x1b" not in capsys.readouterr().err


def test_help_says_what_each_format_cannot_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ner_danvan.convert", "--help"], capture_output=True, text=True, check=True
    )
    for name, form in FORMATS.items():
        assert name in done.stdout
        assert form.what in done.stdout


def test_a_conversion_imports_neither_spacy_nor_the_training_extra(tmp_path: Path) -> None:
    program = (
        "import sys; from ner_danvan.convert import main\n"
        f"main([{str(ROOT / 'data' / 'reports')!r}, {str(tmp_path / 'x.json')!r}])\n"
        "sys.exit(', '.join({'spacy', 'torch', 'transformers', 'datasets', 'onnxruntime'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("keep", "label"), [("outermost", "POSITION"), ("innermost", "ORG")])
def test_flat_output_has_no_span_in_another(keep: str, label: str, run: Run) -> None:
    assert run("in.jsonl", "out.jsonl", "--flat", keep) == 0
    (document,) = read_jsonl(Path("out.jsonl"))
    assert [span.label for span in document.spans] == [label]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.sampled_from("AB")), max_size=8))
def test_of_overlapping_spans_one_stays(places: list[tuple[int, int, str]]) -> None:
    spans = [Span(start, start + length, label, "x" * length) for start, length, label in places]
    for keep in get_args(Kept):
        flat = flat_spans(spans, keep)
        assert all(one.end <= other.start for one, other in pairwise(flat))
        assert all(any(one.start < kept.end and kept.start < one.end for kept in flat) for one in spans)
        assert flat_spans(flat, keep) == flat
