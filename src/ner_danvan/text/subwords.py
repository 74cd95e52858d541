"""PhoBERT's BPE on `tokenizers`, identical id for id to `transformers.PhobertTokenizer`.

PhoBERT marks the pieces that do not end a word (`x@@`); the symbols of its merges mark those that do
(`x</w>`). So symbol `x</w>` takes the id of `x`, and symbol `x` the id of `x@@`. Symbols that only occur on the
way to longer ones have no id: they get one past the vocabulary, and it becomes `<unk>` after encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models

from ner_danvan.errors import UserError
from ner_danvan.text.memo import forget_oldest

VOCAB_FILE = "vocab.txt"
MERGES_FILE = "bpe.codes"
TOKENIZER_FILE = "tokenizer.json"

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
BOS_ID, PAD_ID, EOS_ID, UNK_ID = range(4)
END_OF_WORD = "</w>"  # of a symbol of the merges
CONTINUES = "@@"  # of an entry of the vocabulary
_WORDS_KEPT = 1 << 15


@dataclass(frozen=True)
class Encoded:
    """Subwords of a document: `ids[i]` belongs to word `word_of[i]`; `counts[w]` is how many word w has, at least 1."""

    ids: npt.NDArray[np.int64]
    word_of: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    @cached_property
    def firsts(self) -> npt.NDArray[np.int64]:
        """Index of each word's first subword, one more at the end."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)


class Subwords:
    """PhoBERT's subword vocabulary over segmented words."""

    def __init__(self, tokenizer: Tokenizer, vocabulary_size: int) -> None:
        self._tokenizer = tokenizer
        self.vocabulary_size = vocabulary_size
        self._ids: dict[str, list[int]] = {}  # of words met before: most of a text's words are

    @classmethod
    def from_files(cls, folder: Path) -> Subwords:
        """Read `vocab.txt` and `bpe.codes` of a folder in PhoBERT's layout.

        Raises UserError if one of them is missing or malformed.
        """
        ids = _read_vocabulary(folder / VOCAB_FILE)
        merges = _read_merges(folder / MERGES_FILE)
        size = len(ids)
        symbols: dict[str, int] = {"<unk>": UNK_ID}
        for token, number in ids.items():
            if token not in SPECIAL:
                symbols[token.removesuffix(CONTINUES) if token.endswith(CONTINUES) else token + END_OF_WORD] = number
        for left, right in merges:
            for symbol in (left, right, left + right):
                symbols.setdefault(symbol, size + len(symbols))
        model = models.BPE(vocab=symbols, merges=merges, unk_token="<unk>", end_of_word_suffix=END_OF_WORD)
        return cls(Tokenizer(model), size)

    def encode(self, words: Sequence[str]) -> Encoded:
        """Ids of each word's subwords, without special tokens."""
        if not words:
            empty = np.zeros(0, dtype=np.int64)
            return Encoded(empty, empty, empty)
        known = self._learned(words)
        pieces = [known[word] for word in words]
        counts = np.fromiter(map(len, pieces), dtype=np.int64, count=len(words))
        ids = np.fromiter(chain.from_iterable(pieces), dtype=np.int64, count=int(counts.sum()))
        return Encoded(ids, np.repeat(np.arange(len(words)), counts), counts)

    def _learned(self, words: Sequence[str]) -> dict[str, list[int]]:
        """Ids of these words and perhaps others: those that are new go to the tokenizer, in one call.

        Other threads may be here too. So what is kept is only added to, a word with all its ids at a time, and words
        are forgotten in a copy, the full dict left to those that still read it.
        """
        if len(self._ids) >= _WORDS_KEPT:
            kept = self._ids.copy()
            forget_oldest(kept, _WORDS_KEPT)
            self._ids = kept
        known = self._ids
        new = [word for word in dict.fromkeys(words) if word not in known]
        if new:
            encoding = self._tokenizer.encode(new, is_pretokenized=True, add_special_tokens=False)
            found: list[list[int]] = [[] for _ in new]
            for number, index in zip(encoding.ids, encoding.word_ids, strict=True):
                assert index is not None  # only special tokens are in no word
                found[index].append(number if number < self.vocabulary_size else UNK_ID)
            known.update(zip(new, found, strict=True))
        return known

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json`; ids past the vocabulary in it stand for `<unk>`."""
        self._tokenizer.save(str(folder / TOKENIZER_FILE))


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise UserError(
            f"{path.parent}: no {path.name}; a model directory in PhoBERT's layout has {VOCAB_FILE} and {MERGES_FILE}."
        ) from None
    except OSError as error:  # a folder, or closed to this user
        raise UserError(f"{path}: cannot be read ({error.strerror}); fetch the file again.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; fetch the file again.") from None


def _read_vocabulary(path: Path) -> dict[str, int]:
    """`<token> <count>` a line; ids follow the lines, from 4."""
    ids = {token: number for number, token in enumerate(SPECIAL)}
    lines = _read_lines(path)
    for number, line in enumerate(lines, 1):
        token, space, _ = line.strip().rpartition(" ")
        if not space:
            if number == len(lines) and not line:
                break
            raise UserError(f'{path}:{number}: "{line[:40]}" is no "<token> <count>"; fetch the file again.')
        ids[token] = len(ids)
    return ids


def _read_merges(path: Path) -> list[tuple[str, str]]:
    """`<left> <right> <count>` a line, best first; of a pair that stands twice the later rank holds, as in PhoBERT."""
    ranked: dict[tuple[str, str], int] = {}
    for number, line in enumerate(_read_lines(path), 1):
        parts = line.split()
        if len(parts) == 3:
            ranked[parts[0], parts[1]] = number
        elif line and not (parts and parts[-1].isdigit()):  # fewer: a symbol that is white space, never applied
            raise UserError(f'{path}:{number}: "{line[:40]}" is no "<left> <right> <count>"; fetch the file again.')
    return sorted(ranked, key=lambda pair: ranked[pair])
