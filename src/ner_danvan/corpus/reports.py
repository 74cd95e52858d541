"""Annotated reports: folders of `.txt` files with inline markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ner_danvan.corpus.tagged import is_tagged, read_tagged
from ner_danvan.document import Document, check_document, line_of, parse_inline, read_jsonl, read_text
from ner_danvan.errors import UserError


@dataclass(frozen=True, slots=True)
class Report:
    """A parsed report with its file and split; `place` is how faults name it where that is not its file."""

    path: Path
    split: str
    document: Document
    place: str | None = None

    @property
    def name(self) -> str:
        """What faults call it."""
        return self.place or str(self.path)

    def at(self, offset: int) -> str:
        """Its name and the line of an offset, as faults begin with them."""
        return f"{self.name}:{line_of(self.document.text, offset)}"


def read_report(path: Path, layer_of: Mapping[str, str]) -> Document:
    """One annotated report; its id is the file's stem. Raises UserError with file and line."""
    document = parse_inline(read_text(path), str(path), tuple(layer_of))
    return replace(check_document(document, layer_of, str(path)), id=path.stem)


def report_paths(folder: Path) -> list[Path]:
    """The `.txt` files of a folder and those below it, by name; raises UserError where there are none."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give one that holds annotated .txt reports.")
    paths = sorted(path for path in folder.rglob("*.txt") if path.is_file())
    if not paths:
        raise UserError(f"{folder}: no .txt report in it; write some with inline tags, see data/GUIDELINES.md.")
    return paths


def read_gold(path: Path, layer_of: Mapping[str, str]) -> list[Document]:
    """Annotated documents of a folder of reports, of one report, of a document JSONL file, or of tagged words."""
    if is_tagged(path):
        return [check_document(document, layer_of, f"{path}: {document.id}") for document in read_tagged(path)]
    if path.suffix == ".jsonl":
        documents = [check_document(document, layer_of, f"{path}: {document.id}") for document in read_jsonl(path)]
        if not documents:
            raise UserError(f"{path}: no document in it; write one JSON object a line.")
        return documents
    if path.suffix == ".txt" and path.is_file():
        return [read_report(path, layer_of)]
    if path.suffix and not path.is_dir():
        what = "is no annotated data that is known" if path.is_file() else "no such file"
        raise UserError(
            f"{path}: {what}; give a folder of .txt reports or one of them, a document .jsonl, or words and tags as "
            f'.conll or {{"words": [...], "tags": [...]}} lines in .jsonl.'
        )
    return [read_report(report, layer_of) for report in report_paths(path)]


def limited(documents: Sequence[Document], limit: int) -> list[Document]:
    """So many of the documents (0 for all), in their order; the choice of 40 is part of the choice of 100."""
    order = sorted(range(len(documents)), key=lambda i: (sha256(documents[i].id.encode()).digest(), i))
    return [documents[i] for i in sorted(order[: limit or None])]
