from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import DANVAN

from ner_danvan.document import Document, parse_inline


def read(markup: str) -> Document:
    """N, T, B, D and A stand for PERSON, POSITION, ORG, DATE and TASK."""
    for short, label in {"N": "PERSON", "T": "POSITION", "B": "ORG", "D": "DATE", "A": "TASK"}.items():
        markup = markup.replace(f"<{short}>", f"<{label}>").replace(f"</{short}>", f"</{label}>")
    return parse_inline(markup, "x", DANVAN.labels)


def held(markup: str) -> list[tuple[str | None, str]]:
    return [(role.person.text if role.person else None, role.position.text) for role in read(markup).roles()]


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("<T>Bí thư</T> <N>A B</N> dự", [("A B", "Bí thư")]),
        ("<T>Bí thư</T>, đồng chí <N>A B</N> dự", [(None, "Bí thư")]),
        ("<T>Chỉ huy trưởng</T> - Đại tá, TS. <N>A B</N>", [("A B", "Chỉ huy trưởng")]),
        ("<T>Chủ tịch</T> (tỉnh X) <N>A B</N> ký", [("A B", "Chủ tịch")]),
        ("ông <N>A B</N>, <T>Bí thư</T>, <T>Chủ tịch</T>; bà <N>C D</N>, <T>Trưởng ban</T>",
         [("A B", "Bí thư"), ("A B", "Chủ tịch"), ("C D", "Trưởng ban")]),
        ("<N>A B</N> - <T>Bí thư</T> và <N>C D</N> (<T>Phó Bí thư</T>)", [("A B", "Bí thư"), ("C D", "Phó Bí thư")]),
        ("dự có <N>A B</N>, <T>Bí thư</T>, <T>Chủ tịch</T> <N>C D</N>", [("A B", "Bí thư"), ("C D", "Chủ tịch")]),
        ("<T>Ủy viên</T>, <T>Trưởng ban</T> <N>A B</N>", [("A B", "Ủy viên"), ("A B", "Trưởng ban")]),
        ("các <T>Phó Chủ tịch</T>: <N>A B</N>, <N>C D</N> và bà <N>E G</N>; <N>H I</N>",
         [("A B", "Phó Chủ tịch"), ("C D", "Phó Chủ tịch"), ("E G", "Phó Chủ tịch"), ("H I", "Phó Chủ tịch")]),
        ("các đồng chí <T>Phó Bí thư</T> <N>A B</N>, <N>C D</N>", [("A B", "Phó Bí thư"), ("C D", "Phó Bí thư")]),
        ("<T>Phó Bí thư</T> <N>A B</N>, <N>C D</N>", [("A B", "Phó Bí thư")]),
        ("<N>A B</N> được Hội nghị tín nhiệm bầu giữ chức <T>Bí thư</T>", [("A B", "Bí thư")]),
        ("<N>A B</N> phát biểu. Ai giữ chức <T>Bí thư</T>?", [(None, "Bí thư")]),
        ("<N>A B</N> đề nghị với <T>Bí thư</T>", [(None, "Bí thư")]),
        ("trao chức danh <T>Bí thư</T> cho đồng chí <N>A B</N>", [("A B", "Bí thư")]),
        ("<T>CHỦ TỊCH</T>\n(Đã ký)\n\n<N>A B</N>", [("A B", "CHỦ TỊCH")]),
        ("do <T>Bí thư</T>.\n<N>A B</N>", [(None, "Bí thư")]),
        ("<N>A B</N> <T>Bí thư</T> xã và dân", [("A B", "Bí thư")]),
        ("<N>A B</N> tái cử <T>Phó Bí thư</T>, <T>Chủ tịch</T>", [("A B", "Phó Bí thư"), ("A B", "Chủ tịch")]),
        ("<N>A B</N> thay ông <N>C D</N> giữ chức <T>Bí thư</T>", [("A B", "Bí thư")]),
        ("<N>A B</N> thay ông <N>C D</N> được phân công làm <T>Bí thư</T>", [("C D", "Bí thư")]),
        ("<T>Chủ tịch</T> tặng Bằng khen cho ông <N>A B</N>", [(None, "Chủ tịch")]),
        ("<N>A B</N> nhắc mọi người, nhất là <T>Bí thư</T>", [(None, "Bí thư")]),
        ("<N>A B</N> đề nghị hội nghị bầu <T>Trưởng thôn</T>", [(None, "Trưởng thôn")]),
        ("THƯ KÝ\n<N>A B</N>\n\n<T>TRƯỞNG BAN</T>\n<N>C D</N>", [("C D", "TRƯỞNG BAN")]),
        ("- <N>A B</N>, <T>Bí thư</T>\n- <T>Chủ tịch</T>\n- <T>Trưởng ban</T>",
         [("A B", "Bí thư"), (None, "Chủ tịch"), (None, "Trưởng ban")]),
        ("Các <T>Phó ban</T>:\n1. Ông <N>A B</N>\n2. Bà <N>C D</N>.", [("A B", "Phó ban"), ("C D", "Phó ban")]),
        ("Các <T>Phó ban</T>:\n- Ông <N>A B</N>;\n- Bà <N>C D</N>.", [("A B", "Phó ban"), ("C D", "Phó ban")]),
        ("các <T>Ủy viên</T>: <T>Bộ trưởng</T> <N>A B</N>, <T>Vụ trưởng</T> <N>C D</N>; <T>Phó ban</T>, bà <N>E G</N>",
         [("A B", "Ủy viên"), ("C D", "Ủy viên"), ("A B", "Bộ trưởng"), ("C D", "Vụ trưởng"), (None, "Phó ban")]),
        ("một <T>Ủy viên</T>: <T>Chủ tịch</T> <N>A B</N>", [(None, "Ủy viên"), ("A B", "Chủ tịch")]),
        ("Ngày 5/6 <T>Chủ tịch</T> <N>A B</N> và ông <N>C D</N>", [("A B", "Chủ tịch")]),
        ("02 <T>Phó Chủ tịch</T> <N>A B</N>, <N>C D</N>", [("A B", "Phó Chủ tịch"), ("C D", "Phó Chủ tịch")]),
        ("<N>A B</N>, <T>Bí thư</T>; <T>trưởng thôn</T> các thôn", [("A B", "Bí thư"), (None, "trưởng thôn")]),
    ],
)  # fmt: skip
def test_who_holds_which_post(markup: str, wanted: list[tuple[str | None, str]]) -> None:
    assert held(markup) == wanted


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("<T>Chủ tịch <B>UBND xã</B></T> <N>A B</N>", ["UBND xã"]),
        ("<T>Trưởng <B>phòng X</B></T> (<B>Sở Nội vụ</B>)", ["phòng X", "Sở Nội vụ"]),
        ("ông <N>A B</N>, <T>Vụ trưởng <B>Vụ I</B></T>, <B>Ban Tổ chức</B>; họp", ["Vụ I", "Ban Tổ chức"]),
        ("Đề nghị <T>Bí thư <B>Đảng ủy xã</B></T>, <B>UBND xã</B>.", ["Đảng ủy xã"]),
        ("<T>Giám đốc</T> của <B>Sở Nội vụ</B>.", ["Sở Nội vụ"]),
        ("<T>Bí thư</T>, <B>Công an xã</B>, <B>Đoàn xã</B>", []),
        ("TM. <B>UBND XÃ</B>\n<T>CHỦ TỊCH</T>\n<N>A B</N>", ["UBND XÃ"]),
        ("Nơi nhận: <B>UBND XÃ</B>\n<T>CHỦ TỊCH</T>", []),
        ("<T>Bí thư</T> họp với <B>UBND</B>", []),
        ("<T>Giám đốc <B>Sở Nội vụ</B></T> (<B>SNV</B>) <N>A B</N>", ["Sở Nội vụ"]),
        ("<T>Chủ tịch <B>Uỷ ban Quốc gia</B></T> (<B>Ủy ban</B>)", ["Uỷ ban Quốc gia"]),
        ("<T>Vụ trưởng <B>Vụ I</B></T> (<B>Bộ Tài chính</B>)", ["Vụ I", "Bộ Tài chính"]),
    ],
)
def test_which_body_a_post_is_in(markup: str, wanted: list[str]) -> None:
    (role,) = read(markup).roles()
    assert [body.text for body in role.bodies] == wanted


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("đề nghị <B>UBND xã</B> <A>sửa đường</A>", [["UBND xã"]]),
        (
            "giao <B>Công an xã</B>, <B>Đoàn xã</B> và <B>Hội</B> cần <A>tuần tra</A>",
            [["Công an xã", "Đoàn xã", "Hội"]],
        ),
        ("<T>Chủ tịch <B>UBND xã</B></T> phải <A>sửa đường</A>", [["Chủ tịch UBND xã"]]),
        ("<B>Sở</B> <A>làm A</A>; <A>làm B</A>; <B>Ban</B> <A>làm C</A>", [["Sở"], ["Sở"], ["Ban"]]),
        ("<B>Sở</B> họp và nhấn mạnh việc phải <A>làm A</A>", [[]]),
        ("<B>Sở</B> <A>làm A</A>. Cần <A>làm B</A>", [["Sở"], []]),
        ("<A>làm A</A>", [[]]),
        ("<B>UBND</B> <A>phối hợp với <B>Công an</B></A>, <A>báo cáo</A>", [["UBND"], ["UBND"]]),
    ],
)
def test_whom_a_task_is_addressed_to(markup: str, wanted: list[list[str]]) -> None:
    assert [[span.text for span in task.addressees] for task in read(markup).tasks()] == wanted


