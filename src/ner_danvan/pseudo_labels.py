"""Self-training (Scudder 1965): texts that several models annotate alike become training documents."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import mean, median
from typing import Any

from ner_danvan.atomic import whole_stream
from ner_danvan.document import Document, read_jsonl, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation.scores import strict_scores
from ner_danvan.labels import LabelScheme
from ner_danvan.sections import fill, number_of, paths
from ner_danvan.tagger import Tagger
from ner_danvan.training.pretraining.articles import as_written, read_texts, segmented
from ner_danvan.training.pretraining.selection import most_alike

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What a document must have to be believed."""

    agreement: float  # strict F1 of every other model against the first, at least
    score: float  # mean score of the spans that all models found, at least
    spans: int  # that the first model found, at least
    shortest: int  # characters
    longest: int


@dataclass(frozen=True)
class Labelled:
    """The documents that were kept, with the first model's spans, and the models' agreement on all of them."""

    documents: list[Document]
    read: int
    confident: int
    median_agreement: float


def run(values: Mapping[str, Any]) -> Labelled:
    """Annotate as the resolved configuration says and write `output`, the documents of `also` before the new ones.

    Raises UserError if there are fewer than two models, if they differ in their labels, or if no document is left.
    """
    limits = fill(Limits, "limits", values["limits"])
    count, seed = (number_of(key, values[key], int) for key in ("count", "seed"))
    models = paths(values["models"])
    if len(models) < 2:
        raise UserError("models: one model always agrees with itself; name two or more that were trained apart.")
    taggers = [Tagger.from_pretrained(name, backend=values["backend"]) for name in values["models"]]
    if any(tagger.scheme != taggers[0].scheme for tagger in taggers):
        raise UserError("models: their label schemes differ; name models of one scheme.")
    documents = _documents(values["text"], limits)
    log.info("%d documents to annotate with %d models", len(documents), len(taggers))
    annotated = [list(tagger.stream(documents)) for tagger in taggers]
    found = label(annotated, taggers[0].scheme, limits, count, seed)
    if not found.documents:
        raise UserError(f"limits: none of {found.read} documents is within them; lower limits.agreement or give more.")
    output = Path(values["output"])
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_stream(output) as stream:
        for document in chain(*map(read_jsonl, paths(values["also"])), found.documents):
            stream.write(to_json_line(document).encode() + b"\n")
    return found


def label(
    annotated: Sequence[Sequence[Document]], scheme: LabelScheme, limits: Limits, count: int, seed: int
) -> Labelled:
    """Up to `count` of the documents that all models annotate alike, drawn with the seed; 0 takes all of them.

    `annotated` has the same documents from each model. What is kept has no scores: it is gold to the student.
    """
    agreements: list[float] = []
    kept: list[Document] = []
    for first, *others in zip(*annotated, strict=True):
        agreement = min(strict_scores([first], [other], scheme).micro.f1 for other in others)
        agreements.append(agreement)
        enough = limits.spans <= len(first.spans) and limits.shortest <= len(first.text) <= limits.longest
        if enough and agreement >= limits.agreement and _common_score(first, others) >= limits.score:
            kept.append(replace(first, spans=tuple(replace(span, score=None) for span in first.spans)))
    drawn = random.Random(seed).sample(kept, min(count, len(kept)) if count else len(kept))
    return Labelled(drawn, len(agreements), len(kept), median(agreements) if agreements else 0.0)


def _common_score(first: Document, others: Sequence[Document]) -> float:
    """The mean score, over all models, of the spans that all of them found; 0 if there are none."""
    scores = [{span.key: span.score or 0.0 for span in document.spans} for document in (first, *others)]
    common = set.intersection(*(set(found) for found in scores))
    return mean(found[key] for found in scores for key in common) if common else 0.0


def _documents(values: Mapping[str, Any], limits: Limits) -> list[Document]:
    """Texts of the lengths wanted, those most like the ones of `like` if it is set; ids are places in the input."""
    files, spaces = paths(values["files"]), values["segmenter"] == "spaces"
    texts = list(read_texts(files))
    numbers = list(range(len(texts)))
    if values["like"] is not None:
        words = [segmented(text, values["segmenter"]) for text in texts]
        like = [segmented(text, "underthesea") for text in read_texts(paths(values["like"]))]
        numbers = most_alike(words, like, number_of("text.share", values["share"], float))
    documents = (Document(f"text-{i}", as_written(texts[i]) if spaces else texts[i]) for i in numbers)
    return [document for document in documents if limits.shortest <= len(document.text) <= limits.longest]
