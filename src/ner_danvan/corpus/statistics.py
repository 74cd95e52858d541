"""What the corpus holds, in figures: sizes, labels, what words cut, what was seen in training, groups."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from ner_danvan.corpus.index import GROUPED
from ner_danvan.corpus.reports import Report
from ner_danvan.document import Document
from ner_danvan.labels import LabelScheme, spans_to_tags
from ner_danvan.span import Span
from ner_danvan.text.inputs import Inputs, InputSettings, prepare
from ner_danvan.text.normalize import model_copy
from ner_danvan.text.segment import Word, segment, sentence_ends, unsplit_words
from ner_danvan.text.split_lexicon import learn_split_words
from ner_danvan.text.subwords import Subwords

YEAR = "year"


@dataclass(frozen=True)
class Reading:
    """How a model reads: its vocabulary and windows, and when a word that gold cuts enters the split lexicon."""

    subwords: Subwords
    inputs: InputSettings
    min_cuts: int
    min_share: float


@dataclass(frozen=True)
class LabelStatistics:
    """Spans of a label, their mean length in words, and how many different strings they are."""

    spans: int
    mean_words: float
    distinct: int


@dataclass(frozen=True)
class SplitStatistics:
    """What a split holds; words are runs of characters between white space.

    `sentences` end with a mark or a line; `lengths` are the words of each report, in order of name; `nested` are
    the spans inside another; `cut` says how many spans the words of each of CUTS cannot express.
    """

    documents: int
    words: int
    sentences: int
    windows: int
    spans: int
    nested: int
    cut: dict[str, int]
    labels: dict[str, LabelStatistics]
    words_per_report: dict[str, float]
    lengths: list[int]


CUTS = ("underthesea", "irregular_split", "lexicon")  # its own words; irregular ones split; and those of the lexicon


@dataclass(frozen=True)
class Seen:
    """The share of a split's strings that the first split has too: of different ones, and of all spans."""

    distinct: float
    spans: float


@dataclass(frozen=True)
class Statistics:
    """Figures of every split, in the splits' order.

    `window` is in subwords, `split_words` the size of the lexicon that the first split teaches, `seen` speaks of the
    others' strings, `groups` has for each column of the index, group and split the number of reports.
    """

    splits: dict[str, SplitStatistics]
    window: int
    split_words: int
    seen: dict[str, dict[str, Seen]]
    groups: dict[str, dict[str, dict[str, int]]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def corpus_statistics(
    reports: Sequence[Report], splits: Sequence[str], scheme: LabelScheme, reading: Reading
) -> Statistics:
    """Figures of all reports; the first of `splits` is what models learn from."""
    documents = {split: [report.document for report in reports if report.split == split] for split in splits}
    words = {split: [segment(document.text) for document in documents[split]] for split in splits}
    learned = learn_split_words(
        zip(documents[splits[0]], words[splits[0]], strict=True),
        min_cuts=reading.min_cuts,
        min_share=reading.min_share,
    )
    figures = {}
    for split in splits:
        inputs = [prepare(document.text, reading.subwords, learned, reading.inputs) for document in documents[split]]
        figures[split] = _split_statistics(documents[split], words[split], inputs, scheme)
    return Statistics(
        splits=figures,
        window=reading.inputs.window.subwords,
        split_words=len(learned),
        seen={split: _seen(documents[splits[0]], documents[split], scheme.labels) for split in splits[1:]},
        groups={column: groups for column in (*GROUPED, YEAR) if (groups := _groups(documents, column))},
    )


def _split_statistics(
    documents: Sequence[Document], words: Sequence[list[Word]], inputs: Sequence[Inputs], scheme: LabelScheme
) -> SplitStatistics:
    lengths = [len(document.text.split()) for document in documents]
    spans = [span for document in documents for span in document.spans]
    kinds = (
        [unsplit_words(document.text) for document in documents],
        [[(word.start, word.end) for word in found] for found in words],
        [read.offsets for read in inputs],
    )
    return SplitStatistics(
        documents=len(documents),
        words=sum(lengths),
        sentences=sum(_sentences(document.text, found) for document, found in zip(documents, words, strict=True)),
        windows=sum(len(read.windows) for read in inputs),
        spans=len(spans),
        nested=sum(_nested(document.spans) for document in documents),
        cut={name: _cut(documents, offsets, scheme) for name, offsets in zip(CUTS, kinds, strict=True)},
        labels={label: _label_statistics([span for span in spans if span.label == label]) for label in scheme.labels},
        words_per_report={"min": min(lengths), "median": statistics.median(lengths), "max": max(lengths)},
        lengths=lengths,
    )


def _label_statistics(spans: Sequence[Span]) -> LabelStatistics:
    words = [len(span.text.split()) for span in spans]
    return LabelStatistics(
        spans=len(spans),
        mean_words=round(statistics.mean(words), 4) if words else 0.0,
        distinct=len({string_key(span.text) for span in spans}),
    )


def _sentences(text: str, words: Sequence[Word]) -> int:
    """Stretches between ends of sentences, clauses with a semicolon, and lines; those without a letter are none."""
    count, letters = 0, False
    for word, end in zip(words, sentence_ends(text, words), strict=True):
        letters = letters or any(char.isalpha() for char in word.form)
        if end and letters:
            count, letters = count + 1, False
    return count


def _nested(spans: Iterable[Span]) -> int:
    """How many spans, sorted, lie inside another."""
    count = reached = 0
    for span in spans:
        count += span.end <= reached
        reached = max(reached, span.end)
    return count


def _cut(documents: Sequence[Document], words: Sequence[Sequence[tuple[int, int]]], scheme: LabelScheme) -> int:
    """How many spans no tags on these words can express."""
    pairs = zip(documents, words, strict=True)
    return sum(len(spans_to_tags(document.spans, offsets, scheme)[1]) for document, offsets in pairs)


def string_key(text: str) -> str:
    """What makes two strings the same: letter case, accents' form, tone style and white space are no difference."""
    return " ".join(model_copy(text).text.lower().split())


def _seen(before: Sequence[Document], documents: Sequence[Document], labels: Collection[str]) -> dict[str, Seen]:
    """Of each label the share of strings that documents of another split have under the same label."""
    known = _strings(before)
    shares = {}
    for label, strings in _strings(documents).items():
        found = [string for string in strings if string in known[label]]
        shares[label] = Seen(
            distinct=round(len(set(found)) / len(strings), 4),
            spans=round(sum(strings[string] for string in found) / strings.total(), 4),
        )
    return {label: shares[label] for label in labels if label in shares}


def _strings(documents: Iterable[Document]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for span in chain.from_iterable(document.spans for document in documents):
        found[span.label][string_key(span.text)] += 1
    return found


def _groups(documents: Mapping[str, Sequence[Document]], column: str) -> dict[str, dict[str, int]]:
    """Reports of each group and split, the largest group first, years in order; none where nothing is known."""
    counts = {
        split: Counter(str(d.meta[column]) for d in found if column in d.meta) for split, found in documents.items()
    }
    total = sum(counts.values(), Counter[str]())
    order = sorted(total) if column == YEAR else [group for group, _ in total.most_common()]
    return {group: {split: counts[split][group] for split in documents} for group in order}
