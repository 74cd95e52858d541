from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_danvan.corpus.folds import Fold, deal, leave_out
from ner_danvan.document import Document
from ner_danvan.errors import UserError

FOLD = Fold(count=3, number=1, seed=0, by="genre", index=None, groups=None)
NAMES = st.lists(st.text(max_size=4), min_size=2, max_size=40, unique=True)


@given(names=NAMES, count=st.integers(2, 7), seed=st.integers(), data=st.data())
def test_folds_and_the_groups_in_them_differ_by_one_document_at_most(
    names: list[str], count: int, seed: int, data: st.DataObject
) -> None:
    documents = [Document(name, "") for name in names]
    groups = {name: data.draw(st.sampled_from(["plan", "minutes", "letter"])) for name in names}
    folds = deal(documents, count, seed, groups)
    for members in (
        [*range(len(names))],
        *([i for i, n in enumerate(names) if groups[n] == g] for g in groups.values()),
    ):
        sizes = Counter(folds[i] for i in members)
        assert max(sizes.values()) - min(sizes[number] for number in range(1, count + 1)) <= 1


@given(names=NAMES, seed=st.integers(), random=st.randoms())
def test_the_fold_of_a_document_does_not_depend_on_the_order_of_files(
    names: list[str], seed: int, random: object
) -> None:
    documents = [Document(name, "") for name in names]
    before = dict(zip(names, deal(documents, 3, seed, {}), strict=True))
    random.shuffle(documents)  # type: ignore[attr-defined]
    after = dict(zip((each.id for each in documents), deal(documents, 3, seed, {}), strict=True))
    assert before == after


def test_every_document_is_left_out_once_and_learned_otherwise() -> None:
    documents = [Document(f"d{i}", "", meta={"genre": "a" if i % 2 else "b"}) for i in range(10)]
    parts = [leave_out(documents, replace(FOLD, number=number)) for number in (1, 2, 3)]
    assert sorted(each.id for _, held in parts for each in held) == sorted(each.id for each in documents)
    for kept, held in parts:
        assert [each for each in documents if each not in held] == kept


def test_another_seed_deals_otherwise() -> None:
    documents = [Document(f"d{i}", "") for i in range(20)]
    assert deal(documents, 4, 0, {}) != deal(documents, 4, 1, {})


def test_genres_come_from_the_index(tmp_path: Path) -> None:
    index = tmp_path / "index.tsv"
    kinds = ["ke_hoach"] * 3 + ["bien_ban"] * 3
    rows = "".join(f"r{i}\t{kind}\txã\tHuế\t2025\tx\n" for i, kind in enumerate(kinds))
    index.write_text(f"report\tgenre\tlevel\tregion\tyear\tstyle\n{rows}", encoding="utf-8")
    fold = replace(FOLD, index=str(index), groups={"genre": {"plan": ["kế hoạch"], "minutes": ["biên bản"]}})
    documents = [Document(f"r{i}", "") for i in range(6)]
    for number in (1, 2, 3):
        _, held = leave_out(documents, replace(fold, number=number))
        assert sorted(kinds[int(each.id[1:])] for each in held) == ["bien_ban", "ke_hoach"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"count": 1}, r"folds\.count=1 must be at least 2"),
        ({"number": 0}, r"folds\.number=0 must be between 1 and folds\.count=3"),
        ({"number": 4}, r"folds\.number=4"),
        ({"count": 9}, "only 4 documents; take fewer folds"),
    ],
)
def test_folds_that_cannot_be_are_one_line(change: dict[str, int], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        leave_out([Document(f"d{i}", "") for i in range(4)], replace(FOLD, **change))
