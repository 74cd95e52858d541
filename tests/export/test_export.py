from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from tiny import DANVAN, RECORD, SENTENCES, TRANSITIONS, write_run
from transformers import AutoModelForTokenClassification, AutoTokenizer, PhobertTokenizer

from ner_danvan.errors import UserError
from ner_danvan.export.run import export, run
from ner_danvan.model_dir import file_hash, read_model_dir
from ner_danvan.tagger import Tagger
from ner_danvan.text.subwords import BOS_ID, EOS_ID
from ner_danvan.training.config import EncoderConfig
from ner_danvan.training.encoder import load_encoder

INT8: dict[str, Any] = {"write": True, "texts": None, "documents": 4, "gold": None, "max_loss": 0.003}
SCORE = {"precision": 0.9, "recall": 0.8, "f1": 0.847, "gold": 10, "predicted": 9}
GROUPS = [("plan", 9, 0.9, [0.8, 0.95]), ("letter", 6, 0.7, [0.6, 0.8]), ("minutes", 1, 0.1, None)]
EVALUATION: dict[str, Any] = {
    "name": "test",
    "documents": 2,
    "strict": {
        "micro": SCORE,
        "macro": SCORE | {"f1": 0.7},
        "layers": {layer.name: SCORE for layer in DANVAN.layers},
        "labels": dict.fromkeys(DANVAN.labels, SCORE),
    },
}


def evaluation(trained: Path, **changes: Any) -> dict[str, Any]:
    """Scores as scripts/evaluate.py would have written them for this run."""
    return EVALUATION | {"weights_sha256": file_hash(trained / "model" / "model.safetensors")} | changes


@pytest.fixture
def trained(encoder: Path, tmp_path: Path) -> Path:
    """A run's output folder, with a head that is not quite random."""
    return write_run(encoder, tmp_path / "run")


def plain_logits(folder: Path, ids: torch.Tensor) -> np.ndarray[Any, Any]:
    model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        logits: np.ndarray[Any, Any] = model(input_ids=ids).logits.numpy()
    return logits


@pytest.mark.parametrize(("dtype", "tolerance"), [("fp32", 0.0), ("fp16", 0.02)])
def test_plain_transformers_give_the_same_logits_as_the_run(
    trained: Path, tmp_path: Path, dtype: str, tolerance: float
) -> None:
    exported = export(trained, tmp_path / "out", dtype, [], name="mine")
    ids = torch.tensor([[BOS_ID, *range(10, 40), EOS_ID]])
    wanted = plain_logits(trained / "model", ids)
    assert np.abs(wanted - plain_logits(exported.folder, ids)).max() <= tolerance
    assert np.abs(wanted).max() > 0.5


def test_the_exported_model_tags_as_the_run_does(trained: Path, tmp_path: Path) -> None:
    exported = export(trained, tmp_path / "out", "fp32", [], name="mine")
    before, after = (Tagger.from_pretrained(folder, device="cpu") for folder in (trained / "model", exported.folder))
    assert any(before(sentence).spans for sentence in SENTENCES)
    for sentence in SENTENCES:
        assert before(sentence) == after(sentence)


def test_the_directory_has_all_that_the_design_names(trained: Path, tmp_path: Path) -> None:
    folder = export(trained, tmp_path / "out", "fp16", [evaluation(trained)], name="mine").folder
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.json", "model.safetensors", "vocab.txt", "bpe.codes", "tokenizer.json", "split_words.txt"}
    assert names >= {"README.md", "metrics.json", "run.json"}
    assert not any(name.endswith((".bin", ".pt", ".pkl", ".py")) for name in names)
    assert json.loads((folder / "metrics.json").read_text())["test"]["documents"] == 2
    assert read_model_dir(folder).settings == read_model_dir(trained / "model").settings
    assert (folder / "model.safetensors").stat().st_size < 0.6 * (
        trained / "model" / "model.safetensors"
    ).stat().st_size
    assert (folder / "model.safetensors").stat().st_mode & 0o044 == 0o044  # whoever gets the folder may read it


