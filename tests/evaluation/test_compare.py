from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny import DANVAN, make_tagger

from ner_danvan.document import Document, render_inline, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation import compare as module
from ner_danvan.evaluation.compare import compare, run
from ner_danvan.evaluation.table import caution, claim, comparison_table, only_lines
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span
from ner_danvan.tagger import Tagger

TEXT = "Đảng ủy xã Mường Lạn và UBND xã cùng họp sáng nay tại trụ sở."
ORG, BODY, WRONG = (0, 7, "ORG"), (24, 31, "ORG"), (11, 20, "PERSON")


def document(name: str, *rows: tuple[int, int, str]) -> Document:
    return Document(name, TEXT, tuple(Span(s, e, label, TEXT[s:e]) for s, e, label in sorted(rows)))


IDS = [f"r{number}" for number in range(12)]
GOLD = [document(name, ORG, BODY) for name in IDS]
GOOD = [document(name, ORG, BODY) for name in IDS]
POOR = [document(name, ORG, WRONG) for name in IDS]
FEW: dict[str, Any] = {"draws": 300, "rounds": 300}


def test_the_better_side_is_named_with_its_difference() -> None:
    found = compare(GOLD, {"poor": POOR}, {"good": GOOD}, DANVAN, name="mine", **FEW)
    micro = found.differences["micro"]
    assert (micro.a, micro.b, micro.difference) == (0.5, 1.0, 0.5)
    assert found.runs == {"A": {"poor": 0.5}, "B": {"good": 1.0}}
    assert claim(found) == (
        "B is better than A on mine by 50.0 points of micro F1 (95 % interval +50.0 to +50.0), p = 0.003."
    )
    back = compare(GOLD, {"good": GOOD}, {"poor": POOR}, DANVAN, name="mine", **FEW)
    assert claim(back).startswith("A is better than B on mine by 50.0 points of micro F1 (95 % interval +50.0")


def test_no_difference_is_claimed_of_the_same_predictions() -> None:
    found = compare(GOLD, {"x": POOR}, {"y": POOR}, DANVAN, name="mine", **FEW)
    assert claim(found).startswith("No difference shown on mine: B less A is +0.0 points")
    assert found.only == []
    assert found.holm == {"PERSON": 1.0, "ORG": 1.0, "DATE": None, "POSITION": None, "TASK": None}


def test_nothing_to_compare_is_said() -> None:
    empty = [document("r0")]
    assert "cannot be compared" in claim(compare(empty, {"x": empty}, {"y": empty}, DANVAN, **FEW))


def test_spans_of_one_side_alone_are_listed_with_their_context() -> None:
    found = compare(GOLD[:1], {"poor": POOR[:1]}, {"good": GOOD[:1]}, DANVAN, **FEW)
    assert [(one.side, one.gold, one.span.text, one.share_a, one.share_b) for one in found.only] == [
        ("A", False, "Mường Lạn", 1.0, 0.0),
        ("B", True, "UBND xã", 0.0, 1.0),
    ]
    assert found.only[1].context == "Đảng ủy xã Mường Lạn và [UBND xã] cùng họp sáng nay tại trụ sở."
    lines = list(only_lines(found, 3))
    assert lines[0] == "wrong only in A, or more often: 1"
    assert lines[2] == "right only in B, or more often: 1"
    assert list(only_lines(found, 0)) == []


def test_of_several_runs_the_share_that_has_a_span_is_told() -> None:
    found = compare(GOLD, {"1": POOR, "2": GOOD}, {"3": GOOD, "4": GOOD}, DANVAN, **FEW)
    right = {(one.share_a, one.share_b) for one in found.only if one.gold}
    assert right == {(0.5, 1.0)}
    assert found.differences["micro"].a == pytest.approx(0.75)


def test_what_the_seeds_leave_open_is_said() -> None:
    single = compare(GOLD, {"1": POOR}, {"3": GOOD}, DANVAN, **FEW)
    assert caution(single).startswith("One run a side")
    overlapping = compare(GOLD, {"1": POOR, "2": GOOD}, {"3": GOOD, "4": GOOD}, DANVAN, **FEW)
    assert caution(overlapping).startswith("The runs have 50.0 to 100.0 in A and 100.0 to 100.0 in B: they overlap")
    apart = compare(GOLD, {"1": POOR, "2": POOR}, {"3": GOOD}, DANVAN, **FEW)
    assert caution(apart).endswith("they stand apart.")


