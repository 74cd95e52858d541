from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from ner_danvan.document import Document
from ner_danvan.io.readers import Failure

from .reading import LINES, fault, read, read_one


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ban Dân vận <danvan@example.org>"
    message["Subject"] = "V/v sơ kết công tác dân vận quý I"
    message["Date"] = "Tue, 05 Mar 2024 08:15:00 +0700"
    message["MIME-Version"] = "1.0"
    message.set_content("\n".join(LINES))
    return message


@pytest.mark.parametrize("name", ["a.eml", "a.txt"])
def test_subject_and_body_are_read_and_who_wrote_when_is_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(mail().as_bytes())
    document = read_one(tmp_path / name)
    assert document.text.split("\n") == ["V/v sơ kết công tác dân vận quý I", *LINES]
    assert document.meta["from"] == "Ban Dân vận <danvan@example.org>"
    assert document.meta["date"] == "Tue, 05 Mar 2024 08:15:00 +0700"


def test_a_mail_of_html_alone_is_read(tmp_path: Path) -> None:
    pytest.importorskip("lxml")
    message = EmailMessage()
    message["Subject"] = "Họp"
    message.set_content("<p>Ban Dân vận<br>xã</p>", subtype="html")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    assert read_one(tmp_path / "a.eml").text == "Họp\nBan Dân vận\nxã"


def test_attachments_are_documents_of_their_own(tmp_path: Path) -> None:
    message = mail()
    message.add_attachment("Đảng ủy xã".encode(), maintype="text", subtype="plain", filename="bao_cao.txt")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="a.png")
    message.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="b.zip")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    notes: list[str] = []
    _, text, archive = read(tmp_path / "a.eml", notes=notes)
    path = str(tmp_path / "a.eml")
    assert text == Document(f"{path}/bao_cao.txt", "Đảng ủy xã", meta={"source": path, "member": "bao_cao.txt"})
    assert isinstance(archive, Failure)
    assert "inside another file is not opened" in archive.message
    assert notes == [f"{path}: passed over the attachment a.png, which no reader takes"]


PLAIN, HTML = "Content-Type: text/plain; charset=utf-8\n\n", "Content-Type: text/html; charset=utf-8\n\n"
REPORT = 'Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename="a.txt"\n\nBà Năm họp.\n'


