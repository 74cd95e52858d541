"""Scores as tables for programs and spreadsheets: tab-separated, UTF-8, a heading row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ner_danvan.document import Document
from ner_danvan.evaluation.breakdown import Aspects, Breakdown, Buckets
from ner_danvan.evaluation.errors import Kind, find_errors
from ner_danvan.evaluation.schemes import SCHEMES, SchemeScore, SchemeScores, scheme_f1
from ner_danvan.io.cells import protected
from ner_danvan.labels import LabelScheme

Cell = str | int | float | None

_SCORES = (
    *("aspect", "part", "documents", "scheme", "label", "right", "found", "gold"),
    *("incorrect", "partial", "missed", "spurious", "precision", "recall", "f1", "low", "high"),
)


def write_table(path: Path, heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows; text is put on one line, and none can be read as a formula."""
    # a lone surrogate has no UTF-8 form, and a document may hold one
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(heading)
        writer.writerows([_cell(value) for value in row] for row in rows)


def write_scores(schemes: SchemeScores, breakdown: Breakdown, documents: int, path: Path) -> None:
    """Every score of every aspect, a row each; `low` and `high` are the 95 % interval of F1."""
    write_table(path, _SCORES, _score_rows(schemes, breakdown, documents))


def write_document_scores(
    gold: Sequence[Document], predicted: Sequence[Document], scheme: LabelScheme, aspects: Aspects, path: Path
) -> None:
    """A row a document: its group, its spans, micro F1 of each scheme, and its errors by kind."""
    errors: list[dict[Kind, int]] = [{} for _ in gold]
    for error in find_errors(gold, predicted, scheme):
        counts = errors[error.document]
        counts[error.kind] = counts.get(error.kind, 0) + 1
    heading = ("document", aspects.grouped_by, "gold", "found", *(f"f1 {way.name}" for way in SCHEMES), *map(str, Kind))
    write_table(
        path,
        heading,
        (
            (
                document.id,
                aspects.groups.get(document.id, ""),
                len(document.spans),
                len(found.spans),
                *(scheme_f1(document, found, scheme, way) for way in SCHEMES),
                *(counts.get(kind, 0) for kind in Kind),
            )
            for document, found, counts in zip(gold, predicted, errors, strict=True)
        ),
    )


def _score_rows(schemes: SchemeScores, breakdown: Breakdown, documents: int) -> Iterator[Sequence[Cell]]:
    yield from _scheme_rows("all", "all", documents, schemes)
    for aspect, buckets in (("seen", breakdown.seen), ("words", breakdown.lengths)):
        yield from _bucket_rows(aspect, buckets, documents)
    for name, group in breakdown.groups.items():
        yield from _scheme_rows(breakdown.grouped_by, name, group.documents, group.schemes)


def _scheme_rows(aspect: str, part: str, documents: int, schemes: SchemeScores) -> Iterator[Sequence[Cell]]:
    for scheme, scores in schemes.items():
        for label, score in scores.items():
            yield (aspect, part, documents, scheme, label, *_figures(score))


def _figures(score: SchemeScore) -> Sequence[Cell]:
    answered = score.correct + score.incorrect + score.partial
    return (
        *(score.correct, answered + score.spurious, answered + score.missed),
        *(score.incorrect, score.partial, score.missed, score.spurious),
        *(score.precision, score.recall, score.f1, *(score.interval or (None, None))),
    )


def _bucket_rows(aspect: str, buckets: Buckets, documents: int) -> Iterator[Sequence[Cell]]:
    for label, row in buckets.items():
        for part, score in row.items():
            figures = (score.precision, score.recall, score.f1, *(score.interval or (None, None)))
            counts = (score.right, score.found, score.gold, None, None, None, None)
            yield (aspect, part, documents, "strict", label, *counts, *figures)


def _cell(value: Cell) -> Cell:
    if isinstance(value, str):
        return protected(" ".join(value.split()))
    return round(value, 6) if isinstance(value, float) else value
