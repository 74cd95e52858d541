from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import SENTENCES
from transformers import PhobertTokenizer, PreTrainedTokenizerFast

from ner_danvan.errors import UserError
from ner_danvan.text import subwords as subwording
from ner_danvan.text.segment import segment
from ner_danvan.text.subwords import UNK_ID, Subwords

REAL_SENTENCES = 20_000


def reference(folder: Path) -> PhobertTokenizer:
    return PhobertTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))


def same(words: list[str], ours: Subwords, theirs: PhobertTokenizer) -> bool:
    ids: list[int] = theirs(" ".join(words), add_special_tokens=False)["input_ids"]
    return ours.encode(words).ids.tolist() == ids


def test_small_vocabulary_gives_the_ids_of_the_reference(vocabulary: Path) -> None:
    ours, theirs = Subwords.from_files(vocabulary), reference(vocabulary)
    for sentence in SENTENCES:
        assert same([word.form for word in segment(sentence)], ours, theirs)


@pytest.fixture(scope="module")
def pair(vocabulary: Path) -> tuple[Subwords, PhobertTokenizer]:
    return Subwords.from_files(vocabulary), reference(vocabulary)


@given(words=st.lists(st.text("abcnhgiươâậộủyĐTHB_-/.,1234😀ß", min_size=1, max_size=12), max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_words_get_the_ids_of_the_reference(pair: tuple[Subwords, PhobertTokenizer], words: list[str]) -> None:
    assert same(words, *pair)


def test_symbols_without_an_entry_become_unknown_and_not_an_id_past_the_vocabulary(vocabulary: Path) -> None:
    subwords = Subwords.from_files(vocabulary)
    entries = {line.rpartition(" ")[0] for line in (vocabulary / "vocab.txt").read_text("utf-8").splitlines()}
    merged = ["".join(line.split()[:2]) for line in (vocabulary / "bpe.codes").read_text("utf-8").splitlines()]
    missing = [
        symbol.removesuffix("</w>") for symbol in merged if symbol.endswith("</w>") and symbol[:-4] not in entries
    ]
    assert missing
    for word in missing:
        assert UNK_ID in subwords.encode([word]).ids
        assert subwords.encode([word]).ids.max() < subwords.vocabulary_size


def test_a_word_met_before_keeps_its_ids(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subwording, "_WORDS_KEPT", 4)
    words = [word.form for sentence in SENTENCES for word in segment(sentence)]
    kept = Subwords.from_files(vocabulary)
    for part in (words, words[:5], words[3:9], ["x😀", *words], words):
        ours, new = kept.encode(part), Subwords.from_files(vocabulary).encode(part)
        assert ours.ids.tolist() == new.ids.tolist()
        assert ours.word_of.tolist() == new.word_of.tolist()
        assert ours.counts.tolist() == new.counts.tolist()


def test_of_words_met_before_the_newest_are_kept(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subwording, "_WORDS_KEPT", 16)
    subwords = Subwords.from_files(vocabulary)
    for number in range(100):
        subwords.encode([f"xã{number}"])
        newest = [f"xã{near}" for near in range(max(0, number - 13), number + 1)]
        assert len(subwords._ids) <= 16
        assert list(subwords._ids)[-len(newest) :] == newest


def test_each_subword_knows_its_word(vocabulary: Path) -> None:
    encoded = Subwords.from_files(vocabulary).encode(["Huyện_uỷ", "x", "Thanh_Sơn😀"])
    assert encoded.word_of.tolist() == sorted(encoded.word_of.tolist())
    assert encoded.counts.sum() == len(encoded.ids)
    assert encoded.counts.min() >= 1
    assert [int(encoded.word_of[i]) for i in encoded.firsts[:-1]] == [0, 1, 2]


def test_text_that_looks_like_a_special_token_is_text(vocabulary: Path) -> None:
    encoded = Subwords.from_files(vocabulary).encode(["<s>", "</s>", "<pad>", "<mask>"])
    assert set(encoded.ids.tolist()).isdisjoint({0, 1, 2})


def test_no_words_give_no_ids(vocabulary: Path) -> None:
    assert Subwords.from_files(vocabulary).encode([]).ids.shape == (0,)


def test_the_saved_tokenizer_gives_the_same_ids(vocabulary: Path, tmp_path: Path) -> None:
    subwords = Subwords.from_files(vocabulary)
    subwords.save(tmp_path)
    loaded = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    words = [word.form for word in segment(SENTENCES[0])]
    ids = [
        min(i, subwords.vocabulary_size)
        for i in loaded(words, is_split_into_words=True, add_special_tokens=False)["input_ids"]
    ]
    assert [i if i < subwords.vocabulary_size else UNK_ID for i in ids] == subwords.encode(words).ids.tolist()


@pytest.mark.parametrize("name", ["vocab.txt", "bpe.codes"])
def test_a_missing_file_is_named(vocabulary: Path, tmp_path: Path, name: str) -> None:
    for file in ("vocab.txt", "bpe.codes"):
        if file != name:
            (tmp_path / file).write_bytes((vocabulary / file).read_bytes())
    with pytest.raises(UserError, match=f"no {name}"):
        Subwords.from_files(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("vocab.txt", b"ban 3\nkhong\n", r'vocab\.txt:2: "khong"'),
        ("bpe.codes", b"a b 3\nb c\n", r'bpe\.codes:2: "b c"'),
        ("bpe.codes", b"\xff\xfe", "byte 0 is not UTF-8"),
    ],
)
def test_a_malformed_line_is_named(vocabulary: Path, tmp_path: Path, name: str, content: bytes, wanted: str) -> None:
    for file in ("vocab.txt", "bpe.codes"):
        (tmp_path / file).write_bytes(content if file == name else (vocabulary / file).read_bytes())
    with pytest.raises(UserError, match=wanted):
        Subwords.from_files(tmp_path)


def test_real_vocabulary_gives_the_ids_of_the_reference_on_real_sentences(shared: Path) -> None:
    corpus = sorted((shared / "corpus").glob("*.txt.xz"))
    if not corpus or not (shared / "phobert").is_dir():
        pytest.skip("no ../shared/phobert or ../shared/corpus: parity on real text needs both")
    ours, theirs = Subwords.from_files(shared / "phobert"), reference(shared / "phobert")
    seen, different = 0, []
    with lzma.open(corpus[0], "rt", encoding="utf-8") as lines:
        for line in lines:
            if words := line.split():
                seen += 1
                if not same(words, ours, theirs):
                    different.append(line)
            if seen == REAL_SENTENCES:
                break
    assert seen == REAL_SENTENCES
    assert different == []
