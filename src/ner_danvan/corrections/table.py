"""What people changed, for them to read: a line a change under its document, and a table of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.table import Table

from ner_danvan.corrections.changes import KINDS, Change, Comparison
from ner_danvan.document import Document, line_of
from ner_danvan.errors import one_line
from ner_danvan.evaluation.scores import Score, strict_scores
from ner_danvan.io.terminal import visible
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span


def change_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Of each document with changes how many there are, and each with its line in the text and its text."""
    width = max(map(len, KINDS))
    for comparison in comparisons:
        if not comparison.changes:
            continue
        counts = Counter(change.kind for change in comparison.changes)
        told = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        yield f"{_line(comparison.document.id)}: {told}, {len(comparison.kept)} kept"
        for change in comparison.changes:
            line = line_of(comparison.document.text, change.span.start)
            yield f"  line {line:<4} {change.kind:{width}}  {_told(change)}"


def label_table(comparisons: Sequence[Comparison], scheme: LabelScheme) -> Table:
    """A row a label: how many spans were predicted, what became of them, how many were added, and F1 in percent.

    A relabelled span counts under the label that it had. F1 is strict, of what was predicted against what people made
    of it.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("label")
    for column in ("predicted", "kept", *KINDS, "corrected", "F1"):
        table.add_column(column, justify="right")
    gold = [comparison.document for comparison in comparisons]
    scores = strict_scores(gold, [_as_predicted(comparison) for comparison in comparisons], scheme)
    for label in scheme.labels:
        table.add_row(label, *_figures(comparisons, scores.labels[label], label))
    table.add_row("all", *_figures(comparisons, scores.micro, None), style="bold")
    return table


def _as_predicted(comparison: Comparison) -> Document:
    return replace(comparison.document, spans=comparison.before)


def _figures(comparisons: Sequence[Comparison], score: Score, label: str | None) -> Iterator[str]:
    def count(spans: Sequence[Span]) -> int:
        return sum(label in (None, span.label) for span in spans)

    yield f"{sum(count(comparison.before) for comparison in comparisons):,}"
    yield f"{sum(count(comparison.kept) for comparison in comparisons):,}"
    changes = [change for comparison in comparisons for change in comparison.changes]
    for kind in KINDS:
        yield f"{count([change.span for change in changes if change.kind == kind]):,}"
    yield f"{sum(count(comparison.document.spans) for comparison in comparisons):,}"
    yield f"{100 * score.f1:.1f}"


def _told(change: Change) -> str:
    before, after = change.before, change.after
    if before and after and before.label != after.label:
        return f'{before.label} to {after.label} "{_line(after.text)}"'
    if before and after:
        return f'{before.label} "{_line(before.text)}" to "{_line(after.text)}"'
    return f'{change.span.label} "{_line(change.span.text)}"'


def _line(text: str) -> str:
    return visible(one_line(text))
