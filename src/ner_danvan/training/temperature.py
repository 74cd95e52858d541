"""Temperature scaling: one number a layer that makes span scores mean what they say (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from ner_danvan.decode import Chain, Scores, Transitions, start_scores, valid_moves, viterbi
from ner_danvan.labels import LabelScheme, tag_runs

_LOG_BOUNDS = (-2.5, 2.5)  # temperatures from 0.08 to 12
_Found = list[tuple[int, int, int, int]]  # row, first word, last word + 1, B- tag


def fit_temperatures(
    logits: Sequence[npt.NDArray[np.float32]],
    tags: Sequence[npt.NDArray[np.int64]],
    scheme: LabelScheme,
    transitions: Transitions,
) -> dict[str, float]:
    """The temperature of each layer under which the scores of the found spans, right and wrong ones, are likeliest.

    `logits[i]` is `[words, outputs]`, `tags[i]` `[layers, words]`. It is fitted on the spans of the best paths, not on
    the likelihood of the gold paths: what was found is chosen for its score, so its scores flatter, and they are what
    people see. A layer in which nothing is found has temperature 1.
    """
    pairs = [(rows, gold) for rows, gold in zip(logits, tags, strict=True) if len(rows)]
    fitted = {layer.name: 1.0 for layer in scheme.layers}
    if not pairs:
        return fitted
    lengths = np.array([len(rows) for rows, _ in pairs])
    padded = np.zeros((len(pairs), lengths.max(), len(scheme.tags)))
    for place, (rows, _) in enumerate(pairs):
        padded[place, : len(rows)] = rows
    for number, (layer, part) in enumerate(zip(scheme.layers, scheme.slices, strict=True)):
        moves, start = valid_moves(layer, transitions.get(layer.name)), start_scores(layer)
        best = viterbi(padded[:, :, part], lengths, moves, start)  # the same at every temperature
        found: _Found = []
        right: list[bool] = []
        for row, (_, gold) in enumerate(pairs):
            wanted = set(tag_runs(gold[number]))
            for run in tag_runs(best[row, : lengths[row]]):
                found.append((row, *run))
                right.append(run in wanted)
        if found:
            arguments = (padded[:, :, part], lengths, moves, start, found, _targets(right))
            result = minimize_scalar(_log_loss, bounds=_LOG_BOUNDS, args=arguments, method="bounded")
            fitted[layer.name] = round(float(np.exp(result.x)), 4)
    return fitted


def _targets(right: Sequence[bool]) -> Scores:
    """What scores should come near to: not quite 1 and 0, so that a layer without an error has an end (Platt 1999)."""
    flags = np.array(right)
    count = int(flags.sum())
    return np.where(flags, (count + 1) / (count + 2), 1 / (len(flags) - count + 2))


def _log_loss(
    log_temperature: float,
    logits: Scores,
    lengths: npt.NDArray[np.int64],
    moves: Scores,
    start: Scores,
    found: _Found,
    targets: Scores,
) -> float:
    temperature = np.exp(log_temperature)
    chain = Chain(logits / temperature, lengths, moves / temperature, start)
    log_score = np.minimum(chain.span_log_probs(found), -1e-9)
    return -float((targets * log_score + (1 - targets) * np.log(-np.expm1(log_score))).sum())
