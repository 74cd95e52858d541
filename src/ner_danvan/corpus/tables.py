"""The figures as Markdown tables, and their place in a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from ner_danvan.corpus.statistics import CUTS, SplitStatistics, Statistics
from ner_danvan.errors import UserError

BEGIN, END = "<!-- statistics -->", "<!-- /statistics -->"
_BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
_MARKDOWN = re.compile(r"[\\|*_`<&~\[]")  # what would not be read as text

_Cell = str | int | float | None


def replace_block(page: str, block: str, source: Path) -> str:
    """The page with the block between its two markers; raises UserError where it has not one pair of them."""
    if len(_BLOCK.findall(page)) != 1:
        raise UserError(f"{source}: wants {BEGIN} and {END} once, around its tables; put them there.")
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{block}{END}", page)


def render_statistics(statistics: Statistics) -> str:
    """All tables, each under its own line of text."""
    return "".join(f"\n{part}\n" for part in statistics_tables(statistics).values()) + "\n"


def statistics_tables(statistics: Statistics) -> dict[str, str]:
    """Each table under its line of text: `sizes`, `labels`, `seen` if there is more than one split, and the groups."""
    parts = {
        "sizes": (
            "Sizes. A nested span lies inside another; a cut one begins or ends inside a word.",
            _sizes(statistics),
        ),
        "labels": ("Labels: spans, different strings, mean words of a span.", _labels(statistics)),
    }
    if statistics.seen:
        first = next(iter(statistics.splits))
        text = f"Strings that {first} has under the same label, of different strings and of all spans (percent)."
        parts["seen"] = (text, _seen(statistics))
    for column, groups in statistics.groups.items():
        rows: list[tuple[str | int, ...]] = [(group, *counts.values()) for group, counts in groups.items()]
        parts[column] = (f"Reports by {column}.", markdown_table([column, *statistics.splits], rows))
    return {name: f"{text}\n\n{table}" for name, (text, table) in parts.items()}


def _sizes(statistics: Statistics) -> str:
    splits = list(statistics.splits.values())
    cut = {
        CUTS[0]: "spans cut by underthesea's words (percent)",
        CUTS[1]: "the same, irregular words split (percent)",
        CUTS[2]: f"the same, and {statistics.split_words:,} learned words split (percent)",
    }
    rows: list[tuple[str | int, ...]] = [
        ("reports", *(split.documents for split in splits)),
        ("words", *(split.words for split in splits)),
        ("words of a report: least, median, most", *(_spread(split) for split in splits)),
        ("sentences, clauses with a semicolon and lines", *(split.sentences for split in splits)),
        (f"windows of {statistics.window} subwords", *(split.windows for split in splits)),
        ("spans", *(split.spans for split in splits)),
        ("nested spans (percent)", *(percent(split.nested, split.spans) for split in splits)),
        *((text, *(percent(split.cut[kind], split.spans, 2) for split in splits)) for kind, text in cut.items()),
    ]
    return markdown_table(["", *statistics.splits], rows)


def _spread(split: SplitStatistics) -> str:
    return ", ".join(f"{split.words_per_report[key]:,g}" for key in ("min", "median", "max"))


def _labels(statistics: Statistics) -> str:
    columns = statistics.splits.items()
    head = ["label", *(f"{what}, {split}" for what in ("spans", "strings", "words") for split, _ in columns)]
    rows: list[tuple[str | int, ...]] = [
        (
            label,
            *(split.labels[label].spans for _, split in columns),
            *(split.labels[label].distinct for _, split in columns),
            *(f"{split.labels[label].mean_words:.1f}" for _, split in columns),
        )
        for label in next(iter(statistics.splits.values())).labels
    ]
    return markdown_table(head, rows)


def _seen(statistics: Statistics) -> str:
    head = ["label", *(f"{split}, {what}" for split in statistics.seen for what in ("strings", "spans"))]
    rows = []
    for label in next(iter(statistics.splits.values())).labels:
        found = [shares.get(label) for shares in statistics.seen.values()]
        pairs = [(f"{100 * seen.distinct:.1f}", f"{100 * seen.spans:.1f}") if seen else ("–", "–") for seen in found]
        rows.append((label, *chain.from_iterable(pairs)))
    return markdown_table(head, rows)


def percent(part: int, whole: int, digits: int = 1) -> str:
    """A share in percent, a dash of nothing."""
    return f"{100 * part / whole:.{digits}f}" if whole else "–"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> str:
    """A Markdown table; behind the first column those of figures go to the right.

    A cell stays in its row whatever its text is: line ends become spaces, `|` and what Markdown reads are escaped.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    right = [
        number > 0 and not any(map(str.isalpha, "".join(column)))
        for number, column in enumerate(zip(*cells, strict=True))
    ]
    marks = ["---:" if side else "---" for side in right or [False] * len(head)]
    return "\n".join(f"| {' | '.join(line)} |" for line in ([_cell(name) for name in head], marks, *cells))


def _cell(value: _Cell) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else value
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))
