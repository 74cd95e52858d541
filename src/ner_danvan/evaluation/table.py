"""Scores as a table for people."""

from __future__ import annotations

from rich.table import Table

from ner_danvan.evaluation.intervals import MICRO
from ner_danvan.evaluation.run import Evaluation
from ner_danvan.evaluation.scores import Score


def score_table(evaluation: Evaluation) -> Table:
    """Strict precision, recall and F1 in percent, a row a label under its layer, then micro and macro."""
    table = Table(title=f"Strict scores on {evaluation.name}, {evaluation.documents} documents", title_justify="left")
    table.add_column("layer / label")
    for column in ("precision", "recall", "F1", "95 % of F1", "gold", "found"):
        table.add_column(column, justify="right")

    def cells(name: str, score: Score, interval: str = "") -> tuple[str, ...]:
        low, high = evaluation.intervals.get(interval, (None, None))
        spread = "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"
        figures = (f"{100 * value:.1f}" for value in (score.precision, score.recall, score.f1))
        return (name, *figures, spread, str(score.gold), str(score.predicted))

    for layer in evaluation.scheme.layers:
        if len(evaluation.scheme.layers) > 1:
            table.add_row(*cells(layer.name, evaluation.scores.layers[layer.name]), style="bold")
        for label in layer.labels:
            table.add_row(*cells(f"  {label}", evaluation.scores.labels[label], label))
        table.add_section()
    table.add_row(*cells("micro", evaluation.scores.micro, MICRO), style="bold")
    table.add_row(*cells("macro", evaluation.scores.macro), style="bold")
    notes = []
    if evaluation.beyond_words is not None:
        gold = max(1, evaluation.scores.micro.gold)
        notes.append(
            f"{evaluation.beyond_words} gold spans ({100 * evaluation.beyond_words / gold:.2f} %) "
            f"do not fit the model's words and count as missed"
        )
    if evaluation.calibration:
        notes.append(f"expected calibration error of the spans' scores {evaluation.calibration.error:.3f}")
    table.caption = "\n".join(notes)
    table.caption_justify = "left"
    return table
