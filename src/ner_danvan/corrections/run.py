"""Takes in what people corrected: checked, compared with its predictions, added to a folder of annotated reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_danvan.corpus.build import check_values, foreign_texts
from ner_danvan.corpus.check import CorpusError
from ner_danvan.corpus.reports import Report
from ner_danvan.corrections.changes import Comparison, compare
from ner_danvan.corrections.check import Against, find_faults
from ner_danvan.corrections.sources import (
    LABEL_STUDIO,
    Given,
    Item,
    choose_format,
    paired,
    read_before,
    read_items,
    repeated,
)
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import inline
from ner_danvan.io.tools.files import entries, files_below, has_ending
from ner_danvan.labels import LabelScheme
from ner_danvan.sections import whole_number

_SHOWN = 5  # ids in a line


@dataclass(frozen=True)
class Settings:
    """The section `corrections` of the configuration; configs/prepare_data.yaml says what each key means."""

    path: Path
    format: str
    before: tuple[tuple[Path, str], ...]  # each with its format
    annotators: tuple[str, ...]
    all_reviewed: bool
    output: Path
    shared_words: int


@dataclass(frozen=True)
class TakenIn:
    """The files written, what was compared with its predictions, and what was left out or not done, each in a line."""

    written: list[Path]
    compared: list[Comparison]
    notes: list[str]


def take_in(values: Mapping[str, Any]) -> TakenIn:
    """Take in an export as the resolved configuration says; at a fault raises CorpusError and writes nothing."""
    check_values(values)
    settings, scheme = _settings(values["corrections"]), LabelScheme.from_config(values["labels"]["layers"])
    items, faults = read_items(settings.path, settings.format, scheme, settings.annotators)
    if not items and not faults:
        raise UserError(f"{settings.path}: no document in it; is it {settings.format}?")
    notes: list[str] = []
    there = {report.document.id: report for report in _already_there(settings.output, scheme)}
    if settings.before:
        given = Given([each for path, form in settings.before for each in read_before(path, form, scheme)])
        items, others, note = _paired(items, given, there)
        faults += others
        notes += note
    items, note = _corrected(items, settings)
    notes += note
    faults += repeated(items)
    new, others, note = _new(items, there, settings)
    faults += others
    notes += note

    folders = {str(split): Path(folder) for split, folder in values["splits"].items()}
    foreign, note = foreign_texts(values["foreign"])
    notes += note
    against = Against(folders, list(there.values()), settings.output, foreign, settings.shared_words, values["names"])
    reports = [Report(settings.output, against.split, item.document, item.place) for item in new]
    faults += find_faults(reports, against, scheme.layer_of)
    if faults:
        raise CorpusError(faults, f"{settings.path}, and nothing was taken in")
    written = inline.add([item.document for item in new], settings.output, scheme) if new else []
    return TakenIn(written, [compare(item.document, item.before) for item in new if item.before is not None], notes)


def _settings(section: Mapping[str, Any]) -> Settings:
    """The section with its values checked; raises UserError that names the key."""
    path, before, annotator = Path(str(section["path"])), section["before"], section["annotator"]
    form = choose_format(path, section["format"], "corrections.format")
    if not isinstance(section["all_reviewed"], bool):
        raise UserError(f"corrections.all_reviewed={section['all_reviewed']} must be true or false.")
    words = whole_number("corrections.shared_words", section["shared_words"], 1)
    if not section["output"] or Path(str(section["output"])).is_file():
        raise UserError(f"corrections.output={section['output']}: name a folder.")
    several = before if isinstance(before, list) else [] if before is None else [before]
    sources = [Path(str(source)) for source in several]
    given = [(each, choose_format(each, section["before_format"], "corrections.before_format")) for each in sources]
    if any(source.samefile(path) for source in sources):
        raise UserError(f"{path}: is corrections.before too; give the predictions as they were before.")
    if form != LABEL_STUDIO and not given and not section["all_reviewed"]:
        raise UserError(
            f"corrections.before=null: {form} does not say who looked at what; give the predictions that were "
            "corrected, or say corrections.all_reviewed=true."
        )
    if form == LABEL_STUDIO and section["all_reviewed"]:
        raise UserError("corrections.all_reviewed=true: Label Studio says what was submitted; leave it out.")
    names = annotator if isinstance(annotator, list) else [] if annotator is None else [annotator]
    if names and form != LABEL_STUDIO:
        raise UserError(f"corrections.annotator={annotator}: {form} does not say who annotated; leave it out.")
    return Settings(
        path=path,
        format=form,
        before=tuple(given),
        annotators=tuple(str(name) for name in names),
        all_reviewed=section["all_reviewed"],
        output=Path(str(section["output"])),
        shared_words=words,
    )


def _paired(
    items: Iterable[Item], given: Given, there: Mapping[str, Report]
) -> tuple[list[Item], list[str], list[str]]:
    """The items joined to what people were given, the faults, and a note of what the export does not have.

    What nobody has annotated, and what was taken in before, need not be among it.
    """
    found: list[Item] = []
    faults: list[str] = []
    for item in items:
        try:
            found.append(paired(item, given))
        except UserError as error:
            if item.state in ("waiting", "skipped") or _is_there(item, there):
                found.append(item)
            else:
                faults.append(str(error))
    missing = given.ids - {item.document.id for item in found}
    note = [_note("predicted, not in the export", sorted(missing))] if missing and not faults else []
    return found, faults, note


def _corrected(items: Sequence[Item], settings: Settings) -> tuple[list[Item], list[str]]:
    """The items that people have corrected or confirmed, and notes of the others."""
    corrected: list[Item] = []
    others: dict[str, list[str]] = {}
    for item in items:
        if item.state == "waiting":
            why = "not annotated"
        elif item.state == "skipped":
            why = "skipped by who should annotate"
        elif item.state == "unknown" and not settings.all_reviewed and _is_as_before(item):
            why = f"as predicted, and {settings.format} does not say who looked at what (corrections.all_reviewed)"
        elif not item.document.spans:
            why = "without a span, which no annotated report is"
        else:
            corrected.append(item)
            continue
        others.setdefault(why, []).append(item.document.id)
    notes = [_note(why, ids) for why, ids in others.items()]
    return corrected, notes


def _note(why: str, ids: Sequence[str]) -> str:
    return f"{why}: {len(ids)} ({', '.join(ids[:_SHOWN])}{', …' if len(ids) > _SHOWN else ''})"


def _is_as_before(item: Item) -> bool:
    return item.before is not None and {s.key for s in item.document.spans} == {s.key for s in item.before}


def _already_there(folder: Path, scheme: LabelScheme) -> Iterator[Report]:
    """What was taken in before, each with its id."""
    if folder.is_dir() and any(has_ending(file, inline.ENDING) for file in files_below(folder)):
        for entry, document in zip(entries(folder, inline.ENDING), inline.read(folder, scheme), strict=True):
            yield Report(entry.path, "", document)


def _new(
    items: Sequence[Item], there: Mapping[str, Report], settings: Settings
) -> tuple[list[Item], list[str], list[str]]:
    """The items that are not there yet, faults of those that are there otherwise, and a note of those there already."""
    new: list[Item] = []
    faults: list[str] = []
    same: list[str] = []
    for item in items:
        if _is_there(item, there):
            same.append(item.document.id)
        elif report := there.get(item.document.id):
            faults.append(
                f"{item.place}: was taken in before, otherwise, as {report.path}; delete that file to take this one, "
                "or give another corrections.output."
            )
        elif item.before is None and item.state == "submitted":
            faults.append(
                f"{item.place}: its predictions are in the export as mere numbers; give corrections.before the file "
                "that was imported."
            )
        else:
            new.append(item)
    return new, faults, [_note(f"in {settings.output} already, the same", same)] if same else []


def _is_there(item: Item, there: Mapping[str, Report]) -> bool:
    report = there.get(item.document.id)
    return report is not None and (report.document.text, _keys(report.document)) == (
        item.document.text,
        _keys(item.document),
    )


def _keys(document: Document) -> set[tuple[int, int, str]]:
    return {span.key for span in document.spans}
