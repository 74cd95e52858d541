"""What Label Studio exports once people have worked on its tasks, built from documents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.io.tools import label_studio
from ner_danvan.span import Span, sorted_spans


def task_of(document: Document) -> dict[str, Any]:
    """The task that `predict` writes of a document."""
    stream = StringIO()
    with label_studio.task_writer(stream, DANVAN) as write:
        write(document)
    (task,) = json.loads(stream.getvalue())
    return dict(task)


def exported(task: dict[str, Any], number: int, *annotations: dict[str, Any]) -> dict[str, Any]:
    """The task as Label Studio 1.23 exports it, its predictions as mere numbers."""
    predictions = task.get("predictions", [])
    made_from = {"prediction": {"id": number, **predictions[0]}} if predictions else {"prediction": {}}
    rows = [{"id": number, **made_from, **row} for row in annotations]
    numbers = [number for _ in predictions]
    return {"id": number, "data": task["data"], "annotations": rows, "predictions": numbers, "drafts": []}


def annotation(spans: Iterable[Span], by: Any = 1, **fields: Any) -> dict[str, Any]:
    """One annotation; its regions repeat their text, and keep the scores that they had as predictions."""
    result = []
    for number, span in enumerate(spans):
        value = {"start": span.start, "end": span.end, "text": span.text, "labels": [span.label]}
        region = {"id": f"r{number}", "type": "labels", "from_name": "x", "to_name": "text", "value": value}
        result.append(region | ({} if span.score is None else {"score": span.score}))
    return {"completed_by": by, "result": result, "was_cancelled": False, "ground_truth": False} | fields


def save(path: Path, tasks: Any) -> Path:
    """Writes a JSON file."""
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def with_spans(document: Document, *pieces: tuple[str, str], score: float | None = None) -> Document:
    """The document with other spans: the first places of texts, each with its label."""
    spans = []
    for piece, label in pieces:
        start = document.text.index(piece)
        spans.append(Span(start, start + len(piece), label, piece, score))
    return replace(document, spans=sorted_spans(spans))
