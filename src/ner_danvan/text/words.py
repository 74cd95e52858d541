"""Words of a line as underthesea finds them: lists of tokens (syllables, figures, marks) with their places.

`underthesea.word_tokenize` would give them, but importing it takes in all of underthesea and, where installed,
torch; and its tagger writes 43 strings a token. So its patterns alone are imported, and `WordCRF` applies its model.
Where the installed version has another form, `word_tokenize` is called after all.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from ner_danvan.text.memo import Memo
from ner_danvan.text.plain_pickle import UnpicklingError, read_plain_pickle
from ner_danvan.text.word_crf import UnreadableModelError, WordCRF

Token = tuple[int, str]  # where in the line it begins, and itself
_T = TypeVar("_T")

_PACKAGE = "underthesea"
_PATTERNS = "underthesea.pipeline.word_tokenize.regex_tokenize"
_NORMALIZER = "underthesea.pipeline.text_normalize"
_KNOWN_PATTERNS = "ed7f6df4bba1133b1fd2baf02d612b7ef6912f0460f7a8166bd6b4aa8f072d25"  # SHA-256
# of the pattern for addresses: `(?:run+|…)+` divides "http://......" in all ways; `(?:run|…)+` matches the same
_RUN, _ONE_OF_RUN = r"[^\s()<>{}\[\]]+ ", r"[^\s()<>{}\[\]] "
_OVER_SPACE = ("Th S", "Th s")  # one token each: the point in a pattern for "Th.S" stands for any character
# what importing the patterns may raise where their modules are not as expected
_IMPORT_FAILS = (ImportError, AttributeError, LookupError, OSError, EOFError, UnpicklingError)
_RUNS_KEPT = 1 << 15
_CHOOSING = threading.Lock()  # two threads that import underthesea's modules would take them from one another
_LONGEST_KEPT = 40  # characters
_ROUGH = re.compile(r"\w+|[^\w\s]")


def word_finder() -> Callable[[str], list[list[Token]]]:
    """What finds the words of a line in which the only white space is spaces; chosen by what is installed."""
    with _CHOOSING:
        return _chosen_finder()


@cache
def _chosen_finder() -> Callable[[str], list[list[Token]]]:
    try:
        return _PatternsAndModel()
    except (UnreadableModelError, *_IMPORT_FAILS):
        return _whole_underthesea


class _PatternsAndModel:
    def __init__(self) -> None:
        module = _import_patterns()
        patterns: re.Pattern[str] = module.patterns
        self._normalize: Callable[[str], str] = module.normalize_characters_in_text
        self._model = WordCRF(_model_folder(module))
        self._are_known = hashlib.sha256(patterns.pattern.encode()).hexdigest() == _KNOWN_PATTERNS
        self._patterns = _quick(patterns) if self._are_known else patterns
        self._runs: Memo[str, list[str]] = Memo(lambda run: self._find(run + " "), _RUNS_KEPT)

    def __call__(self, line: str) -> list[list[Token]]:
        normal = self._normalize(line)
        if normal != line or not self._are_known or any(text in line for text in _OVER_SPACE):
            return align(line, self._words(self._find(normal)))
        # else a token never reaches over a space, and a pattern sees no more behind one than whether it is there
        *runs, last = line.split(" ")
        found = [self._runs[run] if len(run) <= _LONGEST_KEPT else self._find(run + " ") for run in runs]
        tokens, starts = [], []
        position = 0
        for run in [*found, self._find(last)]:
            for token in run:
                tokens.append(token)
                starts.append(position)
                position += len(token)
            position += 1
        return _joined(zip(starts, tokens, strict=True), self._model.inside(tokens))

    def _words(self, tokens: list[str]) -> list[list[str]]:
        if any(" " in token for token in tokens):
            words = _joined(tokens, self._model.inside_exactly(tokens))
            return [" ".join(word).split() for word in words]
        return _joined(tokens, self._model.inside(tokens))

    def _find(self, text: str) -> list[str]:
        return [match.group() for match in self._patterns.finditer(text)]


def _quick(patterns: re.Pattern[str]) -> re.Pattern[str]:
    """The same patterns, none of which takes a time that doubles with each character."""
    return re.compile(patterns.pattern.replace(_RUN, _ONE_OF_RUN), patterns.flags)


def _joined(tokens: Iterable[_T], inside: Iterable[bool]) -> list[list[_T]]:
    words: list[list[_T]] = []
    for token, goes_on in zip(tokens, inside, strict=True):
        if goes_on and words:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _model_folder(patterns: ModuleType) -> Path:
    folders = list((Path(str(patterns.__file__)).parent / "models").glob("*/"))
    if len(folders) != 1:
        raise UnreadableModelError(f"{len(folders)} models beside {patterns.__file__}")
    return folders[0]


def _import_patterns() -> ModuleType:
    """The module with underthesea's patterns and what it imports itself, without the rest of the package."""
    if _PACKAGE in sys.modules:
        return importlib.import_module(_PATTERNS)
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{_PACKAGE} is not installed")
    # an empty parent, so that the package's own __init__ does not run
    package = ModuleType(_PACKAGE)
    package.__path__ = list(spec.submodule_search_locations)
    stand_ins = {_PACKAGE: package}
    if "joblib" not in sys.modules:  # it is imported for one plain pickle, and takes longer than all the rest
        stand_ins["joblib"] = ModuleType("joblib")
        stand_ins["joblib"].__dict__["load"] = read_plain_pickle
    sys.modules.update(stand_ins)
    try:
        importlib.import_module(_NORMALIZER)  # first: either imports the other, and only this order works
        return importlib.import_module(_PATTERNS)
    finally:
        # whoever imports underthesea later gets it whole
        for name in [name for name in sys.modules if name in stand_ins or name.startswith(_PACKAGE + ".")]:
            del sys.modules[name]


def _whole_underthesea(line: str) -> list[list[Token]]:
    from underthesea.pipeline.word_tokenize import word_tokenize  # late: it takes seconds

    # token normalisation would rewrite "Hoà" to "Hòa", the style that the vocabulary lacks
    return align(line, [word.split() for word in word_tokenize(line, use_token_normalize=False)])


def align(line: str, words: Iterable[list[str]]) -> list[list[Token]]:
    """Place words, given as lists of tokens, in the line.

    Where they are not the line's characters in order (no such text is known), the line is cut roughly instead.
    """
    placed: list[list[Token]] = []
    position = 0
    for word in words:
        tokens = []
        for token in word:
            while position < len(line) and line[position] == " ":
                position += 1
            if not line.startswith(token, position):
                return _rough(line)
            tokens.append((position, token))
            position += len(token)
        if tokens:
            placed.append(tokens)
    return placed if not line[position:].strip(" ") else _rough(line)


def _rough(line: str) -> list[list[Token]]:
    return [[(match.start(), match.group())] for match in _ROUGH.finditer(line)]