def test_plain_transformers_load_the_reference_tokenizer(trained: Path, tmp_path: Path) -> None:
    folder = export(trained, tmp_path / "out", "fp16", [], name="mine").folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert isinstance(tokenizer, PhobertTokenizer)
    assert tokenizer.model_max_length == 64
    words = ["Huyện_uỷ", "Thanh_Sơn", "họp"]
    ids = read_model_dir(folder).subwords.encode(words).ids.tolist()
    assert tokenizer(" ".join(words))["input_ids"] == [BOS_ID, *ids, EOS_ID]


def test_the_card_says_scores_base_and_licence(trained: Path, tmp_path: Path) -> None:
    folder = export(trained, tmp_path / "out", "fp16", [evaluation(trained)], name="owner/mine").folder
    card = ModelCard.load(folder / "README.md")
    assert card.data.license == "agpl-3.0"
    assert card.data.base_model == "owner/encoder"
    assert card.data.language == "vi"
    assert card.data.eval_results[0].metric_value == 0.847
    assert "bootstrapped" not in card.text
    assert "| test | 2 | **84.7** | 70.0 |" in card.text
    assert "must offer its source too" in card.text
    assert 'from_pretrained("owner/mine")' in card.text


def test_the_card_says_how_far_the_scores_can_be_trusted(trained: Path, tmp_path: Path) -> None:
    calibration = {
        "error": 0.0314,
        "bins": [
            {"low": 0.2, "high": 0.3, "spans": 4, "score": 0.25, "right": 0.5},
            {"low": 0.4, "high": 0.5, "spans": 0, "score": 0.0, "right": 0.0},
        ],
        "thresholds": [{"min_score": 0.9, "kept": 7, "precision": 0.99, "recall": 0.6}],
    }
    intervals = {name: [0.8, 0.9] for name in ("micro", *DANVAN.labels)}
    row = evaluation(trained, calibration=calibration, f1_intervals=intervals, name="a < b")
    folder = export(trained, tmp_path / "out", "fp16", [row], name="mine").folder
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "0.031 on a < b" in card
    assert "| a < b | 0.9 | 7 | 99.0 | 60.0 |" in card
    assert "| *95 % interval* | | 80.0 to 90.0 | | 80.0 to 90.0 |" in card
    assert "|\n\nIntervals are" in card  # else it would be a row of the table
    assert "(reliability.svg)" in card
    drawn = ElementTree.parse(folder / "reliability.svg")
    circles = drawn.findall(".//{http://www.w3.org/2000/svg}circle")
    assert [(circle.get("cx"), circle.get("cy")) for circle in circles] == [("128.0", "208.0")]


def test_each_set_keeps_its_own_result(trained: Path, tmp_path: Path) -> None:
    micro = {name: EVALUATION["strict"] | {"micro": SCORE | {"f1": f1}} for name, f1 in (("dev", 0.9), ("a|b", 0.8))}
    rows = [evaluation(trained, name=name, strict=strict) for name, strict in micro.items()]
    card = ModelCard.load(export(trained, tmp_path / "out", "fp16", rows, name="mine").folder / "README.md")
    micro_f1 = [row for row in card.data.eval_results if row.metric_name == "strict micro F1"]
    assert {row.dataset_name: row.metric_value for row in micro_f1} == {"dev": 0.9, "a|b": 0.8}
    assert "| a\\|b | 2 |" in card.text


