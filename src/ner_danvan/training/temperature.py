"""Temperature scaling: one number a layer that makes span scores mean what they say (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from ner_danvan.decode import Chain, Scores, Transitions, valid_moves
from ner_danvan.labels import LabelScheme, Layer

_LOG_BOUNDS = (-2.5, 2.5)  # temperatures from 0.08 to 12


def fit_temperatures(
    logits: Sequence[npt.NDArray[np.float32]],
    tags: Sequence[npt.NDArray[np.int64]],
    scheme: LabelScheme,
    transitions: Transitions,
) -> dict[str, float]:
    """The temperature of each layer under which held-out gold paths are likeliest.

    `logits[i]` is `[words, outputs]`, `tags[i]` `[layers, words]`. The likelihood is that of the chain from which
    span scores come. Without a word to fit on, temperatures are 1.
    """
    pairs = [(rows, gold) for rows, gold in zip(logits, tags, strict=True) if len(rows)]
    if not pairs:
        return {layer.name: 1.0 for layer in scheme.layers}
    lengths = np.array([len(rows) for rows, _ in pairs])
    padded = np.zeros((len(pairs), lengths.max(), len(scheme.tags)))
    paths = np.zeros((len(scheme.layers), len(pairs), lengths.max()), dtype=np.int64)
    for place, (rows, gold) in enumerate(pairs):
        padded[place, : len(rows)] = rows
        paths[:, place, : len(rows)] = gold
    fitted = {}
    for number, (layer, part) in enumerate(zip(scheme.layers, scheme.slices, strict=True)):
        moves = valid_moves(layer, transitions.get(layer.name))
        arguments = (padded[:, :, part], paths[number], lengths, layer, moves)
        best = minimize_scalar(_negative_log_likelihood, bounds=_LOG_BOUNDS, args=arguments, method="bounded")
        fitted[layer.name] = round(float(np.exp(best.x)), 4)
    return fitted


def _negative_log_likelihood(
    log_temperature: float,
    logits: Scores,
    tags: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    layer: Layer,
    moves: Scores,
) -> float:
    temperature = np.exp(log_temperature)
    chain = Chain(logits / temperature, lengths, layer, moves / temperature)
    return -float(chain.path_log_prob(tags).sum())
