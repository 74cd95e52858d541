"""The formats that documents are converted from and to, by name; which one a path is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ner_danvan.document import Document, read_jsonl, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.io.tools import brat, conll, docbin, doccano, inline, label_studio, webanno
from ner_danvan.io.tools.checks import check_spans
from ner_danvan.io.tools.files import files_below, has_ending, json_lines, whole, write_exactly
from ner_danvan.io.tools.webanno_reader import is_tsv
from ner_danvan.labels import LabelScheme


@dataclass(frozen=True)
class Format:
    """How documents are read and written; `what` tells people, with what cannot be said in it.

    A format that is a folder has a file a document. `companion` is an ending and what makes the text of another file,
    which stands beside the output.
    """

    what: str
    endings: tuple[str, ...]
    is_folder: bool
    read: Callable[[Path, LabelScheme], Iterator[Document]]
    write: Callable[[Iterable[Document], Path, LabelScheme], None]
    companion: tuple[str, Callable[[LabelScheme], str]] | None = None


def _write_jsonl(documents: Iterable[Document], path: Path, scheme: LabelScheme) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(to_json_line(check_spans(document)) + "\n" for document in documents)


FORMATS: dict[str, Format] = {
    "jsonl": Format(
        "document JSONL, as predict writes it (scores rounded to 6 places)",
        (".jsonl", ".ndjson"),
        False,
        lambda path, scheme: read_jsonl(path),
        _write_jsonl,
    ),
    "inline": Format(
        "folder of reports with inline tags; spans may nest, but crossing ones are an error",
        (inline.ENDING,),
        True,
        inline.read,
        inline.write,
    ),
    "label-studio": Format(
        "Label Studio JSON, and its labelling config beside it; keeps everything",
        (".json",),
        False,
        lambda path, scheme: label_studio.read(path),
        label_studio.write,
        (".config.xml", label_studio.labelling_config),
    ),
    "doccano": Format(
        "doccano JSONL; keeps everything; the project must allow overlapping spans",
        (),
        False,
        lambda path, scheme: doccano.read(path),
        doccano.write,
    ),
    "brat": Format(
        "folder of brat .txt and .ann; a span that begins or ends with a line end or a tab is an error, and so is a "
        "discontinuous annotation",
        (".ann",),
        True,
        lambda path, scheme: brat.read(path),
        brat.write,
    ),
    "webanno": Format(
        "folder of WebAnno TSV 3.3 (WebAnno, INCEpTION)",
        (webanno.ENDING,),
        True,
        lambda path, scheme: webanno.read(path),
        webanno.write,
    ),
    "conll": Format(
        "CoNLL with IOB2 tags, a column a layer; comments keep what tokens cannot say; overlap in a layer is an error",
        (".conll", ".iob2", ".iob", ".bio"),
        False,
        lambda path, scheme: conll.read(path),
        conll.write,
    ),
    "spacy": Format(
        "spaCy DocBin, a span group a layer; keeps everything; needs the extra [spacy]",
        (".spacy",),
        False,
        lambda path, scheme: docbin.read(path),
        docbin.write,
    ),
}


def companion_path(name: str, path: Path) -> Path | None:
    """Where a file lies that belongs beside an output of this format; None if there is none."""
    companion = FORMATS[name].companion
    return path.with_suffix(companion[0]) if companion else None


def write_companion(name: str, path: Path, scheme: LabelScheme) -> None:
    """Write what belongs beside an output of this format, whole or not at all; raises UserError if it cannot be."""
    companion, beside = FORMATS[name].companion, companion_path(name, path)
    if companion and beside:
        with whole(beside, folder=False) as place:
            write_exactly(place, companion[1](scheme))


def format_to_read(path: Path, option: str = "--from") -> str:
    """The format of a file by its ending, of a folder by the files in it; raises UserError that names the option."""
    if path.is_dir():
        files = files_below(path)
        if any(has_ending(file, ".ann") for file in files):
            return "brat"
        if any(has_ending(file, webanno.ENDING) and is_tsv(file) for file in files):
            return "webanno"
        if any(has_ending(file, inline.ENDING) for file in files):
            return "inline"
        raise UserError(f"{path}: holds no .ann, WebAnno .tsv or .txt file; give another folder, or say {option}.")
    name = format_to_write(path, option)
    if name == "jsonl" and path.is_file():
        _, first = next(json_lines(path), ("", {}))
        return "doccano" if "spans" not in first and {"label", "labels", "entities"} & set(first) else name
    return name


def format_to_write(path: Path, option: str = "--to") -> str:
    """The format of a path by its ending; raises UserError that names the option if it has none that is known."""
    for name, form in FORMATS.items():
        if path.suffix.lower() in form.endings:
            return name
    ending = f"its ending {path.suffix}" if path.suffix else "a path without an ending"
    raise UserError(f"{path}: {ending} names no format; say {option}, one of {', '.join(FORMATS)}.")
