"""Label Studio's JSON: a list of tasks, with its labelling config.

Offsets are code points, as its page counts them today (1.23); versions of 2021 counted UTF-16 units, which shows in
the text that each region repeats. A task carries everything of a document: the id and `meta` in its data, spans as
regions, nested or crossing as they like, scores on the regions.

The format: https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TextIO
from xml.sax.saxutils import quoteattr

from ner_danvan.document import Document, bounded
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
    for number, task in enumerate(_tasks(path), 1):
        place = f"{path}: task {number}"
        document = _bare(task, place, f"{path.stem}:{number}")
        yield replace(document, spans=_spans(_regions(task, take, place), document.text, place))


@dataclass(frozen=True)
class Annotation:
    """What somebody has submitted; `by` is what the export calls him or her: a number, an e-mail address or both."""

    by: tuple[str, ...]
    spans: tuple[Span, ...]
    is_truth: bool


@dataclass(frozen=True)
class Work:
    """A task with all that was done to it; `document` has no spans.

    `annotations` are those that were submitted, in their order; `is_skipped` says that there is one that was not, but
    skipped. `predicted` is what they were made from, None where the export has it as a mere number. `place` names the
    task by its number in the project.
    """

    place: str
    document: Document
    annotations: tuple[Annotation, ...]
    is_skipped: bool
    predicted: tuple[Span, ...] | None


def read_work(path: Path) -> Iterator[Work | UserError]:
    """The tasks of an export, each read by itself: one that cannot be is its error, with the place.

    A region that repeats another text than stands at its offsets is an error too: the text was changed.
    Raises UserError where the file holds no tasks.
    """
    for number, task in enumerate(_tasks(path), 1):
        own = task.get("id") if isinstance(task, dict) else None
        try:
            yield _work(task, f"{path}: task {number if own is None else own}", f"{path.stem}:{number}")
        except UserError as error:
            yield error


def _tasks(path: Path) -> list[Any]:
    tasks = load_json(path)
    if isinstance(tasks, dict):
        tasks = [tasks]
    if not isinstance(tasks, list):
        raise UserError(f"{path}: holds no list of Label Studio tasks; {_MEND}.")
    return tasks


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


def _work(task: Any, place: str, name: str) -> Work:
    document = _bare(task, place, name)
    annotations, predictions = _rows(task, "annotations", place), task.get("predictions") or []

    def spans_of(row: dict[str, Any]) -> tuple[Span, ...]:
        regions = _result(row, place)
        _check_repeated(regions, document.text, place)
        return _spans(regions, document.text, place)

    found = [
        Annotation(_names(row.get("completed_by")), spans_of(row), bool(row.get("ground_truth")))
        for row in annotations
        if not row.get("was_cancelled")
    ]
    # where predictions are exported as numbers, what was made from one still holds it
    begun = [row["prediction"] for row in annotations if isinstance(row.get("prediction"), dict) and row["prediction"]]
    whole = begun or _rows(task, "predictions", place)
    predicted = spans_of(whole[-1]) if whole else None if predictions else ()
    return Work(place, document, tuple(found), len(found) < len(annotations), predicted)


def _names(completed_by: Any) -> tuple[str, ...]:
    rows = [completed_by.get(key) for key in ("id", "email")] if isinstance(completed_by, dict) else [completed_by]
    return tuple(str(row) for row in rows if row is not None)


def _check_repeated(regions: list[Any], text: str, place: str) -> None:
    """Raise UserError at a region whose own text has other letters or figures than stand there."""
    for start, end, _, _, repeated in _in_code_points(_labelled(regions, place), text, place):
        if isinstance(repeated, str) and isinstance(start, int) and isinstance(end, int):
            said, there = _letters(repeated), _letters(text[start:end])
            if said != there:
                raise UserError(
                    f"{place}: a region says {json.dumps(repeated[:60], ensure_ascii=False)} and the text at "
                    f"[{start}, {end}) is {json.dumps(text[start:end][:60], ensure_ascii=False)}; the task's text was "
                    "changed after it was annotated: set it back, or leave the task out."
                )


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFC", text) if char.isalnum())


def _bare(task: Any, place: str, name: str) -> Document:
    """The document of a task, without spans."""
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
    return Document(str(known), text, (), meta)


def _only_text(data: dict[str, Any], place: str) -> str:
    keys = [key for key, value in data.items() if isinstance(value, str) and key not in (_ID, "meta")]
    if len(keys) != 1:
        raise UserError(f'{place}: its data has no "text"; name the field that the config shows "text".')
    return keys[0]


def _regions(task: dict[str, Any], take: Take, place: str) -> list[Any]:
    predictions = task.get("predictions") or []
    done = [row for row in _rows(task, "annotations", place) if not row.get("was_cancelled")]
    chosen = [row for row in done if row.get("ground_truth")] or done
    if take == "predictions" or (take == "any" and not chosen):
        chosen = _rows(task, "predictions", place)
        if take == "predictions" and predictions and not chosen:
            raise UserError(f"{place}: has its predictions as mere numbers; get the tasks with them from the API.")
    return _result(chosen[-1], place) if chosen else []


def _rows(task: dict[str, Any], key: str, place: str) -> list[dict[str, Any]]:
    rows = task.get(key) or []
    if not isinstance(rows, list):
        raise UserError(f'{place}: its "{key}" is no list; {_MEND}.')
    return [row for row in rows if isinstance(row, dict)]


def _result(row: dict[str, Any], place: str) -> list[Any]:
    regions = row.get("result")
    if not isinstance(regions, list):
        raise UserError(f'{place}: its "result" is no list of regions; {_MEND}.')
    return regions


# start, end, label, score, and the text that it repeats
_Labelled = tuple[Any, Any, Any, Any, Any]


def _spans(regions: list[Any], text: str, place: str) -> tuple[Span, ...]:
    rows = _in_code_points(_labelled(regions, place), text, place)
    spans = (make_span(text, start, end, label, score, place) for start, end, label, score, _ in rows)
    return sorted_spans(bounded(spans, text, place))


def _labelled(regions: list[Any], place: str) -> list[_Labelled]:
    found: list[_Labelled] = []
    for region in regions:
        kind = region.get("type") if isinstance(region, dict) else None
        if kind == "hypertextlabels":
            raise UserError(f"{place}: is annotated as HTML, whose offsets are others; show it with <Text>.")
        if kind != "labels":  # choices, relations, comments: nothing that a span could hold
            continue
        try:
            value = region["value"]
            start, end, labels = value["start"], value["end"], value["labels"]
            if not isinstance(labels, list):  # a string would be a label a letter
                raise TypeError
            found += [(start, end, label, region.get("score"), value.get("text")) for label in labels]
        except (KeyError, TypeError, AttributeError):
            raise UserError(f'{place}: a region lacks "start", "end" or "labels": {json.dumps(region)[:80]}.') from None
    return found


def _in_code_points(found: list[_Labelled], text: str, place: str) -> list[_Labelled]:
    if not _counts_units(found, text):
        return found
    utf16 = Utf16(text)
    return [(utf16.points(start, place), utf16.points(end, place), *more) for start, end, *more in found]


def _counts_units(found: list[_Labelled], text: str) -> bool:
    """Whether the texts that regions repeat stand where UTF-16 units say, and not where code points do."""
    said = [(start, end, repeated) for start, end, _, _, repeated in found if isinstance(repeated, str)]
    if any(type(offset) is not int for start, end, *_ in found for offset in (start, end)):
        return False  # a fault, which is told where spans are made
    if not said or text.isascii() or all(text[a:b] == repeated for a, b, repeated in said):
        return False
    units = text.encode("utf-16-le", "surrogatepass")
    return all(units[2 * a : 2 * b] == repeated.encode("utf-16-le", "surrogatepass") for a, b, repeated in said)