def many(kind: str, *parts: str) -> str:
    """A part of parts."""
    edge = f"edge{len(''.join(parts))}"
    inside = "".join(f"--{edge}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={edge}\n\n{inside}--{edge}--\n"


def texts(path: Path, whole: str, notes: list[str] | None = None) -> list[str]:
    path.write_text("MIME-Version: 1.0\n" + whole)
    return [item.text.strip("\n") if isinstance(item, Document) else item.message for item in read(path, notes=notes)]


def test_a_mail_that_is_one_attachment_is_that_document(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    assert texts(path, f"Subject: Scan\n{REPORT}") == ["Scan", "Bà Năm họp."]
    assert texts(path, REPORT) == ["Bà Năm họp."]
    assert texts(path, many("mixed", REPORT)) == ["Bà Năm họp."]


def test_what_is_attached_to_one_form_of_the_body_is_read(tmp_path: Path) -> None:
    whole = many("alternative", PLAIN + "Họp.", many("mixed", HTML + "<p>Khác</p>", REPORT))
    assert texts(tmp_path / "a.eml", whole) == ["Họp.", "Bà Năm họp."]


def test_a_body_that_has_the_name_of_a_file_is_the_body(tmp_path: Path) -> None:
    plain = 'Content-Type: text/plain; charset=utf-8; name="message.txt"\n\nHọp.'
    page = 'Content-Type: text/html; charset=utf-8; name="message.html"\n\n<p>Họp.</p>'
    picture = 'Content-Type: image/png; name="a.png"\n\nx'
    path, subject = tmp_path / "a.eml", "Subject: S\n"
    assert texts(path, subject + many("alternative", plain, page)) == ["S\nHọp."]
    assert texts(path, subject + many("alternative", PLAIN + "Họp.", page)) == ["S\nHọp."]
    assert texts(path, subject + many("mixed", plain, picture)) == ["S\nHọp."]
    pytest.importorskip("lxml")
    inline = page.replace("\n\n", '\nContent-Disposition: inline; filename="message.html"\n\n', 1)
    assert texts(path, subject + many("related", inline, picture)) == ["S\nHọp."]
    assert texts(path, subject + many("mixed", PLAIN + "Chào", page)) == ["S\nChào", "Họp."]


def test_a_mail_in_utf_7_is_read(tmp_path: Path) -> None:
    body = "Kính gửi các đồng chí".encode("utf-7").decode("ascii")
    assert texts(tmp_path / "a.eml", f"Content-Type: text/plain; charset=utf-7\n\n{body}") == ["Kính gửi các đồng chí"]


def test_parts_in_parts_are_read(tmp_path: Path) -> None:
    whole = many("mixed", many("mixed", PLAIN + "Họp.", REPORT), PLAIN + "Chân thư")
    assert texts(tmp_path / "a.eml", whole) == ["Họp.\nChân thư", "Bà Năm họp."]


def test_a_blank_plain_form_does_not_hide_the_html(tmp_path: Path) -> None:
    pytest.importorskip("lxml")
    whole = many("alternative", PLAIN + " ", HTML + "<p>Ban Dân vận họp</p>")
    assert texts(tmp_path / "a.eml", whole) == ["Ban Dân vận họp"]


def test_a_body_around_a_picture_is_read_to_its_end(tmp_path: Path) -> None:
    notes: list[str] = []
    path = tmp_path / "a.eml"
    whole = many("mixed", PLAIN + "Một", "Content-Type: image/png; name=i.png\n\nx", PLAIN + "Hai")
    assert texts(path, whole, notes) == ["Một\nHai"]
    assert notes == [f"{path}: passed over the attachment i.png, which no reader takes"]


def test_parts_without_their_boundary_are_told(tmp_path: Path) -> None:
    notes: list[str] = []
    assert texts(tmp_path / "a.eml", "Subject: x\nContent-Type: multipart/mixed\n\nHọp.", notes) == ["x"]
    assert "a part without a name (multipart/mixed)" in notes[0]


def test_only_what_no_reader_takes_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_text("MIME-Version: 1.0\nContent-Type: image/png; name=i.png\n\nx")
    assert "neither subject nor body, and no reader takes what is attached" in fault(path)


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "rot13"])
def test_a_charset_that_is_none_of_text_is_as_one_that_nobody_knows(tmp_path: Path, charset: str) -> None:
    body = "Họp \\ud83d\\ude00 " + "xn--" * 50_000
    # punycode would take minutes
    assert texts(tmp_path / "a.eml", f"Content-Type: text/plain; charset={charset}\n\n{body}") == [body]


@pytest.mark.parametrize("charset", [b"no-such", b"hex", b"ascii", b'"utf-8\0\0x"', b'""', b'"' + b"x" * 300 + b'"'])
def test_a_false_charset_does_not_lose_the_body(tmp_path: Path, charset: bytes) -> None:
    data = b"Subject: x\r\nContent-Type: text/plain; charset=" + charset
    data += b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    (tmp_path / "a.eml").write_bytes(data + "Đảng ủy".encode())
    assert read_one(tmp_path / "a.eml").text == "x\nĐảng ủy"


def test_an_empty_mail_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"")
    assert "has neither subject nor body" in fault(tmp_path / "a.eml")


def test_a_part_without_a_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    parts = "--b\n\nHop.\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nHai.\n--b--\n"
    path.write_text(f"Message-ID: <1>\nContent-Type: multipart/mixed; boundary=b\n\n{parts}")
    notes: list[str] = []
    (document,) = read(path, notes=notes)
    assert isinstance(document, Document)
    assert document.text == "Hop."
    assert notes == [f"{path}: passed over a part without a name (text/plain), which no reader takes"]


@pytest.mark.parametrize(("charset", "name"), [(b"utf\0-8", "anh.png"), (b"no-such", "anh.png")])
def test_a_name_in_no_charset_does_not_cost_the_mail(tmp_path: Path, charset: bytes, name: str) -> None:
    whole = mail()
    whole.add_attachment(b"x", maintype="image", subtype="png", filename=name)
    broken = whole.as_bytes().replace(f'filename="{name}"'.encode(), b"filename*=" + charset + b"''anh.png")
    assert broken != whole.as_bytes()
    (tmp_path / "a.eml").write_bytes(broken)
    notes: list[str] = []
    assert read_one(tmp_path / "a.eml", notes=notes).text.endswith(LINES[-1])
    assert len(notes) == 1
    assert "passed over" in notes[0]
