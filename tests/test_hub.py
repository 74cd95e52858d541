"""Loading from a hub on this machine, over real HTTP: what is fetched, what the cache does, what is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hub_server import READER, TOKEN, Hub
from tiny import DANVAN, SENTENCES, write_run

from ner_danvan.errors import UserError
from ner_danvan.export.graph import build_graph
from ner_danvan.hub import is_hub_id, without_tokens
from ner_danvan.model_dir import ENCODER, find_model
from ner_danvan.predict import main
from ner_danvan.tagger import Tagger

SETTINGS = {"config.json", "vocab.txt", "bpe.codes", "split_words.txt"}
WEIGHTS = SETTINGS | {"model.safetensors"}


@pytest.fixture(scope="module")
def model(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with both graphs, and files that no backend reads."""
    folder = write_run(encoder, tmp_path_factory.mktemp("hub") / "run") / "model"
    graph = build_graph(folder)
    wide = [name for node in graph.graph.node for name in (*node.input, *node.output)]
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    (folder / "model.int8.onnx").write_bytes(
        build_graph(folder, ranges=dict.fromkeys(wide, (-8.0, 8.0))).SerializeToString()
    )
    (folder / "README.md").write_text("# tiny\n")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    return folder


@pytest.fixture
def there(hub: Hub, model: Path) -> Hub:
    """A hub that has the model."""
    hub.put("org/mine", {path.name: path.read_bytes() for path in model.iterdir()})
    return hub


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Any:
    """As HF_HUB_OFFLINE=1 would, from when it is called."""
    return lambda: monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def refused(name: str | None, **options: Any) -> str:
    """The one line that loading ends with."""
    with pytest.raises(UserError) as raised:
        Tagger.from_pretrained(name, **options)
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    return str(raised.value)


# --- what is fetched ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "wanted"),
    [
        ("auto", WEIGHTS | {"model.onnx"}),
        ("onnx", WEIGHTS | {"model.onnx"}),
        ("int8", WEIGHTS | {"model.int8.onnx"}),
        ("torch", WEIGHTS),
    ],
)
def test_only_what_the_backend_reads_is_fetched(there: Hub, model: Path, backend: str, wanted: set[str]) -> None:
    tagger = Tagger.from_pretrained("org/mine", backend=backend, min_score=0.0)
    assert there.fetched() == wanted
    here = Tagger.from_pretrained(model, backend=backend, min_score=0.0)
    for sentence in SENTENCES:
        assert tagger(sentence) == here(sentence)


def test_without_a_graph_there_torch_runs_it(there: Hub, hub: Hub) -> None:
    files = dict(hub.files("org/mine"))
    hub.put("org/bare", {name: data for name, data in files.items() if not name.endswith(".onnx")})
    assert Tagger.from_pretrained("org/bare", device="cpu").scheme == DANVAN
    assert hub.fetched() == WEIGHTS


def test_a_revision_is_a_branch_or_a_commit(there: Hub, model: Path) -> None:
    first = there.repositories["org/mine"].refs["main"]
    there.repositories["org/mine"].commit("main", {"README.md": b"emptied"})
    assert Tagger.from_pretrained("org/mine", revision=first).scheme == DANVAN
    assert refused("org/mine").startswith("org/mine: its repository has no config.json (revision main);")


def test_a_directory_of_that_name_goes_before_the_hub(
    there: Hub, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(model, tmp_path / "org" / "mine")
    assert Tagger.from_pretrained("org/mine", device="cpu").scheme == DANVAN
    assert there.requests == []


def test_an_encoder_needs_no_label_scheme(there: Hub) -> None:
    folder = find_model("org/mine", wanted=ENCODER)
    assert (folder / "model.safetensors").is_file()
    assert there.fetched() == (WEIGHTS - {"split_words.txt"}) | {"tokenizer.json", "tokenizer_config.json", "run.json"}


# --- the cache ---------------------------------------------------------------------------------


def test_what_was_fetched_once_needs_no_network(there: Hub, offline: Any) -> None:
    before = Tagger.from_pretrained("org/mine", min_score=0.0)(SENTENCES[0])
    offline()
    there.requests.clear()
    assert Tagger.from_pretrained("org/mine", min_score=0.0)(SENTENCES[0]) == before
    assert there.requests == []


def test_what_was_fetched_once_is_taken_while_the_hub_is_ill(there: Hub) -> None:
    Tagger.from_pretrained("org/mine")
    there.fail("GET", "/api/models/", 503, times=100)
    assert Tagger.from_pretrained("org/mine").scheme == DANVAN


def test_another_backend_than_the_cached_one_is_told_without_the_network(there: Hub, offline: Any) -> None:
    Tagger.from_pretrained("org/mine", backend="onnx")
    offline()
    told = refused("org/mine", backend="int8")
    assert told == (
        "org/mine: no such directory here, the cache has not all of its files, and HF_HUB_OFFLINE is set; "
        "fetch it once with the network, or give a model directory."
    )


def test_a_second_load_asks_only_whether_the_model_has_changed(there: Hub) -> None:
    Tagger.from_pretrained("org/mine")
    there.requests.clear()
    Tagger.from_pretrained("org/mine")
    assert [path for _, path in there.requests] == ["/api/models/org/mine/revision/main"]


# --- what is told ------------------------------------------------------------------------------


def test_nothing_cached_and_offline(hub: Hub, offline: Any) -> None:
    offline()
    assert "it is not in the cache, and HF_HUB_OFFLINE is set; fetch it once" in refused("org/mine")


def test_nothing_cached_and_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert "it is not in the cache, and http://127.0.0.1:9 cannot be reached" in refused("org/mine")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_nothing_cached_and_an_ill_hub(there: Hub, status: int) -> None:
    there.fail("GET", "/api/models/", status, times=100)
    assert f"it is not in the cache, and {there.url} answers {status}" in refused("org/mine")


def test_an_address_that_is_no_hub(there: Hub) -> None:
    there.fail("HEAD", "/resolve/", 200, times=100)
    assert "does not answer as the hub does (a proxy?)" in refused("org/mine")


@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        (None, "no public model of the hub; if it is private, set HF_TOKEN, or run: hf auth login."),
        (READER, "no model of the hub that your token opens; look at its name and rights."),
    ],
)
@pytest.mark.parametrize("name", ["org/secret", "org/nothing"])
def test_no_such_model_or_a_private_one(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str | None, wanted: str, name: str
) -> None:
    hub.put("org/secret", {"config.json": b"{}"}, private=True)
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    assert refused(name) == f"{name}: no such directory here, and {wanted}"


