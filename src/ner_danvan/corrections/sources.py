"""What people corrected, as their tool exported it, and the predictions that they corrected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ner_danvan.document import Document, line_of
from ner_danvan.errors import UserError, one_line
from ner_danvan.io.terminal import visible
from ner_danvan.io.tools import label_studio
from ner_danvan.io.tools.formats import FORMATS, format_to_read
from ner_danvan.io.tools.label_studio import Annotation, Work
from ner_danvan.labels import LabelScheme
from ner_danvan.span import Span

LABEL_STUDIO = "label-studio"

State = Literal["submitted", "skipped", "waiting", "unknown"]  # unknown: the tool does not tell

_LINE_ENDS = "\r\n"


@dataclass(frozen=True)
class Item:
    """A document of an export, its spans without scores, and how faults name it.

    `before` are the spans that it was made from, None where they are not known.
    """

    place: str
    document: Document
    state: State = "unknown"
    before: tuple[Span, ...] | None = None


def read_items(path: Path, form: str, scheme: LabelScheme, annotators: Sequence[str]) -> tuple[list[Item], list[str]]:
    """The documents of an export, and a fault for each that cannot be read or on which annotators differ.

    `form` is a name in `FORMATS`. `annotators` are those whose work counts, the first before the second, where several
    annotated a document; raises UserError for one of whom there is nothing.
    """
    if form != LABEL_STUDIO:
        read = FORMATS[form].read(path, scheme)
        return [Item(_place(str(path), document), without_scores(document)) for document in read], []
    items: list[Item] = []
    faults: list[str] = []
    known: set[str] = set()
    for work in label_studio.read_work(path):
        if isinstance(work, UserError):
            faults.append(str(work))
            continue
        known |= {name for annotation in work.annotations for name in annotation.by}
        try:
            items.append(_item(work, annotators))
        except UserError as error:
            faults.append(str(error))
    if unknown := [name for name in annotators if name not in known]:
        there = f"the export has {', '.join(sorted(known))}" if known else "the export names nobody"
        raise UserError(f"corrections.annotator={unknown[0]}: has annotated nothing; {there}.")
    return items, faults


def read_before(path: Path, form: str, scheme: LabelScheme) -> list[Document]:
    """The documents that people were given."""
    return list(FORMATS[form].read(path, scheme))


def choose_format(path: Path, form: str | None, key: str) -> str:
    """A name in `FORMATS` that can be read from this path; `key` is what people set it with. Raises UserError."""
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path.")
    if form is not None and form not in FORMATS:
        raise UserError(f"{key}={form} is not known; take one of {', '.join(FORMATS)}.")
    form = form or format_to_read(path, f"{key}=FORMAT")
    if path.is_dir() and not FORMATS[form].is_folder:
        raise UserError(f"{path}: is a folder, and {form} is a file; give a file in it, or another {key}.")
    return form


def without_scores(document: Document) -> Document:
    """The document with spans as gold has them: what a model was sure of says nothing of what people are."""
    return replace(document, spans=tuple(replace(span, score=None) for span in document.spans))


def paired(item: Item, given: Given) -> Item:
    """The item with id, text, `meta` and spans of the document that people were given.

    Raises UserError where that is not to be found, or has another text. A tool may add line ends behind the text, as
    INCEpTION does; they are taken away again.
    """
    before, document = given.find(item.document), item.document
    if before is None:
        raise UserError(
            f"{item.place}: neither its id nor its text is among the predictions; give corrections.before all that "
            "were corrected, as a list if they are several files, or leave the document out of the export."
        )
    is_longer = document.text.rstrip(_LINE_ENDS) == before.text.rstrip(_LINE_ENDS)
    if document.text != before.text and not (is_longer and all(s.end <= len(before.text) for s in document.spans)):
        raise UserError(_altered(item, before))
    return replace(item, document=replace(before, spans=document.spans), before=before.spans)


class Given:
    """The documents that people were given, found by id, or by their text where a tool lost the id.

    Raises UserError where two have one id.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        for name, count in Counter(document.id for document in documents).items():
            if count > 1:
                raise UserError(
                    f'corrections.before: has {count} documents of the id "{visible(name)}"; leave one out, or give '
                    "each its own id."
                )
        self._by_id = {document.id: document for document in documents}
        self._by_text: dict[str, list[Document]] = {}
        for document in documents:
            self._by_text.setdefault(document.text.rstrip(_LINE_ENDS), []).append(document)

    @property
    def ids(self) -> set[str]:
        return set(self._by_id)

    def find(self, document: Document) -> Document | None:
        """The document of this id, or else the only one of this text."""
        if document.id in self._by_id:
            return self._by_id[document.id]
        same = self._by_text.get(document.text.rstrip(_LINE_ENDS), [])
        return same[0] if len(same) == 1 else None


def _item(work: Work, annotators: Sequence[str]) -> Item:
    place = _place(work.place, work.document, ", ")
    chosen = _choose(work.annotations, annotators, place)
    if chosen is None:
        return Item(place, work.document, "skipped" if work.is_skipped else "waiting", work.predicted)
    return Item(place, without_scores(replace(work.document, spans=chosen.spans)), "submitted", work.predicted)


def _choose(annotations: Sequence[Annotation], annotators: Sequence[str], place: str) -> Annotation | None:
    """Whose work counts: the ground truth's, else that of who is named first, else anybody's if all agree.

    Of one person the last counts. Raises UserError where several differ.
    """
    last = {annotation.by or (f"#{i}",): annotation for i, annotation in enumerate(annotations)}
    chosen = list(last.values())
    truths = [annotation for annotation in annotations if annotation.is_truth]
    if len(truths) == 1:
        return truths[0]
    for name in annotators:
        if named := [annotation for annotation in chosen if name in annotation.by]:
            return named[-1]
    keys = [{span.key for span in annotation.spans} for annotation in chosen]
    for other in keys[1:]:
        if other != keys[0]:
            names = " and ".join(visible(by[-1]) for by in last)
            raise UserError(
                f"{place}: annotated by {names}, who differ in {len(keys[0] ^ other)} spans; mark one annotation as "
                "ground truth, or say whose counts with corrections.annotator=NAME."
            )
    return chosen[-1] if chosen else None


def _altered(item: Item, before: Document) -> str:
    now = item.document.text
    place = next((i for i, (a, b) in enumerate(zip(before.text, now, strict=False)) if a != b), None)
    place = min(len(before.text), len(now)) if place is None else place
    was, is_ = (visible(one_line(text[place : place + 30])) for text in (before.text, now))
    return (
        f'{item.place}:{line_of(before.text, place)}: the text was altered, "{was}" is now "{is_}"; '
        "set it back, for spans are counted in the text that was tagged, or take the document out."
    )


def _place(source: str, document: Document, joint: str = ": ") -> str:
    return f"{source}{joint}{visible(one_line(document.id))}"


def repeated(items: Sequence[Item]) -> Iterator[str]:
    """A fault for each document whose id stood before in the export."""
    first: dict[str, str] = {}
    for item in items:
        if (name := item.document.id) in first:
            yield f"{item.place}: its id is that of {first[name]} too; take one of the two out."
        first.setdefault(name, item.place)
