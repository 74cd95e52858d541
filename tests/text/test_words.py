from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny import SENTENCES

from ner_danvan.text import segment as segmenting
from ner_danvan.text import words as finding
from ner_danvan.text.normalize import model_copy
from ner_danvan.text.segment import segment
from ner_danvan.text.words import align, word_finder

WRITTEN = [
    *SENTENCES,
    "T.Ư Tp. A. :D v.v... 3x4 1/7-15/7/2024 a@b.vn http://x.vn/(a) 02/2014 Lan-Phó H'Mông :D",
    "Th S. Lan Th s",
]
PIECES = st.one_of(
    st.sampled_from([piece for text in WRITTEN for piece in text.split()]),
    st.text(st.sampled_from([*"aAđĐUủ12.,:;-–/()@&'’_^=><D%ʺ", "\u0301", "\u1161"]), max_size=8),
    st.text(st.characters(exclude_characters="ƛɤꟓꟕ"), max_size=4),
)
TEXTS = st.lists(PIECES, max_size=12).map(" ".join)


def test_the_installed_version_is_read_without_the_rest_of_the_package() -> None:
    finder = word_finder()
    assert isinstance(finder, finding._PatternsAndModel)
    assert finder._are_known


@given(TEXTS)
@example("Uỷ ban  nhân dân ")
@example("A. A.")
@example(":D :D")
@example("\u1100 \u1161 \u1100\u1161")
@example("Ông Th S.LS Lê Văn Sua")  # "Th S" is one token
@example("liên [¡ [¡ [0")  # two equally good sequences of labels
@settings(max_examples=500, deadline=None)
def test_words_are_those_of_word_tokenize(text: str) -> None:
    for line in model_copy(text).text.split("\n"):
        assert word_finder()(line) == finding._whole_underthesea(line)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_segment_is_the_same_with_all_of_underthesea(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmenting, "word_finder", lambda: finding._whole_underthesea)
        wanted = segment(text)
    assert segment(text) == wanted


def test_words_stay_the_same_when_runs_are_forgotten_or_too_long_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [segment(text) for text in WRITTEN]
    monkeypatch.setattr(finding, "_RUNS_KEPT", 2)
    monkeypatch.setattr(finding, "_LONGEST_KEPT", 4)
    finder = finding._PatternsAndModel()
    monkeypatch.setattr(segmenting, "word_finder", lambda: finder)
    assert [segment(text) for text in WRITTEN] == before
    assert len(finder._runs) <= 2


def test_patterns_of_another_version_are_not_applied_to_runs_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_KNOWN_PATTERNS", "")
    finder = finding._PatternsAndModel()
    for text in WRITTEN:
        line = model_copy(text).text
        assert finder(line) == finding._whole_underthesea(line)
    assert not finder._runs


ADDRESSES = st.lists(
    st.sampled_from(
        ["http://", "https:/", "ftp:", "http:a", "a.vn", "b-c.com/", "(", ")", "[", ".", ",", "!", "a", "@", " "]
    ),
    max_size=14,
).map("".join)


@given(ADDRESSES)
@example("http://((a)).(b)!.")
@example("http://(a)")
@example("a.vn/(!)..")
@settings(max_examples=1_000, deadline=None)
def test_the_quick_patterns_find_what_underthesea_s_find(text: str) -> None:
    patterns = finding._import_patterns().patterns
    assert finding._quick(patterns).pattern != patterns.pattern
    found = [match.span() for match in finding._quick(patterns).finditer(text)]
    assert found == [match.span() for match in patterns.finditer(text)]


@pytest.mark.parametrize("before", ["http://", "http://a", "ftp:a", "dantri.com.vn/", "a.vn/(b)"])
def test_an_address_before_a_line_of_points_ends(before: str) -> None:
    """Underthesea's own pattern would take longer than the world has stood."""
    words = segment(before + "." * 900)
    assert (words[0].start, words[-1].end) == (0, len(before) + 900)


def broken_model(folder: Path) -> None:
    raise finding.UnreadableModelError(folder)


def two_models(patterns: ModuleType) -> Path:
    raise finding.UnreadableModelError(patterns)


def no_patterns() -> Any:
    return ModuleType("regex_tokenize")


@pytest.mark.parametrize(
    ("name", "other"),
    [("WordCRF", broken_model), ("_model_folder", two_models), ("_import_patterns", no_patterns)],
)
def test_another_version_of_underthesea_is_called_whole(monkeypatch: pytest.MonkeyPatch, name: str, other: Any) -> None:
    usual = word_finder()
    monkeypatch.setattr(finding, name, other)
    chosen = finding._chosen_finder.__wrapped__()
    assert chosen is finding._whole_underthesea
    for text in WRITTEN:
        line = model_copy(text).text
        assert chosen(line) == usual(line)


def test_a_model_beside_another_is_not_guessed(tmp_path: Path) -> None:
    module = ModuleType("regex_tokenize")
    module.__file__ = str(tmp_path / "regex_tokenize.py")
    (tmp_path / "models" / "one").mkdir(parents=True)
    assert finding._model_folder(module) == tmp_path / "models" / "one"
    (tmp_path / "models" / "two").mkdir()
    with pytest.raises(finding.UnreadableModelError):
        finding._model_folder(module)


def test_words_that_are_not_the_line_are_cut_roughly() -> None:
    rough = [[(0, "Đảng")], [(5, "uỷ")], [(7, ",")], [(9, "xã")]]
    assert align("Đảng uỷ, xã", [["something"], ["else"]]) == rough
    assert align("Đảng uỷ, xã", [["Đảng", "uỷ"], [","]]) == rough
    assert align("Đảng uỷ, xã", [["Đảng", "uỷ"], [","], ["xã"]]) == [rough[0] + rough[1], rough[2], rough[3]]


SEGMENT = """
from ner_danvan.text.segment import segment
words = segment("Uỷ ban nhân dân tỉnh họp.")
"""
WHOLE = """
import underthesea
found = underthesea.word_tokenize("Uỷ ban nhân dân tỉnh họp.", use_token_normalize=False)
"""
SAME = """
assert [word.form for word in words] == [word.replace(" ", "_") for word in found]
assert underthesea.pipeline.word_tokenize.word_tokenize is underthesea.word_tokenize
import joblib
joblib.dump
"""


@pytest.mark.parametrize(
    "program",
    [
        SEGMENT + "import sys; assert not {'underthesea', 'joblib', 'torch', 'transformers'} & set(sys.modules)",
        SEGMENT + WHOLE + SAME,
        WHOLE + SEGMENT + SAME,
        "import joblib" + SEGMENT + "import sys; assert sys.modules['joblib'] is joblib" + WHOLE + SAME,
    ],
    ids=["alone", "before underthesea", "after underthesea", "after joblib"],
)
def test_segmenting_and_importing_underthesea_do_not_disturb_each_other(program: str) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_worker_processes_give_the_same_words(method: str) -> None:
    wanted = [segment(text) for text in SENTENCES]
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(segment, SENTENCES) == wanted
