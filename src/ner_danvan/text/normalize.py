"""The copy of a text that the model reads, and the way back to the text as it came in.

The copy is NFC with new-style tone marks (PhoBERT's vocabulary has 787 entries such as `uỷ` and 6 such as
`ủy`), every kind of white space as a space or a newline, and nothing invisible. Each character of the copy
knows which characters of the original it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ner_danvan.text.memo import Memo

_TONED = {"a": "àáảãạ", "e": "èéẻẽẹ", "y": "ỳýỷỹỵ", "o": "òóỏõọ", "u": "ùúủũụ"}
_OLD_TO_NEW = {
    old + plain: base + new
    for base, plain in (("o", "a"), ("o", "e"), ("u", "y"))
    for old, new in zip(_TONED[base], _TONED[plain], strict=True)
}
_OLD_TO_NEW |= {cased(old): cased(new) for old, new in _OLD_TO_NEW.items() for cased in (str.upper, str.capitalize)}
# only where the cluster ends the syllable: "hòa" but not the misspelt "hòan"
_END = r"(?![^\W_])"  # of a syllable, which `_` may join to the next
_OLD_STYLE = re.compile(rf"(?:{'|'.join(_OLD_TO_NEW)}){_END}")
_NEW_TO_OLD = {new: old for old, new in _OLD_TO_NEW.items()}
# "quý" and "quả" are written alike in both: there the u belongs to the q
_NEW_STYLE = re.compile(rf"(?<![qQ])(?:{'|'.join(_NEW_TO_OLD)}){_END}")

LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_MARKS = 32
_FLOOD = 64
_FLOODS = re.compile(rf"[^\w\x00-\x7f]{{{_FLOOD}}}")  # marks are among what is no letter, figure or ASCII
_INVISIBLE = ("Cf", "Mn", "Me", "Cs", "Co", "Cn")


@dataclass(frozen=True, slots=True)
class ModelCopy:
    """`text` for the model; its character i stands for `[starts[i], ends[i])` of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def model_copy(text: str) -> ModelCopy:
    """The copy that is segmented and encoded; works for any string, lone surrogates included."""
    distinct = set(text)
    if not any(map(unicodedata.combining, distinct)):
        forms = {char: _FORMS[char] for char in distinct}
        if all(len(form) == 1 for form in forms.values()):
            changed = {ord(char): form for char, form in forms.items() if form != char}
            same_length = text.translate(changed) if changed else text
            return ModelCopy(new_style_tones(same_length), range(len(text)), range(1, len(text) + 1))
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for cluster in _clusters(text):
        begin, position = position, position + len(cluster)
        for char in _FORMS[cluster]:
            chars.append(char)
            starts.append(begin)
            ends.append(position)
    return ModelCopy(new_style_tones("".join(chars)), starts, ends)


def compose(text: str, form: Literal["NFC", "NFD"] = "NFC") -> str:
    """A text in NFC or NFD, in time that grows with its length.

    Putting the marks of one letter in order takes the square of their number, so a flood of them is cut into pieces of
    `_FLOOD` characters, each normalised by itself.
    """
    cuts = [0, *(match.end() for match in _FLOODS.finditer(text)), len(text)]
    return "".join(unicodedata.normalize(form, text[a:b]) for a, b in pairwise(cuts))


def new_style_tones(text: str) -> str:
    """Move tone marks to where the new style has them (`hòa` to `hoà`, `ủy` to `uỷ`); same length, NFC in and out."""
    return _OLD_STYLE.sub(lambda match: _OLD_TO_NEW[match.group()], text)


def old_style_tones(text: str) -> str:
    """The reverse (`hoà` to `hòa`, `uỷ` to `ủy`); same length, NFC in and out."""
    return _NEW_STYLE.sub(lambda match: _NEW_TO_OLD[match.group()], text)


def _clusters(text: str) -> list[str]:
    """The text cut before each character that does not combine with the one before it."""
    cuts = [i for i, char in enumerate(text) if i == 0 or not unicodedata.combining(char)]
    bounds = zip(cuts, [*cuts[1:], len(text)], strict=True)
    # composing is quadratic in the marks, and no letter has so many
    return [text[i : min(i + _MARKS, b)] for a, b in bounds for i in range(a, b, _MARKS)]


def _readable(cluster: str) -> str:
    if len(cluster) == 1:
        char = cluster
        if char.isalnum():
            return "Đ" if char == "Ð" else "đ" if char == "ð" else unicodedata.normalize("NFC", char)
    else:
        composed = unicodedata.normalize("NFC", cluster)
        # marks that compose with nothing are noise to the vocabulary
        return "".join(_readable(char) for char in composed if not unicodedata.combining(char))
    if char in LINE_BREAKS:
        return "\n"
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in _INVISIBLE:
        return ""
    return " " if category == "Cc" else unicodedata.normalize("NFC", char)


_FORMS = Memo(_readable, 1 << 14)  # of clusters
