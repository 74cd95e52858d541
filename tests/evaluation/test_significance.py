from __future__ import annotations

import numpy as np
import pytest

from ner_danvan.evaluation.intervals import Triples
from ner_danvan.evaluation.significance import Difference, compare_columns, holm

FEW = {"draws": 499, "rounds": 499}


def runs(random: np.random.Generator, documents: int, easy: np.ndarray, better: float = 0.0) -> Triples:
    """`[1, documents, 1, 3]`: a system that finds each gold span with the chance of its document."""
    gold = np.full(documents, 12)
    right = random.binomial(gold, np.clip(easy + better, 0, 1))
    found = np.maximum(right, gold + random.integers(-2, 3, documents))
    return np.stack([right, found, gold], axis=-1)[None, :, None, :].astype(np.float64)


def pair(seed: int, documents: int = 40, better: float = 0.0) -> tuple[Triples, Triples]:
    random = np.random.default_rng(seed)
    easy = random.beta(12, 3, documents)  # documents are hard or easy for both
    return runs(random, documents, easy), runs(random, documents, easy, better)


def one(a: Triples, b: Triples, **settings: int) -> Difference:
    return compare_columns(a, b, **(FEW | settings))[0]


def test_identical_outputs_differ_by_nothing_and_no_chance_is_smaller() -> None:
    a, _ = pair(0)
    found = one(a, a)
    assert (found.difference, found.interval, found.wins) == (0.0, (0.0, 0.0), 0.5)
    assert (found.p_bootstrap, found.p_randomisation) == (1.0, 1.0)


def test_a_clearly_better_system_has_the_smallest_p_value_that_there_is() -> None:
    a, b = pair(1, better=0.15)
    found = one(a, b)
    assert found.difference > 0.05
    assert found.interval
    assert 0 < found.interval[0] < found.difference < found.interval[1]
    assert (found.p_bootstrap, found.p_randomisation, found.wins) == (1 / 500, 1 / 500, 1.0)


def test_changing_sides_changes_the_sign_alone() -> None:
    a, b = pair(2, better=0.03)
    there, back = one(a, b), one(b, a)
    assert back.difference == pytest.approx(-there.difference)
    assert back.interval == pytest.approx(tuple(-end for end in reversed(there.interval or ())))
    assert back.p_bootstrap == there.p_bootstrap
    assert back.p_randomisation == pytest.approx(there.p_randomisation or 0, abs=0.06)


def test_the_same_seed_gives_the_same_figures_and_another_does_not() -> None:
    a, b = pair(3, better=0.02)
    assert one(a, b, seed=5) == one(a, b, seed=5)
    assert one(a, b, seed=5) != one(a, b, seed=6)


def test_a_difference_in_one_document_alone_is_none() -> None:
    same = np.tile([10.0, 12.0, 12.0], (1, 30, 1, 1))
    other = same.copy()
    other[0, 7, 0, 0] = 12
    found = one(same, other)
    # swapped or not, the difference is as large: every round is as extreme
    assert found.p_randomisation == 1.0
    assert found.interval
    assert found.interval[0] == 0.0


def test_few_documents_cannot_give_a_small_p_value() -> None:
    same = np.tile([6.0, 12.0, 12.0], (1, 3, 1, 1))
    better = np.tile([12.0, 12.0, 12.0], (1, 3, 1, 1))
    found = one(same, better, rounds=4_000)
    assert found.p_randomisation == pytest.approx(2 / 2**3, abs=0.03)  # all swapped, or none


def test_of_random_null_data_about_alpha_is_called_a_difference() -> None:
    found = [one(*pair(seed), draws=199, rounds=199, seed=seed) for seed in range(400)]
    randomised = np.mean([(each.p_randomisation or 0) <= 0.05 for each in found])
    bootstrapped = np.mean([(each.p_bootstrap or 0) <= 0.05 for each in found])
    inside = np.mean([bool(each.interval and each.interval[0] <= 0 <= each.interval[1]) for each in found])
    # three standard errors of 400 draws are 3.3 points; the bootstrap errs a little on the bold side
    assert 0.017 <= randomised <= 0.083
    assert 0.017 <= bootstrapped <= 0.10
    assert 0.90 <= inside <= 0.983


def test_several_runs_of_a_side_count_by_their_mean() -> None:
    a, b = pair(4, better=0.1)
    worse, _ = pair(5)
    found = one(np.concatenate([a, worse]), np.concatenate([b, b]))
    first, second = one(a, b), one(worse, b)
    assert found.a == pytest.approx((first.a + second.a) / 2)
    assert found.b == pytest.approx(first.b)
    assert found.p_randomisation
    assert found.p_randomisation < 0.05


def test_two_runs_that_differ_only_from_each_other_are_no_difference_of_the_sides() -> None:
    a, b = pair(6, better=0.15)
    found = one(np.concatenate([a, b]), np.concatenate([b, a]))
    assert found.difference == pytest.approx(0)
    assert found.p_randomisation == 1.0


def test_a_label_that_nobody_has_cannot_be_compared() -> None:
    nothing = np.zeros((1, 5, 1, 3))
    assert compare_columns(nothing, nothing, **FEW) == [Difference(0.0, 0.0, 0.0, None, None, None, None)]


def test_other_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="A has documents and columns"):
        compare_columns(np.zeros((1, 4, 1, 3)), np.zeros((1, 5, 1, 3)))
    with pytest.raises(ValueError, match="no document"):
        compare_columns(np.zeros((1, 0, 1, 3)), np.zeros((1, 0, 1, 3)))


def test_holm_adjusts_for_the_number_of_labels() -> None:
    # the example of the method: smallest times 4, next times 3, then never below the one before
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": None})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02, "e": None})
