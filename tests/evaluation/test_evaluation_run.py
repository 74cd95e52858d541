from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny import DANVAN, SENTENCES, KeywordBackend, make_tagger

from ner_danvan.document import Document, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation.run import evaluate_model, evaluate_predictions, run
from ner_danvan.evaluation.table import detail_table, score_table
from ner_danvan.span import Span
from ner_danvan.tagger import Tagger

GOLD = Document("r1", "Đảng ủy xã", (Span(0, 7, "ORG", "Đảng ủy"),))


def test_gold_that_the_words_cannot_express_is_counted_and_missed(vocabulary: Path) -> None:
    tagger = make_tagger(vocabulary, KeywordBackend({}, 13))
    cut = Document("r", "tổ chức", (Span(0, 2, "ORG", "tổ"),))
    evaluation, predicted = evaluate_model(tagger, [cut, GOLD], "dev")
    assert evaluation.beyond_words == 1
    assert evaluation.scores.micro.gold == 2
    assert [document.spans for document in predicted] == [(), ()]


def test_gold_with_a_label_that_the_model_lacks_is_told(vocabulary: Path) -> None:
    with pytest.raises(UserError, match='unknown label "LOC"'):
        evaluate_model(make_tagger(vocabulary), [Document("r", "xã", (Span(0, 2, "LOC", "xã"),))], "dev")


def test_predictions_are_matched_by_id_even_with_dots_in_it() -> None:
    documents = [replace(GOLD, id="d.1"), replace(GOLD, id="d.2"), replace(GOLD, id="a/r")]
    assert evaluate_predictions(documents, documents, DANVAN, "dev").scores.micro.f1 == 1


def test_both_ways_of_evaluating_give_the_same_scores(vocabulary: Path) -> None:
    gold = [Document(str(i), sentence) for i, sentence in enumerate(SENTENCES)]
    evaluation, predicted = evaluate_model(make_tagger(vocabulary), [*gold, GOLD], "dev")
    assert evaluate_predictions(predicted, [*gold, GOLD], DANVAN, "dev").scores == evaluation.scores


def test_the_models_limit_holds_for_scores_and_not_for_the_thresholds(vocabulary: Path) -> None:
    gold = [Document(str(i), sentence) for i, sentence in enumerate(SENTENCES)]
    every, every_found = evaluate_model(make_tagger(vocabulary), [*gold, GOLD], "dev")
    sure, sure_found = evaluate_model(make_tagger(vocabulary, own_min_score=0.5), [*gold, GOLD], "dev")
    kept = [span for document in every_found for span in document.spans if (span.score or 0) >= 0.5]
    assert [span for document in sure_found for span in document.spans] == kept
    assert sure.scores.micro.predicted == len(kept) < every.scores.micro.predicted
    assert every.calibration
    assert sure.calibration
    assert sure.calibration.thresholds == every.calibration.thresholds
    assert [found.spans for found in sure.calibration.bins[:5]] == [0] * 5


def test_predictions_are_matched_by_file_name(vocabulary: Path) -> None:
    predicted = [replace(GOLD, id="folder/r1.txt")]
    assert evaluate_predictions(predicted, [GOLD], DANVAN, "dev").scores.micro.f1 == 1


