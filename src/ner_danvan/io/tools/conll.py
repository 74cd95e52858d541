r"""CoNLL with IOB2 tags: a token a line, and behind it a column a layer, with a TAB before each.

Nesting: spans of one layer never overlap, so a column a layer of the label scheme says them all, spans that cross
included. `# global.columns` names the columns, as in CoNLL-U Plus. Spans of one layer that do overlap are an error.

Tokens and tags alone lose the white space, the id, `meta` and scores. So comments above a document's first token have
them, as JSON: `# id`, `# text`, `# meta`, `# scores`. In a token, white space, a backslash and a leading # are written
as JSON would escape them (`\u0020`). An empty line ends a sentence: it stands at each line end of the text that no
span crosses. Files without these comments are read too, a sentence as a document, with one space between two tokens.

The format: https://www.clips.uantwerpen.be/conll2003/ner/ and https://universaldependencies.org/ext-format.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ner_danvan.document import Document, bounded, read_text
from ner_danvan.errors import UserError
from ner_danvan.io.tools.checks import check_labels, checked, make_span, one_score_a_span, with_scores
from ner_danvan.io.tools.tokens import Token, tokens
from ner_danvan.labels import LabelScheme
from ner_danvan.span import sorted_spans
from ner_danvan.strict_json import parse_json

_NAME = re.compile(r"\S+")
_COLUMNS = "# global.columns ="
_COMMENT = re.compile(r"# (id|text|meta|scores) = (.*)")
_PASSED_OVER = re.compile(r"# (\S+ =|newdoc|newpar).*|-DOCSTART-.*")
_TO_ESCAPE = re.compile(r"[\s\\]|^#")
_READABLE = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|([tnr\\]))")
_CHARS = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def write(documents: Iterable[Document], path: Path, scheme: LabelScheme) -> None:
    """Write all documents into one file; raises UserError where spans of one layer overlap."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(header(scheme))
        stream.writelines(block(document, scheme) for document in checked(documents, scheme.labels))


def header(scheme: LabelScheme) -> str:
    """The line above all documents; raises UserError for a label or layer that cannot stand in a column."""
    check_labels(scheme.labels, _NAME, "a column of tags")
    check_labels((layer.name for layer in scheme.layers), _NAME, "the names of columns")
    return f"{_COLUMNS} FORM {' '.join(layer.name for layer in scheme.layers)}\n"


def block(document: Document, scheme: LabelScheme) -> str:
    """The lines of a document, an empty one behind them; raises UserError where spans of one layer overlap."""
    return "\n".join(_lines_of(document, scheme)) + "\n\n"


def read(path: Path) -> Iterator[Document]:
    """Documents of a file; raises UserError with the line. An `I-` that continues nothing begins a span.

    Where no `# global.columns` names them, only the last column is read.
    """
    current: _Reading | None = None
    number = 0
    all_columns = False
    for place, line in _lines(path):
        comment = _COMMENT.fullmatch(line)
        if current and (_ends(current, line) or (comment and current.has(comment[1]))):
            yield current.document()
            current = None
        if line.startswith(_COLUMNS):
            if line.removeprefix(_COLUMNS).split()[:1] != ["FORM"]:
                raise UserError(f"{place}: the first column is not FORM; put the tokens first and tags behind them.")
            all_columns = True
        elif comment or (line and not _PASSED_OVER.fullmatch(line)):
            if current is None:
                number += 1
                current = _Reading(f"{path.stem}:{number}", place, all_columns)
            if comment:
                current.comment(comment[1], comment[2], place)
            else:
                current.token(line, place)
    if current:
        yield current.document()


def _ends(current: _Reading, line: str) -> bool:
    """Whether a line ends a document whose text no comment gives: there a sentence is one."""
    return not line and current.text is None and bool(current.made)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(re.split(r"\r\n|\n|\r", read_text(path).removeprefix("\ufeff")), 1):
        yield f"{path}:{number}", line


def _lines_of(document: Document, scheme: LabelScheme) -> Iterator[str]:
    yield f"# id = {json.dumps(document.id, ensure_ascii=False)}".translate(_NO_LINE_ENDS)
    yield f"# text = {json.dumps(document.text, ensure_ascii=False)}".translate(_NO_LINE_ENDS)
    if document.meta:
        yield f"# meta = {json.dumps(dict(document.meta))}"
    if scores := one_score_a_span(document):
        yield f"# scores = {json.dumps(scores)}"
    words = tokens(document.text, document.spans)
    columns = [_tags(document, words, layer.labels, layer.name) for layer in scheme.layers]
    for number, ((start, end), tags) in enumerate(zip(words, zip(*columns, strict=True), strict=True)):
        before = document.text[words[number - 1][1] : start] if number else ""
        if "\n" in before and not any(tag.startswith("I-") for tag in tags):
            yield ""
        yield "\t".join([_escaped(document.text[start:end]), *tags])


