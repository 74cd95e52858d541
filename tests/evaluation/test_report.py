from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from sample_reports import HOSTILE, MEETING, documents, make
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.evaluation.breakdown import Aspects
from ner_danvan.evaluation.errors import CutSpan
from ner_danvan.evaluation.report.charts import learning_curve, stacked_bars
from ner_danvan.evaluation.report.history import read_history
from ner_danvan.evaluation.report.marks import marked_text
from ner_danvan.evaluation.report.write import context_of, write_report
from ner_danvan.evaluation.run import evaluate_predictions
from ner_danvan.io.terminal import visible
from ner_danvan.span import Span

SETTINGS: dict[str, Any] = {"worst": 50, "run": None}
FOUND = replace(MEETING, spans=tuple(span for span in MEETING.spans if span.label != "ORG"))


def report(
    folder: Path, gold: list[Document], found: list[Document], cut: list[CutSpan] | None = None, **settings: Any
) -> str:
    """Writes a report on the documents; gives its HTML."""
    aspects = Aspects(train=gold, groups={gold[0].id: "<b>group</b>"}, grouped_by="genre")
    evaluation = evaluate_predictions(found, gold, DANVAN, "<i>dev</i>", aspects)
    write_report(replace(evaluation, cut=cut), gold, found, SETTINGS | settings, folder)
    return (folder / "errors.html").read_text(encoding="utf-8")


def training(folder: Path) -> Path:
    """The directory of a run of two epochs, with an older checkpoint."""
    rows: list[dict[str, float]] = [
        {"epoch": 1.0, "loss": 0.9, "step": 5},
        {"epoch": 1.0, "eval_loss": 0.8, "eval_f1": 0.25, "eval_ORG": 0.5, "eval_runtime": 3.0},
        {"epoch": 2.0, "loss": 0.4, "step": 10},
        {"epoch": 2.0, "eval_loss": 0.6, "eval_f1": 0.75, "eval_ORG": 0.5, "eval_runtime": 3.0},
        {"epoch": 2.0, "train_runtime": 9.0},
    ]
    for step, count in ((5, 2), (10, 5)):
        state = folder / "checkpoints" / f"checkpoint-{step}" / "trainer_state.json"
        state.parent.mkdir(parents=True)
        state.write_text(json.dumps({"log_history": rows[:count]}), encoding="utf-8")
    return folder


def test_a_report_shows_kinds_and_every_error(tmp_path: Path) -> None:
    page = report(tmp_path, [MEETING], [FOUND])
    assert "1 documents, 7 gold spans, 2 errors in 1 documents" in page
    with (tmp_path / "errors.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [(row["kind"], row["label"], row["gold"], row["found"]) for row in rows] == [
        ("nested-lost", "ORG", "Đảng ủy", ""),
        ("missed", "ORG", "UBND xã", ""),
    ]
    assert rows[0]["context"].startswith("Đồng chí Kiều Hữu Bách - Phó Bí thư [Đảng ủy] chủ trì.")


def test_a_perfect_prediction_has_a_report_without_errors(tmp_path: Path) -> None:
    page = report(tmp_path, [MEETING], [MEETING])
    assert "None: every gold span was found, and nothing else." in page
    assert "<details" not in page
    assert not (tmp_path / "error_kinds.svg").exists()


def test_no_more_documents_than_wanted_are_shown_and_the_worst_first(tmp_path: Path) -> None:
    better = replace(FOUND, id="besser", spans=tuple(span for span in MEETING.spans if span.text != "UBND xã"))
    gold = [replace(MEETING, id="besser"), MEETING]
    shown = re.findall(r"<summary><strong><bdi>([^<]*)</bdi>", report(tmp_path, gold, [better, FOUND]))
    assert shown == ["hop.txt", "besser"]
    page = report(tmp_path, gold, [better, FOUND], worst=1)
    assert "1 of the 2 documents with errors" in page
    with pytest.raises(UserError, match=r"report\.worst=-1 must be"):
        report(tmp_path, gold, [better, FOUND], worst=-1)


def test_charts_of_an_earlier_report_are_taken_away(tmp_path: Path) -> None:
    report(tmp_path / "", [MEETING], [FOUND], run=training(tmp_path / "run"))
    assert (tmp_path / "learning_curve.svg").exists()
    page = report(tmp_path, [MEETING], [FOUND])
    assert not (tmp_path / "learning_curve.svg").exists()
    assert "Learning curve" not in page


def test_words_that_cut_spans_are_listed(tmp_path: Path) -> None:
    cut = [CutSpan(0, MEETING.spans[0], ("Bách - <Phó>",))]
    page = report(tmp_path, [MEETING], [FOUND], cut)
    assert "1 gold spans begin or end inside a word" in page
    assert "<q><bdi>Bách - &lt;Phó&gt;</bdi></q>" in page


