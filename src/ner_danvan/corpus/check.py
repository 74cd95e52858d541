"""What must hold of annotated reports before anyone trains on them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_danvan.corpus.reports import report_paths
from ner_danvan.document import Document, find_problems, line_of, parse_inline, read_text
from ner_danvan.errors import UserError

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Report:
    """A parsed report with its file and split."""

    path: Path
    split: str
    document: Document


def check_corpus(
    folders: Mapping[str, Path], layer_of: Mapping[str, str], *, shared_words: int, names: Collection[str]
) -> tuple[list[Report], list[str]]:
    """Parse and check every report of every split.

    Returns the reports that parse and the faults, each one line with file, line and text: markup, labels,
    offsets, layers, edges, a name used twice, and runs of `shared_words` words that two reports share
    (within a split a duplicate, across splits a leak). A run of nothing but words inside spans of the labels in
    `names` is left out: a body's full name, and a list of titles, is the same wherever it stands.
    """
    reports: list[Report] = []
    faults: list[str] = []
    for split, folder in folders.items():
        for path in report_paths(folder):
            try:
                document = parse_inline(read_text(path), str(path), tuple(layer_of))
            except UserError as error:
                faults.append(str(error))
                continue
            reports.append(Report(path, split, document))
            faults += [
                f"{path}:{line_of(document.text, problem.offset)}: {problem.message}"
                for problem in find_problems(document, layer_of)
            ]
            if not document.spans:
                faults.append(f"{path}:1: no span in it; annotate the report or take it out.")
    return reports, faults + list(_repeated_names(reports)) + list(find_shared_runs(reports, shared_words, names))


def find_shared_runs(reports: Sequence[Report], words: int, names: Collection[str]) -> Iterator[str]:
    """One fault for each pair of reports that share a run of so many words, named at its first place."""
    seen: dict[tuple[str, ...], int] = {}
    told: set[tuple[int, int]] = set()
    for number, report in enumerate(reports):
        for start, run in _runs(report.document, words, names):
            first = seen.setdefault(run, number)
            if first == number or (first, number) in told:
                continue
            told.add((first, number))
            other = reports[first]
            kind = "leaks from" if report.split != other.split else "repeats"
            yield (
                f"{report.path}:{line_of(report.document.text, start)}: {kind} {other.path}, they share "
                f'"{" ".join(run)}"; write one of them anew.'
            )


def _runs(document: Document, words: int, names: Collection[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Runs of words with the offset of their first, in lower case and NFC, but for those all inside names."""
    found = [
        (match.start(), match.end(), unicodedata.normalize("NFC", match.group().lower()))
        for match in _WORD.finditer(document.text)
    ]
    named = [(span.start, span.end) for span in document.spans if span.label in names]
    free = [not any(first <= start and end <= last for first, last in named) for start, end, _ in found]
    for i in range(len(found) - words + 1):
        if any(free[i : i + words]):
            yield found[i][0], tuple(word for _, _, word in found[i : i + words])


def _repeated_names(reports: Sequence[Report]) -> Iterator[str]:
    first: dict[str, Path] = {}
    for report in reports:
        other = first.setdefault(report.path.stem, report.path)
        if other != report.path:
            yield f"{report.path}:1: is named like {other}, and names are ids; rename one of the two files."
