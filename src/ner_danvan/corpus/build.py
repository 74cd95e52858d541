"""Checks the annotated reports and writes the splits as document JSONL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ner_danvan.corpus.check import Report, check_corpus
from ner_danvan.document import to_json_line
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme


@dataclass(frozen=True)
class SplitStatistics:
    """What a split holds; words are runs of characters between white space."""

    split: str
    documents: int
    words: int
    spans: dict[str, int]


class CorpusError(UserError):
    """The corpus has faults; `faults` has a line for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__(f"faults in the annotated reports: {len(faults)}; mend each where its line says.")


def run(values: Mapping[str, Any]) -> list[SplitStatistics]:
    """Check and build as the resolved configuration says; at a fault raises CorpusError and writes nothing."""
    scheme = LabelScheme.from_config(values["labels"]["layers"])
    folders = {str(split): Path(folder) for split, folder in values["splits"].items()}
    reports, faults = check_corpus(
        folders, scheme.layer_of, shared_words=int(values["shared_words"]), names=values["names"]
    )
    if faults:
        raise CorpusError(faults)
    output = Path(values["output"])
    output.mkdir(parents=True, exist_ok=True)
    for split in folders:
        lines = [
            to_json_line(replace(report.document, id=report.path.stem)) + "\n"
            for report in reports
            if report.split == split
        ]
        (output / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return [_statistics(split, [report for report in reports if report.split == split], scheme) for split in folders]


def _statistics(split: str, reports: Sequence[Report], scheme: LabelScheme) -> SplitStatistics:
    counts = Counter(span.label for report in reports for span in report.document.spans)
    return SplitStatistics(
        split=split,
        documents=len(reports),
        words=sum(len(report.document.text.split()) for report in reports),
        spans={label: counts[label] for label in scheme.labels},
    )
