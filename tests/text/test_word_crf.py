from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ner_danvan.text.crfsuite import read_two_labels
from ner_danvan.text.word_crf import UnreadableModelError, WordCRF

_REGULAR = "Ủy Uỷ uỷ ban nhân dân Nhân tỉnh thành phố Hồ Chí Minh đồng chí bí thư tổ chức TỔ CHỨC công an"
_ODD = ". , ( 12 1/7 1.000 ٣ 1٣ ² ½ Ⅳ ß ẞ İ ŉ ǅ ﬁ ª Σ ΑΣ ა Ა 日本 _ a_b H'Mông NN&PTNT T.Ư v.v A1 BOS EOS True x"
SYLLABLES, ODD = _REGULAR.split(), _ODD.split()
# "ƛɤ" and the like: letters that had no capital yet in the Unicode version of older Pythons
LETTERS = st.characters(exclude_categories=["Cs", "Cn", "Cc", "Zs", "Zl", "Zp"], exclude_characters="ƛɤꟓꟕ")
TOKENS = st.one_of(st.sampled_from(SYLLABLES), st.sampled_from(ODD), st.text(LETTERS, min_size=1, max_size=5))


@cache
def theirs() -> Any:
    from underthesea.models.fast_crf_sequence_tagger import FastCRFSequenceTagger

    tagger = FastCRFSequenceTagger()
    tagger.load(str(folder()))
    return tagger


@cache
def folder() -> Path:
    import underthesea.pipeline.word_tokenize as module

    (found,) = (Path(module.__file__).parent / "models").iterdir()
    return found


@cache
def ours() -> WordCRF:
    return WordCRF(folder())


@given(st.lists(TOKENS, max_size=12))
@example([])
@example(["BOS"])
@example(["EOS", "BOS"])
@example(["Ủy", "ban", "nhân", "dân", "tỉnh"])
@settings(max_examples=500, deadline=None)
def test_labels_are_those_of_underthesea(tokens: list[str]) -> None:
    wanted = theirs().predict([[token] for token in tokens])
    assert ours().inside(tokens) == [label == "I-W" for label in wanted]


@given(st.lists(st.sampled_from(["[", "¡", "]", "0", "liên", "Ê", "±", "§"]), min_size=3, max_size=30))
@example(["liên", "[", "¡", "[", "¡", "[", "0"])
@settings(max_examples=500, deadline=None)
def test_ties_among_unseen_marks_are_broken_as_by_underthesea(tokens: list[str]) -> None:
    wanted = theirs().predict([[token] for token in tokens])
    assert ours().inside(tokens) == [label == "I-W" for label in wanted]
    assert ours().inside_exactly(tokens) == [label == "I-W" for label in wanted]


def test_a_token_with_a_space_is_no_pair() -> None:
    for tokens in (["Th S", "Lan"], ["tổ chức"], ["Uỷ ban", "nhân", "dân", "tỉnh"], ["công", "an xã", "họp"]):
        wanted = theirs().predict([[token] for token in tokens])
        assert ours().inside_exactly(tokens) == [label == "I-W" for label in wanted]


@pytest.mark.parametrize("token", [*SYLLABLES, *ODD])
@pytest.mark.parametrize("around", [[], ["tổ"], ["Hồ", "Chí"], ["công", "an", "xã"]])
def test_features_and_scores_are_those_of_underthesea(token: str, around: list[str]) -> None:
    weights = read_two_labels(folder() / "models.bin").weights
    for place in range(len(around) + 1):
        tokens = [*around[:place], token, *around[place:]]
        names_of = theirs().featurizer.process([[[token] for token in tokens]])[0]
        assert [ours()._features(tokens, i) for i in range(len(tokens))] == names_of
        pairs = [[weights.get(name, (0.0, 0.0)) for name in names] for names in names_of]
        wanted = [sum(inside - begin for begin, inside in row) for row in pairs]
        assert ours()._scores(tokens) == pytest.approx(wanted, abs=1e-9)


def test_labels_stay_the_same_when_memos_overflow() -> None:
    model = WordCRF(folder())
    tokens = [*SYLLABLES, *ODD] * 3
    first = model.inside(tokens)
    model._pairs._limit = 3
    model._pairs.clear()
    assert model.inside(tokens) == first


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("models.bin", None),
        ("models.bin", b""),
        ("models.bin", b"UTCF" + bytes(100)),
        ("features.bin", None),
        ("features.bin", b"no pickle"),
        ("features.bin", pickle.dumps(["T[0]", "T[3]"])),
        ("features.bin", pickle.dumps(["T[0].stem"])),
        ("features.bin", pickle.dumps([0])),
        ("features.bin", pickle.dumps(None)),
        ("dictionary.bin", None),
        ("dictionary.bin", pickle.dumps(["a", "list"])),
        ("dictionary.bin", pickle.dumps(Path())),
    ],
)
def test_another_form_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    for file in folder().iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableModelError, match=str(tmp_path)):
        WordCRF(tmp_path)


@pytest.mark.parametrize("place", ["version", "features", "label", "attribute", "end"])
def test_a_damaged_model_is_refused(tmp_path: Path, place: str) -> None:
    for name in ("features.bin", "dictionary.bin"):
        (tmp_path / name).symlink_to(folder() / name)
    data = bytearray((folder() / "models.bin").read_bytes())
    at = {
        "version": 12,
        "features": data.index(b"FEAT"),
        "label": data.index(b"I-W\0"),
        "attribute": data.index(b"T[-2]=BOS\0") + 9,
        "end": len(data) // 2,
    }
    if place == "end":
        del data[at[place] :]
    else:
        data[at[place]] ^= 1
    (tmp_path / "models.bin").write_bytes(data)
    with pytest.raises(UnreadableModelError):
        WordCRF(tmp_path)
