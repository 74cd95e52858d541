"""What is minimised: each layer's cross-entropy over words, or the negative log-likelihood of its gold paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax, pad

from ner_danvan.labels import IGNORED, LabelScheme

_IMPOSSIBLE = -1e4  # as good as minus infinity, without its gradients of nan

Items = torch.Tensor | int | None


@dataclass(frozen=True)
class LossOptions:
    """What is changed in the plain loss; the defaults change nothing.

    `weights` are those of the layers. `smoothing` is the share of each word's score that is spread over all tags
    (label smoothing, Szegedy et al. 2016). `boundary` adds so many times the cross-entropy of the words at which a span
    begins, and of those behind its end.
    """

    weights: tuple[float, ...] = ()
    smoothing: float = 0.0
    boundary: float = 0.0


class WordLoss:
    """The sum over layers of each layer's mean cross-entropy over words, each on its slice of the logits."""

    def __init__(self, scheme: LabelScheme, options: LossOptions | None = None) -> None:
        self._slices = scheme.slices
        self._options = options or LossOptions()

    def __call__(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Items = None) -> torch.Tensor:
        """Logits `[batch, length, outputs]` and labels `[batch, length, layers]` to a scalar.

        The Trainer gives `num_items_in_batch`, the labels of a whole accumulated step; without it the mean is over
        this batch. A batch without a single label has loss 0.
        """
        logits = outputs.logits.float()
        total = logits.new_zeros(())
        for layer, part in enumerate(self._slices):
            total = total + _weight(self._options, layer) * cross_entropy(
                logits[..., part].flatten(0, 1),
                labels[..., layer].flatten(),
                ignore_index=IGNORED,
                reduction="sum",
                label_smoothing=self._options.smoothing,
            )
        if self._options.boundary:
            total = total + _boundary_loss(*_only_words(logits, labels), self._slices, self._options)
        loss: torch.Tensor = total / _words(labels, num_items_in_batch)
        return loss


class ChainLoss:
    """The sum over layers of the negative log-likelihood of the gold path, divided by the number of words.

    A linear-chain CRF (Lafferty et al. 2001) over the words of each window: their logits and learned transitions,
    invalid BIO steps impossible. A window may begin inside a span, so its first tag is free.
    """

    def __init__(self, scheme: LabelScheme, transitions: nn.ParameterList, options: LossOptions | None = None) -> None:
        self._scheme = scheme
        self._transitions = transitions
        self._options = options or LossOptions()
        self._width = max(len(layer.tags) for layer in scheme.layers)

    def __call__(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Items = None) -> torch.Tensor:
        """As `WordLoss`."""
        logits, tags, inside = _only_words(outputs.logits.float(), labels)
        # the layers side by side, [layers, batch, words, tags], narrow ones filled up with impossible tags
        emissions = torch.stack(
            [pad(logits[..., part], self._missing(part), value=_IMPOSSIBLE) for part in self._scheme.slices]
        )
        moves = torch.stack([self._moves(number) for number in range(len(self._scheme.layers))])
        gold = tags.movedim(-1, 0)
        path = _path_scores(emissions, moves, gold, inside)
        each = _log_partition(emissions, moves, inside) - path  # [layers, batch]
        if smoothing := self._options.smoothing:
            # the gold tag's score makes way for the mean over the layer's tags
            gold_scores = emissions.gather(-1, gold[..., None])[..., 0]
            means = torch.stack([logits[..., part].mean(dim=-1) for part in self._scheme.slices])
            each = each + smoothing * (gold_scores - means).where(inside, 0.0).sum(-1)
        weights = each.new_tensor([_weight(self._options, layer) for layer in range(len(each))])
        total = (weights[:, None] * each).sum()
        if self._options.boundary:
            total = total + _boundary_loss(logits, tags, inside, self._scheme.slices, self._options)
        loss: torch.Tensor = total / _words(labels, num_items_in_batch)
        return loss

    def _missing(self, part: slice) -> tuple[int, int]:
        return 0, self._width - (part.stop - part.start)

    def _moves(self, number: int) -> torch.Tensor:
        """`[width, width]`: learned scores of valid steps."""
        learned = self._transitions[number]
        valid = torch.from_numpy(self._scheme.layers[number].may_follow).to(learned.device)
        missing = self._width - len(valid)
        return pad(torch.where(valid, learned, _IMPOSSIBLE), (0, missing, 0, missing), value=_IMPOSSIBLE)


