"""Whatever the bytes: documents whose offsets hold, or one line that says why not; and work in proportion to them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable

import pytest
from fuzz import samples
from fuzz.torture import TEXTS, calls, check_line, damaged, fuzz
from hypothesis import example, given
from hypothesis import strategies as st

from ner_danvan.document import Document
from ner_danvan.io.readers import Failure, read_one
from ner_danvan.io.readers.formats import read_source
from ner_danvan.io.readers.source import Settings, Source

KINDS = ["text", "jsonl", "docx", "pdf", "html", "eml", "csv", "xlsx", "parquet", "zip"]
_UNFORESEEN = re.compile(r"cannot be read \(\w+: ")  # what the net below all readers says
_CALLS_A_BYTE = 400  # a page's elements are gone through some twenty times
_CALLS_ALWAYS = 300_000  # a library that is read for the first time


def read(data: bytes, name: str, *, budget: bool = True) -> list[Document | Failure]:
    def all_of_it() -> list[Document | Failure]:
        source = Source(name, name, io.BytesIO(data), {"source": name})
        return list(read_source(source, Settings()))

    if not budget:
        return all_of_it()
    return calls(all_of_it, _CALLS_ALWAYS + _CALLS_A_BYTE * len(data))[1]


def check(data: bytes, name: str, *, budget: bool = True) -> None:
    items = read(data, name, budget=budget)
    for item in items:
        if isinstance(item, Failure):
            assert item.message.startswith(name)
            assert "\n" not in item.message
            assert not _UNFORESEEN.search(item.message), item.message
        else:
            check_line(item)
            pages = item.meta.get("pages", [])
            assert pages == sorted(pages)
            assert all(0 <= page <= len(item.text) for page in pages)
    assert isinstance(read_one(io.BytesIO(data), name, name), Document | Failure)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    package = {"pdf": "fpdf", "html": "lxml", "eml": "lxml", "xlsx": "openpyxl", "parquet": "pyarrow"}
    pytest.importorskip(package.get(request.param, "json"))
    return str(request.param)


@fuzz(40)
@given(data=st.data())
def test_a_damaged_file_gives_documents_or_one_line(kind: str, data: st.DataObject) -> None:
    check(data.draw(damaged(samples.of(kind))), samples.name_of(kind))


@fuzz(40)
@given(data=st.data(), parts=st.sampled_from([samples.DOCX_PARTS, samples.XLSX_PARTS]))
def test_an_office_file_with_a_damaged_part_gives_documents_or_one_line(
    data: st.DataObject, parts: dict[str, bytes]
) -> None:
    pytest.importorskip("openpyxl")
    name = data.draw(st.sampled_from(sorted(parts)))
    broken = data.draw(damaged([parts[name]]))
    check(samples.zipped({**parts, name: broken}), "a.docx" if parts is samples.DOCX_PARTS else "a.xlsx")


@fuzz(150)
@given(data=st.binary(max_size=200), ending=st.sampled_from(["", ".txt", ".eml", ".csv", ".tsv", ".html", ".jsonl"]))
@example(data=b"\xff\xfe\x00\xd8", ending=".txt")
@example(data=b"\x00" * 9, ending=".csv")
def test_any_bytes_give_documents_or_one_line(data: bytes, ending: str) -> None:
    check(data, f"a{ending}")


@fuzz(150)
@given(text=TEXTS)
def test_text_comes_through_untouched(text: str) -> None:
    data = text.encode("utf-8", "replace")
    (item,) = read(data, "a.txt")
    if isinstance(item, Document) and "encoding" not in item.meta:
        assert item.text.encode() == data


@fuzz(100)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), escaped=st.booleans())
def test_a_row_of_json_comes_through_untouched(texts: list[str], escaped: bool) -> None:
    lines = [json.dumps({"id": "a", "text": text}, ensure_ascii=escaped) for text in texts]
    data = "\n".join(lines).encode("utf-8", "replace")
    wanted = texts if escaped else [text.encode("utf-8", "replace").decode() for text in texts]
    assert [getattr(item, "text", item) for item in read(data, "a.jsonl")] == [_joined(text) for text in wanted]


def _joined(text: str) -> str:
    """A high surrogate before a low one is one character in JSON."""
    return str(json.loads(json.dumps(text)))


PROSE = f"<p>{samples.MORE}</p>"
GROWING: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "menus in menus": ("a.html", lambda n: f"<body>{'<div class=menu>' * n}{PROSE}{'x</div>' * n}".encode()),
    "boxes of news": ("a.html", lambda n: f"<body>{f'<div><h3>Tin khác</h3>{PROSE}</div>' * n}".encode()),
    "headlines": ("a.html", lambda n: f"<body>{f'<h3>Tin khác</h3>{PROSE}' * n}".encode()),
    "scripts between letters": ("a.html", lambda n: ("<body>" + "<script></script>a" * n + PROSE).encode()),
    "bodies": ("a.html", lambda n: ("<body>" + f"</body><body>{PROSE}" * n).encode()),
    "elements": ("a.html", lambda n: ("<body>" + "<b>x" * n + PROSE).encode()),
    "mail in parts": (
        "a.eml",
        lambda n: b"Message-ID: <1>\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nHop.\n" * n,
    ),
    "a long header": ("a.eml", lambda n: b"Message-ID: <1>\nFrom: " + b"<a@b>, (c)" * n + b"\n\nHop.\n"),
    "rows": ("a.csv", lambda n: b"text\n" + b"Hop.\n" * n),
    "lines": ("a.jsonl", lambda n: b'{"text": "a"}\n[\n' * n),
    "members": ("a.zip", lambda n: samples.zipped({f"{i}.txt": b"a" for i in range(n)})),
    "paragraphs": (
        "a.docx",
        lambda n: samples.zipped(
            samples.DOCX_PARTS
            | {"word/document.xml": b'<d xmlns:w="x"><b>' + b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * n + b"</b></d>"}
        ),
    ),
}


@pytest.mark.parametrize("what", GROWING)
def test_twice_the_size_is_twice_the_work(what: str) -> None:
    pytest.importorskip("lxml")
    name, make = GROWING[what]
    read(make(1), name)  # what happens once, happens before
    first, second = (calls(lambda size=size: read(make(size), name, budget=False))[0] for size in (200, 400))  # type: ignore[misc]
    assert second < 2.6 * first


def test_a_control_character_beside_a_menu_does_not_cost_the_page() -> None:
    pytest.importorskip("lxml")
    page = f"<!doctype html><body><p>\x16\x00{samples.MORE}</p><nav>x</nav>\x16Hết\x0cbài\uffff</body>"
    (item,) = read(page.encode(), "a.html")
    assert isinstance(item, Document)
    assert item.text == f"{samples.MORE}\nHết bài"


def test_a_member_without_a_name_does_not_cost_the_others() -> None:
    data = samples.zipped({"b.txt": b"x", "a.txt": b"Hop."}).replace(b"b.txt", b"\0.txt")
    (item,) = read(data, "a.zip")
    assert isinstance(item, Document)
    assert (item.id, item.text) == ("a.zip/a.txt", "Hop.")


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_does_not_cost_the_others(packing: int) -> None:
    whole = samples.zipped({"a.txt": b"Hop. " * 50, "b.txt": b"Hai."}, packing)
    place = whole.index(b"a.txt") + 5
    first, second = read(whole[: place + 4] + b"\xff" * 6 + whole[place + 10 :], "a.zip")
    assert isinstance(first, Failure)
    assert "is damaged" in first.message
    assert isinstance(second, Document)


# each of these would take hours if something in it were tried in every way
HOPELESS: dict[str, tuple[str, bytes]] = {
    "comments before no page": ("a.txt", b"<!---->" * 500 + b"x"),
    "points in a header of Word": (
        "a.docx",
        samples.zipped(
            samples.DOCX_PARTS | {"word/header1.xml": b"<h><p><t>" + b"." * 50_000 + b"a</t></p></h>"},
            zipfile.ZIP_DEFLATED,
        ),
    ),
    "letter sizes on a page": ("a.html", ("<body>" + PROSE + "<p>" + ("a" + "+" * 1_000) * 4 + "b</p>").encode()),
    "a flood of marks": ("a.txt", ("a" + "\u0316\u0334" * 90_000).encode()),
    "a flood of marks in an old encoding": ("a.txt", b"a" + b"\xec\xf2" * 100_000),
    "a flood of marks in a column": ("a.csv", ("a" + "\u0316\u0334" * 50_000 + ",b\nx,y\n").encode()),
    "a row a thousand million": (
        "a.xlsx",
        samples.zipped(
            samples.XLSX_PARTS
            | {
                "xl/worksheets/sheet1.xml": samples.XLSX_PARTS["xl/worksheets/sheet1.xml"].replace(
                    b'<row r="3">', b'<row r="9999999999">'
                )
            }
        ),
    ),
}


@pytest.mark.parametrize("what", HOPELESS)
def test_what_would_never_end_ends(what: str) -> None:
    pytest.importorskip("lxml")
    pytest.importorskip("openpyxl")
    name, data = HOPELESS[what]
    for item in read(data, name, budget=False):
        assert isinstance(item, Document) or not _UNFORESEEN.search(item.message)
