"""Checks the annotated reports and writes the splits, their figures, and the dataset for the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ner_danvan.atomic import write_whole
from ner_danvan.corpus.check import CorpusError, check_corpus
from ner_danvan.corpus.export import DatasetName, write_dataset
from ner_danvan.corpus.index import with_meta
from ner_danvan.corpus.overlap import Foreign
from ner_danvan.corpus.plots import draw_plots
from ner_danvan.corpus.reports import Report
from ner_danvan.corpus.statistics import Reading, Statistics, corpus_statistics
from ner_danvan.corpus.tables import render_statistics, replace_block
from ner_danvan.document import read_text, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme
from ner_danvan.sections import number_of, whole_number
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.subwords import Subwords
from ner_danvan.text.windows import WindowSize

STATISTICS_FILE = "statistics.json"
PLOTS = "plots"  # the folder beside the page


@dataclass(frozen=True)
class Built:
    """The figures, what was written, and what was not checked, each in a line."""

    statistics: Statistics
    written: list[Path]
    skipped: list[str]


def run(values: Mapping[str, Any]) -> Built:
    """Check and build as the resolved configuration says; at a fault raises CorpusError and writes nothing."""
    check_values(values)
    scheme, output, hub = LabelScheme.from_config(values["labels"]["layers"]), Path(values["output"]), values["hub"]
    splits = list(values["splits"])
    page = Path(values["readme"]) if values["readme"] else None
    named = _named(hub) if hub else None
    foreign, skipped = foreign_texts(values["foreign"])
    reports = _checked_reports(values, scheme, foreign)
    statistics = corpus_statistics(reports, splits, scheme, _reading(values))
    text = replace_block(read_text(page), render_statistics(statistics), page) if page else ""

    output.mkdir(parents=True, exist_ok=True)
    written = [_write_split(reports, split, output) for split in splits]
    written.append(output / STATISTICS_FILE)
    write_whole(written[-1], json.dumps(statistics.to_dict(), ensure_ascii=False, indent=1) + "\n")
    if hub and not values["index"]:
        skipped.append("index=null: no dataset for the hub, since nothing is known of the reports.")
    elif hub and named:
        written.append(Path(hub["folder"]))
        write_dataset(reports, statistics, scheme, named, written[-1])
    if page:
        written += [page, *draw_plots(statistics, page.parent / PLOTS)]
        write_whole(page, text)
    return Built(statistics, written, skipped)


def check_values(values: Mapping[str, Any]) -> None:
    """Raise UserError for what no later step could use."""
    if not values["splits"] or not all(isinstance(folder, str) for folder in values["splits"].values()):
        raise UserError(f"splits={values['splits']}: name a folder for each split, splits.train=FOLDER.")
    words = (values["foreign"] or {}).get("words", 1)
    for key, value in (("shared_words", values["shared_words"]), ("foreign.words", words)):
        whole_number(key, value, 1)
    if not isinstance(values["names"], list):
        raise UserError(f"names={values['names']}: must be a list of labels, names=[ORG,POSITION] or names=[].")
    if not values["output"] or Path(str(values["output"])).is_file():
        raise UserError(f"output={values['output']}: name a folder.")
    for key in ("window", "overlap"):
        number_of(f"training.{key}", values["training"][key], int)
    if not values["model"]["path"]:
        raise UserError("model.path=null: name a directory with vocab.txt and bpe.codes.")


def _checked_reports(values: Mapping[str, Any], scheme: LabelScheme, foreign: Foreign | None) -> list[Report]:
    """All reports, with their stems as ids and what the index says of them; raises CorpusError."""
    reports, faults = check_corpus(
        {str(split): Path(folder) for split, folder in values["splits"].items()},
        scheme.layer_of,
        shared_words=int(values["shared_words"]),
        names=values["names"],
        foreign=foreign,
    )
    if values["index"]:
        reports, unknown = with_meta(reports, Path(values["index"]), values["groups"] or {})
        faults += unknown
    if faults:
        raise CorpusError(faults)
    return [replace(report, document=replace(report.document, id=report.path.stem)) for report in reports]


def foreign_texts(values: Mapping[str, Any] | None) -> tuple[Foreign | None, list[str]]:
    """The texts that reports must not share, or the line that says why they are not compared."""
    if not values:
        return None, []
    foreign = Foreign(Path(values["folder"]), int(values["words"]))
    if foreign.folder.is_dir():
        return foreign, []
    return None, [f"{foreign.folder}: no such folder, so the reports were not compared with texts of others."]


def _reading(values: Mapping[str, Any]) -> Reading:
    training = values["training"]
    try:
        window = WindowSize(int(training["window"]), int(training["overlap"]))
    except ValueError as error:
        raise UserError(f"training.window: {error}") from None
    return Reading(
        subwords=Subwords.from_files(Path(values["model"]["path"])),
        inputs=InputSettings(window, line_marks=bool(training["line_marks"])),
        min_cuts=int(training["split_words"]["min_cuts"]),
        min_share=float(training["split_words"]["min_share"]),
    )


def _named(hub: Mapping[str, Any]) -> DatasetName:
    try:
        return DatasetName(
            *(str(hub["name"]), str(hub["license"]), hub["meanings"] or {}, str(hub["origin"])),
            limits=list(hub["limits"] or ()),
            hub_id=hub.get("repo_id"),
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"hub: {error}; it wants folder, name, license, meanings, origin and limits.") from None


def _write_split(reports: Sequence[Report], split: str, folder: Path) -> Path:
    path = folder / f"{split}.jsonl"
    lines = [to_json_line(report.document) + "\n" for report in reports if report.split == split]
    write_whole(path, "".join(lines))
    return path
