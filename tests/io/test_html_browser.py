"""The HTML report in a browser: what an analyst clicks, types and sees. Skipped where there is no Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sample_reports import HOSTILE, MEETING, make, written

from ner_danvan.document import Document

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")

UNSURE = make("Bí thư Đảng ủy giao việc.\nĐảng ủy họp.", ("Bí thư Đảng ủy", "POSITION"), id="unsure.txt", score=0.4)
Open = Callable[..., Any]


@pytest.fixture
def open_report(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Writes documents to a page and opens it; at the end, nothing may have gone wrong or been asked of a network."""
    problems: list[str] = []
    context = browser.new_context()

    def call(*documents: Document, size: tuple[int, int] = (1280, 800), place: str = "", **media: str) -> Any:
        path = tmp_path / "report.html"
        path.write_text(written("html", *documents), encoding="utf-8", newline="")
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(**media)
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.on("request", lambda sent: sent.url.startswith(("file:", "data:")) or problems.append(sent.url))
        page.goto(path.as_uri() + place)
        return page

    yield call
    context.close()
    assert problems == []


def shown_text(page: Any) -> str:
    """The document's lines as they stand in the page."""
    return "\n".join(page.locator("article p").all_text_contents())


def test_spans_stand_in_the_text_the_inner_inside_the_outer(open_report: Open) -> None:
    page = open_report(MEETING)
    assert shown_text(page) == MEETING.text
    assert page.locator("mark").all_text_contents() == [span.text for span in MEETING.spans]
    assert page.locator("mark[data-label=POSITION] mark[data-label=ORG]").text_content() == "Đảng ủy"
    heights = [
        page.locator(f"mark[data-label={label}]").first.evaluate("m => m.getBoundingClientRect().bottom")
        for label in ("ORG", "POSITION")
    ]
    assert heights[1] >= heights[0] + 4  # the outer line lies below the inner


def test_hostile_documents_are_only_text(open_report: Open) -> None:
    page = open_report(HOSTILE, MEETING)
    pictured = re.sub("[\u202e\u2066\u2069]", "\ufffd", HOSTILE.text.replace("\r\n", "\n"))
    pictured = pictured.replace("\0", "\u2400").replace("\x07", "\u2407").replace("\x1b", "\u241b")
    assert shown_text(page) + "\n" == pictured
    assert page.locator("article img, article svg, article b, article script, article textarea").count() == 0
    assert "\u202e" not in page.locator("body").inner_text()
    page.goto(page.url + "#d0s1")
    sync_api.expect(page.locator("#tip")).to_be_visible()
    for control in page.locator("button:visible:enabled, input[type=checkbox]:visible").all():
        if control.get_attribute("id") != "keys" and "print" not in (control.get_attribute("id") or ""):
            control.click()


def test_a_label_is_switched_off_and_on(open_report: Open) -> None:
    page = open_report(MEETING)
    person = page.locator("mark[data-label=PERSON]").first
    on = person.evaluate("m => getComputedStyle(m).borderBottomWidth")
    page.locator("#labels input[data-label=PERSON]").click()
    assert person.evaluate("m => getComputedStyle(m).borderBottomWidth") == "0px" != on
    assert page.locator("mark[data-label=ORG].off").count() == 0
    page.locator("#labels input[data-label=PERSON]").press(" ")
    assert person.evaluate("m => getComputedStyle(m).borderBottomWidth") == on


def test_the_score_is_told_on_hover(open_report: Open) -> None:
    page = open_report(MEETING)
    page.locator("mark[data-label=POSITION] mark").hover()
    told = page.locator("#tip").inner_text()
    inner, outer = (next(s for s in MEETING.spans if s.label == label) for label in ("ORG", "POSITION"))
    assert re.sub(r"\s+", " ", told) == (
        f"Tổ chức điểm 0,95 · {inner.start}–{inner.end} Chức vụ điểm 0,95 · {outer.start}–{outer.end}"
    )
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_spans_below_the_slider_are_dimmed(open_report: Open) -> None:
    page = open_report(UNSURE)
    page.locator("#floor").fill("0.4")
    assert page.locator("mark.dim").count() == 0
    page.locator("#floor").fill("0.41")
    assert page.locator("mark.dim").count() == 1


