"""The page itself: what stands where, in Vietnamese, and how an answer is shown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from body_limit import BodyLimit
from ner_danvan.errors import UserError
from ner_danvan.io.tables import TABLES, Cell
from ner_danvan.model_dir import find_model, read_model_dir
from reading import Answer, Limits, Request, Rows, mebibytes, number, one_line
from worker import Worker

TITLE = "Đọc báo cáo dân vận"
EXAMPLE = (
    "Đồng chí Kiều Hữu Bách, Phó Bí thư Thường trực Đảng ủy, yêu cầu UBND xã trả lời dứt điểm hai kiến nghị trước ngày "
    "31/10/2025.\nBà Mai Thị Quyên, Chủ tịch Ủy ban MTTQ Việt Nam xã, đề nghị rà soát hộ nghèo."
)
# a label's name is the one that the report shows
LABELS = {"PERSON": "Người", "POSITION": "Chức vụ", "ORG": "Tổ chức", "DATE": "Thời gian", "TASK": "Nhiệm vụ"}
# which columns of TABLES are shown, and what they are called here; offsets stand with the spans alone
COLUMNS = {
    "spans": {
        **{"document": "Văn bản", "label": "Nhãn", "text": "Cụm từ", "score": "Điểm"},
        **{"start": "Từ", "end": "Đến"},
    },
    "people": {
        **{"document": "Văn bản", "person": "Người", "post": "Chức vụ", "bodies": "Tổ chức"},
        "times": "Lần",
    },
    "tasks": {
        **{"document": "Văn bản", "task": "Nhiệm vụ", "addressed to": "Giao cho", "bodies": "Tổ chức"},
        "dates": "Thời gian",
    },
}
TITLES = {"spans": "Bảng cụm từ", "people": "Bảng người – chức vụ – tổ chức", "tasks": "Bảng nhiệm vụ"}

_FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Arial", "sans-serif"]  # none is fetched
_MONO = ["ui-monospace", "Consolas", "Noto Sans Mono", "monospace"]
# Gradio's own words, which it has in many languages and not in this one
_WORDS = {
    "upload_text.drop_file": "Thả tệp vào đây",
    "upload_text.click_to_upload": "Bấm để chọn tệp",
    "common.or": "hoặc",
    "common.remove": "Bỏ",
    "common.clear": "Xoá",
    "common.error": "Lỗi",
    "common.loading": "Đang tải",
    "file.uploading": "Đang tải lên…",
}
_SHOW = "() => { document.getElementById('told').scrollIntoView({ behavior: 'smooth' }); }"  # on a phone it lies below
_MORE = 4  # so many times the requests that may wait are heard, so that the page can say that they are too many
_UPLOAD = 4  # a file so many times too large still arrives, so that the page can say it in its own words
_LETTER = 12  # bytes that a character may take in a request: two \uXXXX


def serve(worker: Worker, limits: Limits, *, model: str | None, waiting: int, kept_seconds: int, folder: Path) -> None:
    """Serve the page until interrupted; nothing that it needs is fetched from elsewhere."""
    page = build(worker, limits, model=model, kept_seconds=kept_seconds)
    page.queue(default_concurrency_limit=_MORE * waiting, max_size=_MORE * waiting, api_open=False)
    most = max(_UPLOAD * limits.file_bytes, _LETTER * limits.characters)
    page.launch(
        show_error=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        share=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=most,
        max_threads=_MORE * waiting,
        app_kwargs={"middleware": [Middleware(BodyLimit, most=most + 2**20)]},
        theme=gr.themes.Base(font=_FONT, font_mono=_MONO).set(
            block_info_text_color="*body_text_color", block_info_text_color_dark="*body_text_color"
        ),
        js="() => { document.documentElement.lang = 'vi'; }",
        css_paths=folder / "page.css",
        i18n=gr.I18n(en=_WORDS, vi=_WORDS),
    )


def build(worker: Worker, limits: Limits, *, model: str | None, kept_seconds: int) -> gr.Blocks:
    """The page with its parts joined to the worker."""
    own_limit = round(read_model_dir(find_model(model)).settings.min_score, 2)

    def answered(request: Request) -> list[Any]:
        try:
            return _shown(worker.ask(request))
        except UserError as error:
            return _told(one_line(str(error)))

    def read_text(text: str, score: float) -> list[Any]:
        return answered(Request(text=text or "", min_score=_chosen(score, own_limit)))

    def read_file(file: str | None, column: str, score: float) -> list[Any]:
        if file is None:
            return _told("Chưa có tệp nào; hãy chọn một tệp.")
        return answered(Request(file=Path(file), column=column or "", min_score=_chosen(score, own_limit)))

    page = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, kept_seconds))
    with page:
        gr.Markdown(f"# {TITLE}\n{_introduction(limits, kept_seconds)}")
        with gr.Tabs():
            with gr.Tab("Dán văn bản"):
                text = gr.Textbox(label="Văn bản", lines=8, max_lines=16, elem_id="text")
                with gr.Row():
                    read = gr.Button("Đọc văn bản", variant="primary", elem_id="read-text")
                    example = gr.Button("Lấy ví dụ", elem_id="example")
            with gr.Tab("Tải tệp lên"):
                file = gr.File(label="Tệp", elem_id="file")
                column = gr.Textbox(
                    label="Cột chứa văn bản",
                    info="Chỉ với bảng (CSV, XLSX, Parquet) mà tên cột không nói rõ.",
                    max_length=200,
                    elem_id="column",
                )
                open_file = gr.Button("Đọc tệp", variant="primary", elem_id="read-file")
        score = gr.Slider(
            0,
            1,
            value=own_limit,
            step=0.01,
            label="Điểm thấp nhất",
            info="Bỏ những cụm từ mà mô hình ít chắc hơn mức này.",
            elem_id="score",
            buttons=["reset"],
        )
        told = gr.HTML(elem_id="told")
        with gr.Column(visible=False, elem_id="found") as found:
            report = gr.HTML(elem_id="report")
            tables = {}
            for name, title in TITLES.items():
                with gr.Accordion(title, open=False):
                    tables[name] = gr.HTML(elem_id=name)
        shown = [told, found, report, *tables.values()]
        for button, call, given in ((read, read_text, [text]), (open_file, read_file, [file, column])):
            button.click(
                call,
                [*given, score],
                shown,
                api_visibility="private",
                show_progress_on=[told],
            ).then(None, js=_SHOW, show_progress="hidden", api_visibility="private")
        example.click(lambda: EXAMPLE, None, text, api_visibility="private", show_progress="hidden")
    return page


def _introduction(limits: Limits, kept_seconds: int) -> str:
    return (
        "Dán một báo cáo, hoặc tải lên một tệp: trang này chỉ ra **ai**, **chức vụ gì**, **cơ quan nào**, **khi nào** "
        "và **việc gì phải làm**. Đọc được văn bản thuần, Markdown, DOCX, PDF có lớp chữ, HTML, EML, CSV, XLSX, "
        f"Parquet, JSONL và ZIP; mỗi lần tối đa {mebibytes(limits.file_bytes)}, {number(limits.documents)} văn bản, "
        f"{number(limits.characters)} ký tự và {limits.seconds:g} giây. Mô hình có thể sai, hãy xem lại. "
        f"Văn bản dán vào không được lưu lại; tệp tải lên bị xoá sau khoảng {round(kept_seconds / 60)} phút."
    )


def _chosen(score: float, own_limit: float) -> float | None:
    """None, the model's own limit, where the slider stands there: it shows two places of it."""
    return None if abs(score - own_limit) < 0.001 else float(score)


