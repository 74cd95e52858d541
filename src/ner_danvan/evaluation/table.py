"""Scores as a table for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from ner_danvan.evaluation.breakdown import BucketScore
from ner_danvan.evaluation.compare import Comparison
from ner_danvan.evaluation.intervals import MICRO
from ner_danvan.evaluation.result import Evaluation
from ner_danvan.evaluation.schemes import SchemeScore
from ner_danvan.evaluation.scores import Score
from ner_danvan.io.terminal import visible

ALPHA = 0.05  # below it a difference is called one


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


def detail_table(evaluation: Evaluation) -> Table:
    """Micro scores by the other schemes, by seen and unseen strings and by length; groups stand in the files."""
    table = Table(title="Micro scores in detail", title_justify="left")
    table.add_column("")
    for column in ("precision", "recall", "F1", "95 % of F1", "gold", "found"):
        table.add_column(column, justify="right")
    for name, scores in evaluation.schemes.items():
        score = scores[MICRO]
        answered = score.correct + score.incorrect + score.partial
        gold, found = answered + score.missed, answered + score.spurious
        table.add_row(*_cells(name, score, gold, found))
    for buckets, kind in ((evaluation.breakdown.seen, "strings"), (evaluation.breakdown.lengths, "words")):
        table.add_section()
        for name, bucket in buckets.get(MICRO, {}).items():
            if bucket.gold or bucket.found:
                table.add_row(*_cells(f"{kind}: {name}", bucket, bucket.gold, bucket.found))
    return table


def _cells(name: str, score: SchemeScore | BucketScore, gold: int, found: int) -> tuple[str, ...]:
    figures = (f"{100 * value:.1f}" for value in (score.precision, score.recall, score.f1))
    spread = f"{100 * score.interval[0]:.1f} to {100 * score.interval[1]:.1f}" if score.interval else ""
    return (name, *figures, spread, str(gold), str(found))


def comparison_table(comparison: Comparison) -> Table:
    """F1 of A and B in percent, the difference with its interval, and p-values, a row a label and micro.

    The p-values are those of approximate randomisation, which keeps to its level with few documents too.
    """
    table = Table(
        title=f"{comparison.scheme.capitalize()} F1 on {comparison.name}, {comparison.documents} documents",
        title_justify="left",
    )
    table.add_column("label")
    for column in ("A", "B", "B - A", "95 % of it", "p", "p (Holm)"):
        table.add_column(column, justify="right", no_wrap=True)
    for label, found in comparison.differences.items():
        low, high = found.interval or (None, None)
        spread = "" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"
        table.add_row(
            label,
            *(f"{100 * value:.1f}" for value in (found.a, found.b)),
            f"{100 * found.difference:+.1f}",
            spread,
            *(p_text(p) for p in (found.p_randomisation, comparison.holm.get(label))),
            style="bold" if label == MICRO else None,
        )
    notes = [
        f"{side} {escape(name)}: {100 * f1:.1f}" for side, runs in comparison.runs.items() for name, f1 in runs.items()
    ]
    table.caption = "\n".join(notes)
    table.caption_justify = "left"
    return table


def only_lines(comparison: Comparison, most: int) -> Iterator[str]:
    """The first spans that only one side has, under a heading for each kind, those that differ most first."""
    for side in ("A", "B"):
        for gold, what in ((True, "right"), (False, "wrong")):
            spans = [one for one in comparison.only if one.side == side and one.gold == gold]
            spans.sort(key=lambda one: -abs(one.share_a - one.share_b))
            if spans and most:
                yield f"{what} only in {side}, or more often: {len(spans)}"
                for one in spans[:most]:
                    yield f"  {one.span.label:<9} {one.document}: {visible(one.context)}"


def claim(comparison: Comparison) -> str:
    """One sentence that the figures bear out."""
    found = comparison.differences[MICRO]
    if found.p_randomisation is None or found.interval is None:
        return f"A and B cannot be compared on {comparison.name}: nobody has a span there."
    p = p_text(found.p_randomisation)
    chance = f"p {p}" if p.startswith("<") else f"p = {p}"
    sign = -1 if found.difference < 0 else 1
    low, high = sorted(100 * sign * end for end in found.interval)
    if found.p_randomisation > ALPHA or not found.difference:
        low, high = (100 * end for end in found.interval)
        size = f"B less A is {100 * found.difference:+.1f} points of micro F1"
        return f"No difference shown on {comparison.name}: {size} (95 % interval {low:+.1f} to {high:+.1f}), {chance}."
    better, other = ("B", "A") if sign > 0 else ("A", "B")
    size = f"{100 * abs(found.difference):.1f} points of micro F1"
    return (
        f"{better} is better than {other} on {comparison.name} by {size} "
        f"(95 % interval {low:+.1f} to {high:+.1f}), {chance}."
    )


def caution(comparison: Comparison) -> str:
    """What the p-values leave open: documents are drawn anew, runs are taken as they are."""
    a, b = (list(comparison.runs[side].values()) for side in ("A", "B"))
    if len(a) == 1 and len(b) == 1:
        return "One run a side: what other seeds would give, no p-value says."
    spread = " and ".join(
        f"{100 * min(values):.1f} to {100 * max(values):.1f} in {side}" for side, values in (("A", a), ("B", b))
    )
    overlap = max(min(a), min(b)) <= min(max(a), max(b))
    end = "they overlap, so train more seeds before you claim it." if overlap else "they stand apart."
    return f"The runs have {spread}: {end}"


def p_text(p: float | None) -> str:
    """A p-value as people write it."""
    if p is None:
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"