def test_people_and_tasks_lead_to_their_place(open_report: Open) -> None:
    long = Document(MEETING.id, MEETING.text + "\n" + "Dòng trống.\n" * 200, MEETING.spans)
    page = open_report(long)
    rows = [[cell.inner_text() for cell in row.locator("td").all()] for row in page.locator("tbody tr").all()]
    assert rows == [["Kiều Hữu Bách", "Phó Bí thư Đảng ủy", "Đảng ủy"], ["Mai Thị Quyên", "–", "–"]]
    assert page.locator(".tasks > li > a").inner_text() == "rà soát hộ nghèo trước ngày 31/10/2025"
    facts = [row.text_content() for row in page.locator(".tasks dl div").all()]
    assert facts == ["Giao choUBND xã", "Thời gianngày 31/10/2025"]
    page.mouse.wheel(0, 5000)
    page.locator(".tasks > li > a").click()
    assert page.evaluate("document.activeElement.dataset.label") == "TASK"
    top = page.evaluate("document.activeElement.getBoundingClientRect().top")
    assert 0 < top < 800
    page.mouse.wheel(0, 5000)
    page.locator(".tasks > li > a").click()  # the same link again
    assert 0 < page.evaluate("document.activeElement.getBoundingClientRect().top") < 800


def test_a_post_without_a_name_says_how_often_it_stands(open_report: Open) -> None:
    once = make("Trưởng thôn nói. ", ("Trưởng thôn", "POSITION"))
    span = once.spans[0]
    shift = len(once.text)
    again = type(span)(shift, shift + span.end, span.label, span.text)
    page = open_report(Document("d", once.text * 2, (span, again)))
    assert page.locator("tbody td").all_inner_texts() == ["–\u00a0×2", "Trưởng thôn", "–"]


@pytest.mark.parametrize(
    ("query", "found"),
    [("dang uy", 1), ("Đảng uỷ", 1), ("đảng ủy", 1), ("đăng ủy", 0), ("BÍ THƯ  đảng", 1), ("chủ trì. bà", 1), ("d", 5)],
)
def test_search_minds_accents_only_where_the_query_has_some(open_report: Open, query: str, found: int) -> None:
    page = open_report(MEETING)
    page.locator("#query").fill(query)
    page.wait_for_function("q => document.querySelector('#found').textContent !== ''", arg=query)
    hits = {hit.get_attribute("data-hit") for hit in page.locator(".hit").all()}
    assert len(hits) == found
    assert shown_text(page) == MEETING.text


def test_decomposed_accents_are_found(open_report: Open) -> None:
    page = open_report(make("Ba\u0300 con Đa\u0309ng u\u0309y họp", ("con", "ORG")))
    page.locator("#query").fill("Đảng ủy")
    page.locator("#query").press("Enter")
    assert page.locator(".hit").inner_text() == "Đa\u0309ng u\u0309y"


def test_the_keyboard_goes_from_hit_to_hit_through_all_documents(open_report: Open) -> None:
    page = open_report(MEETING, make("Không có gì", id="none.txt"), UNSURE)
    page.keyboard.press("/")
    page.keyboard.type("đảng ủy")
    page.keyboard.press("Enter")
    found = page.locator("#found")
    assert found.inner_text() == "1/3 trong 2 văn bản"
    assert [row.inner_text() for row in page.locator("#documents .name").all() if row.is_visible()] == [
        "hop.txt",
        "unsure.txt",
    ]
    page.keyboard.press("Enter")
    assert (found.inner_text(), page.locator("h2").first.inner_text()) == ("2/3 trong 2 văn bản", "unsure.txt")
    page.locator("#text").focus()
    page.keyboard.press("n")
    assert found.inner_text() == "3/3 trong 2 văn bản"
    page.keyboard.press("n")
    assert (found.inner_text(), page.locator("h2").first.inner_text()) == ("1/3 trong 2 văn bản", "hop.txt")
    page.keyboard.press("p")
    assert found.inner_text() == "3/3 trong 2 văn bản"
    page.keyboard.press("Escape")
    assert page.locator(".hit").count() == 0


def test_arrows_walk_from_span_to_span_and_tell_them(open_report: Open) -> None:
    page = open_report(MEETING)
    page.locator("mark").first.focus()
    seen = []
    for _ in MEETING.spans:
        seen.append(page.evaluate("document.activeElement.textContent"))
        assert page.locator("#tip").is_visible()
        page.keyboard.press("ArrowRight")
    assert seen == [span.text for span in MEETING.spans]


