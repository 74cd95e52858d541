"""Tagged documents for a person at a terminal: the text with brackets and colours, then the spans as a list."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ner_danvan.document import Document
from ner_danvan.io.terminal import visible
from ner_danvan.span import Span

_COLOURS = ("green", "cyan", "yellow", "magenta", "bright_blue", "red", "bright_green", "bright_red")


def print_document(document: Document, labels: Sequence[str], console: Console) -> None:
    """Print one document; each label of `labels` has its colour by its place."""
    styles = {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(labels)}
    heading = Rule(Text(visible(document.id)), align="left", style="dim")
    parts: list[RenderableType] = [heading, marked_text(document, styles)]
    if document.spans:
        parts += [Text(), Padding(_span_table(document.spans, styles), (0, 0, 1, 0))]
    console.print(Group(*parts), soft_wrap=False)


def marked_text(document: Document, styles: dict[str, str]) -> Text:
    """The text in which every span stands in brackets that end with its label, an inner one inside the outer."""
    opening: dict[int, list[Span]] = {}
    closing: dict[int, list[Span]] = {}
    for span in document.spans:  # outer before inner
        opening.setdefault(span.start, []).append(span)
        closing.setdefault(span.end, []).insert(0, span)
    marked = Text()
    open_spans: list[Span] = []
    bounds = sorted({0, len(document.text), *opening, *closing})
    for bound, following in zip(bounds, [*bounds[1:], bounds[-1]], strict=True):
        for span in closing.get(bound, []):
            open_spans.remove(span)
            marked.append(f" {span.label}]", style=f"bold {styles.get(span.label, 'default')}")
        for span in opening.get(bound, []):
            open_spans.append(span)
            marked.append("[", style=f"bold {styles.get(span.label, 'default')}")
        piece = visible(document.text[bound:following]).expandtabs(4)
        innermost = styles.get(open_spans[-1].label, "") if open_spans else ""
        marked.append(piece, style=innermost)
    marked.rstrip()
    return marked


def _span_table(spans: Sequence[Span], styles: dict[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("label")
    table.add_column("start", justify="right")
    table.add_column("end", justify="right")
    table.add_column("score", justify="right")
    table.add_column("text", overflow="fold")
    for span in spans:
        score = "" if span.score is None else f"{span.score:.2f}"
        style = styles.get(span.label, "")
        text = Text(visible(" ".join(span.text.split())), style=style)
        table.add_row(Text(span.label, style=style), str(span.start), str(span.end), score, text)
    return table
