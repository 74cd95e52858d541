from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.corrections.changes import KINDS, compare
from ner_danvan.corrections.table import change_lines, label_table
from ner_danvan.document import Document
from ner_danvan.span import Span

TEXT = "0123456789" * 3


Place = tuple[int, int, str]

places = st.tuples(st.integers(0, 9), st.integers(10, 14), st.sampled_from("AB")) | st.tuples(
    st.integers(0, 3), st.integers(4, 6), st.sampled_from("AB")
)


def span(start: int, end: int, label: str = "ORG") -> Span:
    return Span(start, end, label, TEXT[start:end])


def changes(before: list[Span], after: list[Span]) -> list[tuple[str, Span | None, Span | None]]:
    found = compare(Document("d", TEXT, tuple(after)), before).changes
    return [(change.kind, change.before, change.after) for change in found]


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ([span(0, 4)], [span(0, 4)], []),
        ([], [span(0, 4)], [("added", None, span(0, 4))]),
        ([span(0, 4)], [], [("removed", span(0, 4), None)]),
        ([span(0, 4)], [span(0, 4, "DATE")], [("relabelled", span(0, 4), span(0, 4, "DATE"))]),
        ([span(0, 4)], [span(1, 6)], [("moved", span(0, 4), span(1, 6))]),
        ([span(0, 4)], [span(4, 6)], [("removed", span(0, 4), None), ("added", None, span(4, 6))]),
        # a body inside a task has nothing to do with it
        ([span(0, 9, "TASK")], [span(2, 4)], [("removed", span(0, 9, "TASK"), None), ("added", None, span(2, 4))]),
        # cut in two: the larger half is the moved one
        ([span(0, 9)], [span(0, 3), span(4, 9)], [("moved", span(0, 9), span(4, 9)), ("added", None, span(0, 3))]),
        # a relabelled span is no part of a moved one
        (
            [span(0, 4), span(5, 9)],
            [span(0, 4, "DATE"), span(3, 9)],
            [("relabelled", span(0, 4), span(0, 4, "DATE")), ("moved", span(5, 9), span(3, 9))],
        ),
    ],
)
def test_each_change_is_of_one_kind(
    before: list[Span], after: list[Span], wanted: list[tuple[str, Span | None, Span | None]]
) -> None:
    assert changes(before, after) == wanted


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    found = []
    for layer in DANVAN.layers:
        cuts = sorted(draw(st.lists(st.integers(0, len(TEXT)), unique=True, max_size=8)))
        found += [
            span(start, end, draw(st.sampled_from(layer.labels)))
            for start, end in pairwise(cuts)
            if draw(st.booleans())
        ]
    return found


@given(before=spans(), after=spans())
def test_the_changes_lead_from_the_one_to_the_other(before: list[Span], after: list[Span]) -> None:
    comparison = compare(Document("d", TEXT, tuple(after)), before)
    here = {span.key for span in before}
    for change in comparison.changes:
        if change.before:
            here.remove(change.before.key)
    assert here == {span.key for span in comparison.kept}
    for change in comparison.changes:
        if change.after:
            assert change.after.key not in here
            here.add(change.after.key)
    assert here == {span.key for span in after}


@given(spans=spans())
def test_without_a_correction_nothing_is_changed(spans: list[Span]) -> None:
    comparison = compare(Document("d", TEXT, tuple(spans)), spans)
    assert comparison.changes == ()
    assert len(comparison.kept) == len(spans)


def test_the_table_counts_by_label_and_the_lines_tell_each_change() -> None:
    text = "Ông Tư,\nxã đoàn, ngày 5/3 họp"
    before = [Span(4, 7, "PERSON", "Tư,"), Span(8, 15, "PERSON", "xã đoàn"), Span(17, 25, "DATE", "ngày 5/3")]
    after = (Span(4, 6, "PERSON", "Tư"), Span(8, 15, "ORG", "xã đoàn"), Span(17, 25, "DATE", "ngày 5/3"))
    comparison = compare(Document("a.txt", text, after), before)
    assert list(change_lines([comparison, compare(Document("b", text, after), after)])) == [
        "a.txt: 1 moved, 1 relabelled, 1 kept",
        '  line 1    moved       PERSON "Tư," to "Tư"',
        '  line 2    relabelled  PERSON to ORG "xã đoàn"',
    ]
    table = label_table([comparison], DANVAN)
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns["label"] == ["PERSON", "ORG", "DATE", "POSITION", "TASK", "all"]
    assert columns["predicted"] == ["2", "0", "1", "0", "0", "3"]
    assert columns["kept"] == ["0", "0", "1", "0", "0", "1"]
    assert [columns[kind][-1] for kind in KINDS] == ["1", "1", "0", "0"]
    assert columns["corrected"] == ["1", "1", "1", "0", "0", "3"]
    assert columns["F1"] == ["0.0", "0.0", "100.0", "0.0", "0.0", "33.3"]


def test_a_report_cannot_drive_the_screen_of_who_reads_its_changes() -> None:
    text = "a\x1b[31m\u202eb\nc"
    document = Document("\x1b]0;d", text, (Span(0, len(text), "ORG", text),))
    lines = list(change_lines([compare(document, [])]))
    assert not any(char in line for line in lines for char in "\x1b\u202e\n")


def test_thousands_of_changes_are_compared_in_pairs_that_overlap() -> None:
    many = 5_000  # all pairs of these would take gigabytes
    before = [Span(4 * i, 4 * i + 2, "ORG", "ab") for i in range(many)]
    after = [Span(4 * i + 1, 4 * i + 3, "ORG", "ba") for i in range(0, many, 2)]
    found = compare(Document("d", "abab" * many, tuple(after)), before).changes
    assert [change.kind for change in found[:4]] == ["moved", "removed", "moved", "removed"]
    assert len(found) == many


@given(st.lists(places, max_size=8), st.lists(places, max_size=8))
def test_spans_are_paired_as_if_all_were_looked_at(old: list[Place], new: list[Place]) -> None:
    gone = {span(*place).key: span(*place) for place in old if place not in new}
    come = {span(*place).key: span(*place) for place in new if place not in old}
    wanted: dict[object, Span] = {}
    for of_one_place in (True, False):
        pairs = [
            (-(min(a.end, b.end) - max(a.start, b.start)), a.key, b.key)
            for a in gone.values()
            for b in come.values()
            if (a.key[:2] == b.key[:2] if of_one_place else a.label == b.label)
        ]
        taken: set[object] = set(wanted.values())
        for common, key, other in sorted(pairs):
            if common < 0 and key not in wanted and come[other] not in taken:
                wanted[key] = come[other]
                taken.add(come[other])
    found = compare(Document("d", TEXT, tuple(span(*place) for place in new)), [span(*place) for place in old]).changes
    assert {change.before.key: change.after for change in found if change.before and change.after} == wanted
