"""Documents and spans: the data, their validation, JSONL and the inline markup.

Offsets are code points of the text exactly as it came in; `text[span.start:span.end] == span.text`.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ner_danvan.errors import UserError
from ner_danvan.relations import KINDS, Kinds, Role, Task, find_roles, find_tasks
from ner_danvan.span import Span, sorted_spans
from ner_danvan.strict_json import parse_json

# What looks like a tag of the inline markup: an upper-case name, as in <ORG> and </ORG>.
_NAME = r"[A-Z][A-Z0-9_]*"
_ESCAPE = re.compile(rf"<(?=/?{_NAME}>)|&(?=(?:amp;)*lt;/?{_NAME}>)")
_MARKUP = re.compile(rf"<(/?)({_NAME})>|&((?:amp;)*)lt;(?=/?{_NAME}>)")

_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# Spans of a layer never overlap, so those of a scheme are together no longer than the text times its layers, of which
# ours has 3. Each span copies its text: without a bound a megabyte could ask for gigabytes.
_MOST_TIMES, _MOST_AT_LEAST = 20, 1_000_000
_BRACKETS = {")": "(", "]": "[", "}": "{", "”": "“", "’": "‘", "»": "«", '"': '"', "'": "'"}
_PART_OF_A_FIGURE = "%‰"  # Unicode calls them punctuation; "giảm 5%" still ends where it ends


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its spans, in order of start; `meta` holds whatever the caller wants to keep."""

    id: str
    text: str
    spans: tuple[Span, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def roles(self, kinds: Kinds = KINDS) -> tuple[Role, ...]:
        """Who holds which post in which body, as far as the text joins them; see `relations.find_roles`."""
        return find_roles(self.text, self.spans, kinds)

    def tasks(self, kinds: Kinds = KINDS) -> tuple[Task, ...]:
        """What is to be done, by whom, with the bodies and dates in it; see `relations.find_tasks`."""
        return find_tasks(self.text, self.spans, kinds)


# --- validation -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in a document: where (code points) and what, with its mend."""

    offset: int
    message: str


def find_problems(
    document: Document, layer_of: Mapping[str, str], *, edges: bool = True, nested: bool = True
) -> list[Problem]:
    """Everything that is wrong with a document's spans, in order of offset.

    `layer_of` maps each label to its layer: spans of one layer must not overlap. `nested` also asks that
    those of different layers nest or stand apart, as gold does; layers are decoded apart, so predictions may
    cross. `edges` asks that no span begins or ends with white space or punctuation, as the guidelines do.
    """
    text, found = document.text, []
    valid: list[Span] = []
    for span in sorted_spans(document.spans):
        if not 0 <= span.start < span.end <= len(text):
            found.append(
                Problem(
                    max(0, min(span.start, len(text))),
                    f"{span.label} [{span.start}, {span.end}) is empty or lies outside the text of "
                    f"{len(text)} characters; give 0 <= start < end <= {len(text)}.",
                )
            )
            continue
        if text[span.start : span.end] != span.text:
            found.append(
                Problem(
                    span.start,
                    f"{span.label} [{span.start}, {span.end}) says {_quote(span.text)} but the text there is "
                    f"{_quote(text[span.start : span.end])}; count offsets in code points of the untouched text.",
                )
            )
            continue
        if span.label not in layer_of:
            found.append(Problem(span.start, unknown_label(span.label, layer_of)))
            continue
        if edges and (fault := _edge_fault(span.text)):
            found.append(Problem(span.start, f"{span.label} {_quote(span.text)} {fault}."))
        valid.append(span)
    found += _clashes(valid, layer_of, nested=nested)
    return sorted(found, key=lambda problem: problem.offset)


def unknown_label(label: str, known: Iterable[str]) -> str:
    """The message for a label that the scheme lacks."""
    return f'unknown label "{label}"; known are {", ".join(known)}.'


def check_document(document: Document, layer_of: Mapping[str, str], source: str, *, nested: bool = True) -> Document:
    """The document itself; raises UserError with `source` and line at its first problem, edges aside."""
    for problem in find_problems(document, layer_of, edges=False, nested=nested):
        raise UserError(f"{source}:{line_of(document.text, problem.offset)}: {problem.message}")
    return document


def line_of(text: str, offset: int) -> int:
    """The line, counted from 1, on which an offset stands."""
    return text.count("\n", 0, offset) + 1


def _edge_fault(text: str) -> str | None:
    first, last = text[0], text[-1]
    if first.isspace() or last.isspace():
        return "begins or ends with white space; move the tag"
    if _is_punctuation(first):
        return f"begins with {first}; move the tag behind it"
    if _is_punctuation(last) and _BRACKETS.get(last, "\0") not in text[:-1]:
        return f"ends with {last}; move the tag before it"
    return None


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char).startswith("P") and char not in _PART_OF_A_FIGURE


