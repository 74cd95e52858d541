"""The shipped model on real backends: the same spans, however its texts are fed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from onnx_models import needs_bf16

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document
from ner_danvan.tagger import Tagger

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "danvan-mini"


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    tagger = Tagger.from_pretrained(MODEL, backend="onnx")
    gold = read_gold(ROOT / "data" / "reports" / "test", tagger.scheme.layer_of)
    return [replace(document, spans=()) for document in gold[:8]]


@pytest.fixture(scope="module")
def wanted(documents: list[Document]) -> list[Document]:
    return list(Tagger.from_pretrained(MODEL, backend="torch", device="cpu", min_score=0.0).stream(documents))


def assert_same(found: list[Document], wanted: list[Document]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert [span.key for span in one.spans] == [span.key for span in other.spans]
        assert [span.score for span in one.spans] == pytest.approx([s.score for s in other.spans], abs=1e-4)


def test_onnx_finds_what_torch_finds(documents: list[Document], wanted: list[Document]) -> None:
    assert sum(len(document.spans) for document in wanted) > 200
    assert_same(list(Tagger.from_pretrained(MODEL, backend="onnx", min_score=0.0).stream(documents)), wanted)


def test_neither_order_nor_company_changes_what_is_found(documents: list[Document], wanted: list[Document]) -> None:
    tagger = Tagger.from_pretrained(MODEL, backend="onnx", min_score=0.0)
    assert_same([tagger(document) for document in documents], wanted)
    assert_same(list(tagger.stream(reversed(documents)))[::-1], wanted)
    assert_same(list(tagger.stream(documents, workers=2)), wanted)


def keys(documents: list[Document]) -> set[tuple[object, ...]]:
    return {(document.id, *span.key) for document in documents for span in document.spans}


@needs_bf16
def test_bf16_finds_nearly_the_same_in_any_company(documents: list[Document], wanted: list[Document]) -> None:
    tagger = Tagger.from_pretrained(MODEL, backend="bf16", min_score=0.0)
    together, alone = list(tagger.stream(documents)), [tagger(document) for document in documents]
    assert len(keys(together) & keys(wanted)) > 0.99 * len(keys(wanted))
    assert len(keys(together) & keys(alone)) > 0.99 * len(keys(alone))


def test_int8_finds_nearly_the_same_and_the_same_in_any_company(
    documents: list[Document], wanted: list[Document]
) -> None:
    tagger = Tagger.from_pretrained(MODEL, backend="int8", min_score=0.0)
    together = list(tagger.stream(documents))
    assert len(keys(together) & keys(wanted)) > 0.97 * len(keys(wanted))
    assert_same([tagger(document) for document in documents], together)