def test_a_token_that_the_hub_does_not_know(there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_expiredexpiredexpired")
    assert "the hub does not know your token (Invalid credentials in Authorization header)" in refused("org/mine")


def test_a_gated_model(there: Hub) -> None:
    there.fail("GET", "/api/models/", 403, headers={"X-Error-Code": "GatedRepo"})
    assert f"its owner decides who may read it; ask at {there.url}/org/mine" in refused("org/mine")


def test_a_revision_that_is_not_there(there: Hub) -> None:
    assert refused("org/mine", revision="v9") == (
        "org/mine: the hub has no revision v9 of it; name a branch, a tag or a commit."
    )


@pytest.mark.parametrize(("backend", "file"), [("int8", "model.int8.onnx"), ("onnx", "model.onnx")])
def test_a_file_that_the_repository_lacks(there: Hub, backend: str, file: str) -> None:
    files = {name: data for name, data in there.files("org/mine").items() if name != file}
    there.put("org/less", files)
    assert refused("org/less", backend=backend).startswith(f"org/less: its repository has no {file} (revision main);")


def test_a_connection_that_is_cut_in_mid_download_leaves_nothing_that_loads(there: Hub, offline: Any) -> None:
    there.fail("GET", "/cdn/", 0, times=100)
    assert "failed" in refused("org/mine")
    offline()
    assert "the cache has not all of its files" in refused("org/mine")


@pytest.mark.parametrize("name", ["./runs/mine", "/runs/mine", "a/b/c", "~/mine", "mine", "runs/mine/", "ô/mine"])
def test_a_path_that_is_not_there_is_no_hub_id(hub: Hub, name: str) -> None:
    assert not is_hub_id(name)
    assert "no such model directory; give a directory, or a hub id such as owner/name" in refused(name)
    assert hub.requests == []


def test_a_path_object_is_never_a_hub_id(there: Hub) -> None:
    with pytest.raises(UserError, match="no such model directory"):
        Tagger.from_pretrained(Path("org/mine"))
    assert there.requests == []


@pytest.mark.parametrize("name", [None, "./here"])
def test_a_revision_of_a_directory_is_refused(name: str | None) -> None:
    assert "revision v1 goes with a hub id, owner/name; leave it out." in refused(name, revision="v1")


def test_a_name_that_the_hub_refuses_is_told(hub: Hub) -> None:
    assert "no name that the hub could have" in refused("org/mine-.git")


# --- the command -------------------------------------------------------------------------------


def test_the_command_tags_with_a_model_of_the_hub(there: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--model", "org/mine", "--revision", "main", "--format", "jsonl", "--text", SENTENCES[0]])
    assert ended.value.code == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["text"] == SENTENCES[0]
    assert told.err == ""


def test_the_command_tells_a_fault_in_one_line(there: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--model", "org/mine", "--revision", "v9", "--text", "x"])
    assert ended.value.code == 2
    assert (
        capsys.readouterr().err
        == "error: org/mine: the hub has no revision v9 of it; name a branch, a tag or a commit.\n"
    )


def test_what_looks_like_a_token_is_not_told() -> None:
    assert without_tokens(f"Bearer {TOKEN}, twice {TOKEN}") == "Bearer hf_…, twice hf_…"
    assert without_tokens("hf_hub, HF_TOKEN") == "hf_hub, HF_TOKEN"