def _clashes(spans: Iterable[Span], layer_of: Mapping[str, str], *, nested: bool) -> Iterator[Problem]:
    """Spans that overlap one of their own layer, and, with `nested`, those that cross one of another."""
    furthest: dict[str, Span] = {}  # of each layer, the span that reaches furthest so far
    enclosing: list[Span] = []
    for span in sorted_spans(spans):
        layer = layer_of[span.label]
        while enclosing and enclosing[-1].end <= span.start:
            enclosing.pop()
        before = furthest.get(layer)
        if before and span.start < before.end:
            names = f"{before.label} {_quote(before.text)} and {span.label} {_quote(span.text)}"
            yield Problem(span.start, f'{names} overlap in layer "{layer}"; close one before opening the other.')
        elif nested and enclosing and span.end > enclosing[-1].end:
            yield Problem(span.start, _crossing(enclosing[-1], span))
        if not before or span.end > before.end:
            furthest[layer] = span
        enclosing.append(span)


def _crossing(first: Span, second: Span) -> str:
    names = f"{first.label} {_quote(first.text)} and {second.label} {_quote(second.text)}"
    return f"{names} cross; put one inside the other or apart."


def _quote(text: str, limit: int = 60) -> str:
    return json.dumps(text if len(text) <= limit else text[: limit - 1] + "…", ensure_ascii=False)


# --- inline markup ----------------------------------------------------------------------------


def parse_inline(markup: str, source: str, labels: Collection[str]) -> Document:
    """Read nested tags, as in `<POSITION>Trưởng <ORG>Ban Dân vận</ORG></POSITION>`.

    The text is the markup without its tags, character for character; `&lt;ORG>` stands for a tag that
    belongs to the text. `source` becomes the id and opens each error, with the line.
    """
    pieces: list[str] = []
    found: list[tuple[int, int, str]] = []
    opened: list[tuple[str, int, int]] = []  # label, start in the text, place in the markup
    length = position = 0

    def fail(place: int, message: str) -> UserError:
        return UserError(f"{source}:{line_of(markup, place)}: {message}")

    for match in _MARKUP.finditer(markup):
        plain = markup[position : match.start()]
        pieces.append(plain)
        length += len(plain)
        position = match.end()
        closing, label, escaped = match.groups()
        if label is None:
            literal = "<" if not escaped else "&" + escaped[len("amp;") :] + "lt;"
            pieces.append(literal)
            length += len(literal)
        elif label not in labels:
            raise fail(match.start(), f"{unknown_label(label, labels)} Where it is text, write &lt;{label}>.")
        elif not closing:
            opened.append((label, length, match.start()))
        elif not opened:
            raise fail(match.start(), f"</{label}> closes nothing; take it out or open <{label}> before it.")
        elif opened[-1][0] != label:
            inner, _, place = opened[-1]
            raise fail(
                match.start(),
                f"</{label}> comes before </{inner}> of line {line_of(markup, place)}; close the inner tag first.",
            )
        else:
            _, start, _ = opened.pop()
            if start == length:
                raise fail(match.start(), f"<{label}></{label}> holds nothing; take both tags out, or put text inside.")
            found.append((start, length, label))
    if opened:
        label, _, place = opened[-1]
        raise fail(place, f"<{label}> is never closed; put </{label}> where the span ends.")
    pieces.append(markup[position:])
    text = "".join(pieces)
    spans = (Span(start, end, label, text[start:end]) for start, end, label in found)
    return Document(id=source, text=text, spans=sorted_spans(bounded(spans, text, source)))


def render_inline(document: Document) -> str:
    """The inverse of `parse_inline`; raises UserError where spans cross, which tags cannot say."""
    enclosing: list[Span] = []
    for span in sorted_spans(document.spans):
        while enclosing and enclosing[-1].end <= span.start:
            enclosing.pop()
        if enclosing and span.end > enclosing[-1].end:
            where = f"{document.id}:{line_of(document.text, span.start)}"
            raise UserError(f"{where}: {_crossing(enclosing[-1], span)}")
        enclosing.append(span)
    tags: list[tuple[int, int, int, str]] = []
    for order, span in enumerate(sorted_spans(document.spans)):
        tags.append((span.start, 1, order, f"<{span.label}>"))
        tags.append((span.end, 0, -order, f"</{span.label}>"))
    pieces, position = [], 0
    for place, _, _, tag in sorted(tags):
        pieces += [escape_inline(document.text[position:place]), tag]
        position = place
    return "".join([*pieces, escape_inline(document.text[position:])])


def escape_inline(text: str) -> str:
    """Text in which whatever looks like a tag, or like an escaped one, is escaped once."""
    return _ESCAPE.sub(lambda match: "&lt;" if match.group() == "<" else "&amp;", text)


# --- files ------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The file's text, line ends untouched; raises UserError with the offset of a byte that is not UTF-8."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; check the path.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    return decode_utf8(data, str(path))


