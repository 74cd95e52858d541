"""Runs of words that two texts share: a repetition within a split, a leak across splits, a copy of somebody's text.

Runs are compared in lower case and NFC. Against texts of others the style of tone marks is no difference either;
among our own reports it is, for a formula such as an election's full name may stand in two of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_danvan.corpus.reports import Report, report_paths
from ner_danvan.document import Document, read_text
from ner_danvan.sections import whole_number
from ner_danvan.text.normalize import model_copy

_WORD = re.compile(r"\w+")
_TAG = re.compile(r"</?[A-Z][A-Z0-9_]*>")  # inline markup; a foreign text may be annotated with labels of its own

Run = tuple[str, ...]  # words in lower case

_SHOWN = 12  # words of a run in a fault
_WRITE_ANEW = "write one of them anew"


@dataclass(frozen=True)
class Foreign:
    """Texts of others: no report may share a run of so many `words` with a `.txt` file below `folder`."""

    folder: Path
    words: int


def find_shared_runs(
    reports: Sequence[Report], words: int, names: Collection[str], *, since: int = 0, mend: str = _WRITE_ANEW
) -> Iterator[str]:
    """One fault for each pair of reports that share a run of so many words, named at its first place.

    A run of nothing but words inside spans of the labels in `names` is left out: a body's full name, and a list
    of titles, is the same wherever it stands. Reports before number `since` are only compared with.
    """
    seen: dict[Run, int] = {}
    told: set[tuple[int, int]] = set()
    for number, report in enumerate(reports):
        for start, run in _runs(report.document, words, names):
            first = seen.setdefault(run, number)
            if number < since or first == number or (first, number) in told:
                continue
            told.add((first, number))
            other = reports[first]
            kind = "leaks from" if report.split != other.split else "repeats"
            yield _fault(report, start, f"{kind} {other.name}, they share", run, mend)


def find_foreign_runs(
    reports: Sequence[Report], foreign: Foreign, names: Collection[str], *, mend: str = "write it anew"
) -> Iterator[str]:
    """One fault for each report and foreign text that share a run, named at its first place in the report.

    Runs inside names are left out as by `find_shared_runs`. Raises UserError where the folder holds no text.
    """
    whole_number("foreign.words", foreign.words, 1)
    source: dict[Run, list[Path]] = {}
    for path in report_paths(foreign.folder):
        text = _TAG.sub("", read_text(path))
        for run in {run for _, run in _runs(Document(str(path), text), foreign.words, (), any_tones=True)}:
            source.setdefault(run, []).append(path)
    for report in reports:
        told: set[Path] = set()
        for start, run in _runs(report.document, foreign.words, names, any_tones=True):
            for path in source.get(run, ()):
                if path not in told:
                    told.add(path)
                    yield _fault(report, start, f"shares with {path}", run, mend)


def _fault(report: Report, start: int, what: str, run: Run, mend: str) -> str:
    words = " ".join(run[:_SHOWN]) + (" …" if len(run) > _SHOWN else "")
    return f'{report.at(start)}: {what} "{words}"; {mend}.'


def _runs(
    document: Document, words: int, names: Collection[str], *, any_tones: bool = False
) -> Iterator[tuple[int, Run]]:
    """Runs of so many words with the offset of their first, but for those all inside spans of `names`.

    With `any_tones` words are in new-style tone marks, whatever the text has.
    """
    copy = model_copy(document.text)
    found = []
    for match in _WORD.finditer(copy.text):
        start, end = copy.starts[match.start()], copy.ends[match.end() - 1]
        word = match.group() if any_tones else unicodedata.normalize("NFC", document.text[start:end])
        found.append((start, end, word.lower()))
    named = [(span.start, span.end) for span in document.spans if span.label in names]
    free = [not any(first <= start and end <= last for first, last in named) for start, end, _ in found]
    for i in range(len(found) - words + 1):
        if any(free[i : i + words]):
            yield found[i][0], tuple(word for _, _, word in found[i : i + words])
