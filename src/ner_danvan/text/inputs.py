"""A document made ready for the encoder: words, subwords, windows. Training and prediction both begin here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ner_danvan.text.segment import SEGMENTERS, SplitWords, Word, line_ends, sentence_ends
from ner_danvan.text.subwords import BOS_ID, EOS_ID, Encoded, Subwords
from ner_danvan.text.windows import WindowSize, cut_windows, stitch


@dataclass(frozen=True)
class Inputs:
    """Words of a document, and for each window `[first word, last word)` its ids and its words' first subwords.

    `ids[i]` is `[length]`, special tokens included; `firsts[i]` is `[words of windows[i]]`, places in `ids[i]`.
    """

    words: list[Word]
    windows: list[tuple[int, int]]
    ids: list[npt.NDArray[np.int64]]
    firsts: list[npt.NDArray[np.int64]]

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """`[start, end)` of each word in the text."""
        return [(word.start, word.end) for word in self.words]


@dataclass(frozen=True, slots=True)
class InputSettings:
    """How a model reads a text: its windows, one of SEGMENTERS, and whether `</s>` stands where a line ends."""

    window: WindowSize
    segmenter: str = "underthesea"
    line_marks: bool = False


def prepare(text: str, subwords: Subwords, split_words: SplitWords, settings: InputSettings) -> Inputs:
    """Segment, encode and cut a text into windows; a text without words has none."""
    return tokenise(text, SEGMENTERS[settings.segmenter](text, split_words), subwords, settings)


def tokenise(text: str, words: list[Word], subwords: Subwords, settings: InputSettings) -> Inputs:
    """The same for a text whose words are known."""
    encoded = subwords.encode([word.form for word in words])
    marked = np.zeros(len(words), dtype=np.int64)  # 1 where a mark stands behind the word
    if settings.line_marks and words:
        marked[:-1] = line_ends(text, words)[:-1]
        encoded = _with_marks(encoded, marked)
    windows = cut_windows(encoded.counts, sentence_ends(text, words), settings.window)
    pairs = [_window(encoded, first, last, settings.window.room) for first, last in windows]
    return Inputs(words, windows, [ids for ids, _ in pairs], [firsts for _, firsts in pairs])


def _with_marks(encoded: Encoded, marked: npt.NDArray[np.int64]) -> Encoded:
    """With `</s>` as the last subword of each marked word; a sentence pair is parted by it in pre-training."""
    places = encoded.firsts[1:][marked > 0]
    ids = np.insert(encoded.ids, places, EOS_ID)
    word_of = np.insert(encoded.word_of, places, np.flatnonzero(marked))
    return Encoded(ids, word_of, encoded.counts + marked)


def stitch_documents(
    documents: Sequence[Inputs], logits: Sequence[npt.NDArray[np.float32]]
) -> list[npt.NDArray[np.float32]]:
    """Logits `[words, outputs]` of each document from those of all its windows, one after the other.

    `logits[i]` is `[length, outputs]` of the i-th window; what stands behind the window's own length is not read.
    """
    stitched, window = [], 0
    for inputs in documents:
        rows = [logits[window + i][firsts] for i, firsts in enumerate(inputs.firsts)]
        stitched.append(stitch(inputs.windows, rows, len(inputs.words)))
        window += len(inputs.windows)
    return stitched


def _window(encoded: Encoded, first: int, last: int, room: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Ids of a window and the place of each word's first subword; a word that is longer than a window is cut off."""
    begin, end = int(encoded.firsts[first]), int(encoded.firsts[last])
    ids = np.concatenate([[BOS_ID], encoded.ids[begin : min(end, begin + room)], [EOS_ID]]).astype(np.int64)
    return ids, encoded.firsts[first:last] - begin + 1
