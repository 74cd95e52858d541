from __future__ import annotations

from pathlib import Path

import pytest

from ner_danvan.io.readers.article import _title_place
from ner_danvan.io.readers.blocks import blocks_of
from ner_danvan.io.readers.html import _drop

from .pages import PAGES
from .reading import LINES, fault, read_one
from .test_encodings import to_tcvn3

html = pytest.importorskip("lxml.html")

TITLE, DATE, AUTHOR = "Thanh Sơn sơ kết công tác dân vận quý I", "Thứ ba, 05/03/2024 08:15", "Tin, ảnh: Trần Thị Bưởi"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "lines", [LINES[1:], LINES[1:2], LINES[1:] * 5, ["Họp.", *LINES[1:], "- Xã Tà Xùa;", "1. Họp"]]
)
def test_title_date_text_and_by_line_stay_and_nothing_else(tmp_path: Path, name: str, lines: list[str]) -> None:
    (tmp_path / "a.html").write_text(PAGES[name](TITLE, DATE, lines, AUTHOR), encoding="utf-8")
    document = read_one(tmp_path / "a.html")
    found = document.text.split("\n")
    assert found[:-1] == [TITLE, DATE, *lines, AUTHOR][: len(found) - 1]
    assert found[-1] in (AUTHOR, "Thông báo")  # one word of a neighbouring column, where the text is very short
    assert document.meta == {"source": str(tmp_path / "a.html")}


def page(body: str, head: str = '<meta charset="utf-8">') -> str:
    return f"<html><head>{head}</head><body>{body}</body></html>"


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    (tmp_path / "a.html").write_text(text, encoding=encoding)
    return tmp_path / "a.html"


def test_a_line_break_in_the_source_is_a_space_and_one_in_the_page_a_line(tmp_path: Path) -> None:
    body = "<p>Ban  Dân\n vận<br>xã&nbsp;<b>Thanh</b> <i>S</i>ơn</p><pre>a\nb</pre>"
    assert read_one(write(tmp_path, page(body))).text == "Ban Dân vận\nxã Thanh Sơn\na\nb"


def test_cells_are_lines(tmp_path: Path) -> None:
    body = "<table><tr><th>Họ tên<th>Chức vụ<tr><td>Lò Văn Pản<td>Bí thư</table>"
    assert read_one(write(tmp_path, page(body))).text.split("\n") == ["Họ tên", "Chức vụ", "Lò Văn Pản", "Bí thư"]


def test_hidden_text_scripts_and_comments_are_not_read(tmp_path: Path) -> None:
    body = f"<p>{LINES[1]}</p><p style='display: none'>ẩn</p><script>x</script><!-- y --><noscript>z</noscript>"
    assert read_one(write(tmp_path, page(body))).text == LINES[1]


def test_a_name_like_a_menus_does_not_cost_the_text(tmp_path: Path) -> None:
    body = f"<div class='sidebar-layout widget'><p>{LINES[1]}</p><p>{LINES[2]}</p></div>"
    assert read_one(write(tmp_path, page(body))).text.split("\n") == LINES[1:]


def test_links_in_the_text_stay(tmp_path: Path) -> None:
    body = f"<p>{LINES[1]}</p><p>Xem <a href='#'>Nghị quyết số 25-NQ/TW</a> của Trung ương về công tác dân vận.</p>"
    assert "Xem Nghị quyết số 25-NQ/TW của Trung ương" in read_one(write(tmp_path, page(body))).text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_of_pages(tmp_path: Path, encoding: str) -> None:
    text = f"{LINES[1]} \U0001f600"
    assert read_one(write(tmp_path, page(f"<p>{text}</p>", head=""), encoding)).text == text


