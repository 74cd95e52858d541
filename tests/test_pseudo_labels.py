from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, read_jsonl, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.pseudo_labels import Labelled, Limits, label, run
from ner_danvan.span import Span
from ner_danvan.training.pretraining.articles import as_written, segmented

REPORTS = Path("data/reports/dev")
LIMITS = Limits(agreement=0.9, score=0.8, spans=2, shortest=10, longest=100)
TEXT = "Ông Nguyễn Văn An đến Hà Nội ngày 2/9."
PERSON, ORG, DATE = ((4, 17, "PERSON"), (22, 28, "ORG"), (34, 37, "DATE"))


def tagged(*places: tuple[int, int, str], score: float = 0.9, text: str = TEXT, name: str = "d") -> Document:
    return Document(name, text, tuple(Span(a, b, kind, text[a:b], score) for a, b, kind in places))


def labelled(first: Document, *others: Document, limits: Limits = LIMITS) -> Labelled:
    return label([[first], *([other] for other in others)], DANVAN, limits, 0, 1)


def test_what_all_models_find_is_kept_without_its_scores() -> None:
    found = labelled(tagged(PERSON, DATE), tagged(PERSON, DATE, score=0.85))
    (document,) = found.documents
    assert [(span.key, span.score) for span in document.spans] == [(PERSON, None), (DATE, None)]
    assert (found.read, found.confident, found.median_agreement) == (1, 1, 1.0)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (tagged(PERSON, DATE), tagged(PERSON, ORG)),  # the two differ
        (tagged(PERSON, DATE), tagged(PERSON, DATE, score=0.5)),  # one is not sure: 0.7 together
        (tagged(DATE), tagged(DATE)),  # too few spans
        (tagged(PERSON, DATE, text=TEXT + " " * 70), tagged(PERSON, DATE, text=TEXT + " " * 70)),  # too long
    ],
)
def test_document_beyond_a_limit_is_left_out(first: Document, other: Document) -> None:
    found = labelled(first, other)
    assert (found.documents, found.read) == ([], 1)


def test_every_other_model_must_agree() -> None:
    same, another = tagged(PERSON, DATE), tagged(PERSON, ORG)
    assert labelled(same, same).documents
    assert not labelled(same, same, another).documents


def test_draw_follows_the_seed() -> None:
    documents = [tagged(PERSON, DATE, name=str(i)) for i in range(20)]
    drawn = [[d.id for d in label([documents, documents], DANVAN, LIMITS, 5, seed).documents] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 5


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("Ban Dân_vận Tỉnh_uỷ , Mặt_trận .", "Ban Dân vận Tỉnh uỷ, Mặt trận."),
        ('ông nói : " Làm ngay " rồi đi ( hôm_nay )', 'ông nói: "Làm ngay" rồi đi (hôm nay)'),
        ('" Một " và " hai "', '"Một" và "hai"'),
        ("Tin\nNgày 2/9 ,\n", "Tin\nNgày 2/9,"),
    ],
)
def test_segmented_text_is_put_together_again(words: str, written: str) -> None:
    assert as_written(words) == written


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1), max_size=12))
def test_putting_together_changes_white_space_only(words: list[str]) -> None:
    text = " ".join(words)
    assert "".join(as_written(text).split()) == "".join(text.replace("_", " ").split())


def settings(output: Path, texts: Path, **changes: Any) -> dict[str, Any]:
    text = {"files": [str(texts)], "segmenter": "underthesea", "like": None, "share": 1.0}
    limits = {"agreement": 0.9, "score": 0.5, "spans": 3, "shortest": 100, "longest": 100_000}
    return {
        "models": ["models/danvan-mini", "models/danvan-mini"],
        "backend": "int8",
        "text": text,
        "limits": limits,
        "count": 1,
        "seed": 1,
        "also": None,
        "output": str(output),
    } | changes


def test_run_writes_documents_behind_those_of_also(tmp_path: Path) -> None:
    reports = [replace(document, spans=()) for document in read_gold(REPORTS, DANVAN.layer_of)[:3]]
    texts, also = tmp_path / "texts.jsonl", tmp_path / "also.jsonl"
    texts.write_text("".join(to_json_line(document) + "\n" for document in reports), encoding="utf-8")
    also.write_text(to_json_line(tagged(PERSON, name="gold")) + "\n", encoding="utf-8")
    found = run(settings(tmp_path / "out.jsonl", texts, also=str(also)))
    written = list(read_jsonl(tmp_path / "out.jsonl"))
    assert [document.id for document in written] == ["gold", *(document.id for document in found.documents)]
    assert len(found.documents) == 1
    assert written[1].spans
    assert all(span.score is None for span in written[1].spans)


def test_segmented_articles_are_read_as_they_were_written(tmp_path: Path) -> None:
    report = read_gold(REPORTS, DANVAN.layer_of)[0]
    articles = tmp_path / "articles.txt"
    lines = [segmented(line, "underthesea") for line in report.text.splitlines() if line.strip()]
    articles.write_text("\n".join(lines) + "\n\nMột bài ngắn .\n", encoding="utf-8")
    found = run(
        settings(tmp_path / "out.jsonl", articles)
        | {"text": settings(tmp_path, articles)["text"] | {"segmenter": "spaces"}}
    )
    assert found.read == 1  # the other is too short
    assert "_" not in found.documents[0].text


def test_fault_of_the_settings_is_told(tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text(to_json_line(Document("1", "x" * 200)) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="two or more"):
        run(settings(tmp_path / "out.jsonl", texts, models=["models/danvan-mini"]))
    with pytest.raises(UserError, match="none of 1 documents"):
        run(settings(tmp_path / "out.jsonl", texts))
    with pytest.raises(UserError, match="no such file"):
        run(settings(tmp_path / "out.jsonl", tmp_path / "none.jsonl"))
