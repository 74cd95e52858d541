from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from conftest import ROOT
from fuzz.torture import fuzz
from hostile import SCHEME, documents, with_rounded_scores, without_breaks_at_edges, without_crossings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ner_danvan.document import Document
from ner_danvan.io.tools import inline
from ner_danvan.io.tools.formats import FORMATS


def same(document: Document) -> Document:
    return document


# what each format can say; the rest is an error, see the tests of that format
SAYABLE: dict[str, Callable[[Document], Document]] = {
    "inline": without_crossings,
    "brat": without_breaks_at_edges,
    "jsonl": with_rounded_scores,
}


def there_and_back(name: str, given_documents: list[Document]) -> list[Document]:
    form = FORMATS[name]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        if form.is_folder:
            path.mkdir()
        form.write(given_documents, path, SCHEME)
        return list(form.read(path, SCHEME))


@pytest.fixture(params=list(FORMATS))
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "spacy":
        pytest.importorskip("spacy")
    return str(request.param)


@fuzz(1_000)
@given(document=documents())
def test_a_document_comes_back_as_it_was(name: str, document: Document) -> None:
    document = SAYABLE.get(name, same)(document)
    assert there_and_back(name, [document]) == [document]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(documents(), max_size=4))
def test_documents_keep_their_order_and_stay_apart(name: str, several: list[Document]) -> None:
    several = [SAYABLE.get(name, same)(document) for document in several]
    if several:
        assert there_and_back(name, several) == several


@pytest.mark.parametrize("scored", [False, True])
def test_the_reports_come_back_as_they_were(name: str, scored: bool) -> None:
    reports = list(inline.read(ROOT / "data" / "reports", SCHEME))[::15]
    if scored:
        reports = [replace(r, spans=tuple(replace(s, score=s.start % 97 / 128) for s in r.spans)) for r in reports]
    reports = [SAYABLE.get(name, same)(report) for report in reports]
    assert sum(len(report.spans) for report in reports) > 1_000
    assert there_and_back(name, reports) == reports
