"""A subword vocabulary learned from articles, in PhoBERT's file format."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, trainers
from tokenizers.pre_tokenizers import WhitespaceSplit

from ner_danvan.errors import UserError
from ner_danvan.text.subwords import CONTINUES, END_OF_WORD, MERGES_FILE, SPECIAL, VOCAB_FILE

_WORDS_AT_ONCE = 10_000


def learn_vocabulary(articles: Sequence[str], symbols: int, folder: Path) -> None:
    """Learn byte pair encoding (Sennrich et al. 2016) and write `vocab.txt` and `bpe.codes` to `folder`.

    Articles are words between white space. `symbols` counts characters and what they are merged to; of these the
    vocabulary has the ones that occur once all merges are applied, the most frequent first, each with its count. The
    number behind a merge is its rank from the end. The same articles give the same files in any order. Raises UserError
    if there are no words.
    """
    counts: Counter[str] = Counter()
    for article in articles:
        counts.update(article.split())
    if not counts:
        raise UserError("text.files: no words, so there is no vocabulary to learn; give more text.")
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=END_OF_WORD))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=symbols,
        end_of_word_suffix=END_OF_WORD,
        min_frequency=2,
        # pairs that are as frequent go by the symbols' numbers; the trainer would number these as it meets them
        special_tokens=sorted({word[-1] + END_OF_WORD for word in counts}),
        show_progress=False,
    )
    tokenizer.train_from_iterator((" ".join(article.split()) for article in articles), trainer)
    learned = json.loads(tokenizer.to_str())["model"]
    merges: list[tuple[str, str]] = [tuple(pair) for pair in learned["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=learned["vocab"], merges=merges, end_of_word_suffix=END_OF_WORD))
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{left} {right} {len(merges) - rank}" for rank, (left, right) in enumerate(merges)]
    (folder / MERGES_FILE).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    entries = _entries(tokenizer, counts)
    lines = [f"{entry} {count}" for entry, count in sorted(entries.items(), key=lambda row: (-row[1], row[0]))]
    (folder / VOCAB_FILE).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _entries(tokenizer: Tokenizer, counts: Counter[str]) -> Counter[str]:
    """How often each piece occurs, as the vocabulary has it: `x@@` within a word, `x` at its end."""
    entries: Counter[str] = Counter()
    words = sorted(counts)
    for start in range(0, len(words), _WORDS_AT_ONCE):
        some = words[start : start + _WORDS_AT_ONCE]
        encoding = tokenizer.encode(some, is_pretokenized=True, add_special_tokens=False)
        for symbol, index in zip(encoding.tokens, encoding.word_ids, strict=True):
            assert index is not None  # only special tokens are in no word
            inside = not symbol.endswith(END_OF_WORD)
            piece = symbol if inside else symbol.removesuffix(END_OF_WORD)
            # what a reader of the file would take for something else stays unknown
            if piece and END_OF_WORD not in piece and (inside or not piece.endswith(CONTINUES)):
                entries[piece + CONTINUES if inside else piece] += counts[some[index]]
    for special in SPECIAL:
        entries.pop(special, None)
    return entries
