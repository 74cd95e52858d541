from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import label_studio
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span

RECORDED = Path(__file__).parent / "recorded" / "label_studio_1.23.2.json"  # exported by Label Studio, of what we wrote
TEXT = "😀 Đảng ủy"


def region(start: int, end: int, *labels: str, **more: Any) -> dict[str, Any]:
    return {"type": "labels", "value": {"start": start, "end": end, "labels": list(labels), **more}}


def task(**fields: Any) -> dict[str, Any]:
    return {"id": 7, "data": {"text": TEXT}, **fields}


def read(path: Path, content: Any, take: label_studio.Take = "any") -> list[Document]:
    path = path / "x.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return list(label_studio.read(path, take))


def found(path: Path, content: Any, take: label_studio.Take = "any") -> list[tuple[int, int, str]]:
    (document,) = read(path, content, take)
    return [span.key for span in document.spans]


def test_what_label_studio_exports_is_what_was_imported() -> None:
    astral, scored, none = label_studio.read(RECORDED)
    assert [document.id for document in (astral, scored, none)] == ["astral", "scored", "none"]
    assert {span.label: span.text for span in astral.spans} == {
        "PERSON": "Vũ Văn Hoạt",
        "TASK": 'Trưởng Ban Dân vận 𠮷 Quận ủy\n\nđã "nói" [x]_y|z*',
        "POSITION": "Trưởng Ban Dân vận 𠮷 Quận ủy",
        "ORG": "Ban Dân vận 𠮷 Quận ủy",
    }
    assert scored.text == astral.text
    assert scored.text.count("\r\n\t") == 1
    assert scored.meta == {"a": 1}
    assert none == Document("none", "không có gì")


def test_predictions_that_were_not_exported_are_told_where_they_are_asked_for() -> None:
    with pytest.raises(UserError, match="task 2: has its predictions as mere numbers"):
        list(label_studio.read(RECORDED, "predictions"))


def test_scores_make_a_prediction_and_none_an_annotation(tmp_path: Path) -> None:
    gold = Document("g", "ab", (Span(0, 1, "ORG", "a"),))
    predicted = Document("p", "ab", (Span(0, 1, "ORG", "a", 0.5), Span(1, 2, "TASK", "b", 0.25)), {"model": "mini"})
    label_studio.write([gold, predicted, Document("n", "ab")], tmp_path / "x.json", SCHEME)
    tasks = json.loads((tmp_path / "x.json").read_text())
    assert [sorted(task) for task in tasks] == [["annotations", "data"], ["data", "predictions"], ["data"]]
    (prediction,) = tasks[1]["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("mini", 0.375)
    assert [row["from_name"] for row in prediction["result"]] == ["mention", "task"]


def test_the_config_names_every_label_with_a_colour() -> None:
    scheme = LabelScheme((Layer('a"<&', ("X", "Y>")), Layer("b", ("Z",))))
    root = ElementTree.fromstring(label_studio.labelling_config(scheme))
    assert [(block.get("name"), [label.get("value") for label in block]) for block in root.findall("Labels")] == [
        ('a"<&', ["X", "Y>"]),
        ("b", ["Z"]),
    ]
    assert len({label.get("background") for label in root.iter("Label")}) == 3
    assert root.find("Text").attrib == {"name": "text", "value": "$text"}  # type: ignore[union-attr]


def test_annotations_win_unless_predictions_are_asked_for(tmp_path: Path) -> None:
    both = task(annotations=[{"result": [region(2, 6, "ORG")]}], predictions=[{"result": [region(7, 9, "DATE")]}])
    assert found(tmp_path, [both]) == found(tmp_path, [both], "annotations") == [(2, 6, "ORG")]
    assert found(tmp_path, [both], "predictions") == [(7, 9, "DATE")]
    assert found(tmp_path, task(predictions=both["predictions"])) == [(7, 9, "DATE")]
    assert found(tmp_path, task(predictions=both["predictions"]), "annotations") == []


def test_an_annotation_that_found_nothing_wins_too(tmp_path: Path) -> None:
    both = task(annotations=[{"result": []}], predictions=[{"result": [region(2, 6, "ORG")]}])
    assert found(tmp_path, [both]) == []


def test_of_several_annotations_the_ground_truth_or_the_last_that_was_not_skipped_counts(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"result": [region(0, end, "ORG")]} for end in (1, 2, 3)]
    rows[2]["was_cancelled"] = True
    assert found(tmp_path, [task(annotations=rows)]) == [(0, 2, "ORG")]
    rows[0]["ground_truth"] = True
    assert found(tmp_path, [task(annotations=rows)]) == [(0, 1, "ORG")]


