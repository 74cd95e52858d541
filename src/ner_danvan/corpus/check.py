"""What must hold of annotated reports before anyone trains on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ner_danvan.corpus.overlap import Foreign, find_foreign_runs, find_shared_runs
from ner_danvan.corpus.reports import Report, report_paths
from ner_danvan.document import find_problems, parse_inline, read_text
from ner_danvan.errors import UserError


class CorpusError(UserError):
    """Annotated reports have faults; `faults` has a line for each."""

    def __init__(self, faults: Sequence[str], where: str = "the annotated reports") -> None:
        self.faults = list(faults)
        super().__init__(f"faults in {where}: {len(faults)}; mend each where its line says.")


def check_corpus(
    folders: Mapping[str, Path],
    layer_of: Mapping[str, str],
    *,
    shared_words: int,
    names: Collection[str],
    foreign: Foreign | None = None,
) -> tuple[list[Report], list[str]]:
    """Parse and check every report of every split.

    Returns the reports that parse and the faults, each one line with file, line and text: markup, labels,
    offsets, layers, edges, a name used twice, runs of `shared_words` words that two reports share, and runs that
    a report shares with `foreign` texts. Runs inside spans of the labels in `names` are no copies.
    """
    reports, faults = read_corpus(folders, layer_of)
    for report in reports:
        faults += check_form(report, layer_of)
        if not report.document.spans:
            faults.append(f"{report.at(0)}: no span in it; annotate the report or take it out.")
    faults += [*_repeated_names(reports), *find_shared_runs(reports, shared_words, names)]
    if foreign:
        faults += find_foreign_runs(reports, foreign, names)
    return reports, faults


def read_corpus(folders: Mapping[str, Path], layer_of: Mapping[str, str]) -> tuple[list[Report], list[str]]:
    """The reports of every split that parse, and a fault for each of the others."""
    reports: list[Report] = []
    faults: list[str] = []
    for split, folder in folders.items():
        for path in report_paths(folder):
            try:
                document = parse_inline(read_text(path), str(path), tuple(layer_of))
            except UserError as error:
                faults.append(str(error))
            else:
                reports.append(Report(path, split, document))
    return reports, faults


def check_form(report: Report, layer_of: Mapping[str, str]) -> list[str]:
    """The faults of a report's spans: labels, offsets, layers, edges."""
    return [f"{report.at(problem.offset)}: {problem.message}" for problem in find_problems(report.document, layer_of)]


def _repeated_names(reports: Sequence[Report]) -> Iterator[str]:
    first: dict[str, Path] = {}
    for report in reports:
        other = first.setdefault(report.path.stem, report.path)
        if other != report.path:
            yield f"{report.path}:1: is named like {other}, and names are ids; rename one of the two files."
