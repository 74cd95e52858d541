"""Spans as plain rows, and a strategy for rows that may stand in one document."""

from __future__ import annotations

from hypothesis import strategies as st
from tiny import DANVAN

Row = tuple[int, int, str]  # start, end, label


def without_overlap(rows: list[tuple[int, int, str]]) -> list[Row]:
    """Rows of start, length and label as spans; of two that overlap in a layer the first stays."""
    kept: list[Row] = []
    for start, length, label in rows:
        layer = DANVAN.layer_of[label]
        if all(start + length <= s or start >= e or DANVAN.layer_of[other] != layer for s, e, other in kept):
            kept.append((start, start + length, label))
    return kept


def span_rows(last: int, longest: int, most: int) -> st.SearchStrategy[list[Row]]:
    """Up to `most` spans that begin at `last` at the latest."""
    rows = st.tuples(st.integers(0, last), st.integers(1, longest), st.sampled_from(DANVAN.labels))
    return st.lists(rows, max_size=most).map(without_overlap)