def test_nothing_of_a_document_becomes_markup(tmp_path: Path) -> None:
    known = replace(HOSTILE, spans=tuple(span for span in HOSTILE.spans if span.label in DANVAN.labels))
    page = report(tmp_path, [known], [replace(known, spans=known.spans[:1])], [CutSpan(0, known.spans[1], (known.id,))])
    assert "<script" not in page
    assert "alert(1)" in page  # it is there, as text
    assert re.findall(r"<(?:img|svg onload|b |i>|textarea)", page) == []
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)


@given(documents())
def test_a_marked_text_says_the_text_and_nothing_else(document: Document) -> None:
    markup = str(marked_text(document, set(document.spans[:2]), DANVAN.labels))
    tags = re.findall(r"<(/?\w+)", markup)
    assert set(tags) <= {"p", "/p", "mark", "/mark", "br"}
    assert tags.count("mark") == tags.count("/mark")
    paragraphs = [unescape(re.sub(r"<[^>]*>", "", line)) for line in markup.removesuffix("</p>").split("</p>")]
    # html.unescape reads no character reference of ours otherwise than a browser does
    assert "\n".join(paragraphs) == "\n".join(visible(piece) for piece in document.text.split("\n"))


def test_wrong_spans_are_named_and_crossing_ones_go_on() -> None:
    crossing = Document("d", "abcdef", (Span(0, 4, "TASK", "abcd"), Span(2, 6, "ORG", "cdef")))
    markup = str(marked_text(crossing, {crossing.spans[1]}, DANVAN.labels))
    assert re.sub(r" (data-name|title)=\"[^\"]*\"", "", markup) == (
        '<p><mark class="c4 h1 first last">ab<mark class="c1 first wrong">cd</mark></mark>'
        '<mark class="c1 last wrong">ef</mark></p>'
    )


def test_context_is_one_line_with_the_span_in_brackets() -> None:
    text = "một hai\nba bốn năm"
    assert context_of(text, Span(8, 10, "ORG", "ba"), width=4) == "…hai [ba] bốn…"
    assert context_of("abcdefghijklmnop", Span(0, 16, "ORG", "abcdefghijklmnop"), width=4) == "[abcd … op]"


def test_the_history_is_that_of_the_newest_checkpoint(tmp_path: Path) -> None:
    history = read_history(training(tmp_path))
    assert history.loss == [(1.0, 0.9), (2.0, 0.4)]
    assert history.dev_loss == [(1.0, 0.8), (2.0, 0.6)]
    assert history.scores == {"f1": [(1.0, 0.25), (2.0, 0.75)], "ORG": [(1.0, 0.5), (2.0, 0.5)]}


def test_a_directory_that_is_no_training_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name the output directory of a training"):
        read_history(tmp_path)
    state = tmp_path / "checkpoints" / "checkpoint-1" / "trainer_state.json"
    state.parent.mkdir(parents=True)
    for content in ("{", "{}", '{"log_history": [{"loss": 1}]}', "[]"):
        state.write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match="no training state"):
            read_history(tmp_path)


def test_charts_are_well_formed_and_say_their_figures(tmp_path: Path) -> None:
    bars = ElementTree.fromstring(stacked_bars({"<ORG>": {"a&b": 3, "c": 1}}, ["a&b", "c"]))
    assert "<ORG>: 3 a&b" in [element.text for element in bars.iter() if element.tag.endswith("title")]
    curve = ElementTree.fromstring(learning_curve(read_history(training(tmp_path))))
    titles = [element.text for element in curve.iter() if element.tag.endswith("title")]
    assert "micro, epoch 2: 0.7500" in titles
    assert "training, epoch 1: 0.9000" in titles


def test_the_page_runs_nothing_and_asks_for_nothing(browser: Any, tmp_path: Path) -> None:
    known = replace(HOSTILE, id='"><img src=x onerror=alert(8)>')
    known = replace(known, spans=tuple(span for span in known.spans if span.label in DANVAN.labels))
    gold = [known, MEETING, make("Ông Lò Văn Pản.", ("Lò Văn Pản", "PERSON"), id="c")]
    found = [replace(known, spans=()), FOUND, replace(gold[2], spans=())]
    report(tmp_path, gold, found, run=training(tmp_path / "run"))
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.on("console", lambda message: problems.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}") or dialog.dismiss())
    page.on("request", lambda sent: sent.url.startswith(("file:", "data:")) or problems.append(sent.url))
    page.goto((tmp_path / "errors.html").as_uri())
    assert problems == []
    assert page.locator("details").count() == 3
    assert page.locator("img, script").count() == 0
    # the style is the page's own, so the policy lets it in: dark on a dark screen
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 25)"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    shown = page.locator("details", has_text="hop.txt")
    shown.locator("summary").click()
    gold_side, found_side = shown.locator("article").all()
    assert gold_side.locator("mark.wrong").all_text_contents() == ["Đảng ủy", "UBND xã"]
    assert found_side.locator("mark.wrong").count() == 0
    assert "\n".join(gold_side.locator("p").all_text_contents()) == MEETING.text
    context.close()
