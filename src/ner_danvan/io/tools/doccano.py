"""doccano's JSONL for sequence labelling: `{"text": …, "label": [[start, end, label], …]}` a line.

Offsets are UTF-16 units, as its page counts them while the project's option for grapheme clusters is off; they differ
from code points only behind characters above U+FFFF. Nested spans want the project's option for overlapping spans:
without it doccano leaves them out. It gives out its own numbers as "id" and keeps every other column, so the
document's id, `meta` and scores travel as columns.

The format: what doccano 1.8 itself reads and writes (backend/data_import and data_export).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, bounded
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import checked, make_span, one_score_a_span, with_scores
from ner_danvan.io.tools.files import json_lines
from ner_danvan.io.tools.utf16 import Utf16
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span, sorted_spans

_OWN = ("document_id", "meta", "scores")
_TEXTS = ("text", "data")
_LABELS = ("label", "labels", "entities")
_LEFT_OUT = {"id", "Comments", "relations", *_OWN, *_TEXTS, *_LABELS}


def write(documents: Iterable[Document], path: Path, scheme: LabelScheme) -> None:
    """Write a line a document."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for document in checked(documents):
            utf16 = Utf16(document.text)
            row = {
                "text": document.text,
                "label": [[utf16.units(span.start), utf16.units(span.end), span.label] for span in document.spans],
                # in every line, for doccano makes a table of them
                "document_id": document.id,
                "meta": dict(document.meta),
                "scores": one_score_a_span(document),
            }
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def read(path: Path) -> Iterator[Document]:
    """Documents of an export, with or without relations; raises UserError that names the line."""
    for place, row in json_lines(path):
        text = next((row[key] for key in _TEXTS if isinstance(row.get(key), str)), None)
        labels: Any = next((row[key] for key in _LABELS if row.get(key) is not None), [])
        if text is None or not isinstance(labels, list):
            raise UserError(f'{place}: no "text" with a list of "label"; export the project as JSONL.')
        utf16 = Utf16(text)
        found = bounded((_span(label, text, utf16, place) for label in labels), text, place)
        spans = with_scores(found, row.get("scores"))
        meta = {key: value for key, value in row.items() if key not in _LEFT_OUT}
        if isinstance(row.get("meta"), dict):
            meta |= row["meta"]
        name = next((row[key] for key in ("document_id", "id") if row.get(key) is not None), place)
        yield Document(str(name), text, sorted_spans(spans), meta)


def _span(row: Any, text: str, utf16: Utf16, place: str) -> Span:
    if isinstance(row, dict):
        row = [row.get("start_offset"), row.get("end_offset"), row.get("label")]
    if not isinstance(row, list) or len(row) != 3 or any(type(offset) is not int for offset in row[:2]):
        raise UserError(f"{place}: {json.dumps(row)[:80]} is no label; write [start, end, label].")
    start, end, label = row
    return make_span(text, utf16.points(start, place), utf16.points(end, place), label, None, place)
