from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from span_rows import Row, span_rows, without_overlap
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.evaluation.alignment import align
from ner_danvan.evaluation.schemes import SCHEMES, Outcome, count_outcomes, scheme_f1, scheme_scores, triples_of
from ner_danvan.evaluation.scores import strict_scores
from ner_danvan.span import Span

TEXT = "0123456789" * 20
Counts = tuple[int, int, int, int, int]  # correct, incorrect, partial, missed, spurious
BY_NAME = {scheme.name: scheme for scheme in SCHEMES}


def spans(*rows: Row) -> tuple[Span, ...]:
    return tuple(Span(start, end, label, TEXT[start:end]) for start, end, label in rows)


def document(*rows: Row) -> Document:
    return Document("d", TEXT, spans(*rows))


def micro(gold: list[Document], found: list[Document]) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    for name, scheme in BY_NAME.items():
        columns, table = count_outcomes(gold, found, DANVAN, scheme)
        counts[name] = tuple(table.sum(axis=0)[columns.index("micro")].tolist())
    return counts


# counted by hand: gold, found, then strict, boundary, partial, type
CASES: dict[str, tuple[list[Row], list[Row], Counts, Counts, Counts, Counts]] = {
    "exact": ([(0, 5, "ORG")], [(0, 5, "ORG")], *[(1, 0, 0, 0, 0)] * 4),
    "missed": ([(0, 5, "ORG")], [], *[(0, 0, 0, 1, 0)] * 4),
    "spurious": ([], [(0, 5, "ORG")], *[(0, 0, 0, 0, 1)] * 4),
    "right place, wrong label": (
        [(0, 5, "ORG")],
        [(0, 5, "PERSON")],
        *((0, 1, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0), (0, 1, 0, 0, 0)),
    ),
    "overlap, right label": (
        [(0, 5, "ORG")],
        [(3, 9, "ORG")],
        *((0, 1, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (1, 0, 0, 0, 0)),
    ),
    "overlap, wrong label": (
        [(0, 5, "ORG")],
        [(3, 9, "DATE")],
        *((0, 1, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 1, 0, 0, 0)),
    ),
    "touching is no overlap": ([(0, 5, "ORG")], [(5, 9, "ORG")], *[(0, 0, 0, 1, 1)] * 4),
    "one found over two gold": (
        [(0, 4, "ORG"), (6, 10, "ORG")],
        [(0, 10, "ORG")],
        *((0, 1, 0, 1, 0), (0, 1, 0, 1, 0), (0, 0, 1, 1, 0), (1, 0, 0, 1, 0)),
    ),
    "two found on one gold": (
        [(0, 10, "ORG")],
        [(0, 4, "ORG"), (6, 10, "ORG")],
        *((0, 1, 0, 0, 1), (0, 1, 0, 0, 1), (0, 0, 1, 0, 1), (1, 0, 0, 0, 1)),
    ),
    # nervaluate 1.2.1 gives the first found span to the second gold one, and then has nothing for the second
    "a chain of overlaps": (
        [(0, 4, "ORG"), (4, 10, "ORG")],
        [(2, 8, "ORG"), (8, 10, "ORG")],
        *((0, 2, 0, 0, 0), (0, 2, 0, 0, 0), (0, 0, 2, 0, 0), (2, 0, 0, 0, 0)),
    ),
    # nervaluate 1.2.1 calls an overlap of less than 1 % of the gold span none
    "one character of a long span": (
        [(0, 150, "TASK")],
        [(149, 160, "TASK")],
        *((0, 1, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (1, 0, 0, 0, 0)),
    ),
    "a partner of the right label before one that shares more": (
        [(0, 6, "PERSON"), (6, 9, "ORG")],
        [(2, 8, "ORG")],
        *((0, 1, 0, 1, 0), (0, 1, 0, 1, 0), (0, 0, 1, 1, 0), (1, 0, 0, 1, 0)),
    ),
    "layers are matched apart": (
        [(0, 10, "POSITION"), (2, 6, "ORG")],
        [(2, 6, "ORG"), (2, 6, "POSITION")],
        *((1, 1, 0, 0, 0), (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (2, 0, 0, 0, 0)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_hand_counted(case: str) -> None:
    gold, found, *wanted = CASES[case]
    assert list(micro([document(*gold)], [document(*found)]).values()) == wanted


def test_partial_credit_of_every_document_counts() -> None:
    gold, found = [document((0, 5, "ORG"))] * 3, [document((0, 4, "ORG"))] * 3
    score = scheme_scores(gold, found, DANVAN)["partial"]["micro"]
    assert (score.partial, score.precision, score.recall, score.f1) == (3, 0.5, 0.5, 0.5)
    assert score.interval == (0.5, 0.5)


def test_a_label_is_counted_against_the_rest() -> None:
    columns, counts = count_outcomes(
        [document((0, 5, "ORG"))], [document((0, 5, "PERSON"))], DANVAN, BY_NAME["boundary"]
    )
    by_label = {label: counts[0, columns.index(label)].tolist() for label in ("ORG", "PERSON", "layer mention")}
    assert by_label == {"ORG": [0, 0, 0, 1, 0], "PERSON": [0, 0, 0, 0, 1], "layer mention": [1, 0, 0, 0, 0]}


def test_an_empty_document_is_found_whole() -> None:
    assert scheme_f1(document(), document(), DANVAN, BY_NAME["strict"]) == 1.0
    assert scheme_f1(document(), document((0, 1, "ORG")), DANVAN, BY_NAME["strict"]) == 0.0
    assert scheme_scores([document()], [document()], DANVAN)["strict"]["micro"].interval is None


# --- what holds for any spans -------------------------------------------------------------------

SIDES = span_rows(40, 12, 10)


@given(SIDES)
def test_a_perfect_prediction_has_one_in_all_schemes(rows: list[Row]) -> None:
    for counts in micro([document(*rows)], [document(*rows)]).values():
        assert counts == (len(rows), 0, 0, 0, 0)


@given(SIDES, SIDES)
def test_schemes_only_differ_in_what_they_forgive(gold: list[Row], found: list[Row]) -> None:
    counts = micro([document(*gold)], [document(*found)])
    credit = {name: row[Outcome.CORRECT] + row[Outcome.PARTIAL] / 2 for name, row in counts.items()}
    assert credit["strict"] <= credit["boundary"] <= credit["partial"]
    assert credit["strict"] <= credit["type"]
    assert credit["strict"] == len(set(gold) & set(found))
    for correct, incorrect, partial, missed, spurious in counts.values():
        assert correct + incorrect + partial + missed == len(gold)
        assert correct + incorrect + partial + spurious == len(found)
    assert len({(row[Outcome.MISSED], row[Outcome.SPURIOUS]) for row in counts.values()}) == 1


@given(SIDES, SIDES)
def test_gold_and_found_are_alike_to_a_scheme(gold: list[Row], found: list[Row]) -> None:
    there, back = micro([document(*gold)], [document(*found)]), micro([document(*found)], [document(*gold)])
    for name, (correct, incorrect, partial, missed, spurious) in there.items():
        assert back[name] == (correct, incorrect, partial, spurious, missed)


@given(SIDES, SIDES, st.randoms())
def test_the_order_of_spans_is_no_matter(gold: list[Row], found: list[Row], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert micro([document(*gold)], [document(*shuffled)]) == micro([document(*gold)], [document(*found)])


@given(SIDES, SIDES)
def test_the_strict_scheme_is_seqevals(gold: list[Row], found: list[Row]) -> None:
    strict = scheme_scores([document(*gold)], [document(*found)], DANVAN, draws=1)["strict"]
    scores = strict_scores([document(*gold)], [document(*found)], DANVAN)
    for name, wanted in {"micro": scores.micro, **scores.labels}.items():
        assert (strict[name].precision, strict[name].recall) == pytest.approx((wanted.precision, wanted.recall))
        assert strict[name].f1 == pytest.approx(wanted.f1)


def best_by_trying(gold: tuple[Span, ...], found: tuple[Span, ...]) -> tuple[int, int, int]:
    """The best one-to-one pairing of spans that overlap, by trying all."""
    if not gold:
        return (0, 0, 0)
    first, rest = gold[0], gold[1:]
    best = best_by_trying(rest, found)
    for number, one in enumerate(found):
        shared = min(first.end, one.end) - max(first.start, one.start)
        if shared > 0:
            labels, pairs, characters = best_by_trying(rest, found[:number] + found[number + 1 :])
            best = max(best, (labels + (first.label == one.label), pairs + 1, characters + shared))
    return best


FLAT = st.lists(st.tuples(st.integers(0, 25), st.integers(1, 8), st.sampled_from(["ORG", "DATE"])), max_size=5)


@given(FLAT.map(without_overlap), FLAT.map(without_overlap))
def test_no_other_pairing_is_better(gold: list[Row], found: list[Row]) -> None:
    places = {row[:2] for row in gold} & {row[:2] for row in found}
    pairs = [pair for pair in align(spans(*gold), spans(*found)) if pair.gold and pair.found]
    exact = {(pair.gold.start, pair.gold.end) for pair in pairs if pair.gold} & places
    assert exact == places  # spans of one place are always paired
    got = [(p.gold, p.found) for p in pairs if p.gold and p.found and (p.gold.start, p.gold.end) not in places]
    value = (
        sum(one.label == other.label for one, other in got),
        len(got),
        sum(min(one.end, other.end) - max(one.start, other.start) for one, other in got),
    )
    left = [spans(*(row for row in rows if row[:2] not in places)) for rows in (gold, found)]
    assert value == best_by_trying(left[0], left[1])


def test_a_partial_answer_has_half_the_credit() -> None:
    _, counts = count_outcomes([document((0, 5, "ORG"))], [document((0, 4, "ORG"))], DANVAN, BY_NAME["partial"])
    assert triples_of(counts)[0, 0].tolist() == [0.5, 1, 1]