def divergence(
    first: torch.Tensor, second: torch.Tensor, labels: torch.Tensor, scheme: LabelScheme, items: Items = None
) -> torch.Tensor:
    """How far two passes disagree: the symmetric Kullback-Leibler divergence of the layers' tags, its mean over words.

    The consistency term of R-Drop (Liang et al. 2021); logits `[batch, length, outputs]`, labels and `items` as in the
    losses.
    """
    is_word = labels[..., 0] != IGNORED
    total = first.new_zeros((), dtype=torch.float32)
    for part in scheme.slices:
        p, q = (log_softmax(logits[is_word][:, part].float(), dim=-1) for logits in (first, second))
        total = total + ((p.exp() - q.exp()) * (p - q)).sum() / 2
    mean: torch.Tensor = total / _words(labels, items)
    return mean


def new_transitions(scheme: LabelScheme) -> nn.ParameterList:
    """One matrix `[tags, tags]` a layer, all 0: every valid step is as likely as any other."""
    return nn.ParameterList([nn.Parameter(torch.zeros(len(layer.tags), len(layer.tags))) for layer in scheme.layers])


def _weight(options: LossOptions, layer: int) -> float:
    return options.weights[layer] if options.weights else 1.0


def _boundary_loss(
    logits: torch.Tensor,
    tags: torch.Tensor,
    inside: torch.Tensor,
    slices: Sequence[slice],
    options: LossOptions,
) -> torch.Tensor:
    """The cross-entropy of each layer at the words whose tag begins a span or ends the one before, summed."""
    total = logits.new_zeros(())
    before = pad(tags[:, :-1], (0, 0, 1, 0))  # O before the first word
    is_begin = tags % 2 == 1
    is_behind = (before > 0) & (tags == 0)
    for layer, part in enumerate(slices):
        chosen = (is_begin | is_behind)[..., layer] & inside
        entropy = cross_entropy(logits[..., part][chosen], tags[..., layer][chosen], reduction="sum")
        total = total + _weight(options, layer) * options.boundary * entropy
    return total


def _words(labels: torch.Tensor, items: Items) -> torch.Tensor:
    count = (labels != IGNORED).sum() if items is None else torch.as_tensor(items, device=labels.device)
    return count.clamp(min=1) / labels.shape[-1]


def _only_words(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits and labels of words alone, moved to the front of each row, and which places hold one."""
    is_word = labels[..., 0] != IGNORED
    longest = max(1, int(is_word.sum(dim=1).max()))
    order = torch.argsort(is_word.logical_not().to(torch.int8), dim=1, stable=True)[:, :longest, None]
    words = torch.gather(logits, 1, order.expand(-1, -1, logits.shape[-1]))
    tags = torch.gather(labels, 1, order.expand(-1, -1, labels.shape[-1])).clamp(min=0)
    inside = torch.arange(longest, device=labels.device)[None] < is_word.sum(dim=1)[:, None]
    return words, tags, inside


def _path_scores(
    emissions: torch.Tensor, moves: torch.Tensor, gold: torch.Tensor, inside: torch.Tensor
) -> torch.Tensor:
    """`[layers, batch]`: the score of each gold path."""
    words = emissions.gather(-1, gold[..., None])[..., 0]
    layers = torch.arange(len(moves), device=moves.device)[:, None, None]
    steps = moves[layers, gold[..., :-1], gold[..., 1:]]
    return words.where(inside, 0.0).sum(-1) + steps.where(inside[:, 1:], 0.0).sum(-1)


def _log_partition(emissions: torch.Tensor, moves: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """`[layers, batch]`: log of the sum over all valid paths; 0 for a row without words."""
    forward = emissions[:, :, 0]
    for place in range(1, emissions.shape[2]):
        step = torch.logsumexp(forward[..., :, None] + moves[:, None], dim=-2) + emissions[:, :, place]
        forward = torch.where(inside[None, :, place, None], step, forward)
    return torch.logsumexp(forward, dim=-1).where(inside[:, 0], 0.0)