def _told(message: str) -> list[Any]:
    """What the page shows where there is no answer."""
    return [f'<p class="error" role="alert">{escape(message)}</p>', gr.Column(visible=False), "", *([""] * len(TITLES))]


def _shown(answer: Answer) -> list[Any]:
    counts = f"Đã đọc {number(answer.documents)} văn bản: {number(len(answer.tables['spans']))} cụm từ."
    lines = [f'<p role="status">{escape(counts)}</p>']
    lines += [f'<p class="error" role="alert">{escape(one_line(remark))}</p>' for remark in answer.remarks]
    tables = [_table(name, answer.tables[name], many=answer.documents > 1) for name in TITLES]
    return ["".join(lines), gr.Column(visible=True), _framed(answer.page), *tables]


def _framed(page: str) -> str:
    """The report in a frame of its own, which can do nothing to the page around it.

    As a data address: in `srcdoc` the report's links to its own places would load the page around it.
    """
    data = b64encode(page.encode("utf-8")).decode()
    source = f"data:text/html;charset=utf-8;base64,{data}"
    return f'<iframe title="Văn bản và nhãn" sandbox="allow-scripts allow-modals" src="{source}"></iframe>'


def _table(name: str, rows: Rows, *, many: bool) -> str:
    """The chosen columns; which document it is only where there are several."""
    if not rows:
        return "<p>Không có.</p>"
    headings = TABLES[name].headings
    columns = [(headings.index(key), key, title) for key, title in COLUMNS[name].items() if many or key != "document"]
    head = "".join(f'<th scope="col">{title}</th>' for _, _, title in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(key, row[at]))}</td>" for at, key, _ in columns) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: str, value: Cell) -> str:
    if column == "label":
        return LABELS.get(str(value), str(value))
    if isinstance(value, float):
        return f"{value:.2f}".replace(".", ",")
    return "–" if value is None else one_line(str(value))


__all__: Sequence[str] = ["COLUMNS", "EXAMPLE", "LABELS", "TITLES", "build", "serve"]
