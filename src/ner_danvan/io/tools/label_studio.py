"""Label Studio's JSON: a list of tasks, with its labelling config.

Offsets are code points, as its page counts them today (1.23); versions of 2021 counted UTF-16 units, which shows in
the text that each region repeats. A task carries everything of a document: the id and `meta` in its data, spans as
regions, nested or crossing as they like, scores on the regions.

The format: https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TextIO
from xml.sax.saxutils import quoteattr

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import checked, make_span
from ner_danvan.io.tools.files import load_json
from ner_danvan.io.tools.utf16 import Utf16
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span, sorted_spans

Take = Literal["any", "annotations", "predictions"]

TAKES: tuple[Take, ...] = ("any", "annotations", "predictions")
COLOURS = ("#2e7d32", "#1565c0", "#ef6c00", "#8e24aa", "#c62828", "#00838f", "#6d4c41", "#9e9d24")

_ID = "document_id"  # "id" is the task's own number in some of its exports
_MODEL = "ner_danvan"  # Label Studio wants a name for whoever predicted
_MEND = "export the project as JSON (not JSON-MIN)"


def write(documents: Iterable[Document], path: Path, scheme: LabelScheme) -> None:
    """Write a task a document.

    A document whose spans have scores becomes a prediction, one whose spans have none an annotation, and one without
    spans a task that is still to be done. Raises UserError at a label that the scheme, and so the config, lacks.
    """
    with path.open("w", encoding="utf-8", newline="\n") as stream, task_writer(stream, scheme) as write_task:
        for document in checked(documents, scheme.labels):
            write_task(document)


@contextmanager
def task_writer(stream: TextIO, scheme: LabelScheme) -> Iterator[Callable[[Document], None]]:
    """Writes documents one by one; the list is closed at the end of the block, unless by an error."""
    before = "[\n"

    def write_task(document: Document) -> None:
        nonlocal before
        stream.write(before + json.dumps(_task(document, scheme), ensure_ascii=False))
        before = ",\n"

    yield write_task
    stream.write("\n]\n" if before.startswith(",") else "[\n\n]\n")


def labelling_config(scheme: LabelScheme) -> str:
    """What Label Studio shows: the text, and for each layer its labels with their colours."""
    lines = ["<View>"]
    colours = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(scheme.labels)}
    for layer in scheme.layers:
        lines.append(f'  <Labels name={quoteattr(layer.name)} toName="text">')
        lines += [f'    <Label value={quoteattr(label)} background="{colours[label]}"/>' for label in layer.labels]
        lines.append("  </Labels>")
    return "\n".join([*lines, '  <Text name="text" value="$text"/>', "</View>", ""])


def read(path: Path, take: Take = "any") -> Iterator[Document]:
    """Documents of an export; raises UserError that names the task.

    `take` says whose regions: of an annotation (the ground truth if one is marked, else the last that was not
    skipped), of the last prediction, or of the former if there is one and else the latter. What Label Studio exports
    has only the numbers of predictions, which is an error where they are asked for.
    """
    tasks = load_json(path)
    if isinstance(tasks, dict):
        tasks = [tasks]
    if not isinstance(tasks, list):
        raise UserError(f"{path}: holds no list of Label Studio tasks; {_MEND}.")
    for number, task in enumerate(tasks, 1):
        yield _document(task, f"{path}: task {number}", f"{path.stem}:{number}", take)


def _task(document: Document, scheme: LabelScheme) -> dict[str, Any]:
    data: dict[str, Any] = {_ID: document.id, "text": document.text}
    if document.meta:
        data["meta"] = dict(document.meta)
    if not document.spans:
        return {"data": data}
    regions: list[dict[str, Any]] = []
    for number, span in enumerate(document.spans, 1):
        value = {"start": span.start, "end": span.end, "text": span.text, "labels": [span.label]}
        region = {"id": f"s{number}", "type": "labels", "from_name": scheme.layer_of[span.label], "to_name": "text"}
        regions.append({**region, "value": value} | ({} if span.score is None else {"score": span.score}))
    scores = [span.score for span in document.spans if span.score is not None]
    if not scores:
        return {"data": data, "annotations": [{"result": regions}]}
    model = document.meta.get("model")
    prediction = {"model_version": model if isinstance(model, str) and model else _MODEL, "result": regions}
    return {"data": data, "predictions": [prediction | {"score": sum(scores) / len(scores)}]}


def _document(task: Any, place: str, name: str, take: Take) -> Document:
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        raise UserError(f'{place}: has no "data"; {_MEND}.')
    key = "text" if isinstance(data.get("text"), str) else _only_text(data, place)
    text, meta = data[key], {other: value for other, value in data.items() if other not in (key, _ID, "meta")}
    if isinstance(data.get("meta"), dict):
        meta |= data["meta"]
    elif "meta" in data:
        meta["meta"] = data["meta"]
    known = next((value for value in (data.get(_ID), task.get("id")) if value is not None), name)
    return Document(str(known), text, sorted_spans(_spans(_regions(task, take, place), text, place)), meta)


def _only_text(data: dict[str, Any], place: str) -> str:
    keys = [key for key, value in data.items() if isinstance(value, str) and key not in (_ID, "meta")]
    if len(keys) != 1:
        raise UserError(f'{place}: its data has no "text"; name the field that the config shows "text".')
    return keys[0]


def _regions(task: dict[str, Any], take: Take, place: str) -> list[Any]:
    annotations = [row for row in task.get("annotations") or [] if isinstance(row, dict)]
    predictions = task.get("predictions") or []
    done = [row for row in annotations if not row.get("was_cancelled")]
    chosen = [row for row in done if row.get("ground_truth")] or done
    if take == "predictions" or (take == "any" and not chosen):
        chosen = [row for row in predictions if isinstance(row, dict)]
        if take == "predictions" and predictions and not chosen:
            raise UserError(f"{place}: has its predictions as mere numbers; get the tasks with them from the API.")
    regions = chosen[-1].get("result") if chosen else []
    if not isinstance(regions, list):
        raise UserError(f'{place}: its "result" is no list of regions; {_MEND}.')
    return regions


def _spans(regions: list[Any], text: str, place: str) -> Iterator[Span]:
    found: list[tuple[int, int, Any, Any, Any]] = []
    for region in regions:
        kind = region.get("type") if isinstance(region, dict) else None
        if kind == "hypertextlabels":
            raise UserError(f"{place}: is annotated as HTML, whose offsets are others; show it with <Text>.")
        if kind != "labels":  # choices, relations, comments: nothing that a span could hold
            continue
        try:
            value = region["value"]
            start, end, labels = value["start"], value["end"], value["labels"]
            found += [(start, end, label, region.get("score"), value.get("text")) for label in labels]
        except (KeyError, TypeError, AttributeError):
            raise UserError(f'{place}: a region lacks "start", "end" or "labels": {json.dumps(region)[:80]}.') from None
    utf16 = Utf16(text) if _counts_units(found, text) else None
    for start, end, label, score, _ in found:
        if utf16:
            start, end = utf16.points(start, place), utf16.points(end, place)
        yield make_span(text, start, end, label, score, place)


def _counts_units(found: list[tuple[int, int, Any, Any, Any]], text: str) -> bool:
    """Whether the texts that regions repeat stand where UTF-16 units say, and not where code points do."""
    said = [(start, end, repeated) for start, end, _, _, repeated in found if isinstance(repeated, str)]
    if not said or text.isascii() or all(isinstance(a, int) and text[a:b] == repeated for a, b, repeated in said):
        return False
    units = text.encode("utf-16-le", "surrogatepass")
    return all(
        isinstance(a, int)
        and isinstance(b, int)
        and units[2 * a : 2 * b] == repeated.encode("utf-16-le", "surrogatepass")
        for a, b, repeated in said
    )
