from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from studio import annotation, exported, save, task_of, with_spans
from tiny import DANVAN

from ner_danvan.corpus.check import CorpusError
from ner_danvan.corpus.reports import read_gold
from ner_danvan.corrections.run import TakenIn, take_in
from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.io.tools import inline
from ner_danvan.io.tools.formats import FORMATS
from ner_danvan.span import Span

LONG = "Hôm qua bà con trong xóm cùng nhau ra đồng gặt lúa từ rất sớm rồi về sửa lại con đường làng, trẻ nhỏ thì quét "
LONG += "sân đình, người già ngồi uống nước chè xanh và kể chuyện mùa màng năm cũ cho nhau nghe"

MEETING = with_spans(
    Document("bao_cao/họp 1.txt", "Ông Lò Văn Pản,\nTrưởng Ban Dân vận, dự.", meta={"source": "họp 1.txt"}),
    ("Lò Văn", "PERSON"),
    ("Trưởng Ban Dân vận", "POSITION"),
    score=0.75,
)
PLAN = with_spans(Document("plan", "Từ ngày 5/3 sửa đường liên xã."), ("ngày 5/3", "DATE"), score=0.5)
RIGHT = with_spans(MEETING, ("Lò Văn Pản", "PERSON"), ("Trưởng Ban Dân vận", "POSITION"), ("Ban Dân vận", "ORG"))


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """The script's own configuration, on a corpus of two reports; the export is not there yet."""
    for split, text in (("train", "<ORG>Đảng ủy</ORG> họp"), ("dev", f"<ORG>Hội Nông dân xã</ORG> {LONG}")):
        (tmp_path / split).mkdir()
        (tmp_path / split / f"{split}_1.txt").write_text(text, encoding="utf-8")
    overrides = [
        f"corrections.path={tmp_path / 'export.json'}",
        f"corrections.output={tmp_path / 'corrected'}",
        *("index=null", "foreign=null"),
    ]
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        values: Any = OmegaConf.to_container(compose("prepare_data", overrides), resolve=True)
    return dict(values) | {"splits": {split: str(tmp_path / split) for split in ("train", "dev")}}


def taken(config: dict[str, Any], *tasks: Any, **section: Any) -> TakenIn:
    """What is taken in of these tasks of Label Studio."""
    save(Path(config["corrections"]["path"]), list(tasks))
    return take_in(config | {"corrections": config["corrections"] | section})


def faults(config: dict[str, Any], *tasks: Any, **section: Any) -> list[str]:
    with pytest.raises(CorpusError) as raised:
        taken(config, *tasks, **section)
    assert not Path(config["corrections"]["output"]).exists()
    assert ", and nothing was taken in" in str(raised.value)
    return raised.value.faults


def of_meeting(*annotations: dict[str, Any], number: int = 7) -> dict[str, Any]:
    return exported(task_of(MEETING), number, *annotations)


def gold(config: dict[str, Any]) -> list[Document]:
    return read_gold(Path(config["corrections"]["output"]), DANVAN.layer_of)


def test_a_correction_becomes_an_annotated_report_with_its_changes(config: dict[str, Any]) -> None:
    result = taken(config, of_meeting(annotation(RIGHT.spans)))
    (path,) = result.written
    assert path.name == "bao_cao_họp_1.txt"
    assert path.read_text(encoding="utf-8") == (
        "Ông <PERSON>Lò Văn Pản</PERSON>,\n<POSITION>Trưởng <ORG>Ban Dân vận</ORG></POSITION>, dự."
    )
    (comparison,) = result.compared
    assert [(c.kind, c.before and c.before.text, c.after and c.after.text) for c in comparison.changes] == [
        ("moved", "Lò Văn", "Lò Văn Pản"),
        ("added", None, "Ban Dân vận"),
    ]
    (report,) = inline.read(path.parent, DANVAN)
    assert report == replace(RIGHT, meta={"source": "họp 1.txt"})


