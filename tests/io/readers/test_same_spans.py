"""Real reports, turned into each format and read again: the shipped model must find what it finds in the plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from ner_danvan.tagger import Tagger

from .pages import PAGES
from .printing import print_pdf
from .reading import read_one

WANTED = 0.98  # share of the plain text's spans that every other format must give


def write_docx(path: Path, lines: list[str]) -> None:
    file = pytest.importorskip("docx").Document()
    for line in lines:
        file.add_paragraph(line)
    file.save(path)


def write_page(name: str) -> Callable[[Path, list[str]], None]:
    def write(path: Path, lines: list[str]) -> None:
        path.write_text(PAGES[name](lines[0], "", lines[1:], ""), encoding="utf-8")

    return write


WRITERS: dict[str, tuple[str, Callable[..., object]]] = {
    "docx": ("docx", write_docx),
    "pdf, ragged": ("pdf", lambda path, lines: print_pdf(path, lines, align="L")),
    "pdf, justified, with headers": ("pdf", lambda path, lines: print_pdf(path, lines, "Tài liệu họp", "- {page} -")),
    "pdf, spaced": ("pdf", lambda path, lines: print_pdf(path, lines, align="L", space=3)),
    "pdf, indented": ("pdf", lambda path, lines: print_pdf(path, lines, indent=10)),
    **{f"html, {name}": ("html", write_page(name)) for name in PAGES},
}


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.from_pretrained()


@pytest.fixture(scope="module")
def texts(shared: Path) -> dict[str, str]:
    files = sorted((shared / "real" / "dev").glob("*.txt"))
    return {path.stem: re.sub(r"</?[A-Z]+>", "", path.read_text(encoding="utf-8")) for path in files}


def words(text: str) -> str:
    return " ".join(text.split())


def spans(tagger: Tagger, text: str) -> list[tuple[str, str]]:
    return [(span.label, words(span.text)) for span in tagger(text).spans]


def lines_of(text: str) -> list[str]:
    return [words(line) for line in text.split("\n") if line.strip()]


def differences(name: str, plain: str, other: str) -> Iterator[str]:
    """Lines that are not the same, and whether it is the line ends alone."""
    first, second = lines_of(plain), lines_of(other)
    if first != second:
        only = "line ends" if " ".join(first) == " ".join(second) else "words"
        matcher = SequenceMatcher(a=first, b=second, autojunk=False)
        changed = sum(tag != "equal" for tag, *_ in matcher.get_opcodes())
        yield f"{name}: {only} differ in {changed} places"


@pytest.mark.parametrize("kind", WRITERS)
def test_spans_are_those_of_the_plain_text(kind: str, tagger: Tagger, texts: dict[str, str], tmp_path: Path) -> None:
    ending, write = WRITERS[kind]
    pytest.importorskip({"html": "lxml", "pdf": "pypdfium2", "docx": "docx"}[ending])
    same = whole = more = 0
    told: list[str] = []
    for name, text in texts.items():
        path = tmp_path / f"{name}.{ending}"
        write(path, [line for line in text.split("\n") if line.strip()])
        document = read_one(path)
        wanted, found = spans(tagger, text), spans(tagger, document.text)
        matching = SequenceMatcher(a=wanted, b=found, autojunk=False).get_matching_blocks()
        hit = sum(block.size for block in matching)
        same, whole, more = same + hit, whole + len(wanted), more + len(found) - hit
        told += differences(name, text, document.text)
    # seen with -s, or where it fails
    print(f"\n{kind}: {same} of {whole} spans the same ({same / whole:.2%}), {more} others", *told, sep="\n  ")
    assert same >= WANTED * whole
    assert more <= (1 - WANTED) * whole
