"""Where a model is good and where not: strings that training had or not, short and long spans, groups of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ner_danvan.corpus.statistics import string_key
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.evaluation.intervals import MICRO, Triples, f1_bounds
from ner_danvan.evaluation.schemes import SchemeScores, scheme_scores
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span

SEEN, UNSEEN = "seen", "unseen"
LENGTHS = (1, 2, 3, 5, 9, 17)
LEAST_DOCUMENTS = 5  # of a group, for an interval: fewer say nothing of how far documents differ


@dataclass(frozen=True)
class Aspects:
    """What to break scores down by.

    `train` are the documents whose strings count as seen, None where they are not known. `lengths` are the first
    lengths of the buckets, in words between white space. `groups` has the group of each document's id, where known;
    `grouped_by` is how those groups are called.
    """

    train: Sequence[Document] | None = None
    lengths: Sequence[int] = LENGTHS
    groups: Mapping[str, str] = field(default_factory=dict)
    grouped_by: str = "group"


@dataclass(frozen=True, slots=True)
class BucketScore:
    """Strict scores of the gold and found spans that fall into a bucket; `interval` is of F1, over documents."""

    right: int
    found: int
    gold: int
    precision: float
    recall: float
    f1: float
    interval: tuple[float, float] | None


Buckets = dict[str, dict[str, BucketScore]]  # micro or label -> bucket


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Scores of every scheme over the documents of one group."""

    documents: int
    schemes: SchemeScores


@dataclass(frozen=True)
class Breakdown:
    """Scores by the aspects that are known; `seen` is empty without training documents, `groups` without groups."""

    seen: Buckets
    lengths: Buckets
    groups: dict[str, GroupScores]
    grouped_by: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `metrics.json`; of groups the micro scores, the others stand in `scores.tsv`."""
        groups = {
            name: {"documents": group.documents} | {way: asdict(scores[MICRO]) for way, scores in group.schemes.items()}
            for name, group in self.groups.items()
        }
        return {
            "seen": _plain(self.seen),
            "lengths": _plain(self.lengths),
            "groups": {self.grouped_by: groups} if groups else {},
        }


def break_down(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    scheme: LabelScheme,
    aspects: Aspects,
    *,
    draws: int = 2_000,
    seed: int = 0,
) -> Breakdown:
    """Scores by every aspect, with 95 % intervals.

    A gold span falls into the bucket of its own string or length and a found span into that of its own, as in Fu, Liu
    and Neubig 2020, so that precision and recall both are of the bucket. Raises UserError for lengths that do not rise.
    """
    seen: Buckets = {}
    if aspects.train is not None:
        known = {(span.label, string_key(span.text)) for document in aspects.train for span in document.spans}

        def was_seen(span: Span) -> str:
            return SEEN if (span.label, string_key(span.text)) in known else UNSEEN

        seen = _buckets(gold, predicted, scheme, (SEEN, UNSEEN), was_seen, draws, seed)
    names = length_names(aspects.lengths)

    def by_length(span: Span) -> str:
        words = max(1, len(span.text.split()))
        return names[sum(words >= first for first in aspects.lengths) - 1]

    return Breakdown(
        seen=seen,
        lengths=_buckets(gold, predicted, scheme, names, by_length, draws, seed),
        groups=_groups(gold, predicted, scheme, aspects, draws, seed),
        grouped_by=aspects.grouped_by,
    )


def length_names(lengths: Sequence[int]) -> list[str]:
    """A name for each bucket; raises UserError for lengths that do not begin with 1 and rise."""
    if not lengths or lengths[0] != 1 or any(first >= second for first, second in pairwise(lengths)):
        raise UserError(
            f"lengths={list(lengths)}: give the first length of each bucket, from 1 on, as [1, 2, 3, 5, 9]."
        )
    names = [f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in pairwise(lengths)]
    return [*names, f"{lengths[-1]} or more"]


def _buckets(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    scheme: LabelScheme,
    names: Sequence[str],
    bucket: Callable[[Span], str],
    draws: int,
    seed: int,
) -> Buckets:
    columns = [(label, name) for label in (MICRO, *scheme.labels) for name in names]
    place = {column: number for number, column in enumerate(columns)}
    triples = np.zeros((len(gold), len(columns), 3))
    for row, (wanted, found) in enumerate(zip(gold, predicted, strict=True)):
        right = {span.key for span in wanted.spans} & {span.key for span in found.spans}
        for position, spans in ((1, found.spans), (2, wanted.spans)):
            for span in _known(spans, scheme):
                for label in (MICRO, span.label):
                    column = place[label, bucket(span)]
                    triples[row, column, position] += 1
                    triples[row, column, 0] += position == 2 and span.key in right
    bounds = f1_bounds(triples, draws=draws, seed=seed)
    sums = triples.sum(axis=0)
    scores: Buckets = {label: {} for label in (MICRO, *scheme.labels)}
    for (label, name), column in place.items():
        scores[label][name] = _score(sums[column], bounds[column])
    return scores


def _known(spans: Iterable[Span], scheme: LabelScheme) -> Iterable[Span]:
    return (span for span in spans if span.label in scheme.layer_of)


def _score(sums: Triples, bounds: tuple[float, float] | None) -> BucketScore:
    right, found, gold = (int(value) for value in sums)
    return BucketScore(
        *(right, found, gold), right / max(1, found), right / max(1, gold), 2 * right / max(1, found + gold), bounds
    )


def _groups(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    scheme: LabelScheme,
    aspects: Aspects,
    draws: int,
    seed: int,
) -> dict[str, GroupScores]:
    """The largest group first; documents of no known group are left out, small groups have no intervals."""
    rows: dict[str, list[int]] = {}
    for number, document in enumerate(gold):
        if document.id in aspects.groups:
            rows.setdefault(aspects.groups[document.id], []).append(number)
    return {
        name: GroupScores(
            len(members),
            scheme_scores(
                [gold[i] for i in members],
                [predicted[i] for i in members],
                scheme,
                draws=draws if len(members) >= LEAST_DOCUMENTS else 0,
                seed=seed,
            ),
        )
        for name, members in sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))
    }


def _plain(buckets: Buckets) -> dict[str, Any]:
    return {label: {name: asdict(score) for name, score in row.items()} for label, row in buckets.items()}
