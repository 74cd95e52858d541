"""Whatever a tool's file holds: documents that can be written, or one line."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fuzz.torture import TEXTS, calls, damaged, fuzz, tried
from hostile import SCHEME
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan.document import Document, find_problems
from ner_danvan.errors import UserError
from ner_danvan.io.tools.files import FileNames
from ner_danvan.io.tools.formats import FORMATS
from ner_danvan.span import Span

TEXT = "Bà Nguyễn Thị Hoà 😀\r\nChủ tịch UBND xã, ngày 15/7.\n"
WHOLE = Document(
    "a/b",
    TEXT,
    (
        Span(3, 17, "PERSON", TEXT[3:17], 0.5),
        Span(21, 37, "POSITION", TEXT[21:37], 0.25),
        Span(30, 37, "ORG", TEXT[30:37], 1.0),
    ),
    {"k": [1, None, "ủy"]},
)


@pytest.fixture(params=list(FORMATS))
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "spacy":
        pytest.importorskip("spacy")
    return str(request.param)


@fuzz(30)
@given(data=st.data())
def test_a_damaged_file_gives_whole_documents_or_one_line(name: str, data: st.DataObject) -> None:
    form = FORMATS[name]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        if form.is_folder:
            path.mkdir()
        form.write([WHOLE, Document("c", "Họp.")], path, SCHEME)
        files = sorted(path.iterdir()) if form.is_folder else [path]
        victim = data.draw(st.sampled_from(files))
        victim.write_bytes(data.draw(damaged([victim.read_bytes()])))
        found = tried(lambda: list(form.read(path, SCHEME)))
        if found is None:
            return
        for document in found:
            inside = [p for p in find_problems(document, _layers(document)) if "overlap" not in p.message]
            assert name == "jsonl" or not [p for p in inside if "outside" in p.message or "says" in p.message]
        again = path.with_name("again")
        try:
            FORMATS["label-studio"].write(found, again, SCHEME)
        except UserError:
            return
        assert [(one.text, set(one.spans)) for one in FORMATS["label-studio"].read(again, SCHEME)] == [
            (one.text, set(one.spans)) for one in found
        ]


def _layers(document: Document) -> dict[str, str]:
    return {span.label: span.label for span in document.spans}


@fuzz(40)
@given(data=TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=100))
def test_any_bytes_give_documents_or_one_line(name: str, data: bytes) -> None:
    form = FORMATS[name]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a{form.endings[0] if form.endings else '.jsonl'}"
        path.write_bytes(data)
        tried(lambda: list(form.read(path, SCHEME)))


def test_a_line_of_spaces_in_conll_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("xã\tO\n \nxã\tO\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.conll:2: a token without a tag"):
        list(FORMATS["conll"].read(path, SCHEME))


def test_names_for_many_documents_of_one_id_are_found_at_once() -> None:
    names = FileNames(".txt")
    count, found = calls(lambda: [names("a") for _ in range(2_000)])
    assert len(set(found)) == 2_000
    assert count < 100_000
