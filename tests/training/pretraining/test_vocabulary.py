from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import SENTENCES
from transformers import PhobertTokenizer

from ner_danvan.errors import UserError
from ner_danvan.text.segment import segment
from ner_danvan.text.subwords import UNK_ID, Subwords
from ner_danvan.training.pretraining.vocabulary import learn_vocabulary

ARTICLES = [" ".join(word.form for word in segment(sentence)) for sentence in SENTENCES] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary")
    learn_vocabulary(ARTICLES, 300, folder)
    return folder


def entries(folder: Path) -> dict[str, int]:
    rows = (line.rsplit(" ", 1) for line in (folder / "vocab.txt").read_text("utf-8").splitlines())
    return {entry: int(count) for entry, count in rows}


def test_every_word_it_was_learned_from_is_written_and_put_together_again(folder: Path) -> None:
    subwords, pieces = Subwords.from_files(folder), ["<s>", "<pad>", "</s>", "<unk>", *entries(folder)]
    for article in ARTICLES:
        words = article.split()
        encoded = subwords.encode(words)
        assert UNK_ID not in encoded.ids
        text = " ".join(pieces[number] for number in encoded.ids)
        assert text.replace("@@ ", "").split() == words


def test_counts_are_how_often_each_entry_occurs_and_none_is_missing(folder: Path) -> None:
    subwords, found = Subwords.from_files(folder), entries(folder)
    ids = [number for article in ARTICLES for number in subwords.encode(article.split()).ids.tolist()]
    assert [ids.count(number + 4) for number in range(len(found))] == list(found.values())
    assert min(found.values()) > 0
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_the_order_of_articles_is_no_matter(folder: Path, tmp_path: Path) -> None:
    shuffled = random.Random(1).sample(ARTICLES, len(ARTICLES))
    learn_vocabulary(shuffled, 300, tmp_path)
    for name in ("vocab.txt", "bpe.codes"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


WORDS = st.text(
    st.one_of(st.sampled_from("abcnghtươâđ_@</>w😀"), st.characters(codec="utf-8")), min_size=1, max_size=8
).filter(lambda word: word.split() == [word])


@given(articles=st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=6), symbols=st.integers(5, 80))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_files_that_both_readers_read_alike(articles: list[list[str]], symbols: int) -> None:
    with TemporaryDirectory() as work:
        folder = Path(work)
        learn_vocabulary([" ".join(words) for words in articles], symbols, folder)
        ours = Subwords.from_files(folder)
        theirs = PhobertTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))
        for words in articles:
            plain = [word for word in words if not set(word) & set("<>@")]
            if plain:
                expected = theirs.convert_tokens_to_ids(
                    [piece for word in plain for piece in theirs.bpe(word).split(" ")]
                )
                assert ours.encode(plain).ids.tolist() == expected


def test_text_without_words_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no words"):
        learn_vocabulary(["  ", ""], 100, tmp_path)
