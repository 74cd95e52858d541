"""Each kind of augmentation on small texts, at rate 1 unless the rate is what is tested."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import DANVAN, REPORTS, ROLES, rates, write_lexicon

from ner_danvan.document import Document, find_problems, parse_inline, render_inline
from ner_danvan.errors import UserError
from ner_danvan.span import Span
from ner_danvan.text.normalize import model_copy
from ner_danvan.training.augment.dates import replace_dates
from ner_danvan.training.augment.forms import change_case, exchange_forms, exchange_order, exchange_tones
from ner_danvan.training.augment.lexicon import Lexicon, Weighted, read_lexicon
from ner_danvan.training.augment.mentions import _level, replace_bodies, replace_persons, replace_places, replace_titles
from ner_danvan.training.augment.noise import lose_diacritics, make_typos
from ner_danvan.training.augment.pipeline import augment
from ner_danvan.training.augment.sentences import drop_sentences, shuffle_lines
from ner_danvan.training.augment.settings import Rates

KINDS = [field.name for field in fields(Rates)]


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    return read_lexicon(write_lexicon(tmp_path_factory.mktemp("lexicon")))


def read(markup: str) -> Document:
    return parse_inline(markup, "x", DANVAN.labels)


# --- mentions -----------------------------------------------------------------------------------


def test_part_of_a_name_follows_the_whole(lexicon: Lexicon) -> None:
    document = read("Ông <PERSON>Lò Văn Hoạt</PERSON> nói. Đồng chí <PERSON>Hoạt</PERSON>, <PERSON>Văn Hoạt</PERSON>.")
    new = replace_persons(document, lexicon, ROLES, Random(1), 1.0)
    whole, part, two = (span.text for span in new.spans)
    assert whole != "Lò Văn Hoạt"
    assert whole.split()[-1:] == part.split()
    assert whole.split()[-2:] == two.split()


def test_a_name_in_capitals_stays_in_capitals(lexicon: Lexicon) -> None:
    document = read("<PERSON>LÒ VĂN HOẠT</PERSON> và <PERSON>Lò Văn Hoạt</PERSON>")
    first, second = (span.text for span in replace_persons(document, lexicon, ROLES, Random(1), 1.0).spans)
    assert first == second.upper() != "LÒ VĂN HOẠT"


@pytest.mark.parametrize("name", ["Hồ Chí Minh", "Bác Hồ", "H.M", "Nguyễn-Văn"])
def test_names_of_history_and_initials_stay(lexicon: Lexicon, name: str) -> None:
    document = read(f"<PERSON>{name}</PERSON> dự")
    assert replace_persons(document, lexicon, ROLES, Random(1), 1.0) == document


def test_a_place_changes_everywhere_but_in_a_person(lexicon: Lexicon) -> None:
    document = read(
        "<ORG>UBND huyện Thanh Sơn</ORG> họp. Ông <PERSON>Lê Thanh Sơn</PERSON> về Thanh Sơn, HUYỆN THANH SƠN."
    )
    for seed in range(20):
        new = replace_places(document, lexicon, ROLES, Random(seed), 1.0)
        if new != document:
            break
    assert render_inline(new) == (
        "<ORG>UBND huyện Mường La</ORG> họp. Ông <PERSON>Lê Thanh Sơn</PERSON> về Mường La, HUYỆN MƯỜNG LA."
    )


def test_a_place_that_begins_like_another_is_read_to_its_end(lexicon: Lexicon) -> None:
    document = read("xã Phú Yên Thượng; huyện Thanh Sơn Hạ")  # no known place is so long, the known part moves
    new = replace_places(document, lexicon, ROLES, Random(3), 1.0)
    assert new.text.endswith((" Hạ", " Sơn Hạ"))


def test_a_body_becomes_one_of_its_level_alike_in_the_whole_document(lexicon: Lexicon) -> None:
    document = read("<ORG>Hội Nông dân huyện</ORG>, <ORG>Hội Nông dân huyện</ORG>")
    first, second = replace_bodies(document, lexicon, ROLES, Random(1), 1.0).spans
    assert first.text == second.text
    assert re.match("Công an |Văn phòng ", first.text)


def test_a_body_within_a_title_stays(lexicon: Lexicon) -> None:
    document = read("<POSITION>Chủ tịch <ORG>Hội Nông dân huyện</ORG></POSITION>")
    assert replace_bodies(document, lexicon, ROLES, Random(1), 1.0) == document


def test_the_head_of_a_title_becomes_another_of_its_group(lexicon: Lexicon) -> None:
    document = read("<POSITION>phó chủ tịch thường trực <ORG>UBND xã</ORG></POSITION>")
    found = {replace_titles(document, lexicon, ROLES, Random(seed), 1.0).text for seed in range(20)}
    assert found == {"chủ tịch UBND xã".replace("chủ", "chủ"), "phó Chủ tịch Thường trực UBND xã"}


@pytest.mark.parametrize(
    ("old", "wanted"),
    [
        ("ngày 5/3/2024", r"ngày \d{1,2}/\d{1,2}/20\d\d|ngày \d{1,2} tháng \d{1,2} năm 20\d\d"),
        ("05/03/2024", r"\d{1,2}/\d{1,2}/20\d\d"),
        ("5/3", r"\d{1,2}/\d{1,2}"),
        ("Tháng 7/2024", r"Tháng \d{1,2}/20\d\d"),
        ("quý II/2024", r"quý (I|II|III|IV)/20\d\d"),
        ("nhiệm kỳ 2020-2025", r"nhiệm kỳ 20\d\d-20\d\d"),
    ],
)
def test_a_date_stays_of_its_kind(lexicon: Lexicon, old: str, wanted: str) -> None:
    document = read(f"Sáng <DATE>{old}</DATE>, họp")
    found = {replace_dates(document, lexicon, ROLES, Random(seed), 1.0).spans[0].text for seed in range(30)}
    assert len(found) > 3 or old.startswith("nhiệm")
    assert all(re.fullmatch(wanted, text) for text in found)


def test_a_date_of_no_known_format_stays(lexicon: Lexicon) -> None:
    document = read("<DATE>9 tháng đầu năm</DATE>")
    assert replace_dates(document, lexicon, ROLES, Random(1), 1.0) == document


# --- forms --------------------------------------------------------------------------------------


def test_short_forms_are_written_out_and_full_ones_shortened(lexicon: Lexicon) -> None:
    document = read("<ORG>UBND xã</ORG> giữ an ninh trật tự; <ORG>Ủy ban nhân dân huyện</ORG>, số 12/UBND-VX")
    assert render_inline(exchange_forms(document, lexicon, ROLES, Random(1), 1.0)) == (
        "<ORG>Ủy ban nhân dân xã</ORG> giữ ANTT; <ORG>UBND huyện</ORG>, số 12/UBND-VX"
    )


def test_tone_style_changes_the_text_but_not_what_the_model_reads() -> None:
    document = read("<ORG>Thành uỷ</ORG> Hòa Bình, <PERSON>Thuý Quý</PERSON> và quả khoẻ")
    texts = {exchange_tones(document, Random(seed), 1.0).text for seed in range(10)}
    assert texts == {"Thành ủy Hòa Bình, Thúy Quý và quả khỏe", "Thành uỷ Hoà Bình, Thuý Quý và quả khoẻ"}
    assert {model_copy(text).text for text in texts} == {model_copy(document.text).text}


def test_the_first_line_turns_to_capitals_and_bodies_to_small_letters() -> None:
    document = read("Họp <ORG>Ban Dân vận</ORG>\n<POSITION>Trưởng <ORG>Ban Dân vận</ORG></POSITION> <ORG>UBND</ORG>")
    assert render_inline(change_case(document, ROLES, Random(1), 1.0)) == (
        "HỌP <ORG>BAN DÂN VẬN</ORG>\n<POSITION>trưởng <ORG>ban Dân vận</ORG></POSITION> <ORG>UBND</ORG>"
    )


def test_title_and_name_change_places_both_ways() -> None:
    titled = "Dự có <POSITION>Bí thư <ORG>Huyện ủy</ORG></POSITION> <PERSON>Lò Văn Hoạt</PERSON>."
    named = "Dự có <PERSON>Lò Văn Hoạt</PERSON> - <POSITION>Bí thư <ORG>Huyện ủy</ORG></POSITION>."
    found = {render_inline(exchange_order(read(titled), ROLES, Random(seed), 1.0)) for seed in range(20)}
    assert named in found
    assert named.replace(" - <", " (<").replace("</POSITION>.", "</POSITION>).") in found
    assert render_inline(exchange_order(read(named), ROLES, Random(1), 1.0)) == titled


@pytest.mark.parametrize(
    "markup",
    [
        "<PERSON>A B</PERSON>, <POSITION>Ủy viên</POSITION>, <POSITION>Bí thư</POSITION>",
        "<POSITION>Bí thư</POSITION> <PERSON>A B</PERSON>, <PERSON>C D</PERSON>",
        "<POSITION>Bí thư</POSITION>, <PERSON>A B</PERSON> dự",
        "<TASK>báo cáo <POSITION>Bí thư</POSITION></TASK> <PERSON>A B</PERSON> dự",
    ],
    ids=["two titles", "two names", "a title of somebody else", "a task ends between them"],
)
def test_what_is_not_one_name_with_one_title_keeps_its_order(markup: str) -> None:
    assert render_inline(exchange_order(read(markup), ROLES, Random(1), 1.0)) == markup


# --- noise and sentences ------------------------------------------------------------------------


def test_syllables_lose_their_tone_or_all_their_marks() -> None:
    document = read("<ORG>Đảng ủy</ORG> huyện")
    found = {lose_diacritics(document, Random(seed), 1.0).text for seed in range(40)}
    assert {"Đang uy huyên", "Dang uy huyen"} <= found


def test_a_closed_gap_never_hides_where_a_span_begins() -> None:
    document = read("<ORG>Ban Dân vận</ORG> họp bàn")
    for seed in range(200):
        new = make_typos(document, Random(seed), 1.0)
        (span,) = new.spans
        assert new.text[span.end] == " "


def test_every_sentence_may_go_but_the_last_of_a_line() -> None:
    document = read("Một. TS. Hai nói. <TASK>Ba đi</TASK>; bốn.\nNăm.")
    assert drop_sentences(document, Random(1), 1.0) == read("<TASK>Ba đi</TASK>; bốn.\nNăm.")


def test_a_task_that_holds_a_sentence_end_is_not_torn() -> None:
    document = read("<TASK>làm việc A. Rồi việc B</TASK>. Xong.")
    assert drop_sentences(document, Random(1), 1.0).text == "Xong."
    document = read("Nói <TASK>làm việc A. Rồi việc B</TASK>")
    assert drop_sentences(document, Random(1), 1.0) == document


def test_lines_change_places_but_for_the_first() -> None:
    document = read("Tiêu đề\n\n<ORG>Đảng</ORG> một\nhai\r\n<DATE>năm 2020</DATE> ba")
    new = [shuffle_lines(document, Random(seed), 1.0) for seed in range(30)]
    assert len({shuffled.text for shuffled in new}) > 2
    for shuffled in new:
        assert shuffled.text.startswith("Tiêu đề\n\n")
        assert sorted(re.split(r"\r?\n+", shuffled.text)) == sorted(re.split(r"\r?\n+", document.text))
        assert {span.text for span in shuffled.spans} == {"Đảng", "năm 2020"}


@pytest.mark.parametrize("line", ["II. NHIỆM VỤ", "yêu cầu:", "- một việc", "1. một việc", "NHIỆM VỤ", "a) một việc"])
def test_lines_under_a_heading_or_in_a_list_keep_their_place(line: str) -> None:
    document = read(f"Tiêu đề\nKết quả.\n{line}\n<TASK>sửa đường</TASK>.\nHết.")
    assert all(shuffle_lines(document, Random(seed), 1.0) == document for seed in range(20))


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("<POSITION>PCT <ORG>UBND xã</ORG></POSITION>", "Phó Chủ tịch UBND xã"),
        ("<POSITION>UVBTV</POSITION>", "UVBTV"),
        ("Ảnh: PCT", "Ảnh: PCT"),
        ("<POSITION>CVP <ORG>Huyện ủy</ORG></POSITION>", "CVP Huyện ủy"),
        ("bảng UBND", "bảng UBND"),
    ],
    ids=["in a title", "holds a body", "no title", "would move where the body begins", "no body"],
)
def test_a_short_form_is_written_out_only_where_the_gold_stays_right(tmp_path: Path, markup: str, wanted: str) -> None:
    folder = write_lexicon(tmp_path)
    rows = ["UBND\tỦy ban nhân dân\tbody", "BTV\tBan Thường vụ\tbody", "PCT\tPhó Chủ tịch\ttitle"]
    rows += ["UVBTV\tỦy viên Ban Thường vụ\ttitle", "CVP\tChánh Văn phòng\ttitle"]
    (folder / "acronyms.tsv").write_text("\n".join(["short\tfull\tkind", *rows]), encoding="utf-8")
    found = exchange_forms(read(markup), read_lexicon(folder), ROLES, Random(1), 1.0)
    assert found.text == wanted.replace("UBND xã", "Ủy ban nhân dân xã")


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ("Đảng bộ xã Tân Lập", "xã"),
        ("Ủy ban MTTQ Việt Nam phường", "xã"),
        ("Bảo hiểm xã hội huyện", "huyện"),
        ("Thị xã đoàn", "huyện"),
        ("Bộ CHQS tỉnh", "tỉnh"),
        ("Sở LĐ-TB và Xã hội", "tỉnh"),
        ("Bộ Tài chính", "trung ương"),
        ("Hợp tác xã Hoa Lư", None),
        ("Quận ủy", "huyện"),
    ],
)
def test_the_level_of_a_body_is_that_of_its_place(lexicon: Lexicon, body: str, level: str | None) -> None:
    known = replace(lexicon, bodies=dict.fromkeys(("xã", "huyện", "tỉnh", "trung ương"), ("Hội",)))
    assert _level(body, known) == level


# --- all together -------------------------------------------------------------------------------

PARTS = st.sampled_from(
    [
        *(report.format(n=3) for report in REPORTS),
        "\n",
        "\r\n",
        " ",
        "; ",
        "<ORG>UBND tỉnh Điện Biên</ORG>\u00a0(<ORG>UBND</ORG>)",
        "ĐẠI HỘI <ORG>ĐẢNG BỘ HUYỆN THANH SƠN</ORG>",
        "cu\u0309a <PERSON>Nguye\u0302\u0303n Thi\u0323 Hoa\u0300</PERSON>\u200b, <POSITION>Chủ tịch</POSITION>",
        "<TASK>tiếp tục giao <POSITION>Bí thư</POSITION> <PERSON>Lò Mai</PERSON> việc A; việc B. Việc C 🎉</TASK>",
        "- <POSITION>Phó Chủ tịch <ORG>Ủy ban nhân dân huyện Thanh Sơn</ORG></POSITION> <PERSON>Mai</PERSON>",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PARTS, max_size=8),
    st.lists(st.floats(0, 1), min_size=len(KINDS), max_size=len(KINDS)),
    st.integers(0, 10**6),
)
def test_whatever_is_changed_every_span_stays_exact(
    lexicon: Lexicon, parts: list[str], drawn: list[float], seed: int
) -> None:
    document = read("".join(parts))
    new = augment(document, lexicon, ROLES, Rates(**dict(zip(KINDS, drawn, strict=True))), str(seed))
    assert not find_problems(new, DANVAN.layer_of, edges=False)
    assert all(span.text == span.text.strip() for span in new.spans)
    if not (drawn[KINDS.index("drop")]):
        assert sorted(s.label for s in new.spans) == sorted(s.label for s in document.spans)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_had_alone_and_for_a_seed_is_always_the_same(lexicon: Lexicon, kind: str) -> None:
    markup = "\n".join(report.format(n=3) for report in REPORTS)
    markup += "\n<ORG>UBND huyện Thanh Sơn</ORG> báo cáo. Ông <PERSON>A Hoà</PERSON>.\nCuối ngày <DATE>5/3/2024</DATE>."
    document = read(markup)
    on = rates(**{kind: 1.0})
    found = [augment(document, lexicon, ROLES, on, str(seed)) for seed in range(8)]
    assert any(new != document for new in found)
    assert found == [augment(document, lexicon, ROLES, on, str(seed)) for seed in range(8)]
    assert augment(document, lexicon, ROLES, rates(), "0") == document


def test_switching_one_kind_off_leaves_the_draws_of_the_others(lexicon: Lexicon) -> None:
    document = read("Ông <PERSON>Lò Văn Hoạt</PERSON> dự sáng <DATE>5/3/2024</DATE>")
    both = augment(document, lexicon, ROLES, rates(person=1.0, date=1.0), "7")
    one = augment(document, lexicon, ROLES, rates(person=1.0), "7")
    assert both.spans[0].text == one.spans[0].text
    assert one.spans[1].text == "5/3/2024"


# --- the gazetteers -----------------------------------------------------------------------------


def test_a_weight_is_how_often_an_item_is_drawn() -> None:
    random = Random(1)
    drawn = [Weighted([("a", 9.0), ("b", 1.0), ("c", 0.0)]).draw(random) for _ in range(1000)]
    assert 850 < drawn.count("a") < 950
    assert "c" not in drawn


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\n", 'surnames.tsv:1: no column "weight"'),
        ("name\tweight\n", "no row in it"),
        ("name\tweight\nLò\tviel\n", "surnames.tsv:2: wants name, weight"),
        ("name\tweight\n\t3\n", "surnames.tsv:2: wants name, weight"),
    ],
)
def test_a_fault_in_a_gazetteer_names_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    folder = write_lexicon(tmp_path)
    (folder / "surnames.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)):
        read_lexicon(folder)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("given_names", "name\tgender\tweight\nMai\tf\t1\n", 'no name of gender "m"'),
        ("surnames", "name\tweight\nLò\t0\n", "no weight is above 0"),
        ("titles", "head\tgroup\tweight\nBí thư\tx\t0\n", 'group "x"'),
        ("bodies", "pattern\tlevel\nBan {plaec}\txã\n", r"\{plaec\} is no slot"),
        ("date_formats", "kind\tformat\nday\t{day}\n", r"\{day\} is no field"),
        ("districts", "name\tkind\tprovince\nSơn La\tthành phố\tSơn La\n", "bodies.tsv has level huyện"),
    ],
)
def test_what_could_not_be_drawn_from_is_refused_when_it_is_read(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    folder = write_lexicon(tmp_path)
    (folder / f"{file}.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_lexicon(folder)


def test_a_missing_gazetteer_names_the_key_to_set(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"augment\.lexicon"):
        read_lexicon(tmp_path)


def test_a_lone_document_without_anything_to_change_is_itself(lexicon: Lexicon) -> None:
    document = Document("x", "", ())
    assert augment(document, lexicon, ROLES, rates(**dict.fromkeys(KINDS, 1.0)), "1") == document
    document = Document("x", "1", (Span(0, 1, "DATE", "1"),))
    assert augment(document, lexicon, ROLES, rates(**dict.fromkeys(KINDS, 1.0)), "1") == document
