"""Vietnamese text of before Unicode: TCVN3 (fonts .VnTime …) and VNI (fonts VNI-Times …), told apart and converted.

Both put Vietnamese letters where Latin-1 has others, so that "cộng hoà" is kept as "céng hoµ" or "coäng hoaø". The
tables are those of TCVN 5712:1993 (VN3) and of VNI-Windows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from ner_danvan.text.normalize import compose

TCVN3, VNI = "tcvn3", "vni"
_LEAST_WORDS = 5  # words with a letter beyond ASCII, below which nothing is concluded
_LEAST_SHARE = 0.9  # of them that must be Vietnamese syllables once converted
_MOST_BEFORE = 0.5  # of them that may have been so before
_SAMPLE = 200_000  # characters that are looked at

_LETTERS = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ" + "ĂÂÊÔƠƯĐ"
_TCVN3_BYTES = bytes.fromhex(
    "b5b8b6b7b9 a8bbbebcbdc6 a9c7cac8c9cb ae ccd0cecfd1 aad2d5d3d4d6 d7ddd8dcde dfe3e1e2e4 abe5e8e6e7e9 aceaedebecee"
    "eff3f1f2f4 adf5f8f6f7f9 fafdfbfcfe a1a2a3a4a5a6a7"
)
_FROM_TCVN3 = dict(zip(_TCVN3_BYTES, _LETTERS, strict=True))

# a base letter and the character behind it
_VNI_MARKS = {"ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
_VNI_CIRCUMFLEX = {"â": "", "á": "\u0301", "à": "\u0300", "å": "\u0309", "ã": "\u0303", "ä": "\u0323"}
_VNI_BREVE = {"ê": "", "é": "\u0301", "è": "\u0300", "ú": "\u0309", "ü": "\u0303", "ë": "\u0323"}
_VNI_ALONE = {"ñ": "đ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}

_CP1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}

# letters that Latin-1 has not, and marks: who writes them writes Unicode
_UNICODE_VIETNAMESE = re.compile(
    "[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0"
    "\u0300\u0301\u0303\u0309\u0323\u1ea0-\u1ef9]"
)
_WORD = re.compile(r"[^\W\d_]+")
_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))
_CONSONANTS = frozenset("bcdđghklmnpqrstvx")
_RHYMES = """
a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây e ec em en eng eo ep et
ê êch êm ên ênh êng êp êt êu i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu yêm yên yêng yêt yêu
o oc oi om on ong oong ooc op ot oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oe oen oeo oet
ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u uc ui um un ung up ut ua uân uâng uât uây uê uêch uên uênh uêu uôc uôi uôm
uôn uông uôt uơ uy uya uych uyên uyêt uynh uyt uyu ư ưc ưi ưm ưn ưng ưt ưu ưa ươc ươi ươm ươn ương ươp ươt ươu
y ych ynh yt
"""
_SYLLABLE = re.compile(
    f"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnpqrstvx])?(?:{'|'.join(sorted(_RHYMES.split(), key=len)[::-1])})"
)


@dataclass(frozen=True, slots=True)
class Charset:
    """An old convention: its name, and what makes Unicode of its text."""

    name: str
    convert: Callable[[str], str]


def from_tcvn3(text: str) -> str:
    """Unicode of TCVN3 that was read as Latin-1.

    Capitals with a tone mark are small letters there, shown in a font of capitals: those among capitals become capital.
    """
    return "".join(_raise_capitals(line) for line in text.translate(_CP1252 | _FROM_TCVN3).splitlines(keepends=True))


def from_vni(text: str) -> str:
    """Unicode of VNI-Windows that was read as Latin-1."""
    return _VNI.sub(lambda match: _FROM_VNI[match.group()], text.translate(_CP1252))


def find_charset(text: str) -> Charset | None:
    """The old convention in which a text, read as Latin-1, is written; None where that is not certain."""
    sample = text[:_SAMPLE]
    if sample.isascii() or _UNICODE_VIETNAMESE.search(sample):
        return None
    before, _ = vietnamese_share(sample)
    found = []
    for charset in CHARSETS:
        share, words = vietnamese_share(charset.convert(sample))
        if words >= _LEAST_WORDS and share >= _LEAST_SHARE and before <= _MOST_BEFORE:
            found.append((share, charset))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def vietnamese_share(text: str) -> tuple[float, int]:
    """Of the words with a vowel and a letter beyond ASCII, the share that are Vietnamese syllables; their number."""
    words = [word.lower() for word in _WORD.findall(compose(text)) if not word.isascii()]
    bare = [unicodedata.normalize("NFC", unicodedata.normalize("NFD", word).translate(_TONES)) for word in words]
    bare = [word for word in bare if not set(word) <= _CONSONANTS]  # QĐ and HĐND are no syllables
    return (sum(bool(_SYLLABLE.fullmatch(word)) for word in bare) / len(bare) if bare else 0.0), len(bare)


def _raise_capitals(line: str) -> str:
    small = any("a" <= char <= "z" for char in line)
    if not small and sum("A" <= char <= "Z" for char in line) > 1:
        return line.upper()
    return _WORD.sub(lambda match: _raise_word(match.group()), line)


def _raise_word(word: str) -> str:
    capitals = sum("A" <= char <= "Z" for char in word)
    if any("a" <= char <= "z" for char in word) or not capitals:
        return word
    return word.upper() if capitals > 1 or word[0].islower() else word


def _vni_table() -> dict[str, str]:
    table = dict(_VNI_ALONE)
    for base in "aeouy":
        table |= {base + mark: base + tone for mark, tone in _VNI_MARKS.items()}
    for base in "aeo":
        table |= {base + mark: base + "\u0302" + tone for mark, tone in _VNI_CIRCUMFLEX.items()}
    table |= {"a" + mark: "a\u0306" + tone for mark, tone in _VNI_BREVE.items()}
    for letter, base in (("ô", "ơ"), ("ö", "ư")):
        table |= {letter + mark: base + tone for mark, tone in _VNI_MARKS.items()}
    for written, letter in list(table.items()):
        table[written.upper()] = letter.upper()
        table[written[0].upper() + written[1:]] = letter.upper()  # a small mark behind a capital
    return {written: unicodedata.normalize("NFC", letter) for written, letter in table.items()}


_FROM_VNI = _vni_table()
_VNI = re.compile("|".join(sorted(_FROM_VNI, key=len, reverse=True)))
CHARSETS = (Charset(TCVN3, from_tcvn3), Charset(VNI, from_vni))