@pytest.mark.parametrize(
    ("predicted", "wanted"),
    [
        ([], "r1: no prediction has this id"),
        ([GOLD, GOLD], "two predictions have this id"),
        ([replace(GOLD, text="Đảng ủy xã ", spans=())], "another text"),
        ([replace(GOLD, spans=(*GOLD.spans, Span(5, 10, "DATE", "ủy xã")))], "overlap in layer"),
    ],
)
def test_predictions_that_cannot_be_scored_are_told(predicted: list[Document], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        evaluate_predictions(predicted, [GOLD], DANVAN, "dev")


DATA = {"train": "from_run", "index": None, "group_by": "genre", "lengths": [1, 2, 4]}


def values(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    (tmp_path / "gold").mkdir(exist_ok=True)
    (tmp_path / "gold" / "r1.txt").write_text("<ORG>Đảng ủy</ORG> xã", encoding="utf-8")
    return {
        "data": DATA | {"path": str(tmp_path / "gold"), "name": "mine"},
        "output": str(tmp_path / "out"),
        "predictions": None,
        "labels": {"layers": DANVAN.to_config()},
        "model": {"path": None},
        "backend": "torch",
        "device": None,
        "min_score": None,
        "groups": None,
        "report": {"write": False, "worst": 50, "run": None},
    } | changes


def test_a_run_writes_metrics_and_predictions(
    vocabulary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tagger, "from_pretrained", lambda name, **_: make_tagger(vocabulary))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    run(values(tmp_path, model={"path": str(tmp_path / "model")}))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (metrics["name"], metrics["documents"], metrics["gold_beyond_words"]) == ("mine", 1, 0)
    assert metrics["strict"]["labels"]["ORG"]["gold"] == 1
    assert metrics["weights_sha256"] == sha256(b"weights").hexdigest()
    assert json.loads((tmp_path / "out" / "predictions.jsonl").read_text())["id"] == "r1"


def test_a_run_scores_predictions_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(to_json_line(GOLD) + "\n", encoding="utf-8")
    assert run(values(tmp_path, predictions=str(tmp_path / "p.jsonl"))).scores.micro.f1 == 1


def predictions(tmp_path: Path, *documents: Document) -> str:
    path = tmp_path / "p.jsonl"
    path.write_text("".join(to_json_line(document) + "\n" for document in documents), encoding="utf-8")
    return str(path)


def test_scores_by_scheme_length_and_document_stand_in_files(tmp_path: Path) -> None:
    found = replace(GOLD, spans=(Span(0, 4, "ORG", "Đảng"),))
    evaluation = run(values(tmp_path, predictions=predictions(tmp_path, found)))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["schemes"]["partial"]["micro"]["f1"] == 0.5
    assert metrics["schemes"]["type"]["ORG"]["correct"] == 1
    assert metrics["lengths"]["micro"]["2 to 3"]["gold"] == 1
    assert (metrics["seen"], metrics["groups"]) == ({}, {})
    rows = read_table(tmp_path / "out" / "scores.tsv")
    (partial,) = (row for row in rows if (row["aspect"], row["scheme"], row["label"]) == ("all", "partial", "ORG"))
    assert (partial["partial"], partial["found"], partial["f1"], partial["low"]) == ("1", "1", "0.5", "0.5")
    (document,) = read_table(tmp_path / "out" / "documents.tsv")
    assert (document["document"], document["f1 strict"], document["f1 type"], document["boundary"]) == (
        *("r1", "0.0", "1.0", "1"),
    )
    assert evaluation.breakdown.lengths["ORG"]["1"].found == 1
    assert not (tmp_path / "out" / "errors.html").exists()


def test_an_error_report_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    report = {"write": True, "worst": 3, "run": None}
    run(values(tmp_path, predictions=predictions(tmp_path, replace(GOLD, spans=())), report=report))
    assert "1 errors in 1 documents" in (tmp_path / "out" / "errors.html").read_text(encoding="utf-8")
    assert [row["kind"] for row in read_table(tmp_path / "out" / "errors.tsv")] == ["missed"]


def test_groups_come_from_the_index_and_seen_strings_from_training_reports(tmp_path: Path) -> None:
    index = tmp_path / "index.tsv"
    index.write_text("report\tgenre\tlevel\tregion\tyear\tstyle\nr1\tke_hoach\txã\tHuế\t2025\tx\n", encoding="utf-8")
    changed = values(tmp_path, predictions=predictions(tmp_path, GOLD), groups={"genre": {"plan": ["kế hoạch"]}})
    changed["data"] |= {"index": str(index), "train": str(tmp_path / "gold")}
    found = run(changed).breakdown
    assert found.groups["plan"].schemes["strict"]["micro"].f1 == 1.0
    assert found.seen["ORG"]["seen"].right == 1
    changed["data"]["group_by"] = "size"
    with pytest.raises(UserError, match='the index has no column "size"; name one of genre'):
        run(changed)


def test_groups_of_the_documents_own_meta_need_no_index(tmp_path: Path) -> None:
    own = replace(GOLD, meta={"writer": "7"})
    changed = values(tmp_path, predictions=predictions(tmp_path, own))
    (tmp_path / "gold.jsonl").write_text(to_json_line(own) + "\n", encoding="utf-8")
    changed["data"] |= {"path": str(tmp_path / "gold.jsonl"), "group_by": "writer", "index": "nowhere.tsv"}
    assert list(run(changed).breakdown.groups) == ["7"]


def test_what_the_model_was_trained_on_is_read_from_its_run(
    vocabulary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tagger, "from_pretrained", lambda name, **_: make_tagger(vocabulary))
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    changed = values(tmp_path, model={"path": str(model)})
    for config, seen in (
        ({"data": {"train": str(tmp_path / "gold"), "limit": 0}}, 1),
        ({"data": {"train": str(tmp_path / "moved"), "limit": 0}}, None),
        ({"data": {}}, None),
        (None, None),
    ):
        (model / "run.json").write_text(json.dumps({"config": config}), encoding="utf-8")
        buckets = run(changed).breakdown.seen
        assert (buckets["ORG"]["seen"].gold if buckets else None) == seen


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_the_detail_has_schemes_and_lengths_that_occur() -> None:
    stream = io.StringIO()
    Console(file=stream, width=100).print(detail_table(evaluate_predictions([GOLD], [GOLD], DANVAN, "dev")))
    for word in ("boundary", "partial", "type", "words: 2"):
        assert word in stream.getvalue()
    assert "words: 1 " not in stream.getvalue()


def test_the_table_has_every_label_and_the_lost_gold(vocabulary: Path) -> None:
    gold = [Document(str(i), sentence) for i, sentence in enumerate(SENTENCES)]
    evaluation, _ = evaluate_model(make_tagger(vocabulary), [*gold, GOLD], "dev")
    stream = io.StringIO()
    Console(file=stream, width=100).print(score_table(evaluation))
    for word in (*DANVAN.labels, "mention", "micro", "macro", "count as missed"):
        assert word in stream.getvalue()