def _tags(document: Document, words: list[Token], labels: tuple[str, ...], layer: str) -> list[str]:
    """A layer's tag of each token."""
    starts, ends = {start: i for i, (start, _) in enumerate(words)}, {end: i for i, (_, end) in enumerate(words)}
    tags = ["O"] * len(words)
    for span in document.spans:
        if span.label not in labels:
            continue
        first, last = starts[span.start], ends[span.end]
        if any(tag != "O" for tag in tags[first : last + 1]):
            raise UserError(
                f"{document.id}: {span.label} [{span.start}, {span.end}) overlaps another span of layer "
                f'"{layer}", which one column of tags cannot say; take one out, or another --to.'
            )
        tags[first : last + 1] = [f"B-{span.label}"] + [f"I-{span.label}"] * (last - first)
    return tags


# what ends a line for some readers, and JSON would leave as it is
_NO_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x7f\x85\u2028\u2029"}


def _escaped(word: str) -> str:
    return _TO_ESCAPE.sub(lambda match: _READABLE.get(match[0], f"\\u{ord(match[0]):04x}"), word)


def _unescaped(word: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _CHARS[match[2]], word)


def _json_string(value: str, place: str) -> str | None:
    """What a comment of ours says; None where it is no JSON string, but some other tool's words, with quotes or not."""
    if not (value.startswith('"') and value.endswith('"')):
        return None
    try:
        return str(parse_json(value, place))
    except UserError:
        return None


@dataclass
class _Reading:
    """A document as far as it has been read; without `# text` its text is made of its tokens."""

    id: str
    place: str
    all_columns: bool
    seen: set[str] = field(default_factory=set)  # keys of comments
    text: str | None = None
    is_escaped: bool = False
    meta: dict[str, Any] = field(default_factory=dict)
    scores: Any = None
    made: list[str] = field(default_factory=list)
    end: int = 0
    open: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # by column: label, start, end
    found: list[tuple[int, int, str]] = field(default_factory=list)

    def has(self, key: str) -> bool:
        """Whether a comment can only be another document's: it came before, or tokens did."""
        return key in self.seen or bool(self.end)

    def comment(self, key: str, value: str, place: str) -> None:
        self.seen.add(key)
        if key == "text":
            said = _json_string(value, place)  # CoNLL-U has the text itself here
            self.text, self.is_escaped = value if said is None else said, said is not None
        elif key == "id":
            said = _json_string(value, place)
            self.id = value if said is None else said
        elif key == "scores":
            self.scores = parse_json(value, place)
        else:
            meta = parse_json(value, place)
            if not isinstance(meta, dict):
                raise UserError(f"{place}: meta is no JSON object; write {{…}} or leave it out.")
            self.meta = meta

    def token(self, line: str, place: str) -> None:
        word, *tags = line.split("\t") if "\t" in line else line.split() or [""]
        if not tags or not word:
            raise UserError(f"{place}: a token without a tag; write both, with a TAB between them.")
        start = self._place(word, place)
        for column, tag in enumerate(tags if self.all_columns else tags[-1:]):
            self._tag(column, tag, start, place)

    def _place(self, word: str, place: str) -> int:
        """Where the token begins; `end` is moved behind it."""
        if self.text is None:
            start = self.end + 1 if self.made else 0
            self.made.append(word)
        else:
            word, start = _unescaped(word) if self.is_escaped else word, self.end
            while not word[0].isspace() and start < len(self.text) and self.text[start].isspace():
                start += 1
            if not self.text.startswith(word, start):
                raise UserError(f"{place}: the token {json.dumps(word)[:60]} does not follow in the document's text.")
        self.end = start + len(word)
        return start

    def _tag(self, column: int, tag: str, start: int, place: str) -> None:
        kind, _, label = tag.partition("-")
        before = self.open.get(column)
        if kind == "I" and label and before and before[0] == label:
            self.open[column] = (label, before[1], self.end)
            return
        if before:
            self._close(column)
        if kind in ("B", "I") and label:
            self.open[column] = (label, start, self.end)
        elif tag != "O":
            raise UserError(f'{place}: the tag "{tag}" is none of O, B-LABEL and I-LABEL; convert the data to IOB2.')

    def _close(self, column: int) -> None:
        label, start, end = self.open.pop(column)
        self.found.append((start, end, label))

    def document(self) -> Document:
        for column in list(self.open):
            self._close(column)
        text = " ".join(self.made) if self.text is None else self.text
        made = (make_span(text, start, end, label, None, self.place) for start, end, label in self.found)
        spans = bounded(made, text, self.place)
        return Document(self.id, text, sorted_spans(with_scores(spans, self.scores)), self.meta)
