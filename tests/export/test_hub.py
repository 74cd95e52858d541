"""Publishing to a hub on this machine, over real HTTP: what arrives, and that nothing does when something fails."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hub_server import READER, TOKEN, Hub
from tiny import DANVAN, SENTENCES, write_run

from ner_danvan.errors import UserError
from ner_danvan.export.check import check_publishable
from ner_danvan.export.hub import Publishing, publish, publishing
from ner_danvan.export.run import export
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import file_hash
from ner_danvan.tagger import Tagger

FLAT = LabelScheme.from_config([{"name": "words", "labels": ["PERSON", "LOCATION"]}])
TO = Publishing("org/mine")
SCORE = {"precision": 0.9, "recall": 0.8, "f1": 0.847, "gold": 10, "predicted": 9}
SECTION = dict.fromkeys(["repo_id", "private", "revision", "message"]) | {
    "push": True,
    "dry_run": False,
    "create_pr": False,
}


def exported(encoder: Path, folder: Path, scheme: LabelScheme, name: str = "org/mine") -> Path:
    run = write_run(encoder, folder / "run", scheme)
    labels = {"micro": SCORE, "macro": SCORE, "labels": dict.fromkeys(scheme.labels, SCORE)}
    weights = file_hash(run / "model" / "model.safetensors")
    row = {"name": "test", "documents": 2, "strict": labels, "weights_sha256": weights}
    return export(run, folder / "export", "fp16", [row], name=name, onnx=True).folder


@pytest.fixture(scope="module")
def layered(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(encoder, tmp_path_factory.mktemp("layered"), DANVAN)


@pytest.fixture
def model(layered: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(layered, tmp_path / "model"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def published(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    return {name: data for name, data in hub.files("org/mine", revision).items() if name != ".gitattributes"}


# --- what arrives ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [DANVAN, FLAT], ids=["layered", "flat"])
def test_a_published_model_comes_back_byte_for_byte_and_finds_the_same(
    hub: Hub, encoder: Path, tmp_path: Path, scheme: LabelScheme
) -> None:
    folder = exported(encoder, tmp_path, scheme)
    done = publish(folder, TO)
    assert done.url == f"{hub.url}/org/mine/commit/{hub.repositories['org/mine'].refs['main']}"
    assert published(hub) == contents(folder)
    for backend in ("onnx", "torch"):
        here, there = (
            Tagger.from_pretrained(name, backend=backend, device="cpu", min_score=0.0)
            for name in (str(folder), "org/mine")
        )
        assert any(here(sentence).spans for sentence in SENTENCES)
        assert [here(sentence) for sentence in SENTENCES] == [there(sentence) for sentence in SENTENCES]


def test_the_shipped_model_goes_up_and_comes_back_byte_for_byte(hub: Hub) -> None:
    shipped = ROOT / "models" / "danvan-mini"
    publish(shipped, TO)
    assert published(hub) == contents(shipped)
    text = "Đồng chí Kiều Hữu Bách, Phó Bí thư Đảng ủy, yêu cầu UBND xã rà soát hộ nghèo trước ngày 31/10/2025."
    for backend in ("onnx", "int8"):
        found = Tagger.from_pretrained("org/mine", backend=backend)(text)
        assert found.spans
        assert found == Tagger.from_pretrained(shipped, backend=backend)(text)


def test_all_files_come_in_one_commit(hub: Hub, layered: Path) -> None:
    publish(layered, TO)
    assert len(hub.repositories["org/mine"].commits) == 2  # the one that made it, and ours
    assert [path for _, path in hub.requests if "/commit/" in path] == ["/api/models/org/mine/commit/main"]


def test_what_an_earlier_export_had_and_this_one_has_not_is_taken_away(hub: Hub, model: Path) -> None:
    old = {"model.int8.onnx": b"of other weights", "notes.txt": b"somebody's own"}
    hub.put("org/mine", old)
    done = publish(model, TO)
    assert done.deleted == ["model.int8.onnx"]
    assert published(hub) == contents(model) | {"notes.txt": b"somebody's own"}


def test_the_same_model_again_makes_no_commit(hub: Hub, layered: Path) -> None:
    publish(layered, TO)
    before = hub.state()
    assert str(publish(layered, TO)).startswith("published already, nothing has changed")
    assert hub.state() == before


def test_a_branch_is_made_and_main_stays_as_it_is(hub: Hub, layered: Path) -> None:
    hub.put("org/mine", {"README.md": b"first"})
    publish(layered, Publishing("org/mine", revision="v2"))
    assert published(hub) == {"README.md": b"first"}
    assert published(hub, "v2") == contents(layered)
    assert Tagger.from_pretrained("org/mine", revision="v2").scheme == DANVAN


def test_a_pull_request_changes_no_branch(hub: Hub, layered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.put("org/mine", {"README.md": b"first"})
    monkeypatch.setenv("HF_TOKEN", READER)  # may read, and so may ask for a change
    done = publish(layered, Publishing("org/mine", create_pr=True))
    assert done.url == f"{hub.url}/org/mine/discussions/1"
    assert published(hub) == {"README.md": b"first"}
    assert published(hub, "refs/pr/1") == contents(layered)
    assert Tagger.from_pretrained("org/mine", revision="refs/pr/1").scheme == DANVAN


def test_a_new_repository_is_private_where_that_is_asked_for(hub: Hub, layered: Path) -> None:
    publish(layered, Publishing("org/mine", private=True))
    assert hub.repositories["org/mine"].private
    assert Tagger.from_pretrained("org/mine").scheme == DANVAN  # HF_TOKEN opens it


def test_a_dry_run_names_every_file_and_asks_the_hub_nothing(hub: Hub, layered: Path) -> None:
    told = str(publish(layered, Publishing("org/mine", dry_run=True)))
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines()[1:]}
    assert set(rows) == set(contents(layered))
    assert rows["model.safetensors"] == [f"{len(contents(layered)['model.safetensors']):,}", "LFS"]
    assert "LFS" not in rows["vocab.txt"]
    assert hub.requests == []


# --- what fails --------------------------------------------------------------------------------

CREATE, COMMIT, UPLOAD = "/api/repos/create", "/commit/", "^/lfs/[0-9a-f]{64}$"
FAULTS = [
    pytest.param("POST", CREATE, 403, "your token may not write to it", id="403 at create"),
    pytest.param("POST", CREATE, 500, "the hub has a fault of its own, 500", id="500 at create"),
    pytest.param("POST", "/validate-yaml", 503, "org/mine: ", id="503 at the card"),
    pytest.param("POST", "/preupload/", 429, "the hub has had too many requests", id="429 at preupload"),
    pytest.param("POST", "/preupload/", 401, "org/mine: ", id="401 at preupload"),
    pytest.param("POST", "/objects/batch", 403, "your token may not write to it", id="403 at the batch"),
    pytest.param("PUT", UPLOAD, 500, "the hub has a fault of its own, 500", id="500 at an upload"),
    pytest.param("PUT", UPLOAD, 0, "the connection to", id="cut in mid-upload"),
    pytest.param("POST", "/verify", 404, "org/mine: ", id="404 at verify"),
    pytest.param("POST", COMMIT, 0, "the connection to", id="cut in mid-commit"),
    pytest.param("POST", COMMIT, 400, "the hub answers 400", id="400 at the commit"),
    pytest.param("POST", COMMIT, 404, "org/mine: ", id="404 at the commit"),
    pytest.param("POST", COMMIT, 409, "somebody else is changing it", id="409 at the commit"),
    pytest.param("POST", COMMIT, 412, "somebody else is changing it", id="412 at the commit"),
    pytest.param("POST", COMMIT, 429, "the hub has had too many requests", id="429 at the commit"),
    pytest.param("POST", COMMIT, 502, "the hub has a fault of its own, 502", id="502 at the commit"),
]


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
@pytest.mark.parametrize(("method", "path", "status", "wanted"), FAULTS)
def test_after_a_fault_the_hub_is_as_before(
    hub: Hub, layered: Path, method: str, path: str, status: int, wanted: str, there: bool
) -> None:
    if there and path != CREATE:  # which is not asked for where there is one
        hub.put("org/mine", {"README.md": b"first", "model.int8.onnx": b"old"})
    before = hub.state()
    hub.fail(method, path, status, times=100)
    with pytest.raises(UserError, match=wanted) as raised:
        publish(layered, TO)
    assert str(raised.value).startswith("org/mine: ")
    assert str(raised.value).endswith("Nothing was published.")
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert hub.state() == before


def test_without_a_token_for_the_xet_service_nothing_is_published(
    hub: Hub, layered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    with pytest.raises(UserError, match=r"^org/mine: .*Nothing was published\.$") as raised:
        publish(layered, TO)
    assert "\n" not in str(raised.value)
    assert any("/xet-write-token/" in path for _, path in hub.requests)
    assert not any("/objects/batch" in path for _, path in hub.requests)
    assert hub.repositories == {}


def test_a_branch_that_was_made_for_a_commit_goes_with_it(hub: Hub, layered: Path) -> None:
    hub.put("org/mine", {"README.md": b"first"})
    before = hub.state()
    hub.fail("POST", COMMIT, 500)
    with pytest.raises(UserError, match="500"):
        publish(layered, Publishing("org/mine", revision="v2"))
    assert hub.state() == before


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", UPLOAD, 0), ("PUT", UPLOAD, 503), ("POST", "/pre", 429)]
)
def test_a_passing_fault_of_an_upload_is_tried_again(
    hub: Hub, layered: Path, method: str, path: str, status: int
) -> None:
    hub.fail(method, path, status, times=2)
    publish(layered, TO)
    assert published(hub) == contents(layered)


def test_a_commit_of_which_the_answer_is_lost_is_told_and_not_taken_back(hub: Hub, layered: Path) -> None:
    hub.fail("POST", COMMIT, 0, after=True)
    with pytest.raises(UserError, match=r"Meanwhile main has moved to [0-9a-f]{12}: look at http"):
        publish(layered, TO)
    assert published(hub) == contents(layered)


def test_a_repository_that_cannot_be_taken_back_is_told(hub: Hub, layered: Path) -> None:
    hub.fail("POST", COMMIT, 500)
    hub.fail("DELETE", "/api/repos/delete", 403)
    with pytest.raises(UserError, match=r"What was made for it is left, without the model, at http"):
        publish(layered, TO)
    assert published(hub) == {}


def test_an_interruption_takes_the_new_repository_back(
    hub: Hub, layered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("huggingface_hub.HfApi.create_commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(layered, TO)
    assert hub.repositories == {}


def test_somebody_elses_commit_in_between_is_not_overwritten(
    hub: Hub, layered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    hub.put("org/mine", {"README.md": b"first"})
    commit = HfApi.create_commit

    def late(self: HfApi, *arguments: Any, **options: Any) -> Any:
        hub.repositories["org/mine"].commit("main", {"README.md": b"theirs"})
        return commit(self, *arguments, **options)

    monkeypatch.setattr(HfApi, "create_commit", late)
    with pytest.raises(UserError, match=r"somebody else is changing it .A commit has happened since"):
        publish(layered, TO)
    assert published(hub) == {"README.md": b"theirs"}


@pytest.mark.parametrize(
    ("token", "to", "wanted"),
    [
        (None, TO, "no token, so the hub would not take it; set HF_TOKEN, or run: hf auth login"),
        ("hf_expiredexpiredexpired", TO, "the hub does not know your token"),
        (READER, TO, "your token may not write to it"),
        (TOKEN, Publishing("other/mine"), "your token may not write to it .You don't have the rights to create"),
        (TOKEN, Publishing("org/new", create_pr=True), "no such repository to ask for a change"),
        (TOKEN, Publishing("org/public", private=True), "is public, and hub.private=true"),
        (TOKEN, Publishing("org/ignoring"), "has a .gitignore"),
        (TOKEN, Publishing("org/public", revision="v3", create_pr=True), "the hub has no revision v3 of it"),
    ],
)
def test_what_may_not_be_published_leaves_no_trace(
    hub: Hub, layered: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, to: Publishing, wanted: str
) -> None:
    hub.put("org/public", {"README.md": b"first"})
    hub.put("org/ignoring", {".gitignore": b"*.onnx"})
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    before = hub.state()
    with pytest.raises(UserError, match=wanted) as raised:
        publish(layered, to)
    assert hub.state() == before
    assert token is None or token not in str(raised.value)


# --- what is checked first ---------------------------------------------------------------------


def change_json(path: Path, change: Any) -> None:
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda at: (at / "vocab.txt").unlink(), "no vocab.txt"),
        (lambda at: (at / "run.json").unlink(), "no run.json; export it anew"),
        (lambda at: (at / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda at: (at / ".env").write_text("x"), r"\.env: is no file of a model directory"),
        (lambda at: (at / "pytorch_model.bin").write_text("x"), r"pytorch_model\.bin: is no file of a model"),
        (lambda at: (at / "LICENSE").symlink_to(at / "run.json"), "LICENSE: is no file of a model directory"),
        (lambda at: (at / "model.onnx").write_bytes(b"\0" * 99), r"model\.onnx: cannot be loaded"),
        (lambda at: (at / "model.safetensors").write_bytes(b"\0" * 99), "header that is no JSON"),
        (lambda at: (at / "metrics.json").write_text("{}"), r"metrics\.json: no scores"),
        (lambda at: (at / "metrics.json").write_text("[]"), "holds no JSON object"),
        (lambda at: change_json(at / "metrics.json", lambda m: m["test"]["strict"]["labels"].clear()), "other labels"),
        (
            lambda at: change_json(at / "metrics.json", lambda m: m.update(b=m["test"] | {"weights_sha256": "0"})),
            "scores of several models",
        ),
        (lambda at: replace(at / "README.md", "value: 0.847", "value: 0.99"), "scores are not those"),
        (lambda at: replace(at / "README.md", "license: agpl-3.0", "license: mit"), "license mit, but run.json has a"),
        (lambda at: replace(at / "README.md", "language: vi", "language: [vi"), "front matter cannot be read"),
        (lambda at: (at / "README.md").write_text("# no front matter\n"), "front matter"),
        (
            lambda at: replace(at / "run.json", 'encoder", "license": "agpl-3.0"', 'phobert-base-v2", "license": ""'),
            "fine-tuned from an encoder that is agpl-3.0",
        ),
        (lambda at: change_json(at / "run.json", lambda r: r["config"]["model"].pop("license")), "lacks 'license'"),
        (lambda at: change_json(at / "run.json", lambda r: r.update(note="hf_" + "a" * 34)), "looks like a token"),
        (lambda at: change_json(at / "config.json", lambda c: c.pop("ner_danvan")), "no .ner_danvan. section"),
    ],
)  # fmt: skip
def test_a_model_that_may_not_go_up_is_told_before_the_hub_is_asked(
    hub: Hub, model: Path, spoil: Any, wanted: str
) -> None:
    spoil(model)
    with pytest.raises(UserError, match=wanted) as raised:
        publish(model, TO)
    assert "\n" not in str(raised.value)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("path", "name"), [("vinai/phobert-base-v2", "x"), ("/data/PhoBERT_base_v2", "x"), ("x", "phobert_base_v2")]
)
def test_the_licence_of_phobert_v2_is_known_wherever_it_lies(model: Path, path: str, name: str) -> None:
    change_json(model / "run.json", lambda r: r["config"]["model"].update(license="mit", path=path, name=name))
    replace(model / "README.md", "license: agpl-3.0", "license: mit")
    with pytest.raises(UserError, match=r"inherits that; train with model\.license=agpl-3\.0"):
        check_publishable(model)


def test_the_licences_of_the_configured_encoders_are_the_known_ones() -> None:
    import yaml

    from ner_danvan.export.licence import check_licence

    for path in (ROOT / "configs" / "model").glob("*.yaml"):
        model = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert check_licence({"config": {"model": model}}) == model["license"]


# --- what is asked for -------------------------------------------------------------------------


def config(**section: Any) -> dict[str, Any]:
    return {"model": {"path": None}, "evaluations": [], "hub": SECTION | {"repo_id": "org/mine"} | section}


def test_nothing_is_published_unless_it_is_asked_for() -> None:
    assert publishing(config(push=False)) is None
    assert publishing(config()) == TO
    assert publishing(config(push=False, dry_run=True)) == Publishing("org/mine", dry_run=True)


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ({"repo_id": None}, r"hub\.repo_id=None is no name"),
        ({"repo_id": "mine"}, "write owner/name"),
        ({"repo_id": "org/a..b"}, "write owner/name"),
        ({"repo_id": "org/a/b"}, "write owner/name"),
        ({"private": "yes"}, r"hub\.private=yes must be true or false or null"),
        ({"push": 1}, r"hub\.push=1 must be true or false"),
        ({"token": TOKEN}, r"hub\.token is not known"),
    ],
)
def test_a_fault_of_the_section_is_one_line_without_the_token(section: dict[str, Any], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted) as raised:
        publishing(config(**section))
    assert TOKEN not in str(raised.value)


def test_an_export_without_scores_is_refused_before_it_is_made() -> None:
    with pytest.raises(UserError, match="no scores, and a model without is not published"):
        publishing(config() | {"model": {"path": "runs/mine"}})
