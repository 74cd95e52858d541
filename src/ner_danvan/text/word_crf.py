"""underthesea's word segmentation model, read from its installed files and applied with the same result.

The model is a linear chain (Lafferty et al. 2001) with the labels B-W and I-W. With two labels only the difference
of their weights counts, so the score of a position is one number: a sum over the tokens, pairs and triples near it.
What an n-gram adds lies at the five positions around the token at which it ends, hence the vectors of five:
`vector[k]` goes to the position k - 2 from that token. Where two sequences are equally good, as among marks that the
model has not seen, rounding decides; such a line is scored again, adding up in underthesea's order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from ner_danvan.text.crfsuite import read_two_labels
from ner_danvan.text.memo import Memo
from ner_danvan.text.plain_pickle import UnpicklingError, read_plain_pickle
from ner_danvan.text.word_features import FLAGS, REACH, WIDEST, Template, features, is_number, is_title, read_template

_Vector = Sequence[float]  # [5]
_Table = Mapping[str, _Vector]
_Weight = tuple[float, float]  # at B-W and at I-W

# both in title case, may end a triple of which more is known than of any three tokens, vector with the second's in it
_Pair = tuple[bool, bool, _Vector]

_SIZE = 2 * REACH + 1  # of a vector
_OUTSIDE = "x\n"  # stands before the first token: in no table, no title
_KEPT = 1 << 15  # pairs and tokens; about 10 MB
_TIE = 1e-7  # far above what rounding does to the scores of a line, far below what features differ by


class UnreadableModelError(Exception):
    """The model's files are missing or not of the form that is known here."""


class _Token(NamedTuple):
    lower: str
    title: bool
    vector: _Vector


class WordCRF:
    """Tells which tokens of a line belong to the word before them, as `FastCRFSequenceTagger.predict` does."""

    def __init__(self, folder: Path) -> None:
        """Read `models.bin`, `features.bin` and `dictionary.bin`; raises UnreadableModelError."""
        try:
            model = read_two_labels(folder / "models.bin")
            templates = [read_template(name) for name in read_plain_pickle(folder / "features.bin")]
            dictionary = read_plain_pickle(folder / "dictionary.bin")
        except (OSError, EOFError, LookupError, ValueError, TypeError, UnpicklingError) as error:
            raise UnreadableModelError(f"{folder}: {error}") from error
        if model.labels != ["B-W", "I-W"] or not isinstance(dictionary, set):
            raise UnreadableModelError(f"{folder}: labels {model.labels}, dictionary a {type(dictionary).__name__}")
        self._model, self._templates, self._dictionary = model, templates, dictionary
        self._weights = _Weights(templates, model.weights, dictionary)
        self._pairs = Memo(self._weights.pair, _KEPT)
        self._transitions: list[list[float]] = model.transitions.tolist()

    def inside(self, tokens: Sequence[str]) -> list[bool]:
        """For each token whether its label is I-W; O(tokens). Tokens are not empty and hold no white space."""
        if not tokens:
            return []
        (begin_begin, begin_inside), (inside_begin, inside_inside) = self._transitions
        # the lead of I-W over B-W above which I-W is the better label to stand before B-W, and before I-W
        before_begin, before_inside = begin_begin - inside_begin, begin_inside - inside_inside
        lead, *scores = self._scores(tokens)
        leads = [lead]
        for score in scores:
            best_inside = lead + inside_inside if lead > before_inside else begin_inside
            best_begin = lead + inside_begin if lead > before_begin else begin_begin
            lead = score + best_inside - best_begin
            leads.append(lead)
        labels = []
        needed = 0.0
        for lead in reversed(leads):
            if abs(lead - needed) < _TIE:
                return self.inside_exactly(tokens)
            labels.append(lead > needed)
            needed = before_inside if lead > needed else before_begin
        labels.reverse()
        return labels

    def inside_exactly(self, tokens: Sequence[str]) -> list[bool]:
        """The same with the sums of underthesea, to the last bit; slower. Tokens may hold spaces."""
        (begin_begin, begin_inside), (inside_begin, inside_inside) = self._transitions
        begin = inside = 0.0  # of the best sequences that end with B-W and I-W here
        follows: list[tuple[bool, bool]] = []  # whether they have I-W before that
        for position in range(len(tokens)):
            if position:
                follows.append(
                    (inside + inside_begin > begin + begin_begin, inside + inside_inside > begin + begin_inside)
                )
                begin, inside = (
                    max(begin + begin_begin, inside + inside_begin),
                    max(begin + begin_inside, inside + inside_inside),
                )
            begin_score = inside_score = 0.0
            for feature in self._features(tokens, position):
                at_begin, at_inside = self._model.weights.get(feature, (0.0, 0.0))
                begin_score += at_begin
                inside_score += at_inside
            begin, inside = begin + begin_score, inside + inside_score
        labels = [inside > begin]
        for behind_inside in reversed(follows):
            labels.append(behind_inside[labels[-1]])
        labels.reverse()
        return labels

    def _features(self, tokens: Sequence[str], position: int) -> list[str]:
        return features(self._templates, tokens, position, self._dictionary)

    def _scores(self, tokens: Sequence[str]) -> list[float]:
        """Weights of I-W less those of B-W at each position, without transitions."""
        pairs, weights = self._pairs, self._weights
        scores = []
        # sums so far, of the positions two and one before the token, its own, and the next
        before2, before1, here, after1 = 0.0, 0.0, *weights.start
        first = second = _OUTSIDE
        titles = False
        for token in tokens:
            next_titles, may_end_triple, (a, b, c, d, e) = pairs[second, token]
            score = before2 + a
            before2, before1, here, after1 = before1 + b, here + c, after1 + d, e
            if may_end_triple or (titles and next_titles):
                a, b, c, _, _ = weights.triple(f"{first} {second} {token}", titles and next_titles)
                score += a
                before2 += b
                before1 += c
            scores.append(score)
            first, second, titles = second, token, next_titles
        scores += [before2 + weights.end[1], before1 + weights.end[0]]
        if len(tokens) == 1:
            scores[-1] -= weights.both_ends
        return scores[REACH:]  # the first two stand before the line


