from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ner_danvan.io.readers import legacy
from ner_danvan.io.readers.encodings import find_encoding
from ner_danvan.io.readers.legacy import find_charset, from_tcvn3, from_vni

from .reading import LINES, fault, read_one

TEXT = "\n".join(LINES[1:])
SMALL = "aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ"


def to_tcvn3(text: str) -> bytes:
    """As the fonts .Vn… have it: a capital with a tone is the small letter."""
    codes = {letter: code for code, letter in legacy._FROM_TCVN3.items()}
    return bytes(codes.get(char) or codes.get(char.lower()) or ord(char) for char in text)


def to_vni(text: str) -> bytes:
    letters = {letter: written for written, letter in reversed(legacy._FROM_VNI.items())}
    return "".join(letters.get(char, char) for char in text).encode("latin-1")


def test_every_vietnamese_letter_comes_back_from_both_conventions() -> None:
    assert from_tcvn3(to_tcvn3(SMALL).decode("latin-1")) == SMALL
    for letters in (SMALL, SMALL.upper()):
        assert from_vni(to_vni(letters).decode("latin-1")) == letters
    assert from_tcvn3(to_tcvn3("ĂÂÊÔƠƯĐ").decode("latin-1")) == "ĂÂÊÔƠƯĐ"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Céng hoµ x· héi chñ nghÜa ViÖt Nam", "Cộng hoà xã hội chủ nghĩa Việt Nam"),
        ("§éc lËp - Tù do - H¹nh phóc", "Độc lập - Tự do - Hạnh phúc"),
        ("CéNG HOµ X· HéI CHñ NGHÜA VIÖT NAM", "CỘNG HOÀ XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
        ("UBND TØNH lµm viÖc víi ®ång chÝ §µo V¨n Tó", "UBND TỈNH làm việc với đồng chí Đào Văn Tú"),
    ],
)
def test_words_of_tcvn3(written: str, read: str) -> None:
    assert from_tcvn3(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", "Cộng hòa xã hội chủ nghĩa Việt Nam"),
        ("Ñoäc laäp - Töï do - Haïnh phuùc", "Độc lập - Tự do - Hạnh phúc"),
        ("ÑAÛNG UÛY XAÕ", "ĐẢNG ỦY XÃ"),
    ],
)
def test_words_of_vni(written: str, read: str) -> None:
    assert from_vni(written) == read


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-32"), "utf-32"),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "utf-32"),
        (TEXT.encode("utf-16-le"), "utf-16 (LE, without a mark)"),
        (TEXT.encode("utf-16-be"), "utf-16 (BE, without a mark)"),
        (to_tcvn3(TEXT), "tcvn3"),
        (to_vni(TEXT), "vni"),
        (to_tcvn3(TEXT).decode("latin-1").encode(), "tcvn3"),  # what a converter made of it that knew only Latin-1
        (unicodedata.normalize("NFD", TEXT).encode(), None),
    ],
)
def test_text_is_the_same_in_every_encoding(tmp_path: Path, data: bytes, encoding: str | None) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    notes: list[str] = []
    document = read_one(tmp_path / "a.txt", notes=notes)
    assert unicodedata.normalize("NFC", document.text) == TEXT
    assert document.meta.get("encoding") == encoding
    assert len(notes) == (encoding not in (None, "utf-16", "utf-32"))
    assert all(note.startswith(f"{tmp_path / 'a.txt'}: read as ") for note in notes)


def test_windows_1258_is_read(tmp_path: Path) -> None:
    marks = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
    pieces = []
    for char in TEXT:
        bare = unicodedata.normalize("NFD", char)
        tones = "".join(mark for mark in bare if mark in marks)
        pieces.append(unicodedata.normalize("NFC", "".join(mark for mark in bare if mark not in marks)) + tones)
    (tmp_path / "a.txt").write_bytes("".join(pieces).encode("cp1258"))
    assert read_one(tmp_path / "a.txt").text == TEXT


def test_a_byte_order_mark_of_utf8_stays_so_that_offsets_hold(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert read_one(tmp_path / "a.txt").text == "\ufeff" + TEXT


@pytest.mark.parametrize(
    "text",
    [
        "Le préfet a été reçu à l'hôtel de ville où l'évêque et le maire, très âgés, étaient déjà présents.",
        "El señor alcalde visitó el último año a los niños de la región, según informó también el periódico.",
        "Xã Hà Bàn có 12 hộ; bà Hoà và ông Hà là hàng xóm; xã Tà Xùa và xã Làng Chếu.",
        "già làng và bà con xã Nà Hà là nhà",  # only letters that Latin-1 has, and Vietnamese
        "plain ASCII, no accents at all",
    ],
)
def test_unicode_is_never_converted(text: str) -> None:
    assert find_charset(text) is None
    encoding = find_encoding(text.encode())
    assert encoding is not None
    assert encoding.name == "utf-8"


def test_a_few_accents_prove_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Céng hoµ".encode("latin-1"))
    assert "is not UTF-8" in fault(tmp_path / "a.txt")


def test_latin_1_of_another_language_is_not_made_vietnamese(tmp_path: Path) -> None:
    text = "Le préfet a été reçu à l'hôtel de ville où l'évêque et le maire, très âgés, étaient déjà présents."
    (tmp_path / "a.txt").write_bytes(text.encode("latin-1"))
    assert "is not UTF-8" in fault(tmp_path / "a.txt")
