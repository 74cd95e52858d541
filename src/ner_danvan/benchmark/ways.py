"""The ways to read a report that are compared: each takes raw texts and finds spans or tags in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ner_danvan.tagger import Tagger
from ner_danvan.text.subwords import MERGES_FILE, VOCAB_FILE

Way = Callable[[Sequence[str]], int]  # texts to the number of spans or tagged words found


def plain_way(folder: Path, window: int) -> Way:
    """What one would write after a tutorial: each sentence through transformers, then the best tag of each subword."""
    import torch
    from transformers import AutoModelForTokenClassification, PhobertTokenizer
    from underthesea import sent_tokenize, word_tokenize

    make_tokenizer: Any = PhobertTokenizer
    tokenizer = make_tokenizer(str(folder / VOCAB_FILE), str(folder / MERGES_FILE))
    model = AutoModelForTokenClassification.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
    ).eval()

    def read(texts: Sequence[str]) -> int:
        found = 0
        for sentence in _sentences(texts, sent_tokenize):
            words = word_tokenize(sentence, format="text")
            inputs = tokenizer(words, return_tensors="pt", truncation=True, max_length=window)
            with torch.no_grad():
                tags = model(**inputs).logits.argmax(dim=-1)
            found += int((tags > 0).sum())
        return found

    return read


def underthesea_ner(*, by_sentence: bool) -> Way:
    """The tagger that underthesea has, as `ner(text)` on the whole report or on each of its sentences."""
    from underthesea import ner, sent_tokenize

    def read(texts: Sequence[str]) -> int:
        parts = _sentences(texts, sent_tokenize) if by_sentence else texts
        return sum(tag != "O" for part in parts for *_, tag in ner(part))

    return read


def our_way(folder: Path, backend: str, *, workers: int = 0) -> Way:
    """`Tagger.stream` with one of its backends."""
    tagger = Tagger.from_pretrained(folder, backend=backend, device="cpu")

    def read(texts: Sequence[str]) -> int:
        return sum(len(document.spans) for document in tagger.stream(texts, workers=workers))

    return read


def _sentences(texts: Sequence[str], sent_tokenize: Callable[[str], list[str]]) -> Iterator[str]:
    for text in texts:
        for line in text.split("\n"):
            yield from sent_tokenize(line)
