from __future__ import annotations

import json

from sample_reports import MEETING, make, written
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.io.order import expected_errors, uncertain_first


def scored(name: str, score: float | None, filler: int = 0) -> Document:
    return make("Lò Văn Pản họp." + " " * filler, ("Lò Văn Pản", "PERSON"), id=name, score=score)


def test_the_least_sure_come_first_and_equals_keep_their_order() -> None:
    documents = [
        scored("sure", 0.99),
        scored("a", 0.6),
        Document("none", "Họp."),
        scored("b", 0.6),
        scored("gold", None),
    ]
    assert [document.id for document in uncertain_first(documents)] == ["a", "b", "sure", "none", "gold"]


def test_what_counts_is_errors_by_character() -> None:
    assert [d.id for d in uncertain_first([scored("long", 0.5, filler=500), scored("short", 0.8)])] == ["short", "long"]


def test_errors_are_expected_where_scores_are_low() -> None:
    assert expected_errors(MEETING) == sum(1 - 0.95 for _ in MEETING.spans)
    assert expected_errors(Document("none", "")) == 0


def test_label_studio_tasks_are_a_whole_list_with_predictions() -> None:
    tasks = json.loads(written("label-studio", MEETING, Document("empty", "Họp.")))
    assert [task["data"]["document_id"] for task in tasks] == [MEETING.id, "empty"]
    assert len(tasks[0]["predictions"][0]["result"]) == len(MEETING.spans)
    assert json.loads(written("label-studio")) == []
    assert set(DANVAN.layer_of.values()) >= {region["from_name"] for region in tasks[0]["predictions"][0]["result"]}