def test_another_scheme_counts_otherwise() -> None:
    short = [document(name, (0, 4, "ORG"), BODY) for name in IDS]
    by_type = {scheme.name: scheme for scheme in module.SCHEMES}["type"]
    strict = compare(GOLD, {"x": short}, {"y": GOOD}, DANVAN, **FEW)
    typed = compare(GOLD, {"x": short}, {"y": GOOD}, DANVAN, scheme=by_type, **FEW)
    assert (strict.differences["ORG"].difference, typed.differences["ORG"].difference) == (0.5, 0.0)


def values(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    (tmp_path / "gold").mkdir(exist_ok=True)
    for each in GOLD:
        (tmp_path / "gold" / f"{each.id}.txt").write_text(render_inline(each), encoding="utf-8")
    for name, documents in (("good", GOOD), ("poor", POOR)):
        lines = "".join(to_json_line(each) + "\n" for each in documents)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return {
        "a": str(tmp_path / "poor.jsonl"),
        "b": [str(tmp_path / "good.jsonl")],
        "data": {"path": str(tmp_path / "gold"), "name": "mine"},
        "labels": {"layers": DANVAN.to_config()},
        "scheme": "strict",
        "seed": 0,
        "backend": "torch",
        "device": None,
        "output": str(tmp_path / "out"),
    } | (FEW | changes)


def test_a_run_writes_the_comparison_and_the_spans(tmp_path: Path) -> None:
    run(values(tmp_path))
    found = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert found["differences"]["micro"]["difference"] == 0.5
    assert found["documents"] == 12
    with (tmp_path / "out" / "spans.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert len(rows) == 24
    assert {(row["side"], row["what"], row["text"]) for row in rows} == {
        ("A", "wrong", "Mường Lạn"),
        ("B", "right", "UBND xã"),
    }


def test_models_and_files_can_be_compared(tmp_path: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = make_tagger(vocabulary)
    monkeypatch.setattr(Tagger, "from_pretrained", lambda folder, **_: tagger)
    monkeypatch.setattr(module, "find_model", lambda name: Path(name or "embedded"))
    monkeypatch.setattr(module, "read_model_dir", lambda folder: tagger._files)
    found = run(values(tmp_path, a="default", b=[str(tmp_path / "good.jsonl"), "somewhere"]))
    assert list(found.runs["B"]) == [str(tmp_path / "good.jsonl"), "somewhere"]
    assert found.runs["A"]["default"] == found.runs["B"]["somewhere"]


def test_models_of_other_labels_are_refused(tmp_path: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = make_tagger(vocabulary, scheme=LabelScheme((Layer("flat", ("LOC",)),)))
    layered = make_tagger(vocabulary)
    monkeypatch.setattr(module, "find_model", lambda name: Path(name))
    monkeypatch.setattr(module, "read_model_dir", lambda folder: (flat if folder.name == "x" else layered)._files)
    with pytest.raises(UserError, match="x has other labels than y"):
        run(values(tmp_path, a="y", b="x"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheme": "fuzzy"}, "scheme=fuzzy is not known; name one of strict, boundary, partial, type"),
        ({"draws": 0}, "draws=0 must be at least 1"),
        ({"rounds": 1.5}, r"rounds=1\.5 must be"),
        ({"seed": "x", "a": "nowhere.jsonl"}, r"seed=x must be a whole number\."),
        ({"a": []}, r"a=\[\]: name at least one"),
        ({"b": ["x.jsonl", "x.jsonl"]}, "none twice"),
        ({"a": "nowhere.jsonl"}, "nowhere.jsonl"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(values(tmp_path, **changes))


def test_the_table_has_a_row_a_label_and_names_every_run_as_it_is_called() -> None:
    found = compare(GOLD, {"x[red]": POOR}, {"y": GOOD}, DANVAN, name="mine", **FEW)
    stream = io.StringIO()
    Console(file=stream, width=100).print(comparison_table(found))
    for text in (*DANVAN.labels, "micro", "A x[red]: 50.0", "B y: 100.0", "+50.0 to +50.0", "0.003"):
        assert text in stream.getvalue()
