"""Scores as a table for people."""

from __future__ import annotations

from rich.table import Table

from ner_danvan.evaluation.run import Evaluation
from ner_danvan.evaluation.scores import Score


def score_table(evaluation: Evaluation) -> Table:
    """Strict precision, recall and F1 in percent, a row a label under its layer, then micro and macro."""
    table = Table(title=f"Strict scores on {evaluation.name}, {evaluation.documents} documents", title_justify="left")
    table.add_column("layer / label")
    for column in ("precision", "recall", "F1", "gold", "found"):
        table.add_column(column, justify="right")
    for layer in evaluation.scheme.layers:
        if len(evaluation.scheme.layers) > 1:
            table.add_row(*_cells(layer.name, evaluation.scores.layers[layer.name]), style="bold")
        for label in layer.labels:
            table.add_row(*_cells(f"  {label}", evaluation.scores.labels[label]))
        table.add_section()
    table.add_row(*_cells("micro", evaluation.scores.micro), style="bold")
    table.add_row(*_cells("macro", evaluation.scores.macro), style="bold")
    if evaluation.beyond_words is not None:
        gold = max(1, evaluation.scores.micro.gold)
        table.caption = (
            f"{evaluation.beyond_words} gold spans ({100 * evaluation.beyond_words / gold:.2f} %) "
            f"do not fit the model's words and count as missed"
        )
        table.caption_justify = "left"
    return table


def _cells(name: str, score: Score) -> tuple[str, ...]:
    figures = (f"{100 * value:.1f}" for value in (score.precision, score.recall, score.f1))
    return (name, *figures, str(score.gold), str(score.predicted))
