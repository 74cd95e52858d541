"""The page of apps/space: its limits, its worker, and the page in a browser (skipped where there is no Chromium)."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import pytest
import yaml
from conftest import ROOT

import app
from body_limit import BodyLimit
from ner_danvan.errors import UserError
from ner_danvan.io.html.page import asset
from ner_danvan.io.tables import TABLES
from ner_danvan.tagger import Tagger
from page import COLUMNS, EXAMPLE, LABELS
from reading import Answer, Limits, Request, answer, mebibytes
from worker import Worker

SPACE = ROOT / "apps" / "space"
LIMITS = Limits(characters=1000, documents=3, file_bytes=20_000, seconds=60)
SENTENCE = "Ông Lê Văn Tám, Bí thư Đảng ủy xã, yêu cầu rà soát hộ nghèo."


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.from_pretrained(backend="int8")


def told(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


def write_docx(path: Path, *paragraphs: str) -> Path:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(str(path))
    return path


def write_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.txt", data)
    return path


# --- what one file of the Space says and another must say too ----------------------------------


def test_the_space_runs_the_gradio_that_it_is_tested_with() -> None:
    front = yaml.safe_load((SPACE / "README.md").read_text(encoding="utf-8").split("---")[1])
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"gradio=={front['sdk_version']}" in pins
    assert (SPACE / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60  # the hub refuses more


def test_the_spaces_requirement_is_an_extra_that_brings_gradio_and_the_readers() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    lines = (SPACE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [re.sub(r".*\[|\].*", "", line) for line in lines if not line.startswith("#")]
    assert wanted == ["space"]
    assert any(line.startswith("gradio") for line in extras["space"])
    assert "ner-danvan[docs]" in extras["space"]


def test_labels_are_called_what_the_report_calls_them() -> None:
    words = asset("words.js").split("  en: {")[0]
    (line,) = re.findall(r"labels: \{(.*?)\}", words)
    assert LABELS == dict(re.findall(r'(\w+): "(.*?)"', line))


def test_shown_columns_are_columns_of_the_tables() -> None:
    assert {name: set(shown) <= set(TABLES[name].headings) for name, shown in COLUMNS.items()} == dict.fromkeys(
        TABLES, True
    )


# --- limits ------------------------------------------------------------------------------------


def test_a_text_is_read_up_to_the_last_character_that_is_allowed(tagger: Tagger) -> None:
    text = SENTENCE.ljust(LIMITS.characters, ".")
    assert answer(tagger, Request(text=text), LIMITS).documents == 1
    assert "không quá 1.000 ký tự" in told(lambda: answer(tagger, Request(text=text + "."), LIMITS))


def test_the_texts_of_an_archive_count_together(tagger: Tagger, tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", a=b"x " * 300, b=b"x " * 300)
    assert "ký tự" in told(lambda: answer(tagger, Request(file=file), LIMITS))
    file = write_zip(tmp_path / "b.zip", a=b"x", b=b"x", c=b"x", d=b"x")
    assert "không quá 3 văn bản" in told(lambda: answer(tagger, Request(file=file), LIMITS))


def test_a_large_file_is_refused_before_it_is_read(tagger: Tagger, tmp_path: Path) -> None:
    file = tmp_path / "lớn.txt"
    file.write_bytes(b"x" * (LIMITS.file_bytes + 1))
    file.chmod(0)
    assert told(lambda: answer(tagger, Request(file=file), LIMITS)).startswith("“lớn.txt” có")


def test_what_cannot_be_read_is_a_remark_beside_what_can(tagger: Tagger, tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", a=SENTENCE.encode(), b=b"")
    got = answer(tagger, Request(file=file), LIMITS)
    assert got.documents == 1
    assert [remark.startswith("Không đọc được a.zip") for remark in got.remarks] == [True]


def test_what_cannot_be_read_counts_as_a_document_does(tagger: Tagger, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("x\n" * (LIMITS.documents + 1))
    assert "không quá 3 văn bản" in told(lambda: answer(tagger, Request(file=file), LIMITS))


def test_of_many_remarks_the_first_are_shown_and_the_others_counted(tagger: Tagger, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("x\n" * 8 + '{"text": "a"}\n')
    got = answer(tagger, Request(file=file), replace(LIMITS, documents=9))
    assert len(got.remarks) == 6
    assert got.remarks[-1] == "Và 3 ghi chú nữa."


def test_the_tables_hold_what_the_document_holds(tagger: Tagger) -> None:
    got = answer(tagger, Request(text=SENTENCE), LIMITS)
    document = replace(tagger(SENTENCE), id="Văn bản đã dán")
    assert document.spans
    assert document.roles()
    assert document.tasks()
    assert got.tables == {name: list(table.rows(document)) for name, table in TABLES.items()}


def test_the_lowest_score_leaves_spans_out(tagger: Tagger) -> None:
    all_of_them, none = (
        answer(tagger, Request(text=SENTENCE, min_score=score), LIMITS).tables["spans"] for score in (0.0, 1.0)
    )
    assert len(all_of_them) > len(none) == 0


def test_sizes_are_written_as_in_vietnamese() -> None:
    assert [mebibytes(size) for size in (10 * 2**20, 2**19)] == ["10 MB", "0,5 MB"]


# --- the worker --------------------------------------------------------------------------------


def test_what_takes_too_long_is_ended_and_the_next_request_is_answered() -> None:
    limits = replace(LIMITS, characters=10**6)
    worker = Worker(None, "int8", limits, waiting=2)
    worker.start()
    try:
        worker._limits = replace(limits, seconds=0.5)
        assert "quá 0.5 giây" in told(lambda: worker.ask(Request(text=(SENTENCE + "\n") * 5000)))
        worker._limits = limits
        assert isinstance(worker.ask(Request(text=SENTENCE)), Answer)
        first = worker._process
        assert first is not None
        first.kill()  # as the system does to a process that takes all memory
        first.join()
        assert worker.ask(Request(text=SENTENCE)).documents == 1
        assert "Chưa có văn bản" in told(lambda: worker.ask(Request()))
        worker._places.acquire()
        worker._places.acquire()
        assert "nhiều người dùng" in told(lambda: worker.ask(Request(text=SENTENCE)))
    finally:
        worker.stop()


def test_a_model_that_is_not_there_is_told_when_the_page_starts(tmp_path: Path) -> None:
    worker = Worker(str(tmp_path / "none"), "int8", LIMITS, waiting=1)
    assert "no config.json" in told(worker.start) or "no such" in told(worker.start)


# --- the page ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, served by `python apps/space/app.py`; without a browser nobody would look at it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("space")
    settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder), "PYTHONPATH": str(ROOT / "src")}
    with (folder / "log").open("w") as log:
        served = subprocess.Popen(
            [sys.executable, SPACE / "app.py"], stdout=log, stderr=log, cwd=folder, env=os.environ | settings
        )
        try:
            for _ in range(240):
                if served.poll() is not None or "Running on" in (folder / "log").read_text():
                    break
                time.sleep(0.5)
            assert served.poll() is None, (folder / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            served.terminate()
            served.wait(20)


class Visit:
    """The page in a browser; `problems` is what went wrong in it, or was asked of anybody else."""

    def __init__(self, browser: Any, address: str, width: int = 1280, **settings: Any) -> None:
        self.problems: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 900}, locale="vi-VN", **settings)
        page = self.page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", lambda said: said.type == "error" and self.problems.append(f"console: {said.text}"))
        page.on("request", self._look)
        self._own = (f"{address}/", "data:", "blob:")
        page.goto(address)
        page.locator("#read-text").wait_for()

    def _look(self, sent: Any) -> None:
        if not sent.url.startswith(self._own):
            self.problems.append(sent.url)


@pytest.fixture(scope="module")
def visit(browser: Any, address: str) -> Iterator[Visit]:
    visit = Visit(browser, address)  # one for all tests: the page takes seconds to load
    yield visit
    visit.context.close()


@pytest.fixture
def page(visit: Visit) -> Iterator[Any]:
    yield visit.page
    assert visit.problems == []


def read_text(page: Any, text: str) -> None:
    page.get_by_role("tab", name="Dán văn bản").click()
    page.locator("#text textarea").fill(text)
    page.locator("#read-text").click()


def read_file(page: Any, file: Path) -> None:
    page.get_by_role("tab", name="Tải tệp lên").click()
    if page.locator("#file td.filename").count():
        page.locator("#file").get_by_label("Xoá").click()
    page.locator("#file input[type=file]").set_input_files(file)
    page.locator("#file").get_by_label(file.name).wait_for()
    page.locator("#read-file").click()


def status(page: Any, begins: str) -> str:
    line = page.locator("#told [role=status]").filter(has_text=begins)
    line.wait_for()
    return str(line.inner_text())


def rows(page: Any, name: str, title: str) -> list[list[str]]:
    table = page.locator(f"#{name} tbody")
    if not table.is_visible():
        page.get_by_role("button", name=title).click()
    table.wait_for()
    return [row.locator("td").all_inner_texts() for row in table.locator("tr").all()]


def test_a_pasted_text_is_highlighted_and_its_tables_are_shown(page: Any) -> None:
    page.locator("#example").click()
    page.wait_for_function("document.querySelector('#text textarea').value.length > 0")
    assert page.locator("#text textarea").input_value() == EXAMPLE
    page.locator("#read-text").click()
    assert status(page, "Đã đọc") == "Đã đọc 1 văn bản: 10 cụm từ."
    report = page.frame_locator("#report iframe")
    assert report.locator("mark[data-label=POSITION] mark[data-label=ORG]").first.inner_text() == "Đảng ủy"
    assert report.locator("mark").count() == 10
    spans = rows(page, "spans", "Bảng cụm từ")
    assert spans[0][:2] == ["Người", "Kiều Hữu Bách"]
    assert [EXAMPLE[int(start) : int(end)] for *_, start, end in spans] == [text for _, text, *_ in spans]
    post = "Phó Bí thư Thường trực Đảng ủy"
    assert rows(page, "people", "Bảng người")[0] == ["Kiều Hữu Bách", post, "Đảng ủy", "1"]
    task = "trả lời dứt điểm hai kiến nghị trước ngày 31/10/2025"
    assert rows(page, "tasks", "Bảng nhiệm vụ")[0] == [task, "UBND xã", "–", "ngày 31/10/2025"]
    report.locator(".tasks > li > a").first.click()
    assert report.locator("mark:focus").get_attribute("data-label") == "TASK"  # and not the page in its own frame


def test_a_docx_is_read(page: Any, tmp_path: Path) -> None:
    text = f"{SENTENCE} Ngày 12/3/2026."
    read_file(page, write_docx(tmp_path / "báo cáo.docx", "BÁO CÁO", text))
    report = page.frame_locator("#report iframe")
    report.locator(".heading").filter(has_text="báo cáo.docx").wait_for()
    assert report.locator("article p").all_inner_texts()[-1] == text
    assert "12/3/2026" in rows(page, "spans", "Bảng cụm từ")[-1][1]


def test_the_lowest_score_is_taken_from_the_slider(page: Any) -> None:
    score = page.locator("#score input[type=number]")
    own = score.input_value()
    score.fill("1")
    score.blur()
    read_text(page, SENTENCE)
    assert status(page, "0 cụm từ") == "Đã đọc 1 văn bản: 0 cụm từ."
    score.fill(own)
    score.blur()
    read_text(page, SENTENCE)
    assert status(page, "4 cụm từ") == "Đã đọc 1 văn bản: 4 cụm từ."


def test_several_documents_are_told_apart(page: Any, tmp_path: Path) -> None:
    read_file(page, write_zip(tmp_path / "a.zip", a=SENTENCE.encode(), b=SENTENCE.encode(), c=b""))
    assert status(page, "Đã đọc 2") == "Đã đọc 2 văn bản: 8 cụm từ."
    assert page.locator("#told .error").inner_text() == "Không đọc được a.zip/c.txt: không có chữ nào."
    assert {row[0] for row in rows(page, "spans", "Bảng cụm từ")} == {"a.zip/a.txt", "a.zip/b.txt"}


WRONG: dict[str, tuple[bytes, str]] = {
    "trống.txt": (b"", "trống.txt: không có chữ"),
    "cũ.doc": (b"\xd0\xcf\x11\xe0" * 200, "cũ.doc: is an old Office file"),
    "hỏng.docx": (b"PK\x03\x04" + bytes(500), "hỏng.docx: "),
    "ảnh.png": (b"\x89PNG" + bytes(500), "ảnh.png: is a picture"),
    "bảng.csv": (b"a,b\n1,2\n", "bảng.csv: "),
    "nhiều.zip": (b"", "không quá 100 văn bản"),
    "dài.txt": (b"x " * 50_001, "không quá 100.000 ký tự"),
    "lớn.txt": (b"x" * (app.LIMITS.file_bytes + 1), "không quá 10 MB"),
}


def test_each_wrong_input_is_told_in_one_plain_line(page: Any, tmp_path: Path) -> None:
    line = page.locator("#told .error")
    page.get_by_role("tab", name="Tải tệp lên").click()
    if page.locator("#file td.filename").count():
        page.locator("#file").get_by_label("Xoá").click()
    page.locator("#read-file").click()
    line.filter(has_text="Chưa có tệp nào; hãy chọn một tệp.").wait_for()
    read_text(page, "  \n ")
    line.filter(has_text="Chưa có văn bản nào").wait_for()
    for name, (data, message) in WRONG.items():
        file = tmp_path / name
        file.write_bytes(data)
        if name == "nhiều.zip":
            write_zip(file, **{f"t{number}": b"x" for number in range(app.LIMITS.documents + 1)})
        read_file(page, file)
        line.filter(has_text=message).wait_for()
        assert line.count() == 1
        assert page.locator("#report iframe").count() == 0


def test_hostile_words_are_only_text(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("<img src=x onerror=alert(1)>,b\n1,2\n", encoding="utf-8")
    read_file(page, file)
    page.locator("#told .error").filter(has_text="<img src=x").wait_for()
    read = f"<script>alert(1)</script> <img src=x> {SENTENCE}"
    read_text(page, read)
    status(page, "Đã đọc 1")
    assert page.frame_locator("#report iframe").locator("article").inner_text().strip() == read
    assert page.locator("#found img, #told img").count() == 0


def test_it_fits_a_phone_and_is_dark_where_that_is_wished(browser: Any, address: str) -> None:
    phone = Visit(browser, address, 390, color_scheme="dark", has_touch=True)
    page = phone.page
    read_text(page, EXAMPLE)
    status(page, "Đã đọc 1")
    for name, title in {"spans": "Bảng cụm từ", "people": "Bảng người", "tasks": "Bảng nhiệm vụ"}.items():
        assert rows(page, name, title)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    for place in (page, page.frames[-1]):
        colour = place.evaluate("getComputedStyle(document.body).backgroundColor")
        assert 0 < sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 150, colour
    assert page.evaluate("document.documentElement.lang") == "vi"
    phone.context.close()
    assert phone.problems == []


def test_a_body_that_is_too_large_is_refused_by_what_it_says_of_itself(address: str) -> None:
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()  # and nothing of it is sent: it must not be waited for
    assert connection.getresponse().status == 413


# --- what is sent ------------------------------------------------------------------------------


def send_body(sizes: list[int], headers: dict[str, str]) -> tuple[int, int]:
    """The status that a body in so many parts is answered with, at most 100 bytes being allowed, and the parts read."""
    answers: list[Any] = []
    parts = iter(sizes)
    read = 0

    async def receive() -> Any:
        nonlocal read
        read += 1
        size = next(parts, 0)
        return {"type": "http.request", "body": b"x" * size, "more_body": size > 0}

    async def send(message: Any) -> None:
        answers.append(message)

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    with suppress(StopIteration):
        # driven by hand: nothing in it waits, and the browser's loop may be running
        BodyLimit(inner, 100)(scope, receive, send).__await__().send(None)
    return answers[0]["status"], read


@pytest.mark.parametrize(
    ("sizes", "headers", "expected"),
    [
        ([60, 40], {}, (200, 3)),
        ([60, 41, 1, 1], {}, (413, 2)),
        ([60], {"content-length": "101"}, (413, 0)),
        ([60, 60], {"content-length": "10"}, (413, 2)),
        ([60], {"content-length": "many"}, (413, 0)),
    ],
)
def test_a_body_is_read_no_further_than_its_bound(
    sizes: list[int], headers: dict[str, str], expected: tuple[int, int]
) -> None:
    assert send_body(sizes, headers) == expected