def test_the_tab_key_reaches_everything_and_shows_where_it_is(open_report: Open) -> None:
    page = open_report(MEETING, UNSURE)
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => { const a = document.activeElement; return [a.id || a.dataset.label || a.tagName,"
            " getComputedStyle(a).outlineStyle] }"
        )
        reached.add(name)
        assert name == "BODY" or outline != "none"
    assert {"query", "theme", "language", "print", "keys", "floor", "tags", "PERSON", "SUMMARY", "A"} <= reached


def test_single_letter_keys_can_be_switched_off(open_report: Open) -> None:
    page = open_report(MEETING, UNSURE)
    page.keyboard.press("?")
    page.locator("#letters").uncheck()
    page.locator("dialog button").click()
    page.keyboard.press("]")
    page.wait_for_timeout(100)
    assert page.locator("h2").first.inner_text() == "hop.txt"
    page.reload()
    page.keyboard.press("?")
    assert page.locator("dialog").is_hidden()


def test_documents_are_reached_by_index_keys_and_address(open_report: Open) -> None:
    page = open_report(MEETING, UNSURE, HOSTILE, place="#d1")
    title = page.locator("h2").first
    assert title.inner_text() == "unsure.txt"
    page.locator("#documents a").first.click()
    sync_api.expect(title).to_have_text("hop.txt")
    assert page.locator("[aria-current=true]").inner_text().startswith("hop.txt")
    page.keyboard.press("]")
    sync_api.expect(title).to_have_text("unsure.txt")
    page.go_back()
    sync_api.expect(title).to_have_text("hop.txt")


def test_the_index_shows_the_document_that_is_open(open_report: Open) -> None:
    many = [make("Đảng ủy họp.", ("Đảng ủy", "ORG"), id=f"{number}.txt") for number in range(80)]
    page = open_report(*many, place="#d70")
    box = page.locator("[aria-current=true]").bounding_box()
    assert 0 < box["y"] < 800


def test_the_language_is_vietnamese_until_somebody_changes_it(open_report: Open) -> None:
    page = open_report(MEETING)
    assert page.evaluate("document.documentElement.lang") == "vi"
    assert page.locator("#people").inner_text() == "Người – chức vụ – tổ chức"
    page.locator("#language").click()
    page.reload()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("#people").inner_text() == "People – posts – bodies"
    assert page.locator("article").get_attribute("lang") == "vi"


def test_everything_has_a_name_for_screen_readers(open_report: Open) -> None:
    page = open_report(MEETING, UNSURE)
    for node in page.locator("button, input, select, nav, aside, main > section, table th, dialog").all():
        name = node.evaluate(
            "n => n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.[0]?.textContent.trim()"
            " || document.getElementById(n.getAttribute('aria-labelledby'))?.textContent"
        )
        assert name, node.evaluate("n => n.outerHTML")
    for landmark in ("header", "nav", "main", "aside", "[role=search]"):
        assert page.locator(landmark).count() == 1


def test_no_sideways_scrolling_on_a_phone(open_report: Open) -> None:
    wide = make("a" * 900, ("a" * 600, "ORG"), id="b" * 300)
    page = open_report(MEETING, wide, HOSTILE, size=(360, 740))
    for number in range(3):
        page.evaluate(f"location.hash = 'd{number}'")
        sync_api.expect(page.locator(".walk .quiet")).to_have_text(f"{number + 1}/3")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_dark_is_chosen_by_the_system_or_by_hand(open_report: Open) -> None:
    page = open_report(MEETING, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.locator("#theme").select_option("light")
    light = page.evaluate(ground)
    assert light != dark
    page.emulate_media(color_scheme="light")
    page.locator("#theme").select_option("auto")
    assert page.evaluate(ground) == light
    page.locator("#theme").select_option("dark")
    assert page.evaluate(ground) == dark


def test_paper_has_no_controls_and_keeps_the_lines(open_report: Open) -> None:
    page = open_report(MEETING, UNSURE, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for hidden in (".bar", "#index", "#floor", ".walk"):
        assert page.locator(hidden).first.is_hidden()
    look = page.locator("mark").first.evaluate(
        "m => [getComputedStyle(m).borderBottomWidth, getComputedStyle(m).color]"
    )
    assert look == ["2px", "rgb(28, 29, 33)"]
    text, tables = (page.locator(part).bounding_box() for part in ("article", "#tables"))
    assert tables["y"] >= text["y"] + text["height"]


def test_all_documents_can_be_printed(open_report: Open) -> None:
    page = open_report(MEETING, UNSURE)
    page.evaluate("window.print = () => {}")
    page.locator("#print-all").click()
    page.emulate_media(media="print")
    assert page.locator("#all .document > h2").all_inner_texts() == ["hop.txt", "unsure.txt"]
    assert page.locator(".columns").is_hidden()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#all *").count() == 0
    assert shown_text(page) == MEETING.text


def test_a_very_long_document_is_shown_whole(open_report: Open) -> None:
    shift = len(MEETING.text) + 1
    spans = [
        type(span)(span.start + n * shift, span.end + n * shift, span.label, span.text, span.score)
        for n in range(2_000)
        for span in MEETING.spans
    ]
    long = Document("long.txt", (MEETING.text + "\n") * 2_000, tuple(spans))
    page = open_report(long)
    assert page.locator("article p").count() == 3 * 2_000
    page.goto(page.url.split("#")[0] + f"#d0s{len(spans) - 1}")
    assert 0 < page.evaluate("document.activeElement.getBoundingClientRect().top") < 800


def test_no_documents_are_told(open_report: Open) -> None:
    assert open_report().locator("#text").inner_text() == "Không có văn bản nào."