def test_the_card_says_where_the_model_is_weak(trained: Path, tmp_path: Path) -> None:
    labels = dict.fromkeys(DANVAN.labels, SCORE) | {"TASK": SCORE | {"f1": 0.5}}
    genres = {name: {"documents": n, "strict": SCORE | {"f1": f1, "interval": ends}} for name, n, f1, ends in GROUPS}
    seen = {name: {"seen": SCORE | {"f1": 0.95}, "unseen": SCORE | {"f1": 0.6}} for name in ("micro", "PERSON")}
    row = evaluation(
        trained,
        strict=EVALUATION["strict"] | {"labels": labels},
        groups={"genre": genres},
        seen=seen,
        gold_beyond_words=3,
    )
    card = (export(trained, tmp_path / "out", "fp16", [row], name="mine").folder / "README.md").read_text()
    assert "TASK on test (50.0)." in card
    assert "These were 3 of 10 on test." in card
    assert "| PERSON | 95.0 | 10 | 60.0 | 10 |" in card
    assert "| letter | 6 | 70.0 | 60.0 to 80.0 |\n| plan | 9 | 90.0 | 80.0 to 95.0 |\n\n" in card
    assert "minutes |" not in card  # a group without an interval is too small


def test_the_card_says_what_training_took(trained: Path, tmp_path: Path) -> None:
    record = RECORD | {"cost": {"minutes": 61.7, "hardware": "2 threads of a CPU (x86_64)"}}
    (trained / "model" / "run.json").write_text(json.dumps(record))
    card = (export(trained, tmp_path / "out", "fp16", [], name="mine").folder / "README.md").read_text()
    assert "Training took 62 minutes on 2 threads of a CPU (x86_64)." in card


def test_a_card_without_scores_says_so(trained: Path, tmp_path: Path) -> None:
    folder = export(trained, tmp_path / "out", "fp16", [], name="mine").folder
    assert "Not measured yet" in (folder / "README.md").read_text()


def test_an_export_is_replaced_and_anything_else_is_not(trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    export(trained, target, "fp16", [], name="first")
    export(trained, target, "fp16", [], name="second")
    assert "# second" in (target / "README.md").read_text()
    assert read_model_dir(target).settings.transitions == TRANSITIONS
    other = tmp_path / "photos"
    other.mkdir()
    (other / "holiday.txt").write_text("x")
    with pytest.raises(UserError, match="exists and is no export of ours"):
        export(trained, other, "fp16", [], name="mine")
    (other / "config.json").write_text("{}")  # an encoder, say
    with pytest.raises(UserError, match="exists and is no export of ours"):
        export(trained, other, "fp16", [], name="mine")
    (target / ".git").mkdir()
    with pytest.raises(UserError, match="exists and is no export of ours"):
        export(trained, target, "fp16", [], name="mine")
    assert (other / "holiday.txt").exists()


def test_the_runs_own_model_is_not_overwritten(trained: Path) -> None:
    with pytest.raises(UserError, match="is the run's own model"):
        export(trained, trained / "model", "fp16", [], name="mine")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"dtype": "int4"}, "dtype=int4 is not known"),
        ({"evaluations": "metrics.json"}, "is no list"),
        ({"output": "."}, "no export of ours"),
        ({"output": __file__}, "no export of ours"),
        ({"evaluations": ["nowhere/metrics.json"]}, r"nowhere/metrics\.json: cannot be read"),
        ({"model": {"path": "nowhere"}}, "nowhere: no such model directory"),
        ({"int8": INT8 | {"max_loss": -1}}, r"int8\.max_loss=-1 must be"),
        ({"int8": INT8 | {"documents": 0}}, r"int8\.documents=0 must be"),
    ],
)
def test_a_fault_of_the_config_is_one_line(trained: Path, tmp_path: Path, change: dict[str, Any], wanted: str) -> None:
    values = {
        "model": {"path": str(trained)},
        "output": str(tmp_path / "o"),
        "dtype": "fp16",
        "head": True,
        "name": None,
        "evaluations": [],
        "onnx": True,
        "int8": INT8,
    }
    with pytest.raises(UserError, match=wanted):
        run(values | change)


def test_a_run_without_its_record_is_told(trained: Path, tmp_path: Path) -> None:
    (trained / "model" / "run.json").unlink()
    with pytest.raises(UserError, match=r"run\.json: cannot be read"):
        export(trained, tmp_path / "o", "fp16", [], name="mine")


