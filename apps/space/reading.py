"""What the page is asked, and its answer: a text or a file, within limits, as the report's page and as three tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers import ENDINGS, Failure
from ner_danvan.io.readers.formats import read_source
from ner_danvan.io.readers.source import Settings, Source
from ner_danvan.io.tables import TABLES, Cell
from ner_danvan.io.terminal import visible
from ner_danvan.io.writers import FORMATS
from ner_danvan.tagger import Tagger

_SHOWN = 5  # remarks of one answer
PASTED = "Văn bản đã dán"  # what a text without a name is called

Rows: TypeAlias = list[tuple[Cell, ...]]


@dataclass(frozen=True)
class Limits:
    """What one request may ask for: characters and documents altogether, bytes of a file, seconds of work.

    `memory` is what the process that reads may have, in bytes; None where the system knows no such limit.
    """

    characters: int
    documents: int
    file_bytes: int
    seconds: float
    memory: int | None = None


@dataclass(frozen=True)
class Request:
    """A text, or else a file; `column` is that of a table, empty for the one that is named like a text.

    Spans less sure than `min_score` are left out; None takes the model's own limit.
    """

    text: str = ""
    file: Path | None = None
    column: str = ""
    min_score: float | None = None


@dataclass(frozen=True)
class Answer:
    """The report's page, the rows of each of TABLES, how many documents there are, and remarks, each in a line."""

    page: str
    tables: Mapping[str, Rows]
    documents: int
    remarks: list[str] = field(default_factory=list)


def answer(tagger: Tagger, request: Request, limits: Limits) -> Answer:
    """Read and tag what is asked. Raises UserError, in one line, if there is nothing to read or too much of it."""
    remarks: list[str] = []
    documents = list(_within(_items(request, limits, remarks.append), limits, remarks))
    if not documents:
        raise UserError(remarks[0] if remarks else "Tệp không có văn bản nào.")
    chosen = tagger if request.min_score is None else tagger.at(request.min_score)
    tagged = list(chosen.stream(documents))
    page = io.StringIO()
    with FORMATS["html"](page, tagger.scheme) as write:
        for document in tagged:
            write(document)
    tables = {name: [row for document in tagged for row in table.rows(document)] for name, table in TABLES.items()}
    return Answer(page.getvalue(), tables, len(tagged), _shown(remarks))


def _shown(remarks: list[str]) -> list[str]:
    more = len(remarks) - _SHOWN
    return [*remarks[:_SHOWN], f"Và {number(more)} ghi chú nữa."] if more > 0 else remarks


def _items(request: Request, limits: Limits, note: Callable[[str], None]) -> Iterable[Document | Failure]:
    if request.file is None:
        if not request.text.strip():
            raise UserError("Chưa có văn bản nào; hãy dán văn bản vào ô, hoặc chọn một tệp.")
        return [Document(PASTED, request.text)]
    name, size = request.file.name, request.file.stat().st_size
    if size > limits.file_bytes:
        raise UserError(
            f"“{name}” có {mebibytes(size)}; trang này nhận tệp không quá {mebibytes(limits.file_bytes)}. "
            "Hãy chia nhỏ tệp, hoặc chạy trên máy của mình."
        )
    stream = io.BytesIO(request.file.read_bytes())
    return read_source(
        Source(name, name, stream, {"source": name}), Settings(column=request.column.strip() or None, note=note)
    )


def _within(items: Iterable[Document | Failure], limits: Limits, remarks: list[str]) -> Iterable[Document]:
    """The documents, read no further than the limits; what fails becomes a remark, and counts as a document does."""
    characters = 0
    for documents, item in enumerate(items, 1):
        if documents > limits.documents:
            raise UserError(
                f"Tệp có nhiều văn bản quá: trang này nhận không quá {number(limits.documents)} văn bản mỗi lần. "
                "Hãy chia nhỏ, hoặc chạy trên máy của mình."
            )
        if isinstance(item, Failure):
            remarks.append(f"Không đọc được {' '.join(item.message.split())}")
            continue
        if not item.text.strip():
            remarks.append(f"Không đọc được {item.id}: không có chữ nào.")
            continue
        characters += len(item.text)
        if characters > limits.characters:
            raise UserError(
                f"Văn bản dài quá: trang này nhận không quá {number(limits.characters)} ký tự mỗi lần. "
                "Hãy chia nhỏ, hoặc chạy trên máy của mình."
            )
        yield item


def number(value: int) -> str:
    """A whole number as it is written in Vietnamese: 100.000."""
    return f"{value:,}".replace(",", ".")


def mebibytes(size: int) -> str:
    """A size for people: 10 MB, 0,5 MB."""
    return f"{size / 2**20:.1f}".replace(".", ",").removesuffix(",0") + " MB"


def one_line(message: str) -> str:
    """A message without line ends, and with pictures for characters that could not be seen."""
    return visible(" ".join(message.split()))


__all__ = ["ENDINGS", "PASTED", "Answer", "Limits", "Request", "Rows", "answer", "mebibytes", "number", "one_line"]
