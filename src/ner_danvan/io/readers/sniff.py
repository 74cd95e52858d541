"""Which format bytes are in: by what they begin with, and by the file's ending where that does not tell."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8, utf_8_decode
from pathlib import PurePath
from zipfile import ZipFile

from ner_danvan.io.readers.source import Source

TEXT, JSONL, DOCX, PDF, HTML, MAIL, CSV, XLSX, PARQUET, ZIP = (
    "text", "JSONL", "DOCX", "PDF", "HTML", "mail", "CSV", "XLSX", "Parquet", "ZIP",
)  # fmt: skip
_BY_ENDING = {
    ".txt": TEXT, ".text": TEXT, ".md": TEXT, ".jsonl": JSONL, ".ndjson": JSONL, ".docx": DOCX, ".docm": DOCX,
    ".pdf": PDF, ".html": HTML, ".htm": HTML, ".xhtml": HTML, ".eml": MAIL, ".csv": CSV, ".tsv": CSV,
    ".xlsx": XLSX, ".xlsm": XLSX, ".parquet": PARQUET, ".zip": ZIP,
}  # fmt: skip
ENDINGS = tuple(_BY_ENDING)  # of the files that a folder or an archive gives
ONE_DOCUMENT = (TEXT, DOCX, PDF, HTML)  # a file of these is one document
BULK_ENDINGS = tuple(ending for ending, kind in _BY_ENDING.items() if kind in (*ONE_DOCUMENT, JSONL))
_BINARY = {DOCX, PDF, XLSX, PARQUET, ZIP}  # these have a mark of their own, or are broken

_HEAD = 4096
_FEW, _BEFORE_PDF = 64, 1024  # bytes that may stand before a PDF, such as headers of a server
# nothing in it is tried twice: comments could be paired in two ways each, which doubles the time with each of them
_PAGE = re.compile(
    rb"\s*+(?:<\?xml[^>]*\?>\s*+)?(?>(?:(?><!--.*?-->)\s*+)*)<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_MAIL_LINE = re.compile(rb"(?:[A-Za-z-]{2,40}:.*|[ \t].*)\r?\n")
_MAIL_MARK = re.compile(rb"^(?:MIME-Version|Received|Message-ID|Return-Path):", re.I | re.M)
_ROW = re.compile(rb'\{[ \t]*+"(?:id|text|meta|spans)"[ \t]*+:')  # how a line of document JSONL begins
_OLD = {
    b"\xd0\xcf\x11\xe0": "is an old Office file (.doc, .xls) or a mail of Outlook; save it as .docx, .xlsx or .eml.",
    b"{\\rtf": "is RTF; open it in Word and save it as .docx.",
    b"\x89PNG": "is a picture; run OCR on it, and give its text.",
    b"\xff\xd8\xff": "is a picture; run OCR on it, and give its text.",
    b"Rar!": "is a RAR archive; unpack it, and give the folder.",
    b"7z\xbc\xaf": "is a 7z archive; unpack it, and give the folder.",
    b"\x1f\x8b": "is packed with gzip; unpack it first.",
}


def kind_of(source: Source) -> str:
    """One of the kinds above; raises UserError if it is one that no reader takes, or its ending promises another."""
    head = source.stream.read(_HEAD)
    source.stream.seek(0)
    by_ending = kind_of_ending(source.name)
    for mark, message in _OLD.items():
        if head.startswith(mark):
            raise source.fault(message)
    if _is_pdf(head, by_ending):
        return PDF
    if head.startswith(b"PAR1"):
        return PARQUET
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(source)
    if by_ending in (JSONL, CSV, MAIL, HTML):
        return by_ending
    if _PAGE.match(_ascii(head)):
        return HTML
    if by_ending in _BINARY:
        raise source.fault(f"is no {by_ending} file, whatever its ending; get it again, or rename it to what it is.")
    if not PurePath(source.name).suffix and _begins_with_row(head.removeprefix(BOM_UTF8)):  # as what comes by a pipe
        return JSONL
    return MAIL if _is_mail(head) else TEXT


def kind_of_ending(name: str) -> str | None:
    """What a name promises; None if it promises nothing."""
    return _BY_ENDING.get(PurePath(name).suffix.lower())


def _is_pdf(head: bytes, by_ending: str | None) -> bool:
    """Whether a PDF begins here, at once or behind what some servers put before it; a text may speak of the mark."""
    if by_ending in (HTML, MAIL, JSONL, CSV):
        return False
    before = head.find(b"%PDF-", 0, _BEFORE_PDF)
    nobody_says = by_ending is None and before < _FEW
    return before == 0 or (before > 0 and (by_ending == PDF or nobody_says or not _is_utf8(head)))


def _is_utf8(head: bytes) -> bool:
    try:
        utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _begins_with_row(head: bytes) -> bool:
    """Whether the first line is a document's, as far as it is there."""
    if not _ROW.match(head):
        return False
    line, end, _ = head.partition(b"\n")
    if not end and len(head) == _HEAD:
        return b'"text"' in line
    try:
        return isinstance(json.loads(line)["text"], str)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def _ascii(head: bytes) -> bytes:
    """Bytes in which ASCII can be looked for, in UTF-16 and UTF-32 too."""
    wide = re.match(rb"\xff\xfe|(?:\0\0)?\xfe\xff", head)
    return head[wide.end() :].replace(b"\0", b"") if wide else head.removeprefix(b"\xef\xbb\xbf")


def _is_mail(head: bytes) -> bool:
    """Whether a text begins with a mail's headers, one of which no letter writer types."""
    end = 0
    while match := _MAIL_LINE.match(head, end):
        end = match.end()
    rest = head[end : end + 2]
    return bool(_MAIL_MARK.search(head[:end])) and (rest.startswith((b"\n", b"\r\n")) or len(head) == _HEAD)


def _kind_of_zip(source: Source) -> str:
    try:
        with ZipFile(source.stream) as file:
            names = set(file.namelist())
    except Exception:  # whatever its directory makes `zipfile` stumble over
        return kind_of_ending(source.name) or ZIP  # its reader tells what is wrong
    finally:
        source.stream.seek(0)
    if "[Content_Types].xml" in names:
        folders = {name.partition("/")[0] for name in names}
        for folder, kind in (("word", DOCX), ("xl", XLSX)):
            if folder in folders:
                return kind
        raise source.fault("is an Office file without text to read, slides perhaps; save it as .docx or PDF.")
    if "mimetype" in names and "content.xml" in names:
        raise source.fault("is an OpenDocument file; save it as .docx or .xlsx.")
    return ZIP
