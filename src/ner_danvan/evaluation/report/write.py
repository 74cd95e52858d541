"""The error report: one HTML file without network, its charts as SVG, and the errors as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ner_danvan.document import Document
from ner_danvan.evaluation.errors import Error, Kind, count_errors, find_errors
from ner_danvan.evaluation.files import Cell, write_table
from ner_danvan.evaluation.reliability import DIAGRAM_FILE, reliability_diagram
from ner_danvan.evaluation.report.charts import learning_curve, stacked_bars
from ner_danvan.evaluation.report.history import read_history
from ner_danvan.evaluation.report.page import render_page
from ner_danvan.evaluation.result import Evaluation
from ner_danvan.sections import whole_number
from ner_danvan.span import Span

REPORT_FILE = "errors.html"
ERRORS_FILE = "errors.tsv"
KINDS_FILE = "error_kinds.svg"
CURVE_FILE = "learning_curve.svg"

_CONTEXT = 40  # characters on each side of an error
_COLUMNS = ("document", "kind", "layer", "label", "start", "end", "gold", "found", "found label", "score", "context")


def write_report(
    evaluation: Evaluation,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    settings: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write `errors.html`, `errors.tsv` and the charts into a folder.

    `settings` are `worst`, how many documents are shown whole, and `run`, the training run of the learning curve or
    None. A chart that cannot be drawn now is taken away, so that none of another evaluation stays.
    """
    worst = whole_number("report.worst", settings["worst"], 0)
    errors = find_errors(gold, predicted, evaluation.scheme)
    counts = count_errors(errors)
    by_label = {label: counts[label] for label in evaluation.scheme.labels if label in counts}
    charts = {KINDS_FILE: stacked_bars(by_label, [kind.value for kind in Kind])} if by_label else {}
    if evaluation.calibration:
        row = {"name": evaluation.name, "calibration": evaluation.calibration.to_dict()}
        charts[DIAGRAM_FILE] = reliability_diagram([row])
    if settings["run"] is not None:
        charts[CURVE_FILE] = learning_curve(read_history(Path(settings["run"])))
    for name in (KINDS_FILE, DIAGRAM_FILE, CURVE_FILE):
        (folder / name).unlink(missing_ok=True)
    for name, drawn in charts.items():
        (folder / name).write_text(drawn, encoding="utf-8")
    write_table(folder / ERRORS_FILE, _COLUMNS, _rows(errors, gold))
    page = render_page(evaluation, gold, predicted, errors, charts, worst)
    # a lone surrogate has no UTF-8 form, and a document may hold one
    (folder / REPORT_FILE).write_text(page, encoding="utf-8", errors="xmlcharrefreplace")


def context_of(text: str, span: Span, width: int = _CONTEXT) -> str:
    """The span in square brackets between so many characters of its text, on one line; long ones lose their middle."""
    text_of = text[span.start : span.end]
    if len(text_of) > 2 * width:
        text_of = f"{text_of[:width]} … {text_of[-(width // 2) :]}"
    before, after = text[max(0, span.start - width) : span.start], text[span.end : span.end + width]
    left, right = "…" if span.start > width else "", "…" if span.end + width < len(text) else ""
    return " ".join(f"{left}{before}[{text_of}]{after}{right}".split())


def _rows(errors: Sequence[Error], gold: Sequence[Document]) -> Iterator[Sequence[Cell]]:
    for error in errors:
        span = error.gold or error.found
        assert span is not None
        document = gold[error.document]
        found = error.found
        yield (
            *(document.id, error.kind.value, error.layer, error.label, span.start, span.end),
            error.gold.text if error.gold else "",
            *((found.text, found.label, found.score) if found else ("", "", None)),
            context_of(document.text, span),
        )
