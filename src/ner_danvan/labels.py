"""The label scheme: layers of BIO tags, and the way between spans and tags.

A scheme is data, kept in the model's `config.json`. The model's outputs are the layers' tags one after the
other; a flat scheme has one layer.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ner_danvan.errors import UserError
from ner_danvan.span import Span, sorted_spans

IGNORED = -100  # the target of subwords that carry no prediction, as in torch's cross-entropy
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # kinds of characters that drive a terminal, turn a line or end it


@dataclass(frozen=True)
class Layer:
    """Labels whose spans never overlap one another. Tag 0 is O, then B- and I- of each label in turn."""

    name: str
    labels: tuple[str, ...]

    @cached_property
    def tags(self) -> tuple[str, ...]:
        return ("O", *(f"{prefix}-{label}" for label in self.labels for prefix in "BI"))

    def begin(self, label: str) -> int:
        """The number of the label's B- tag; its I- tag is the next."""
        return 1 + 2 * self.labels.index(label)

    @cached_property
    def may_start(self) -> npt.NDArray[np.bool_]:
        """`[tags]`: which tags a document may begin with, all but I-."""
        return np.array([not tag.startswith("I-") for tag in self.tags])

    @cached_property
    def may_follow(self) -> npt.NDArray[np.bool_]:
        """`[tags, tags]`: whether the second may come behind the first; I-X only behind B-X and I-X (IOB2)."""
        allowed = np.repeat(self.may_start[None], len(self.tags), axis=0)
        for begin in range(1, len(self.tags), 2):
            allowed[[begin, begin + 1], begin + 1] = True
        return allowed


@dataclass(frozen=True)
class LabelScheme:
    """Layers in the order of the model's outputs."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        labels = [label for layer in self.layers for label in layer.labels]
        names = [layer.name for layer in self.layers]
        if not labels or not all(layer.labels for layer in self.layers):
            raise UserError("the label scheme has a layer without labels; give each at least one, see configs/labels.")
        for kind, values in (("label", labels), ("layer", names)):
            if twice := next((value for value in values if values.count(value) > 1), None):
                raise UserError(f'the label scheme has {kind} "{twice}" twice; name it once, see configs/labels.')

    @classmethod
    def from_config(cls, rows: Any) -> LabelScheme:
        """From `[{"name": str, "labels": [str, ...]}, ...]`; raises UserError if it is anything else."""
        try:
            if any(isinstance(row["labels"], str) for row in rows):
                raise TypeError
            layers = tuple(Layer(str(row["name"]), tuple(str(label) for label in row["labels"])) for row in rows)
        except (TypeError, KeyError):
            raise UserError(
                f"the label scheme {str(rows)[:80]} is no list of layers; "
                f'write [{{"name": "mention", "labels": ["ORG"]}}].'
            ) from None
        for name in (name for layer in layers for name in (layer.name, *layer.labels)):
            if any(unicodedata.category(char) in _UNSEEN for char in name):
                raise UserError(
                    f"the label scheme names {ascii(name)[:80]}, with control characters in it; they would reach "
                    "terminals and tables, take them out."
                )
        return cls(layers)

    def to_config(self) -> list[dict[str, Any]]:
        """The inverse of `from_config`, plain data for JSON."""
        return [{"name": layer.name, "labels": list(layer.labels)} for layer in self.layers]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for layer in self.layers for label in layer.labels)

    @cached_property
    def layer_of(self) -> Mapping[str, str]:
        """Label to the name of its layer."""
        return {label: layer.name for layer in self.layers for label in layer.labels}

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Every output of the model; with several layers each tag is led by its layer's name, `task:B-TASK`."""
        if len(self.layers) == 1:
            return self.layers[0].tags
        return tuple(f"{layer.name}:{tag}" for layer in self.layers for tag in layer.tags)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Each layer's part of the outputs."""
        ends = np.cumsum([len(layer.tags) for layer in self.layers]).tolist()
        return tuple(slice(a, b) for a, b in zip([0, *ends], ends, strict=False))


def spans_to_tags(
    spans: Iterable[Span], words: Sequence[tuple[int, int]], scheme: LabelScheme
) -> tuple[npt.NDArray[np.int64], list[Span]]:
    """Tags `[layers, words]` of the spans, and the spans that no tags can express.

    `words` are `[start, end)` in the text, from left to right. A span is expressible where words begin and end
    with it. One that is not is still tagged, on the words that it touches and no other span has: training
    should know that something is there.
    Raises ValueError for a label that the scheme lacks.
    """
    tags = np.zeros((len(scheme.layers), len(words)), dtype=np.int64)
    starts = {word[0]: i for i, word in enumerate(words)}
    ends = {word[1]: i for i, word in enumerate(words)}
    rows = {layer.name: i for i, layer in enumerate(scheme.layers)}
    lost: list[Span] = []
    for span in spans:
        if span.label not in scheme.layer_of:
            raise ValueError(f'no layer has label "{span.label}"; known are {", ".join(scheme.labels)}')
        row = rows[scheme.layer_of[span.label]]
        first, last = starts.get(span.start), ends.get(span.end)
        if first is None or last is None:
            lost.append(span)
        else:
            _tag(tags[row], range(first, last + 1), scheme.layers[row].begin(span.label))
    for span in lost:
        row = rows[scheme.layer_of[span.label]]
        first = bisect_right(words, span.start, key=lambda word: word[1])
        last = bisect_left(words, span.end, key=lambda word: word[0])
        if first < last and not tags[row, first:last].any():
            _tag(tags[row], range(first, last), scheme.layers[row].begin(span.label))
    return tags, lost


def _tag(row: npt.NDArray[np.int64], places: range, begin: int) -> None:
    row[places.start] = begin
    row[places.start + 1 : places.stop] = begin + 1


def tags_to_spans(
    tags: npt.NDArray[np.int64], words: Sequence[tuple[int, int]], text: str, scheme: LabelScheme
) -> tuple[Span, ...]:
    """Spans of valid tags `[layers, words]`, in order of start."""
    spans = []
    for layer, row in zip(scheme.layers, tags, strict=True):
        for first, last, begin in tag_runs(row):
            start, end = words[first][0], words[last - 1][1]
            spans.append(Span(start, end, layer.labels[begin // 2], text[start:end]))
    return sorted_spans(spans)


def tag_runs(row: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """`(first word, last word + 1, B- tag)` of each span in one layer's valid tags `[words]`."""
    begins = np.flatnonzero(row % 2 == 1)
    runs = []
    for first in begins.tolist():
        last = first + 1
        while last < len(row) and row[last] == row[first] + 1:
            last += 1
        runs.append((first, last, int(row[first])))
    return runs
