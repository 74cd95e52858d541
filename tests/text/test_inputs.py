from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_danvan.text.inputs import InputSettings, prepare, stitch_documents
from ner_danvan.text.subwords import EOS_ID, Subwords
from ner_danvan.text.windows import WindowSize

PLAIN = InputSettings(WindowSize(24, 4))
MARKED = InputSettings(WindowSize(24, 4), line_marks=True)


@pytest.fixture(scope="module")
def subwords(vocabulary: Path) -> Subwords:
    return Subwords.from_files(vocabulary)


def test_a_mark_stands_where_a_line_ends_and_nowhere_else(subwords: Subwords) -> None:
    inputs = prepare(
        "Hội nghị\n\nĐồng chí\r\ntổ chức", subwords, {}, InputSettings(WindowSize(256, 8), line_marks=True)
    )
    (ids,), (firsts,) = inputs.ids, inputs.firsts
    starts = [first for word, first in zip(inputs.words, firsts, strict=True) if word.form in ("Đồng_chí", "tổ_chức")]
    assert [int(ids[first - 1]) for first in starts] == [EOS_ID, EOS_ID]
    assert (ids == EOS_ID).sum() == 3  # and the window's own end


LINES = st.lists(st.sampled_from(["Hội nghị", "Ông Lò Văn Pản,", "Ban Dân vận Huyện uỷ", "5/3", "", "…"]), max_size=40)


@given(LINES, st.sampled_from(["\n", " ", "\r\n", "\u2028"]))
@settings(max_examples=150, deadline=None)
def test_marks_change_neither_words_nor_which_logits_a_word_gets(
    subwords: Subwords, lines: list[str], between: str
) -> None:
    text = between.join(lines)
    plain, marked = (prepare(text, subwords, {}, reading) for reading in (PLAIN, MARKED))
    assert plain.words == marked.words
    for window, ids, firsts in zip(marked.windows, marked.ids, marked.firsts, strict=True):
        assert len(ids) <= 24
        assert len(firsts) == window[1] - window[0]
        assert (ids[firsts] != EOS_ID).all()
    # a backend that gives each subword its id: every word must get that of its own first subword
    rows = [np.repeat(ids[:, None].astype(np.float32), 2, axis=1) for ids in marked.ids]
    (found,) = stitch_documents([marked], rows)
    wanted = [subwords.encode([word.form]).ids[0] for word in marked.words]
    assert found[:, 0].tolist() == wanted if wanted else len(found) == 0