def test_offsets_of_old_versions_are_known_by_the_text_they_repeat(tmp_path: Path) -> None:
    old = [region(3, 7, "ORG", text="Đảng"), region(8, 10, "DATE", text="ủy")]
    assert found(tmp_path, [task(annotations=[{"result": old}])]) == [(2, 6, "ORG"), (7, 9, "DATE")]
    new = [region(2, 6, "ORG", text="Đảng"), region(7, 9, "DATE", text="ủy")]
    assert found(tmp_path, [task(annotations=[{"result": new}])]) == [(2, 6, "ORG"), (7, 9, "DATE")]
    neither = [region(2, 6, "ORG", text="x")]
    assert found(tmp_path, [task(annotations=[{"result": neither}])]) == [(2, 6, "ORG")]


def test_a_region_with_two_labels_is_two_spans_and_what_is_no_span_is_passed_over(tmp_path: Path) -> None:
    rows = [region(2, 6, "ORG", "DATE"), {"type": "relation"}, {"type": "choices", "value": {"choices": ["x"]}}]
    assert found(tmp_path, [task(annotations=[{"result": rows}])]) == [(2, 6, "DATE"), (2, 6, "ORG")]


def test_other_fields_of_a_task_are_meta_and_its_number_is_the_id(tmp_path: Path) -> None:
    (document,) = read(tmp_path, [{"id": 3, "data": {"report": "ab", "year": 2024, "meta": "x"}}])
    assert document == Document("3", "ab", (), {"year": 2024, "meta": "x"})


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (7, "holds no list"),
        ([7], 'task 1: has no "data"'),
        ([{"text": "json-min", "label": []}], "not JSON-MIN"),
        ([{"data": {"a": "x", "b": "y"}}], 'no "text"'),
        ([task(annotations=[{"result": 5}])], "no list of regions"),
        ([task(annotations=[{"result": [{"type": "labels"}]}])], "a region lacks"),
        ([task(annotations=[{"result": [{"type": "hypertextlabels"}]}])], "annotated as HTML"),
        ([task(annotations=[{"result": [region(2, 60, "ORG")]}])], "outside the text of 9"),
        ([task(annotations=[{"result": [region("2", 6, "ORG")]}])], "outside the text"),  # type: ignore[arg-type]
    ],
)
def test_a_task_that_cannot_be_read_is_one_line(content: Any, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=wanted):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("data", "wanted"), [(b"{oops", "no JSON at column 2"), (b"\xff", "not UTF-8"), (b"[" * 100_000, "cannot be read")]
)
def test_a_file_that_is_no_json_is_one_line(data: bytes, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(UserError, match=wanted):
        list(label_studio.read(tmp_path / "x.json"))


# --- what people did --------------------------------------------------------------------------


def work(path: Path, *tasks: Any) -> list[label_studio.Work | UserError]:
    path = path / "x.json"
    path.write_text(json.dumps(list(tasks)), encoding="utf-8")
    return list(label_studio.read_work(path))


def test_the_work_on_a_recorded_export_is_read() -> None:
    astral, scored, none = label_studio.read_work(RECORDED)
    assert isinstance(astral, label_studio.Work)
    assert astral.place == f"{RECORDED}: task 909"
    assert (astral.document.id, astral.document.spans, astral.predicted) == ("astral", (), ())
    (annotation,) = astral.annotations
    assert (annotation.by, annotation.is_truth, len(annotation.spans)) == (("1",), True, 4)
    assert isinstance(scored, label_studio.Work)
    assert (scored.annotations, scored.is_skipped, scored.predicted) == ((), False, None)
    assert isinstance(none, label_studio.Work)
    assert none.predicted == ()


def test_what_an_annotation_was_made_from_is_in_it_or_in_the_task(tmp_path: Path) -> None:
    result = [region(2, 6, "ORG") | {"score": 0.5}]
    made = {"result": [], "completed_by": {"id": 3, "email": "an@xa.vn"}, "prediction": {"id": 1, "result": result}}
    both = [task(annotations=[made], predictions=[1]), task(annotations=[], predictions=[{"result": result}])]
    first, second = work(tmp_path, *both)
    for one in (first, second):
        assert isinstance(one, label_studio.Work)
        assert one.predicted == (Span(2, 6, "ORG", "Đảng", 0.5),)
    assert isinstance(first, label_studio.Work)
    assert first.annotations[0].by == ("3", "an@xa.vn")


def test_a_skipped_annotation_is_none_and_leaves_its_mark(tmp_path: Path) -> None:
    rows = [{"result": [region(0, 1, "ORG")], "was_cancelled": True}, {"result": [region(2, 6, "ORG")]}]
    for count, number in ((1, 0), (2, 1)):
        (one,) = work(tmp_path, task(annotations=rows[:count]))
        assert isinstance(one, label_studio.Work)
        assert (len(one.annotations), one.is_skipped) == (number, True)


def test_a_task_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    bad = task(annotations=[{"result": [region(2, 60, "ORG")]}])
    first, second = work(tmp_path, bad, task(annotations=[]))
    assert isinstance(first, UserError)
    assert "task 7: the span [2, 60)" in str(first)
    assert isinstance(second, label_studio.Work)


def test_other_letters_than_a_region_repeats_are_told_and_other_spaces_are_not(tmp_path: Path) -> None:
    changed = task(annotations=[{"result": [region(2, 6, "ORG", text="Hội")]}])
    spaced = task(annotations=[{"result": [region(2, 9, "ORG", text="Đảng\n u\u0309y")]}])
    old = task(annotations=[{"result": [region(3, 7, "ORG", text="Đảng")]}])  # in UTF-16 units
    first, *rest = work(tmp_path, changed, spaced, old)
    assert isinstance(first, UserError)
    assert 'a region says "Hội" and the text at [2, 6) is "Đảng"' in str(first)
    assert all(isinstance(one, label_studio.Work) for one in rest)


@pytest.mark.parametrize("value", [5, True, 7.5, "x", {"a": 1}])
@pytest.mark.parametrize("key", ["annotations", "predictions"])
def test_rows_that_are_no_list_are_told(key: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f'task 1: its "{key}" is no list'):
        read(tmp_path, task(**{key: value}))
    (work,) = label_studio.read_work(tmp_path / "x.json")
    assert isinstance(work, UserError)


@pytest.mark.parametrize("end", [4.0, "4", None, [4], True])
def test_an_offset_that_is_no_whole_number_is_told(end: Any, tmp_path: Path) -> None:
    rows = task(annotations=[{"result": [region(2, end, "ORG", text="Đảng")]}])
    with pytest.raises(UserError, match=r"task 1: the span \[2, "):
        read(tmp_path, rows)


def test_a_label_that_stands_in_no_list_is_not_a_label_a_letter(tmp_path: Path) -> None:
    value = {"start": 2, "end": 6, "labels": "ORG"}
    with pytest.raises(UserError, match="task 1: a region lacks"):
        read(tmp_path, task(annotations=[{"result": [{"type": "labels", "value": value}]}]))