def test_evaluations_are_read_from_their_files(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(evaluation(trained)))
    values = {
        "model": {"path": str(trained)},
        "output": str(tmp_path / "o"),
        "dtype": "fp16",
        "head": True,
        "name": None,
        "onnx": False,
    }
    exported = run(values | {"evaluations": [str(tmp_path / "metrics.json")]})
    assert "# o\n" in (exported.folder / "README.md").read_text()
    (tmp_path / "metrics.json").write_text("{oops")
    with pytest.raises(UserError, match=r"no valid JSON .*line 1 column 2.* Write it with scripts/evaluate\.py"):
        run(values | {"evaluations": [str(tmp_path / "metrics.json")]})


def test_weights_that_change_on_the_way_are_not_exported(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_danvan.export.run.logit_difference", lambda *_: 3.0)
    with pytest.raises(UserError, match="its logits differ by 3"):
        export(trained, tmp_path / "o", "fp16", [], name="mine")
    assert not (tmp_path / "o").exists()
    assert not (tmp_path / "o.part").exists()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"weights_sha256": "0"}, "are of another model"),
        ({"weights_sha256": None}, "are of another model"),
        ({"strict": EVALUATION["strict"] | {"labels": {"LOC": SCORE}}}, "are of another model"),
        ({"name": None}, "no metrics.json"),
    ],
)
def test_scores_of_another_model_do_not_get_on_the_card(
    trained: Path, tmp_path: Path, changes: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(UserError, match=wanted):
        export(trained, tmp_path / "o", "fp16", [evaluation(trained, **changes)], name="mine")


def test_scores_of_one_name_twice_are_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='two are called "test"'):
        export(trained, tmp_path / "o", "fp16", [evaluation(trained)] * 2, name="mine")


def test_a_record_that_lacks_something_is_told(trained: Path, tmp_path: Path) -> None:
    (trained / "model" / "run.json").write_text("{}")
    with pytest.raises(UserError, match=r"run\.json lacks 'config'"):
        export(trained, tmp_path / "o", "fp16", [], name="mine")


def test_the_card_names_no_local_path(trained: Path, tmp_path: Path) -> None:
    record = RECORD | {"config": {"model": {"name": "tiny", "path": "/somewhere/secret/enc", "license": "mit"}}}
    (trained / "model" / "run.json").write_text(json.dumps(record))
    card = (export(trained, tmp_path / "o", "fp16", [], name="mine").folder / "README.md").read_text()
    assert "secret" not in card
    assert "Fine-tuned from tiny" in card


def test_without_its_head_it_is_an_encoder_to_train_from(trained: Path, tmp_path: Path) -> None:
    values = {"model": {"path": str(trained)}, "output": str(tmp_path / "encoder"), "dtype": "fp16", "head": False}
    exported = run(values)
    assert {path.name for path in exported.folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "vocab.txt",
        "bpe.codes",
    }
    torch.manual_seed(0)
    config = EncoderConfig("e", str(exported.folder), "mit", allow_bin=False, dropout=0.1, attention_dropout=0.0)
    model = load_encoder(exported.folder, config, DANVAN)
    own = load_file(trained / "model" / "model.safetensors")
    found = model.state_dict()
    for name in own:
        if name.startswith("roberta."):
            assert torch.allclose(found[name], own[name], atol=1e-3), name
    assert not torch.allclose(found["classifier.weight"], own["classifier.weight"], atol=1e-3)
    with pytest.raises(UserError, match="is there already"):
        run(values)


def test_the_card_says_what_the_config_says_of_the_encoder(trained: Path, tmp_path: Path) -> None:
    path = trained / "model" / "run.json"
    record = json.loads(path.read_text())
    record["config"]["model"]["about"] = "An encoder that has seen the sea."
    path.write_text(json.dumps(record))
    exported = export(trained, tmp_path / "o", "fp16", [], name="mine")
    assert "An encoder that has seen the sea. `run.json` has" in (exported.folder / "README.md").read_text()
