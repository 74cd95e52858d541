from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from datasets import Dataset
from tiny import DANVAN, ROLES, SMALL, no_augmentation, rates, write_lexicon

from ner_danvan.corpus.reports import limited
from ner_danvan.document import Document, parse_inline
from ner_danvan.text.subwords import Subwords
from ner_danvan.training.augment.settings import AugmentConfig
from ner_danvan.training.features import Example, make_examples
from ner_danvan.training.versions import ReadEpoch, Versions, make_versions


def rows(*numbers: int) -> Dataset:
    return Dataset.from_dict({"n": list(numbers)})


def test_a_version_shorter_than_the_longest_begins_again() -> None:
    versions = Versions([rows(1, 2), rows(3, 4, 5)])
    assert [versions[i]["n"] for i in range(len(versions))] == [1, 2, 1]
    with pytest.raises(IndexError):
        versions[3]


def test_no_window_of_the_longest_version_is_left_out() -> None:
    versions = Versions([rows(1, 2), rows(3, 4, 5)])
    versions.read_epoch(3)
    assert [row["n"] for row in versions] == [3, 4, 5]


@pytest.mark.parametrize(("epoch", "first"), [(None, 1), (0.0, 1), (0.9999999, 3), (1.0, 3), (1.4, 3), (2.0, 1)])
def test_a_run_that_goes_on_reads_the_version_of_its_epoch(epoch: float | None, first: int) -> None:
    versions = Versions([rows(1, 2), rows(3, 4, 5)])
    nothing = cast("Any", None)
    ReadEpoch(versions).on_epoch_begin(nothing, cast("Any", SimpleNamespace(epoch=epoch)), nothing)
    assert versions[0]["n"] == first


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    markup = "Ông <PERSON>Lò Văn Pản</PERSON>, <ORG>UBND huyện Thanh Sơn</ORG> họp <DATE>ngày {n}/3/2024</DATE>."
    return [parse_inline(markup.format(n=n), f"d{n}", DANVAN.labels) for n in range(1, 21)]


def make(documents: list[Document], vocabulary: Path, made: list[Document]) -> list[Example]:
    made += documents
    return make_examples(documents, Subwords.from_files(vocabulary), {}, DANVAN, SMALL)


def ids(versions: Versions, epoch: int) -> list[list[int]]:
    versions.read_epoch(epoch)
    return [list(row["input_ids"]) for row in versions]


def test_versions_differ_and_for_a_seed_are_always_the_same(
    documents: list[Document], vocabulary: Path, tmp_path: Path
) -> None:
    config = AugmentConfig(write_lexicon(tmp_path), 3, 1.0, ROLES, rates(person=1.0, date=1.0))
    examples = make(documents, vocabulary, [])
    first, again, other = (
        make_versions(examples, lambda new: make(list(new), vocabulary, []), config, seed) for seed in (1, 1, 2)
    )
    assert ids(first, 0) != ids(first, 1) != ids(first, 2)
    assert [ids(first, n) for n in range(3)] == [ids(again, n) for n in range(3)]
    assert ids(first, 0) != ids(other, 0)


def test_documents_that_a_version_leaves_as_they_are_are_not_read_again(
    documents: list[Document], vocabulary: Path, tmp_path: Path
) -> None:
    config = AugmentConfig(write_lexicon(tmp_path), 2, 0.5, ROLES, rates(person=1.0))
    made: list[Document] = []
    examples = make(documents, vocabulary, [])
    versions = make_versions(examples, lambda new: make(list(new), vocabulary, made), config, 1)
    assert 8 <= len(made) <= 32
    before = ids(make_versions(examples, lambda new: [], no_augmentation(), 1), 0)
    same = sum(old == new for epoch in (0, 1) for old, new in zip(before, ids(versions, epoch), strict=True))
    assert same == 40 - len(made)


def test_documents_of_one_name_are_counted_apart(documents: list[Document]) -> None:
    assert len(limited([documents[0]] * 5, 2)) == 2


def test_the_choice_of_few_reports_is_part_of_the_choice_of_more(documents: list[Document]) -> None:
    few, more, every = (limited(documents, limit) for limit in (4, 9, 0))
    assert (len(few), len(more), len(every)) == (4, 9, 20)
    assert {d.id for d in few} < {d.id for d in more}
    assert few != documents[:4]
    assert every == documents
    assert [d for d in documents if d in more] == more