class _Weights:
    """Vectors of n-grams, and what a line's ends add.

    `start[i]` is added to the i-th position of a line, `end[i]` to the i-th last; what both add to a lone token is
    `both_ends` too much.
    """

    def __init__(self, templates: Sequence[Template], weights: Mapping[str, _Weight], dictionary: set[str]) -> None:
        self.start, self.end, self.both_ends = [0.0] * REACH, [0.0] * REACH, 0.0
        self._base = _zeros()  # of an n-gram of which no flag holds
        self._flags = {(flag, width): _zeros() for flag in FLAGS for width in range(WIDEST)}
        for name, first, last, view in templates:
            place, width = REACH - last, last - first
            before, behind, false, true = (
                _gain(weights, f"{name}={value}") for value in ("BOS", "EOS", "False", "True")
            )
            base = false if view in FLAGS else 0.0
            self._base[place] += base
            if view in FLAGS:
                self._flags[view, width][place] += true - false
            for position in range(REACH):
                if position + first < 0:
                    self.start[position] += before
                    if position + last >= 0:  # the base is added at each token, also where the n-gram begins outside
                        self.start[position] -= base
                if last > position:
                    self.end[position] += behind
            if first < 0 < last:
                self.both_ends += behind - base
        self._written, self._lowered = _vectors_by_text(templates, weights)
        self._dictionary = dictionary
        triples = [text for text in chain(self._written, self._lowered, dictionary) if text.count(" ") == WIDEST - 1]
        self._triple_ends = {text.lower().partition(" ")[2] for text in triples}
        self._tokens = Memo(self._token, _KEPT)

    def _token(self, token: str) -> _Token:
        lower = token.lower()
        title = is_title(token)
        flags = [title and self._flags["istitle", 0], is_number(token) and self._flags["isdigit", 0]]
        return _Token(lower, title, _sum(self._base, *flags, *self._of_text(token, lower, 0)))

    def pair(self, tokens: tuple[str, str]) -> _Pair:
        """Of two neighbours, the first of them _OUTSIDE where the second begins a line."""
        (first_lower, first_title, _), (lower, title, vector) = self._tokens[tokens[0]], self._tokens[tokens[1]]
        titles = first_title and title
        lower = f"{first_lower} {lower}"
        title_vector = titles and self._flags["istitle", 1]
        vector = _sum(vector, title_vector, *self._of_text(" ".join(tokens), lower, 1))
        return titles, lower in self._triple_ends, vector

    def triple(self, text: str, titles: bool) -> _Vector:
        """Without the vectors of the pairs in it."""
        return _sum(titles and self._flags["istitle", 2], *self._of_text(text, text.lower(), 2))

    def _of_text(self, text: str, lower: str, width: int) -> tuple[_Vector | None, _Vector | None, _Vector | None]:
        known = self._flags["is_in_dict", width] if lower in self._dictionary else None
        return self._written.get(text), self._lowered.get(lower), known


def _vectors_by_text(templates: Sequence[Template], weights: Mapping[str, _Weight]) -> tuple[_Table, _Table]:
    """The vectors of all n-grams in the model, as written and in lower case."""
    found: dict[str, dict[str, list[float]]] = {"": {}, "lower": {}}
    places = {t.name: (found[t.view], t.last - t.first, REACH - t.last) for t in templates if t.view in found}
    for attribute, (begin, inside) in weights.items():
        name, _, text = attribute.partition("=")
        if name in places:
            vectors, spaces, place = places[name]
            if text.count(" ") == spaces:  # "BOS" is no pair, though it stands for one where a line begins
                vector = vectors.get(text)
                if vector is None:
                    vector = vectors[text] = [0.0] * _SIZE
                vector[place] += inside - begin
    return found[""], found["lower"]


def _gain(weights: Mapping[str, _Weight], attribute: str) -> float:
    begin, inside = weights.get(attribute, (0.0, 0.0))
    return inside - begin


def _zeros() -> list[float]:
    return [0.0] * _SIZE


def _sum(*vectors: _Vector | Literal[False] | None) -> _Vector:
    present = [vector for vector in vectors if vector]
    if len(present) == 1:
        return present[0]
    a = b = c = d = e = 0.0
    for v, w, x, y, z in present:
        a, b, c, d, e = a + v, b + w, c + x, d + y, e + z
    return a, b, c, d, e
