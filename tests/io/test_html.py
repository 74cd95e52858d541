from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from hypothesis import example, given
from sample_reports import HOSTILE, LABELS, MEETING, documents, written
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.io.html.page import safe_json
from ner_danvan.io.writers import FORMATS

FRAME = written("html")


class Page(HTMLParser):
    """What a parser sees: the tags with their attributes, and the contents of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, Any] = {}
        self.code: dict[str, str] = {}
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            self.code[self._inside] = self.code.get(self._inside, "") + data
        elif self._inside:
            self.blocks[self._inside] = json.loads(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def own_tags(page: str) -> list[str]:
    """Names of all tags but the documents' blocks."""
    return [tag for tag, attributes in Page(page).tags if not re.fullmatch(r"d\d+", attributes.get("id") or "")]


@given(documents())
@example(HOSTILE)
def test_any_document_comes_back_through_a_parser(document: Document) -> None:
    block = Page(written("html", document)).blocks["d0"]
    text = "".join(block["pieces"])
    assert (block["id"], text) == (document.id, document.text)
    found = [
        ("".join(block["pieces"][first:last]), label, start, end)
        for first, last, label, start, end, _ in block["spans"]
    ]
    assert found == [(span.text, span.label, span.start, span.end) for span in document.spans]


@given(documents())
@example(HOSTILE)
def test_no_document_adds_a_tag_to_the_page(document: Document) -> None:
    assert own_tags(written("html", document, document)) == own_tags(FRAME)


@given(documents())
@example(HOSTILE)
def test_the_file_is_utf8_without_what_turns_or_hides(document: Document) -> None:
    page = written("html", document)
    page.encode()  # no lone surrogates
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00\u2028]", page)


def test_unsafe_characters_are_escaped_as_json_does() -> None:
    value = "</script><!--&\u2028\ud800\u202e\uffff"
    assert not set("<>&") & set(safe_json(value))
    assert json.loads(safe_json(value)) == value


def test_people_and_tasks_point_to_their_spans() -> None:
    block = Page(written("html", MEETING)).blocks["d0"]
    names = [MEETING.text[span[3] : span[4]] for span in block["spans"]]
    (person, post, bodies, times), (other, *nothing) = block["people"]
    assert (names[person], names[post], [names[i] for i in bodies], times) == (
        "Kiều Hữu Bách",
        "Phó Bí thư Đảng ủy",
        ["Đảng ủy"],
        1,
    )
    assert (names[other], nothing) == ("Mai Thị Quyên", [None, [], 1])
    ((task, addressees, _, dates),) = block["tasks"]
    assert [names[i] for i in (task, *addressees, *dates)] == [
        "rà soát hộ nghèo trước ngày 31/10/2025",
        "UBND xã",
        "ngày 31/10/2025",
    ]


def test_the_index_lists_documents_and_labels() -> None:
    index = Page(written("html", MEETING, HOSTILE)).blocks["index-data"]
    assert index["documents"] == [[MEETING.id, len(MEETING.spans)], [HOSTILE.id, len(HOSTILE.spans)]]
    assert index["labels"] == [*LABELS, '"><script>alert(6)</script>']


def test_the_policy_allows_the_pages_own_code_and_nothing_else() -> None:
    page = Page(FRAME)
    policy = next(a["content"] or "" for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        digest = b64encode(sha256(page.code[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_nothing_is_fetched_and_no_handler_stands_in_the_markup() -> None:
    assert not re.search(r"https?://|@import|url\(|fetch\(|innerHTML|insertAdjacent|document\.write|eval\(", FRAME)
    for _, attributes in Page(FRAME).tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "srcset")]


def test_half_a_report_has_no_end() -> None:
    stream = StringIO()
    with pytest.raises(KeyError), FORMATS["html"](stream, DANVAN) as write:
        write(MEETING)
        raise KeyError
    assert "</html>" not in stream.getvalue()
    assert "</html>" in FRAME


def test_both_languages_say_the_same_things() -> None:
    script = Page(FRAME).code["script"]
    vi, en = re.findall(r"^  (?:vi|en): \{\n(.*?)^  \},", script, re.MULTILINE | re.DOTALL)
    keys = [re.findall(r"^    (\w+):", part, re.MULTILINE) for part in (vi, en)]
    assert keys[0] == keys[1]
    used = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', FRAME)) | set(re.findall(r'\bword\("(\w+)"', script))
    assert used <= set(keys[0])
