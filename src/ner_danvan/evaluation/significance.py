"""Whether one system is better than another on the same documents, or only luckier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ner_danvan.evaluation.intervals import Figures, Triples, bounds_of, f1_of, resampled

_AT_ONCE = 250  # rounds, so that memory stays bounded

# a difference of drawn figures that rounding alone makes; without it ties would count by chance
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """F1 of B less F1 of A, both means over the runs of a side, and how sure it is that it is not 0.

    `interval` is of the difference, by the paired bootstrap; `wins` the share of resamples in which B is ahead. The two
    p-values are two-sided. Where no document has a span, everything but the F1s of 0 is None.
    """

    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None
    wins: float | None
    p_bootstrap: float | None
    p_randomisation: float | None


def compare_columns(
    a: Triples, b: Triples, *, draws: int = 10_000, rounds: int = 10_000, level: float = 0.95, seed: int = 0
) -> list[Difference]:
    """Differences of each column of `[runs, documents, columns, 3]`, the same documents in the same order in both.

    Documents are resampled in pairs (Koehn 2004); a bootstrap p-value is the share of resamples whose difference is as
    far from the one that is seen as that is from 0 (Berg-Kirkpatrick, Burkett and Klein 2012). Approximate
    randomisation (Noreen 1989; Yeh 2000) deals the outputs of each document anew to the two sides and counts how often
    the difference is as large. Both shares count the observed outcome too, and so are never 0. The runs are taken as
    given: what other seeds would give, no p-value here says. Raises ValueError if the documents differ in number.
    """
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"A has documents and columns {a.shape[1:3]}, B has {b.shape[1:3]}")
    if not a.shape[1]:
        raise ValueError("no document to compare on")
    means = [np.nan_to_num(f1_of(side.sum(axis=1)).mean(axis=0)) for side in (a, b)]
    seen = f1_of(b.sum(axis=1)).mean(axis=0) - f1_of(a.sum(axis=1)).mean(axis=0)
    drawn = _bootstrapped(a, b, draws, seed)
    dealt = _randomised(a, b, rounds, seed)
    found = []
    for column in range(a.shape[2]):
        first, second = float(means[0][column]), float(means[1][column])
        values = drawn[:, column][~np.isnan(drawn[:, column])]
        if np.isnan(seen[column]) or not len(values):
            found.append(Difference(first, second, second - first, None, None, None, None))
            continue
        size = abs(seen[column]) - _TIE
        found.append(
            Difference(
                first,
                second,
                float(seen[column]),
                bounds_of(values, level),
                float(((values > _TIE).sum() + (abs(values) <= _TIE).sum() / 2) / len(values)),
                _share(abs(values - seen[column]) >= size),
                _share(abs(np.nan_to_num(dealt[:, column])) >= size),
            )
        )
    return found


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """p-values adjusted for being looked at together (Holm 1979); those that are None stay so."""
    known = sorted((p, name) for name, p in p_values.items() if p is not None)
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    highest = 0.0
    for place, (p, name) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - place)))
        adjusted[name] = highest
    return adjusted


def _bootstrapped(a: Triples, b: Triples, draws: int, seed: int) -> Figures:
    """`[draws, columns]`: differences on documents drawn with replacement, the same for every run of both sides."""
    columns = a.shape[2]
    together = np.concatenate([*a, *b], axis=1)  # [documents, runs * columns, 3]
    figures = f1_of(resampled(together, draws, seed)).reshape(draws, len(a) + len(b), columns)
    difference: Figures = figures[:, len(a) :].mean(axis=1) - figures[:, : len(a)].mean(axis=1)
    return difference


def _randomised(a: Triples, b: Triples, rounds: int, seed: int) -> Figures:
    """`[rounds, columns]`: differences after each document's outputs were dealt anew, with two runs a fair swap."""
    runs, (documents, columns) = len(a) + len(b), a.shape[1:3]
    flat = np.concatenate([a, b]).swapaxes(0, 1).reshape(documents * runs, -1)  # a row a document and run
    random = np.random.default_rng([seed, 1])  # other numbers than those of the bootstrap
    differences = []
    for begin in range(0, rounds, _AT_ONCE):
        many = min(_AT_ONCE, rounds - begin)
        owner = random.random((many, documents, runs)).argsort(axis=2)  # [round, document, slot] -> run
        figures = np.empty((many, runs, columns))
        for slot in range(runs):
            dealt = (owner[:, :, slot, None] == np.arange(runs)).reshape(many, -1)
            figures[:, slot] = f1_of((dealt.astype(np.float64) @ flat).reshape(many, columns, 3))
        differences.append(figures[:, len(a) :].mean(axis=1) - figures[:, : len(a)].mean(axis=1))
    return np.concatenate(differences)


def _share(as_large: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return float((as_large.sum() + 1) / (len(as_large) + 1))