def test_a_page_may_name_its_encoding(tmp_path: Path) -> None:
    body = page("<p>Xã Nà Hà họp</p>", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">')
    (tmp_path / "a.html").write_bytes(body.replace("ọ", "o").encode("cp1252"))
    assert read_one(tmp_path / "a.html").text == "Xã Nà Hà hop"


@pytest.mark.parametrize("name", ["unicode_escape", "raw_unicode_escape", "utf-7", "punycode", "rot13", "idna", "x"])
def test_what_is_no_encoding_of_pages_is_not_tried(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.html").write_bytes(
        page("<p>+AEEA- \\u0041 xa Ta Xua \xff</p>", f"<meta charset={name}>").encode("latin-1")
    )
    assert read_one(tmp_path / "a.html").text == "+AEEA- \\u0041 xa Ta Xua \ufffd"


def test_old_fonts_are_converted_with_a_remark(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(
        page("".join(f"<p>{to_tcvn3(line).decode('latin-1')}</p>" for line in LINES[1:])).encode()
    )
    notes: list[str] = []
    assert read_one(tmp_path / "a.html", notes=notes).text.split("\n") == LINES[1:]
    assert "TCVN3" in notes[0]


@pytest.mark.parametrize("body", ["", "<script>app()</script><div id='root'></div>"])
def test_a_page_without_text_is_one_line(tmp_path: Path, body: str) -> None:
    assert "has no text" in fault(write(tmp_path, page(body)))


def test_deep_nesting_is_no_crash(tmp_path: Path) -> None:
    assert "x" in read_one(write(tmp_path, "<html><body>" + "<div>" * 1500 + "x" + "</div>" * 1500 + "x")).text


@pytest.mark.parametrize("before", ["", "<td></b>" * 300])
def test_text_deeper_than_the_parser_goes_is_never_left_out_in_silence(tmp_path: Path, before: str) -> None:
    body = before + "<div>" * 2100 + f"<p>{LINES[1]}</p>"
    assert "cannot be read to its end (line 1" in fault(write(tmp_path, page(body)))


@pytest.mark.parametrize(
    "behind",
    [
        "</body>{}</html>",
        "</body></html>{}",
        "</body></html>\n<p>{}</p>",
        "</body><body><p>{}</p></body></html>",
        "</body></html><html><head><title>x</title></head><body><p>{}</p></body></html>",
    ],
)
@pytest.mark.parametrize("before", ["<html><head></head><body>", "<body>", ""])
def test_text_behind_the_page_or_in_another_body_is_read(tmp_path: Path, before: str, behind: str) -> None:
    text = f"{before}<p>{LINES[1]}</p>{behind.format(LINES[2])}"
    assert read_one(write(tmp_path, text)).text.split("\n") == LINES[1:]


def test_what_is_dropped_copies_none_of_the_text_beside_it() -> None:
    """Joined at each of many scripts, the text would be copied as many times."""
    page = html.document_fromstring("<p>a<script>x</script>b<script>y</script>c</p>")
    for script in page.findall(".//script"):
        _drop(script)
    (paragraph,) = page.iter("p")
    assert [paragraph.text, *(child.tail for child in paragraph)] == ["a", "b", "c"]
    assert [block.text for block in blocks_of(page)] == ["abc"]


def test_each_line_is_looked_for_at_the_beginning_of_a_pages_name_only() -> None:
    """In a name of any length, as many lines would each be sought from end to end."""
    blocks = blocks_of(html.document_fromstring(f"<div>{TITLE}</div><p>{LINES[1]}</p>"))
    found = [_title_place(blocks, "x" * length + TITLE, 1, 1) for length in (10, 2_000)]
    assert found == [0, None]


def test_other_news_among_the_paragraphs_are_dropped(tmp_path: Path) -> None:
    body = f"<p>{LINES[1]}</p><p><b>Tin liên quan:</b></p><p>Họp xã Tà Xùa</p><p>Họp huyện</p><p>{LINES[2]}</p>"
    assert read_one(write(tmp_path, page(body))).text.split("\n") == LINES[1:]


def test_the_name_of_the_site_is_no_title(tmp_path: Path) -> None:
    side = "".join(f"<div><a href='#'>Mục số {number}</a></div>" for number in range(20))
    body = f"<h1>Cổng thông tin xã Tà Xùa</h1><div>{side}</div><div><p>{LINES[1]}</p><p>{LINES[2]}</p></div>"
    head = '<meta charset="utf-8"><title>Cổng thông tin xã Tà Xùa</title>'
    assert read_one(write(tmp_path, page(body, head))).text.split("\n") == LINES[1:]


def test_one_bad_byte_does_not_cost_a_page(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(page(f"<p>{LINES[1]}</p>").encode() + b"\xff")
    assert LINES[1] in read_one(tmp_path / "a.html").text


def test_a_page_in_old_fonts_without_a_charset_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"<html><body><p>" + to_tcvn3(LINES[1] + " " + LINES[2]) + b"</p></body></html>")
    assert read_one(tmp_path / "a.html").text == LINES[1] + " " + LINES[2]


@pytest.mark.parametrize("before", ["", "<p>x", "<!-- <p> --><script>'<p ", "<html><body a=\">\"><p title='<p a b>'>"])
def test_an_element_with_attributes_without_end_is_refused_before_there_is_a_tree(tmp_path: Path, before: str) -> None:
    end = "</script>" if "script" in before else ""
    names = [f"a{number}" for number in range(150_000)]
    few, many = (f"{before}{end}<p {' '.join(some)}>Đảng ủy xã họp.</p>" for some in (names[:1_000], names))
    path = tmp_path / "a.html"
    path.write_text(many, encoding="utf-8")
    assert fault(path) == (
        f"{path}: has more than 1000 attributes in one element, <p>; open it in a browser, and save its text."
    )
    path.write_text(few, encoding="utf-8")
    assert read_one(path).text.endswith("Đảng ủy xã họp.")


def test_attributes_of_a_page_that_begins_again_and_again_do_not_add_up(tmp_path: Path) -> None:
    starts = ["<html " + " ".join(f"a{page}x{number}" for number in range(900)) + ">" for page in range(200)]
    text = "".join(starts) + "<body><body b=1><p>Đảng ủy xã họp."
    path = tmp_path / "a.html"
    path.write_text(text, encoding="utf-8")
    assert read_one(path).text == "Đảng ủy xã họp."
    html = pytest.importorskip("lxml.html")  # what is counted holds for the tree only as long as the parser does this
    assert max(len(element.attrib) for element in html.document_fromstring(text).iter()) <= 900
