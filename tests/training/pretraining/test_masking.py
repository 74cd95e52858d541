from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import SENTENCES

from ner_danvan.errors import UserError
from ner_danvan.labels import IGNORED
from ner_danvan.text.segment import segment
from ner_danvan.text.subwords import BOS_ID, EOS_ID, Subwords
from ner_danvan.training.pretraining.masking import MaskedWindows, Packed, collate_masked, pack, split_off

ARTICLES = [" ".join(word.form for word in segment(sentence)) for sentence in SENTENCES]


@pytest.fixture(scope="module")
def subwords(vocabulary: Path) -> Subwords:
    return Subwords.from_files(vocabulary)


def test_windows_hold_the_articles_one_behind_the_other(subwords: Subwords) -> None:
    packed = pack(ARTICLES, subwords, 20)
    text = np.concatenate([np.append(subwords.encode(article.split()).ids, EOS_ID) for article in ARTICLES])
    inner = packed.ids[:, 1:-1].ravel()
    assert len(inner) == len(text) // 18 * 18 > 100
    assert (inner == text[: len(inner)]).all()
    assert set(packed.ids[:, 0]) == {BOS_ID}
    assert set(packed.ids[:, -1]) == {EOS_ID}


def test_subwords_of_one_word_have_one_number_and_marks_have_none(subwords: Subwords) -> None:
    (words,) = pack([" ".join(["qqq", "xã"])] * 2, subwords, 12).words[:1]
    count = len(subwords.encode(["qqq"]).ids)
    assert count > 1
    assert len(set(words[1 : 1 + count])) == 1
    assert words[0] == words[-1] == -1
    assert words[1 + count] not in (-1, words[1])


def windows(subwords: Subwords, *, share: float = 0.3, seed: int = 1) -> MaskedWindows:
    return MaskedWindows(pack(ARTICLES * 3, subwords, 34), share, subwords.vocabulary_size, 999, seed, 34)


def test_whole_words_are_guessed_a_fixed_number_of_subwords_and_no_mark(subwords: Subwords) -> None:
    packed = pack(ARTICLES * 3, subwords, 34)
    masked = MaskedWindows(packed, 0.3, subwords.vocabulary_size, 999, 1, 34)
    cut = 0
    for number, row in enumerate(masked):
        assert len(row["places"]) == len(set(row["places"].tolist())) == round(0.3 * 32)
        assert (row["targets"] == packed.ids[number][row["places"]]).all()
        assert EOS_ID not in row["targets"]
        chosen = packed.words[number][row["places"]]
        whole = [(packed.words[number] == word).sum() == (chosen == word).sum() for word in set(chosen.tolist())]
        cut += len(whole) - sum(whole)
        rest = np.setdiff1d(np.arange(34), row["places"])
        assert (row["input_ids"][rest] == packed.ids[number][rest]).all()
    assert cut <= len(masked)  # one word a window at most is masked in part


def test_most_guessed_subwords_are_hidden_and_some_stay(subwords: Subwords) -> None:
    rows = [row for epoch in range(40) for row in _epoch(windows(subwords), epoch)]
    kinds = np.concatenate([row["input_ids"][row["places"]] for row in rows])
    hidden = (kinds == 999).mean()
    same = (kinds == np.concatenate([row["targets"] for row in rows])).mean()
    assert hidden == pytest.approx(0.8, abs=0.05)
    assert same == pytest.approx(0.1, abs=0.05)


def _epoch(masked: MaskedWindows, epoch: int) -> list[dict[str, np.ndarray]]:  # type: ignore[type-arg]
    masked.read_epoch(epoch)
    return [masked[number] for number in range(len(masked))]


def test_the_choice_follows_from_seed_and_epoch_alone(subwords: Subwords) -> None:
    def choice(masked: MaskedWindows) -> list[int]:
        return [int(place) for row in masked for place in row["places"]]

    first, again, other, later = windows(subwords), windows(subwords), windows(subwords, seed=2), windows(subwords)
    later.read_epoch(1)
    assert choice(first) == choice(again)
    assert choice(first) != choice(other)
    assert choice(first) != choice(later)


def test_a_window_of_marks_guesses_nothing() -> None:
    ids = np.full((1, 8), EOS_ID, np.int32)
    row = MaskedWindows(Packed(ids, np.full((1, 8), -1, np.int16)), 0.5, 50, 50, 0, 8)[0]
    assert set(row["targets"].tolist()) == {IGNORED}
    assert (row["input_ids"] == ids[0]).all()


def test_a_batch_has_a_row_a_window() -> None:
    rows = [{"input_ids": np.arange(4) + n, "places": np.array([n]), "targets": np.array([7 + n])} for n in (1, 2)]
    batch = collate_masked(rows)
    assert batch["targets"].tolist() == [[8], [9]]
    assert torch.equal(torch.gather(batch["input_ids"], 1, batch["places"]), torch.tensor([[2], [4]]))


def test_too_little_text_is_told(subwords: Subwords) -> None:
    with pytest.raises(UserError, match=r"text\.files: 0 full windows"):
        split_off(pack(["xã"], subwords, 34), 1)


def test_short_windows_begin_at_every_position_of_the_encoder(subwords: Subwords) -> None:
    packed = pack(ARTICLES * 3, subwords, 34)
    masked = MaskedWindows(packed, 0.3, subwords.vocabulary_size, 999, 1, 36)
    starts = set()
    for epoch in range(5):
        masked.read_epoch(epoch)
        for index in range(len(masked)):
            places = masked[index]["position_ids"]
            assert np.diff(places).tolist() == [1] * 33
            starts.add(int(places[0]))
    assert starts == {2, 3, 4}
    assert collate_masked([masked[0], masked[1]])["position_ids"].shape == (2, 34)
    assert "position_ids" not in MaskedWindows(packed, 0.3, subwords.vocabulary_size, 999, 1, 34)[0]
