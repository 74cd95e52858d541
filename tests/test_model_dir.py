from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny import DANVAN

from ner_danvan.errors import UserError
from ner_danvan.model_dir import ENCODER, ENCODER_WITH_BIN, ModelSettings, find_model, read_model_dir
from ner_danvan.text.inputs import InputSettings
from ner_danvan.text.windows import WindowSize

TEMPERATURES = {"mention": 1.5, "title": 1.0, "task": 2.0}
SETTINGS = ModelSettings(
    DANVAN,
    InputSettings(WindowSize(128, 16), line_marks=True),
    {"title": [[0.5] * 3] * 3},
    TEMPERATURES,
    0.45,
)


@pytest.fixture
def model(vocabulary: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(vocabulary, folder)
    (folder / "split_words.txt").write_text("trưởng ban\n", encoding="utf-8")
    write_config(folder)
    return folder


def write_config(folder: Path, **changes: Any) -> None:
    config = {
        "id2label": {str(i): tag for i, tag in enumerate(DANVAN.tags)},
        "max_position_embeddings": 258,
        "vocab_size": 1_000,
        "ner_danvan": SETTINGS.to_config(),
    }
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")


def test_settings_round_trip(model: Path) -> None:
    files = read_model_dir(model)
    assert files.settings == SETTINGS
    assert files.split_words == {"trưởng_ban": (1,)}


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "bpe.codes", "split_words.txt"])
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(UserError, match=f"no {name}") as raised:
        read_model_dir(model)
    assert str(model) in str(raised.value)


def test_another_label_scheme_is_told(model: Path) -> None:
    write_config(model, id2label={"0": "O", "1": "B-LOC", "2": "I-LOC"})
    with pytest.raises(
        UserError, match=r"3 outputs are not the 13 tags .*number 0 is O where the scheme has mention:O"
    ):
        read_model_dir(model)


def test_outputs_are_compared_in_numeric_order(model: Path) -> None:
    shuffled = {str(i): DANVAN.tags[i] for i in sorted(range(13), key=str)}
    write_config(model, id2label=shuffled)
    assert read_model_dir(model).settings.scheme == DANVAN


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"ner_danvan": None}, 'no "ner_danvan" section'),
        ({"ner_danvan": {"format": 99}}, "format 99, this version reads 1"),
        ({"ner_danvan": {"format": 1}}, "'segmenter' is missing"),
        ({"ner_danvan": SETTINGS.to_config() | {"window": 1}}, "holds nothing"),
        ({"ner_danvan": SETTINGS.to_config() | {"temperatures": {"mention": 1, "title": 1, "task": 0}}}, "from 0.001"),
        ({"ner_danvan": SETTINGS.to_config() | {"temperatures": dict.fromkeys(TEMPERATURES, 1e-308)}}, "from 0.001"),
        ({"ner_danvan": SETTINGS.to_config() | {"temperatures": dict.fromkeys(TEMPERATURES, 1e308)}}, "to 1000 for"),
        ({"ner_danvan": SETTINGS.to_config() | {"transitions": {"task": [[-1e308] * 3] * 3}}}, '"task" are beyond 100'),
        (
            {
                "ner_danvan": SETTINGS.to_config() | {"window": 2_000},
                "max_position_embeddings": 2_002,
                "num_attention_heads": 512,
            },
            "more memory than",
        ),
        ({"ner_danvan": SETTINGS.to_config() | {"temperatures": {"task": 1.0}}}, "for each layer"),
        ({"ner_danvan": SETTINGS.to_config() | {"segmenter": "other"}}, "segmenter other"),
        ({"ner_danvan": SETTINGS.to_config() | {"min_score": 1.5}}, '"min_score" is 1.5, no probability'),
        ({"max_position_embeddings": 100}, "more than the model's positions"),
        ({"vocab_size": 50}, "the model 50"),
        ({"id2label": {"a": "O"}}, "cannot be used"),
        ({"id2label": {"0": 1}}, "1 outputs"),
        ({"ner_danvan": SETTINGS.to_config() | {"transitions": {"task": [[0.0]]}}}, '"task" are not 3 x 3'),
        ({"ner_danvan": SETTINGS.to_config() | {"transitions": {"x": [[0.0]]}}}, '"x" are not 0 x 0'),
        ({"id2label": None}, "cannot be used"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(model: Path, change: dict[str, Any], wanted: str) -> None:
    write_config(model, **change)
    with pytest.raises(UserError, match=wanted):
        read_model_dir(model)


def test_a_lexicon_that_is_not_utf8_is_told(model: Path) -> None:
    (model / "split_words.txt").write_bytes(b"a b\n\xff")
    with pytest.raises(UserError, match="byte 4"):
        read_model_dir(model)


@pytest.mark.parametrize("content", ["{oops", "[]"])
def test_a_config_that_is_no_object_is_told(model: Path, content: str) -> None:
    (model / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json"):
        read_model_dir(model)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such model directory"):
        read_model_dir(find_model(tmp_path / "nothing"))


def test_a_directory_is_found_as_it_is(model: Path) -> None:
    assert find_model(model) == model


def test_a_hub_id_that_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError,
        match="owner/no-such-model: no such directory here, it is not in the cache, and HF_HUB_OFFLINE is set",
    ) as raised:
        find_model("owner/no-such-model")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("allow_bin", [False, True])
def test_a_hub_id_is_fetched_without_pickles_unless_they_are_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, allow_bin: bool
) -> None:
    asked: dict[str, Any] = {}

    def fetch(name: str, *, allow_patterns: list[str], **_: Any) -> str:
        asked[name] = allow_patterns
        return str(tmp_path)

    for file in ENCODER.needed:
        (tmp_path / file).touch()
    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert find_model("vinai/some-model", wanted=ENCODER_WITH_BIN if allow_bin else ENCODER) == tmp_path
    assert ("*.bin" in asked["vinai/some-model"]) == allow_bin
    assert "*.py" not in asked["vinai/some-model"]


def test_the_embedded_model_is_looked_for_beside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "src" / "ner_danvan"
    package.mkdir(parents=True)
    monkeypatch.setattr("ner_danvan.model_dir.__file__", str(package / "model_dir.py"))
    with pytest.raises(UserError, match="make model"):
        find_model(None)
    (tmp_path / "models" / "danvan-mini").mkdir(parents=True)
    assert find_model(None) == tmp_path / "models" / "danvan-mini"
    (package / "models" / "danvan-mini").mkdir(parents=True)
    assert find_model(None) == find_model("default") == package / "models" / "danvan-mini"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()
    assert find_model("default") == Path("default")  # a directory goes before


def test_what_a_kill_left_of_a_model_is_not_taken_for_one(model: Path) -> None:
    left = model.rename(model.with_name("mine.part"))
    read_model_dir(left)  # whole enough to be read, and yet it need not be what was meant
    with pytest.raises(UserError, match=r"mine\.part: was left by a run that did not end"):
        find_model(left)
