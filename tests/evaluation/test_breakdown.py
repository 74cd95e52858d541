from __future__ import annotations

import pytest
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.evaluation.breakdown import Aspects, break_down, length_names
from ner_danvan.span import Span

TEXT = "Đảng ủy xã Mường và UBND xã họp"


def document(*rows: tuple[int, int, str], text: str = TEXT, id: str = "d") -> Document:  # noqa: A002
    return Document(id, text, tuple(Span(s, e, label, text[s:e]) for s, e, label in rows))


GOLD = document((0, 10, "ORG"), (20, 27, "ORG"))  # three words, two words
FOUND = document((0, 7, "ORG"), (20, 27, "ORG"))  # two words, two words


def test_strings_of_the_training_reports_are_seen_whatever_their_spelling() -> None:
    train = [document((0, 7, "ORG"), text="UBND XÃ"), document((0, 7, "PERSON"), text="Đảng ủy")]
    seen = break_down([GOLD], [FOUND], DANVAN, Aspects(train=train)).seen["ORG"]
    assert (seen["seen"].right, seen["seen"].found, seen["seen"].gold) == (1, 1, 1)
    # "Đảng ủy" was a PERSON in training, so the ORG is unseen; neither it nor the gold is right
    assert (seen["unseen"].right, seen["unseen"].found, seen["unseen"].gold) == (0, 1, 1)
    assert seen["unseen"].f1 == 0.0


def test_without_training_documents_nothing_is_said_of_seen_strings() -> None:
    assert break_down([GOLD], [FOUND], DANVAN, Aspects()).seen == {}


def test_a_span_falls_into_the_bucket_of_its_own_length() -> None:
    lengths = break_down([GOLD], [FOUND], DANVAN, Aspects(lengths=(1, 2, 3))).lengths["micro"]
    assert {name: (row.right, row.found, row.gold) for name, row in lengths.items()} == {
        "1": (0, 0, 0),
        "2": (1, 2, 1),
        "3 or more": (0, 0, 1),
    }
    assert (lengths["2"].precision, lengths["2"].recall) == (0.5, 1.0)
    assert lengths["1"].interval is None


def test_buckets_are_named_by_the_words_they_hold() -> None:
    assert length_names([1, 2, 3, 5]) == ["1", "2", "3 to 4", "5 or more"]


@pytest.mark.parametrize("lengths", [(), (2, 3), (1, 3, 3), (1, 5, 2)])
def test_lengths_that_do_not_rise_from_one_are_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="give the first length of each bucket"):
        break_down([GOLD], [FOUND], DANVAN, Aspects(lengths=lengths))


def test_groups_are_scored_apart_and_small_ones_have_no_interval() -> None:
    ids = [f"d{number}" for number in range(7)]
    gold = [document((20, 27, "ORG"), id=name) for name in ids]
    found = [document((20, 27, "ORG"), id=name) for name in ids[:5]] + [document(id=name) for name in ids[5:]]
    groups = dict.fromkeys(ids[:5], "plan") | {ids[5]: "news"}
    broken = break_down(gold, found, DANVAN, Aspects(groups=groups, grouped_by="genre"))
    assert {name: group.documents for name, group in broken.groups.items()} == {"plan": 5, "news": 1}
    plan, news = (broken.groups[name].schemes["strict"]["micro"] for name in ("plan", "news"))
    assert (plan.f1, plan.interval) == (1.0, (1.0, 1.0))
    assert (news.f1, news.interval) == (0.0, None)
    assert broken.to_dict()["groups"]["genre"]["news"]["strict"]["missed"] == 1
