"""Bytes to text: UTF-8, -16 and -32, and what Vietnamese files were written in before them, where that is certain."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass

from ner_danvan.document import decode_utf8
from ner_danvan.io.readers.legacy import find_charset, vietnamese_share
from ner_danvan.text.normalize import compose

UTF8 = "utf-8"
_SURE_WORDS, _SURE_SHARE = 5, 0.9  # Vietnamese words that windows-1258 must give, and their share
_WIDE_SHARE = 0.97  # of the characters that must be letters of our languages for UTF-16 without a mark
_NAMES = {"tcvn3": "TCVN3 (ABC fonts)", "vni": "VNI (VNI fonts)", "cp1258": "Windows-1258"}
_MARKS = {  # that of UTF-32 begins as that of UTF-16 does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# of the codecs that Python has, those that a text may be written in: others unpack (zlib), run in the square of the
# length (punycode), give halves of characters (unicode_escape), or are no text's at all (base64, rot13)
_TEXT_CODECS = re.compile(
    r"ascii|utf-7|utf-8(-sig)?|utf-(16|32)(-[lb]e)?|iso8859-\d+|cp\d+|koi8-\w|kz1048|ptcp154|tis-620|mac-\w+|hp-roman8|palmos|"
    r"gb2312|gbk|gb18030|hz|big5(hkscs)?|shift_jis\w*|euc_\w+|iso2022_\w+|johab"
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec of Python's, and what is still to be done to the text that it gives."""

    name: str
    codec: str
    convert: Callable[[str], str] = str

    @property
    def remark(self) -> str:
        """What a person should be told, or nothing."""
        return (
            ""
            if self.name in (UTF8, *_MARKS.values())
            else f"read as {_NAMES.get(self.name, self.name)}; check the text."
        )


def find_encoding(data: bytes, *, whole: bool = True) -> Encoding | None:
    """The encoding of a text from its bytes, or from its first ones; None where none is certain."""
    if marked := marked_codec(data):
        return Encoding(marked, marked)
    if b"\0" in data:
        wide = _wide(data)
        if wide:
            return Encoding(f"utf-16 ({wide[-2:].upper()}, without a mark)", wide)
    try:
        text, _ = codecs.utf_8_decode(data, "strict", whole)
    except UnicodeDecodeError:
        return _single_bytes(data)
    charset = find_charset(text)
    return Encoding(charset.name, UTF8, charset.convert) if charset else Encoding(UTF8, UTF8)


def decode(data: bytes, place: str) -> tuple[str, Encoding]:
    """The text and how it was found; raises UserError that names the first byte that is not UTF-8.

    A byte-order mark of UTF-8 stays, so that offsets are those of the text as it came in.
    """
    encoding = find_encoding(data)
    if encoding is None or encoding.codec == UTF8:
        text = decode_utf8(data, place)
        return (encoding.convert(text), encoding) if encoding else (text, Encoding(UTF8, UTF8))
    try:
        return encoding.convert(data.decode(encoding.codec)), encoding
    except UnicodeDecodeError:
        return decode_utf8(data, place), encoding  # tells what is wrong


def marked_codec(data: bytes) -> str | None:
    """The wide codec whose byte-order mark the bytes begin with; None for others, UTF-8 too."""
    return next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), None)


def text_codec(charset: str) -> str | None:
    """The codec that a page or a mail names as its charset; None where Python has none, or none for text."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # ValueError: a name that none can be
        return None
    return name if _TEXT_CODECS.fullmatch(name) else None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a byte-order mark, which only its zero bytes betray."""
    sample = data[: 100_000 & ~1]
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = sample[: len(sample) & ~1].decode(codec)
        except UnicodeDecodeError:
            continue
        usual = sum(char in "\t\r\n" or " " <= char <= "\u0303" or "\u1ea0" <= char <= "\u2030" for char in text)
        if text and usual >= _WIDE_SHARE * len(text) and "\0" not in text:
            return codec
    return None


def _single_bytes(data: bytes) -> Encoding | None:
    latin = data.decode("latin-1")
    if charset := find_charset(latin):
        return Encoding(charset.name, "latin-1", charset.convert)
    text = data.decode("cp1258", "replace")
    share, words = vietnamese_share(text)
    if words >= _SURE_WORDS and share >= _SURE_SHARE:
        return Encoding("cp1258", "cp1258", compose)
    return None


def convert_legacy(text: str, place: str, note: Callable[[str], None]) -> Callable[[str], str] | None:
    """What makes Unicode of a text whose fonts made up for its letters, told to `note`; None where it is Unicode."""
    charset = find_charset(text)
    if charset is None:
        return None
    note(f"{place}: {Encoding(charset.name, UTF8).remark}")
    return charset.convert