def test_scores_of_predictions_are_not_in_gold(config: dict[str, Any]) -> None:
    result = taken(config, of_meeting(annotation(MEETING.spans)))
    assert result.compared[0].changes == ()
    folder = Path(config["corrections"]["output"])
    assert all(span.score is None for document in inline.read(folder, DANVAN) for span in document.spans)
    assert not any("0.75" in path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_what_nobody_has_submitted_is_left_out_and_counted(config: dict[str, Any]) -> None:
    waiting = [exported(task_of(replace(PLAN, id=f"w{i}")), i) for i in range(3)]
    skipped = exported(task_of(replace(PLAN, id="s")), 9, annotation((), was_cancelled=True))
    result = taken(config, *waiting, skipped, of_meeting(annotation(RIGHT.spans)))
    assert len(result.written) == 1
    assert result.notes == ["not annotated: 3 (w0, w1, w2)", "skipped by who should annotate: 1 (s)"]


def test_a_document_left_without_a_span_is_told_and_not_written(config: dict[str, Any]) -> None:
    result = taken(config, exported(task_of(PLAN), 3, annotation(())))
    assert (result.written, result.notes) == ([], ["without a span, which no annotated report is: 1 (plan)"])


def moved(document: Document, start: int, end: int, label: str) -> dict[str, Any]:
    return annotation([Span(start, end, label, document.text[start:end])])


@pytest.mark.parametrize(
    ("spans", "line", "wanted"),
    [
        ([("Lò Văn Pản,", "PERSON")], 1, 'PERSON "Lò Văn Pản," ends with ,; move the tag before it'),
        ([(" Lò Văn Pản", "PERSON")], 1, "begins or ends with white space; move the tag"),
        ([("Trưởng Ban", "ORG"), ("Ban Dân vận", "DATE")], 2, 'overlap in layer "mention"; close one'),
        ([("Trưởng Ban", "POSITION"), ("Ban Dân vận", "ORG")], 2, "cross; put one inside the other or apart"),
        ([("Lò Văn Pản", "PER")], 1, 'unknown label "PER"; known are PERSON, ORG, DATE, POSITION, TASK'),
    ],
)
def test_what_breaks_the_guidelines_form_is_a_line_that_says_where(
    config: dict[str, Any], spans: list[tuple[str, str]], line: int, wanted: str
) -> None:
    (fault,) = faults(config, of_meeting(annotation(with_spans(MEETING, *spans).spans)))
    assert fault.startswith(f"{config['corrections']['path']}: task 7, bao_cao/họp 1.txt:{line}: ")
    assert wanted in fault


def test_the_same_region_twice_is_a_fault(config: dict[str, Any]) -> None:
    (fault,) = faults(config, of_meeting(annotation([RIGHT.spans[0], RIGHT.spans[0]])))
    assert "overlap" in fault


def test_every_fault_is_told_and_nothing_of_the_rest_is_written(config: dict[str, Any]) -> None:
    good = exported(task_of(PLAN), 8, annotation(with_spans(PLAN, ("sửa đường liên xã", "TASK")).spans))
    bad = of_meeting(annotation(with_spans(MEETING, ("Pản,", "PERSON"), (" dự", "TASK")).spans))
    broken = {"id": 10, "data": 5}
    found = faults(config, good, bad, broken)
    assert ["task 10: has no" in found[0], "Pản," in found[1], " dự" in found[2]] == [True] * 3


def test_a_text_that_was_changed_is_told_with_the_place(config: dict[str, Any], tmp_path: Path) -> None:
    before = save(tmp_path / "predictions.json", [task_of(MEETING)])
    altered = exported(task_of(replace(MEETING, text=MEETING.text.replace("dự", "chủ trì"))), 7)
    altered["annotations"] = [annotation(RIGHT.spans)]
    (fault,) = faults(config, altered, before=str(before))
    assert fault.split("họp 1.txt", 1)[1].startswith(':2: the text was altered, "dự." is now "chủ trì."; set it back')


def test_a_text_that_was_changed_shows_in_what_regions_repeat(config: dict[str, Any]) -> None:
    task = of_meeting(annotation(RIGHT.spans))
    task["data"]["text"] = "Đồng chí " + task["data"]["text"]
    (fault,) = faults(config, task)
    assert "task 7: a region says" in fault
    assert "set it back" in fault


def test_a_white_space_that_the_tool_shows_otherwise_is_no_change(config: dict[str, Any]) -> None:
    task = of_meeting(moved(MEETING, 4, 22, "TASK"))
    region = task["annotations"][0]["result"][0]["value"]
    region["text"] = region["text"].replace("\n", b"\\n".decode("unicode_escape") + " ")
    assert len(taken(config, task).written) == 1


def test_two_documents_of_one_id_are_a_fault(config: dict[str, Any]) -> None:
    tasks = [of_meeting(annotation(RIGHT.spans), number=number) for number in (7, 8)]
    tasks[1]["data"]["text"] += " Ngày mai."
    (fault,) = faults(config, *tasks)
    assert "task 8, bao_cao/họp 1.txt: its id is that of" in fault
    assert "task 7" in fault


def in_corpus(text: str) -> dict[str, Any]:
    document = with_spans(Document("new", text), (text.split()[0], "ORG"))
    return exported(task_of(document), 4, annotation(document.spans))


def test_a_report_of_dev_is_a_leak(config: dict[str, Any]) -> None:
    (fault,) = faults(config, in_corpus(f"Xã {LONG}"))
    assert f": task 4, new:1: leaks from {config['splits']['dev']}/dev_1.txt, they share" in fault
    assert "raise corrections.shared_words if it is a formula" in fault


def test_a_formula_that_reports_share_is_no_copy(config: dict[str, Any]) -> None:
    assert taken(config, in_corpus(f"Phường {' '.join(LONG.split()[:29])}")).written
    with pytest.raises(UserError, match="shared_words=0 must be at least 1"):
        taken(config, in_corpus("Xã họp"), shared_words=0)


@pytest.mark.parametrize(("split", "kind"), [("train", "repeats"), ("dev", "leaks from")])
def test_a_text_too_short_for_a_run_of_words_is_known_as_a_whole(config: dict[str, Any], split: str, kind: str) -> None:
    path = Path(config["splits"][split]) / "short.txt"
    path.write_text("<ORG>Xã</ORG> nghỉ\n", encoding="utf-8")
    (fault,) = faults(config, in_corpus("Xã nghỉ"))
    assert f"{kind} {path}, they are the same text" in fault


def test_two_copies_in_one_export_are_a_fault(config: dict[str, Any]) -> None:
    text = LONG.upper() + " nhé"
    documents = [Document(name, f"{name} xã {text}", (Span(0, 1, "ORG", name),)) for name in "ab"]
    Path(config["splits"]["dev"], "dev_1.txt").write_text("<ORG>Hội</ORG> họp", encoding="utf-8")
    tasks = [exported(task_of(document), n, annotation(document.spans)) for n, document in enumerate(documents)]
    (fault,) = faults(config, *tasks)
    assert "task 1, b:1: repeats " in fault
    assert "export.json: task 0, a, they share" in fault


def test_a_text_of_others_is_a_fault_where_their_folder_is(config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "x.txt").write_text(LONG.replace("Hôm qua", "Sáng nay"), encoding="utf-8")
    Path(config["splits"]["dev"], "dev_1.txt").write_text("<ORG>Hội</ORG> họp", encoding="utf-8")
    config["foreign"] = {"folder": str(tmp_path / "others"), "words": 10}
    (fault,) = faults(config, in_corpus(f"Xã {LONG}"))
    assert f"task 4, new:1: shares with {tmp_path / 'others' / 'x.txt'}" in fault


# --- several annotators -----------------------------------------------------------------------

OTHER = with_spans(MEETING, ("Lò Văn Pản", "PERSON"), ("Trưởng Ban Dân vận", "POSITION"))


def test_two_annotators_who_differ_are_a_fault_that_names_them(config: dict[str, Any]) -> None:
    an = {"id": 2, "email": "an@xa.vn"}
    (fault,) = faults(config, of_meeting(annotation(RIGHT.spans, 1), annotation(OTHER.spans, an)))
    assert "annotated by 1 and an@xa.vn, who differ in 1 spans; mark one annotation as ground truth" in fault


@pytest.mark.parametrize(
    ("annotations", "section", "spans"),
    [
        ([annotation(RIGHT.spans, 1), annotation(RIGHT.spans, 2)], {}, RIGHT),
        ([annotation(RIGHT.spans, 1), annotation(OTHER.spans, 2)], {"annotator": 2}, OTHER),
        ([annotation(RIGHT.spans, 1), annotation(OTHER.spans, 2)], {"annotator": ["1"]}, RIGHT),
        ([annotation(RIGHT.spans, {"id": 5, "email": "an@x"}), annotation(OTHER.spans)], {"annotator": "an@x"}, RIGHT),
        ([annotation(OTHER.spans, 1, ground_truth=True), annotation(RIGHT.spans, 2)], {}, OTHER),
        ([annotation(OTHER.spans, 1), annotation(RIGHT.spans, 1)], {}, RIGHT),  # of one person the last
        ([annotation(OTHER.spans, 1), annotation(RIGHT.spans, 2, was_cancelled=True)], {}, OTHER),
    ],
)
def test_whose_work_counts(
    config: dict[str, Any], annotations: list[dict[str, Any]], section: dict[str, Any], spans: Document
) -> None:
    taken(config, of_meeting(*annotations), **section)
    assert [document.spans for document in gold(config)] == [spans.spans]


def test_an_annotator_who_did_nothing_is_told(config: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"annotator=Bình: has annotated nothing; the export has 1, 2"):
        taken(config, of_meeting(annotation((), 2), annotation((), 1)), annotator="Bình")


# --- predictions ------------------------------------------------------------------------------


def test_predictions_that_are_nowhere_are_asked_for(config: dict[str, Any], tmp_path: Path) -> None:
    task = of_meeting(annotation(RIGHT.spans, prediction={}))
    (fault,) = faults(config, task)
    assert "its predictions are in the export as mere numbers; give corrections.before" in fault
    before = tmp_path / "predictions.jsonl"
    before.write_text(to_json_line(MEETING) + "\n" + to_json_line(PLAN) + "\n", encoding="utf-8")
    result = taken(config, task, before=str(before))
    assert [change.kind for change in result.compared[0].changes] == ["moved", "added"]
    assert result.notes == ["predicted, not in the export: 1 (plan)"]


def test_a_document_that_was_not_predicted_is_a_fault_unless_nobody_has_annotated_it(
    config: dict[str, Any], tmp_path: Path
) -> None:
    before = save(tmp_path / "predictions.json", [task_of(MEETING)])
    waiting, done = exported(task_of(PLAN), 3), exported(task_of(PLAN), 3, annotation(PLAN.spans))
    (fault,) = faults(config, of_meeting(annotation(RIGHT.spans)), done, before=[str(before)])
    assert "task 3, plan: neither its id nor its text is among the predictions" in fault
    result = taken(config, of_meeting(annotation(RIGHT.spans)), waiting, before=[str(before)])
    assert (len(result.written), result.notes) == (1, ["not annotated: 1 (plan)"])


def test_predictions_may_be_several_files(config: dict[str, Any], tmp_path: Path) -> None:
    paths = [str(save(tmp_path / f"{n}.json", [task_of(document)])) for n, document in enumerate((MEETING, PLAN))]
    tasks = [of_meeting(annotation(RIGHT.spans)), exported(task_of(PLAN), 3, annotation(PLAN.spans))]
    assert len(taken(config, *tasks, before=paths).written) == 2
    with pytest.raises(UserError, match='has 2 documents of the id "plan"'):
        taken(config, *tasks, before=[*paths, paths[1]])


def test_a_document_whose_id_the_tool_lost_is_known_by_its_text(config: dict[str, Any], tmp_path: Path) -> None:
    before = save(tmp_path / "predictions.json", [task_of(MEETING), task_of(PLAN)])
    task = of_meeting(annotation(RIGHT.spans))
    del task["data"]["document_id"]
    task["data"]["text"] += "\n"  # INCEpTION adds one
    taken(config, task, before=str(before))
    (document,) = inline.read(Path(config["corrections"]["output"]), DANVAN)
    assert document == RIGHT


# --- what is there already --------------------------------------------------------------------


def test_a_later_export_adds_what_is_new_and_leaves_the_rest(config: dict[str, Any]) -> None:
    first, second = of_meeting(annotation(RIGHT.spans)), exported(task_of(PLAN), 3, annotation(PLAN.spans))
    (path,) = taken(config, first).written
    before = path.stat().st_mtime_ns
    result = taken(config, first, second)
    assert [written.name for written in result.written] == ["plan.txt"]
    assert result.notes[-1].endswith("already, the same: 1 (bao_cao/họp 1.txt)")
    assert path.stat().st_mtime_ns == before
    assert {document.id for document in inline.read(path.parent, DANVAN)} == {MEETING.id, PLAN.id}


def test_what_was_taken_in_is_never_overwritten(config: dict[str, Any]) -> None:
    (path,) = taken(config, of_meeting(annotation(RIGHT.spans))).written
    before = path.read_bytes()
    with pytest.raises(CorpusError) as raised:
        taken(config, of_meeting(annotation(OTHER.spans)))
    (fault,) = raised.value.faults
    assert f"was taken in before, otherwise, as {path}; delete that file to take this one" in fault
    assert path.read_bytes() == before
    path.unlink()
    taken(config, of_meeting(annotation(OTHER.spans)))
    assert [document.spans for document in gold(config)] == [OTHER.spans]


def test_reports_may_be_added_below_a_split_beside_those_of_the_same_name(config: dict[str, Any]) -> None:
    train = Path(config["splits"]["train"])
    output = train / "corrected"
    document = replace(RIGHT, id="train_1.txt")
    task = exported(task_of(replace(MEETING, id="train_1.txt")), 1, annotation(document.spans))
    assert [path.name for path in taken(config, task, output=str(output)).written] == ["train_1.txt"]
    assert taken(config, task, output=str(output)).written == []
    assert len(read_gold(train, DANVAN.layer_of)) == 2


# --- other tools ------------------------------------------------------------------------------

SORTS = [name for name in FORMATS if name != "label-studio"]


@pytest.mark.parametrize("name", SORTS)
def test_every_tools_export_is_taken_in(config: dict[str, Any], tmp_path: Path, name: str) -> None:
    if name == "spacy":
        pytest.importorskip("spacy")
    form = FORMATS[name]
    paths = []
    for kind, documents in (("before", [MEETING, PLAN]), ("after", [RIGHT, PLAN])):
        paths.append(tmp_path / f"{kind}{'' if form.is_folder else '.x'}")
        if form.is_folder:
            paths[-1].mkdir()
        form.write(documents, paths[-1], DANVAN)
    section = {"path": str(paths[1]), "format": name, "before": str(paths[0]), "before_format": name}
    config["corrections"] = config["corrections"] | section
    result = take_in(config)
    assert [change.kind for change in result.compared[0].changes] == ["moved", "added"]
    assert result.notes == [
        f"as predicted, and {name} does not say who looked at what (corrections.all_reviewed): 1 (plan)"
    ]
    config["corrections"]["all_reviewed"] = True
    assert [path.name for path in take_in(config).written] == ["plan.txt"]
    assert [document.spans for document in gold(config)] == [RIGHT.spans, replaced(PLAN)]


def replaced(document: Document) -> tuple[Span, ...]:
    return tuple(replace(span, score=None) for span in document.spans)


def test_other_tools_faults_name_the_document(config: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(to_json_line(with_spans(MEETING, ("dự.", "TASK"))) + "\n", encoding="utf-8")
    (fault,) = faults(config, path=str(path), all_reviewed=True)
    assert fault.startswith(f"{path}: bao_cao/họp 1.txt:2: TASK")


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ({"path": "nowhere.json"}, "nowhere.json: no such file or folder"),
        ({"format": "xml"}, "corrections.format=xml is not known; take one of jsonl"),
        ({"path": "{root}/e.txt2"}, "say corrections.format=FORMAT"),
        ({"path": "{root}/train", "format": "label-studio"}, "is a folder, and label-studio is a file"),
        ({"before": "{root}/export.json"}, "is corrections.before too"),
        ({"before": "nowhere.json"}, "nowhere.json: no such file or folder"),
        ({"path": "{root}/x.jsonl"}, "corrections.before=null: jsonl does not say who looked at what"),
        ({"path": "{root}/x.jsonl", "all_reviewed": True}, "no document in it"),
        ({"path": "{root}/x.jsonl", "all_reviewed": True, "annotator": 1}, "jsonl does not say who annotated"),
        ({"all_reviewed": True}, "Label Studio says what was submitted"),
        ({"all_reviewed": "yes"}, "all_reviewed=yes must be true or false"),
        ({"output": None}, "corrections.output=None: name a folder"),
        ({"output": "{root}/x.jsonl"}, "name a folder"),
    ],
)
def test_a_wrong_setting_is_one_line(
    config: dict[str, Any], tmp_path: Path, section: dict[str, Any], wanted: str
) -> None:
    for name in ("x.jsonl", "e.txt2"):
        (tmp_path / name).touch()
    here = {key: value.format(root=tmp_path) if isinstance(value, str) else value for key, value in section.items()}
    with pytest.raises(UserError, match=wanted):
        taken(config, of_meeting(annotation(RIGHT.spans)), **here)


def test_what_cannot_be_a_file_is_a_fault(config: dict[str, Any]) -> None:
    document = Document("s", "xã \ud800 họp", (Span(0, 2, "ORG", "xã"),))
    (fault,) = faults(config, exported(task_of(document), 1, annotation(document.spans)))
    assert "task 1, s:1: " in fault
    assert "lone surrogate" in fault
