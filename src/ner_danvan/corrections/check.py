"""What must hold of corrected documents before they are annotated reports: their form, and that they are new."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ner_danvan.corpus.check import check_form, read_corpus
from ner_danvan.corpus.overlap import Foreign, find_foreign_runs, find_shared_runs
from ner_danvan.corpus.reports import Report
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import checked

_MEND = "leave one of the two out of the export, or raise corrections.shared_words if it is a formula"


@dataclass(frozen=True)
class Against:
    """What new reports are compared with.

    The reports of the splits, by the splits' `folders`; those `there` that were taken in before, in the folder
    `output`, which may lie inside a split's; texts of others. No two share a run of `shared_words` words that are not
    all inside spans of the labels `names`.
    """

    folders: Mapping[str, Path]
    there: Sequence[Report]
    output: Path
    foreign: Foreign | None
    shared_words: int
    names: Collection[str]

    @property
    def split(self) -> str:
        """The split that models learn from, which new reports belong to."""
        return next(iter(self.folders))


def find_faults(new: Sequence[Report], against: Against, layer_of: Mapping[str, str]) -> Iterator[str]:
    """Faults of form, a line each; then the reports that are not new."""
    for report in new:
        yield from check_form(report, layer_of)
        try:
            list(checked([report.document]))
        except UserError as error:  # a lone surrogate
            yield f"{report.at(0)}: {error}"
    reports, faults = read_corpus(against.folders, layer_of)
    yield from faults
    output = against.output.resolve()
    old = [report for report in reports if not report.path.resolve().is_relative_to(output)]
    old += [replace(report, split=against.split) for report in against.there]
    others: list[Report] = []
    texts = {report.document.text.strip(): report for report in old}
    for report in new:  # a text shorter than the run that is looked for would else go by
        other = texts.setdefault(report.document.text.strip(), report)
        if other is report:
            others.append(report)
        else:
            kind = "leaks from" if report.split != other.split else "repeats"
            yield f"{report.at(0)}: {kind} {other.name}, they are the same text; take one of the two out."
    words, names = against.shared_words, against.names
    yield from find_shared_runs([*old, *others], words, names, since=len(old), mend=_MEND)
    if against.foreign:
        foreign = replace(against.foreign, words=max(words, against.foreign.words))
        yield from find_foreign_runs(new, foreign, names, mend=_MEND)