def test_a_task_names_the_bodies_and_dates_inside_it_and_no_others() -> None:
    document = read(
        "<D>Ngày 1/2</D> <B>Sở</B> <A>báo cáo <T>Chủ tịch <B>UBND tỉnh</B></T> trước <D>ngày 5/3</D></A> <B>Ban</B>"
    )
    (task,) = document.tasks()
    assert [body.text for body in task.bodies] == ["UBND tỉnh"]
    assert [date.text for date in task.dates] == ["ngày 5/3"]


PARTS = ["<N>A</N>", "<T>B <B>C</B></T>", "<B>D</B>", "<A>e <B>G</B> <D>h</D></A>", " ", ", ", "\n", ": ", "(", ") "]


@pytest.mark.parametrize(
    "text", ["\n" * 30_000, " " * 30_000, "căn cứ Luật A, " * 300, "theo chức năng, nhiệm vụ cần phải " * 300]
)
def test_no_stretch_of_text_makes_the_rules_hang(text: str) -> None:
    document = read(f"<T>Bí thư</T>{text}<N>A B</N>{text}<T>Chủ tịch</T>{text}<B>UBND</B>{text}<A>làm</A>")
    assert len(document.roles()) == 2
    assert len(document.tasks()) == 1


def test_decomposed_accents_are_linked_as_composed_ones() -> None:
    markup = "Đồng chí <N>Lò Hoà</N> được bầu giữ chức <T>Bí thư</T>; <B>Sở</B> phải <A>làm</A>"
    document = read(unicodedata.normalize("NFD", markup))
    assert [role.person is not None for role in document.roles()] == [True]
    assert [len(task.addressees) for task in document.tasks()] == [1]


@given(st.lists(st.sampled_from([*PARTS, "các ", "ông ", "làm "])))
def test_every_post_and_task_is_told_whatever_stands_between(parts: list[str]) -> None:
    document = read("".join(parts))
    posts = [span for span in document.spans if span.label == "POSITION"]
    assert list(dict.fromkeys(role.position for role in document.roles())) == posts
    assert [task.task for task in document.tasks()] == [s for s in document.spans if s.label == "TASK"]
    pairs = [(role.person, role.position) for role in document.roles()]
    assert len(pairs) == len(set(pairs))
