from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from tiny import DANVAN

from ner_danvan.corpus.overlap import Foreign, find_foreign_runs
from ner_danvan.corpus.reports import Report
from ner_danvan.document import parse_inline
from ner_danvan.errors import UserError

TEN = "Hôm qua bà con trong xóm Hòa Bình ra đồng"  # ten words


def faults(root: Path, markup: str, *others: str, words: int = 10) -> list[str]:
    """Faults of one report against texts of others."""
    for number, text in enumerate(others):
        path = root / "others" / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    report = Report(root / "a.txt", "train", parse_inline(markup, "a.txt", DANVAN.labels))
    return list(find_foreign_runs([report], Foreign(root / "others", words), ("ORG", "POSITION")))


def test_a_copied_run_is_told_with_its_line_its_words_and_the_file_it_is_from(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, f"một\n{TEN}.", f"Sáng nay, {TEN}")
    assert fault == (
        f"{tmp_path / 'a.txt'}:2: shares with {tmp_path / 'others' / '0.txt'} "
        '"hôm qua bà con trong xóm hoà bình ra đồng"; write it anew.'
    )


@pytest.mark.parametrize(
    "disguised",
    [
        TEN.upper(),
        unicodedata.normalize("NFD", TEN),
        TEN.replace("Hòa", "Hoà"),
        TEN.replace("bà con", "<ORG>bà\ncon</ORG>,"),
        TEN.replace("bà con", "<LOC>bà con</LOC>"),
    ],
    ids=["case", "decomposed", "tone style", "markup", "markup of other labels"],
)
def test_no_disguise_hides_a_copy(tmp_path: Path, disguised: str) -> None:
    assert len(faults(tmp_path, TEN, disguised)) == 1


def test_a_decomposed_report_is_compared_too_and_its_line_is_right(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, unicodedata.normalize("NFD", f"ấp ủ\n\n{TEN}"), TEN)
    assert fault.startswith(f"{tmp_path / 'a.txt'}:3: ")


def test_one_word_less_is_no_copy(tmp_path: Path) -> None:
    assert faults(tmp_path, TEN, TEN.removesuffix(" đồng")) == []


def test_a_run_inside_a_name_is_no_copy_but_one_that_reaches_out_is(tmp_path: Path) -> None:
    assert faults(tmp_path, f"<ORG>{TEN}</ORG> cày", f"{TEN} bừa") == []
    assert len(faults(tmp_path, f"<ORG>{TEN}</ORG> cày", f"{TEN} cày")) == 1
    assert len(faults(tmp_path, f"<TASK>{TEN}</TASK> cày", f"{TEN} bừa")) == 1


def test_each_text_that_has_the_run_is_named_once(tmp_path: Path) -> None:
    found = faults(tmp_path, f"{TEN}. {TEN}.", TEN, f"{TEN} và {TEN}")
    assert [fault.split(".txt")[1][-1] for fault in found] == ["0", "1"]


def test_a_run_of_no_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"foreign\.words=0"):
        faults(tmp_path, TEN, TEN, words=0)