def decode_utf8(data: bytes, source: str) -> str:
    """Text of UTF-8 bytes, a leading byte-order mark kept; raises UserError that names the first bad byte."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{source}: byte {error.start} (0x{data[error.start]:02x}) is not UTF-8; {_mend_encoding(data)}."
        ) from None


def _mend_encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16: iconv -f UTF-16 -t UTF-8"
    if data.startswith((b"PK\x03\x04", b"%PDF")) or b"\0" in data[:1_000]:
        return "it is no text file; save it as plain text in UTF-8"
    return "convert it from what it is, for Vietnamese often: iconv -f WINDOWS-1258 -t UTF-8"


def document_to_dict(document: Document) -> dict[str, Any]:
    """The JSONL form: `{"id", "text", "spans": [{"start", "end", "label", "text", "score"?}], "meta"?}`."""
    spans = []
    for span in document.spans:
        row: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label, "text": span.text}
        if span.score is not None:
            row["score"] = round(span.score, 6)
        spans.append(row)
    result: dict[str, Any] = {"id": document.id, "text": document.text, "spans": spans}
    if document.meta:
        result["meta"] = dict(document.meta)
    return result


def document_from_dict(row: Any, source: str) -> Document:
    """Read the JSONL form; a span without "text" takes it from the offsets. Raises UserError."""
    if not isinstance(row, dict):
        raise UserError(f'{source}: a JSON object with "text" is wanted, not {type(row).__name__}.')
    text, spans = row.get("text"), row.get("spans") or []
    if not isinstance(text, str):
        raise UserError(f'{source}: "text" is missing or no string; write {{"id": …, "text": …}}.')
    if not isinstance(spans, list):
        raise UserError(f'{source}: "spans" is no list; write [{{"start": …, "end": …, "label": …}}].')
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise UserError(f'{source}: "meta" is no object; write {{…}} or leave it out.')
    name = row.get("id")
    if isinstance(name, list | dict | bool):
        raise UserError(f'{source}: "id" is neither a string nor a number; write {{"id": "…"}} or leave it out.')
    read = bounded(_spans_from(spans, text, source), text, source)
    return Document(source if name is None else str(name), text, sorted_spans(read), meta)


def _spans_from(rows: list[Any], text: str, source: str) -> Iterator[Span]:
    for span in rows:
        try:
            start, end, label = span["start"], span["end"], span["label"]
            score = span.get("score")
        except (TypeError, KeyError, AttributeError):
            raise UserError(f'{source}: a span lacks "start", "end" or "label": {json.dumps(span)[:80]}.') from None
        piece = span.get("text", text[start:end] if _is_offset(start) and _is_offset(end) else "")
        if not _is_offset(start) or not _is_offset(end) or not isinstance(label, str) or not isinstance(piece, str):
            raise UserError(f"{source}: start and end must be whole numbers, label a string: {json.dumps(span)[:80]}.")
        if score is not None and not is_score(score):
            raise UserError(f"{source}: a score must be a number or be left out: {json.dumps(span)[:80]}.")
        yield Span(start, end, label, piece, score)


def read_jsonl(path: Path) -> Iterator[Document]:
    """Documents of a JSONL file, one a line, empty lines passed over; raises UserError with the line."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield parse_json_line(line, f"{path}:{number}")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None


def parse_json_line(line: bytes, source: str) -> Document:
    """One line of document JSONL; raises UserError with the source."""
    row = parse_json(decode_utf8(line.removeprefix(BOM_UTF8), source), source)
    return document_from_dict(row, source)


def to_json_line(document: Document) -> str:
    """One line of document JSONL, without its newline."""
    line = json.dumps(document_to_dict(document), ensure_ascii=False)
    if line.isascii() or not _SURROGATE.search(line):
        return line
    # a lone surrogate has no UTF-8 form; JSON's own escape has, and of two that make a pair readers make a character
    return json.dumps(document_to_dict(_as_read(document)))


def _as_read(document: Document) -> Document:
    """The document as whoever reads its JSON has it: two surrogates that make one character are that character.

    A span that begins or ends between the two holds the whole character.
    """
    text, pairs = document.text, [match.start() for match in _PAIR.finditer(document.text)]
    if not pairs:
        return document
    joined, spans = join_pairs(text), []
    for span in document.spans:
        start, end = span.start - bisect_left(pairs, span.start), span.end - bisect_left(pairs, span.end - 1)
        is_right = span.text == text[span.start : span.end]
        spans.append(replace(span, start=start, end=end, text=joined[start:end] if is_right else span.text))
    return replace(document, text=joined, spans=tuple(spans))


def join_pairs(text: str) -> str:
    """The text as whoever reads its JSON has it: two surrogates that make one character are that character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def bounded(spans: Iterable[Span], text: str, place: str) -> Iterator[Span]:
    """The spans one by one; raises UserError where they are together longer than those of any label scheme can be."""
    length, most = 0, max(_MOST_TIMES * len(text), _MOST_AT_LEAST)
    for number, span in enumerate(spans, 1):
        length += len(span.text)
        if length > most:
            raise UserError(
                f"{place}: the first {number} spans are together {length} characters of a text of {len(text)}, more "
                f"than {most}, as no layers of labels can be; leave out what is marked again and again."
            )
        yield span


def is_score(value: Any) -> bool:
    """Whether a value can be a score: a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
