"""Model directories that are broken, mixed up or hostile: one line says so, and nothing in them is run."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_models import HAS_BF16
from safetensors.torch import load_file, save_file
from tiny import DANVAN, SENTENCES, write_encoder, write_run

from ner_danvan import model_files
from ner_danvan.backends import graph, weights
from ner_danvan.backends.choice import open_backend
from ner_danvan.backends.weights import check_sizes, read_header
from ner_danvan.errors import UserError
from ner_danvan.export.graph import build_graph
from ner_danvan.export.int8 import gather_ranges
from ner_danvan.export.run import export
from ner_danvan.model_dir import find_model, read_model_dir
from ner_danvan.tagger import Tagger
from ner_danvan.training.config import EncoderConfig
from ner_danvan.training.encoder import load_encoder

GRAPHS = ("onnx", "int8", *(["bf16"] if HAS_BF16 else []))
BACKENDS = (*GRAPHS, "torch")


class _Calls:
    """A pickle that makes a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._path,)


@pytest.fixture(scope="module")
def whole(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with both graphs that every backend runs."""
    folder = tmp_path_factory.mktemp("bad")
    model = export(write_run(encoder, folder / "run"), folder / "model", "fp32", [], name="m", onnx=True).folder
    ranges = gather_ranges(read_model_dir(model), SENTENCES)
    (model / "model.int8.onnx").write_bytes(build_graph(model, ranges=ranges).SerializeToString())
    for backend in BACKENDS:
        Tagger.from_pretrained(model, backend=backend, device="cpu")(SENTENCES[0])
    return model


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "model")


def refusal(folder: Path, backend: str) -> str:
    """The line with which a backend refuses a directory."""
    with pytest.raises(UserError) as raised:
        Tagger.from_pretrained(folder, backend=backend, device="cpu")(" ".join(SENTENCES))
    message = str(raised.value)
    assert "\n" not in message
    return message


# --- weights ----------------------------------------------------------------------------------


def with_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path, metadata={"format": "pt"})

    return write


def with_header(header: bytes, length: int | None = None) -> Callable[[Path], None]:
    length = len(header) if length is None else length
    return lambda path: _write(path, length.to_bytes(8, "little") + header + bytes(64))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _first(shape: list[int], offsets: list[int], dtype: str = "F32") -> bytes:
    return json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).encode()


def _narrow(tensors: dict[str, torch.Tensor]) -> None:
    tensors["classifier.weight"] = tensors["classifier.weight"][:, :16].clone()


WEIGHTS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: _write(path, b""),
    "half": lambda path: _write(path, path.read_bytes()[: path.stat().st_size // 2]),
    "one byte short": lambda path: _write(path, path.read_bytes()[:-1]),
    "one byte long": lambda path: _write(path, path.read_bytes() + b"\0"),
    "a header without end": with_header(b"{}", 2**63 - 1),
    "a header beyond the file": with_header(b"{}", 10_000),
    "a header of 2 GiB": with_header(b"{}", 2**31),
    "a deep header": with_header(b'{"a":' * 200_000),
    "no JSON": with_header(b"weights!"),
    "a list": with_header(b"[]"),
    "a tensor past the end": with_header(_first([4, 4], [0, 640])),
    "a negative place": with_header(_first([4, 4], [-64, 0])),
    "an endless shape": with_header(_first([2**40, 2**40], [0, 64])),
    "an unknown type": with_header(_first([16], [0, 64], "OBJ")),
    "a gap": with_header(_first([8], [32, 64])),
    "one tensor less": with_weights(lambda tensors: tensors.pop("classifier.bias")),
    "another shape": with_weights(_narrow),
    "NaN": with_weights(lambda tensors: tensors["classifier.weight"].fill_(float("nan"))),
    "infinity": with_weights(lambda tensors: tensors["roberta.embeddings.LayerNorm.weight"].fill_(float("inf"))),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", WEIGHTS)
def test_weights_that_are_not_right_are_refused(model: Path, fault: str, backend: str) -> None:
    WEIGHTS[fault](model / "model.safetensors")
    message = refusal(model, backend)
    assert "model" in message
    assert message.endswith(("again.", "again)", "for this one.", "read)."))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_pickle_in_disguise_is_not_loaded(model: Path, tmp_path: Path, backend: str, packed: bool) -> None:
    evil = pickle.dumps(_Calls(tmp_path / "ran"))
    if packed:  # as torch.save writes them
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("model/data.pkl", evil)
        evil = buffer.getvalue()
    (model / "model.safetensors").write_bytes(evil)
    (model / "pytorch_model.bin").write_bytes(evil)
    assert "is a pickle, whatever its name" in refusal(model, backend)
    (model / "model.safetensors").unlink()
    assert "no model.safetensors" in refusal(model, backend)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("allow_bin", [False, True])
def test_pickled_weights_of_an_encoder_run_nothing(encoder: Path, tmp_path: Path, allow_bin: bool) -> None:
    folder = shutil.copytree(encoder, tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    torch.save({"a": _Calls(tmp_path / "ran")}, folder / "pytorch_model.bin")
    config = EncoderConfig("evil", str(folder), "mit", allow_bin, 0.1, 0.1)
    with pytest.raises(UserError, match="cannot be loaded" if allow_bin else "only pickled weights") as raised:
        load_encoder(folder, config, DANVAN)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("backend", GRAPHS)
def test_a_graph_of_other_weights_is_refused(model: Path, backend: str) -> None:
    tensors = load_file(model / "model.safetensors")
    save_file({name: tensor.half() for name, tensor in tensors.items()}, model / "model.safetensors")
    assert "is of other weights than model.safetensors" in refusal(model, backend)


# --- graphs -----------------------------------------------------------------------------------


def changed(path: Path, change: Callable[[Any], object]) -> None:
    found = onnx.load(path, load_external_data=False)
    change(found)
    path.write_bytes(found.SerializeToString())


def _external(found: Any) -> Any:
    return next(tensor for tensor in found.graph.initializer if tensor.external_data)


def _elsewhere(location: str) -> Callable[[Any], object]:
    def change(found: Any) -> None:
        next(entry for entry in _external(found).external_data if entry.key == "location").value = location

    return change


def _constant_elsewhere(found: Any) -> None:
    tensor = TensorProto(name="x", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    found.graph.node.append(helper.make_node("Constant", [], ["x"], value=tensor))


def _branch(found: Any) -> None:
    inner = helper.make_graph([helper.make_node("Identity", ["logits"], ["y"])], "inner", [], [])
    found.graph.node.append(helper.make_node("If", ["logits"], ["z"], then_branch=inner, else_branch=inner))


GRAPH_FAULTS: dict[str, Callable[[Any], object]] = {
    "a path upwards": _elsewhere("../../x"),
    "an absolute path": _elsewhere("/etc/passwd"),
    "another file": _elsewhere("vocab.txt"),
    "no place": lambda found: _external(found).ClearField("external_data"),
    "a constant elsewhere": _constant_elsewhere,
    "a branch": _branch,
    "functions": lambda found: found.functions.add(name="f", domain="d"),
    "sparse tensors": lambda found: found.graph.sparse_initializer.add(),
    "other inputs": lambda found: setattr(found.graph.input[0], "name", "words"),
    "two outputs": lambda found: found.graph.output.add(name="more"),
    "no graph": lambda found: found.ClearField("graph"),
    "no weights": lambda found: found.graph.ClearField("initializer"),
    "a tensor that is not there": lambda found: found.graph.initializer.add(
        name="x", data_type=TensorProto.INT64, dims=[2**33]
    ),
    "a tensor of strings": lambda found: found.graph.initializer.add(
        name="x", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]
    ),
    "scores as strings": lambda found: _behind_logits(found, "Cast", to=TensorProto.STRING),
    "scores as whole numbers": lambda found: _behind_logits(found, "Cast", to=TensorProto.INT64),
    "scores in doubles": lambda found: _behind_logits(found, "Cast", to=TensorProto.DOUBLE),
    "scores turned round": lambda found: _behind_logits(found, "Transpose", perm=[1, 0, 2]),
    "no rows": lambda found: _behind_logits(found, "Slice", "zero", "zero", zero=np.array([0])),
    "rows twice": lambda found: _behind_logits(found, "Concat", "raw", axis=0),
    "rows three times": lambda found: _behind_logits(found, "Concat", "raw", "raw", axis=0),
    "the sum of all": lambda found: _behind_logits(found, "ReduceSum", keepdims=0),
    "one row for all": lambda found: _behind_logits(found, "Gather", "zero", zero=np.array([0])),
    "other heads": lambda found: _heads(found, 16),
    "a node twice": lambda found: found.graph.node.append(found.graph.node[0]),
}


def _add_constants(found: Any, constants: dict[str, Any]) -> None:
    found.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())


def _before_logits(found: Any, nodes: list[Any], value: str, **constants: Any) -> None:
    """Adds a value to the logits."""
    _add_constants(found, constants)
    found.graph.node[-1].output[0] = "raw"
    found.graph.node.extend([*nodes, helper.make_node("Add", ["raw", value], ["logits"])])


def _behind_logits(found: Any, kind: str, *more: str, **given: Any) -> None:
    _add_constants(found, {name: value for name, value in given.items() if isinstance(value, np.ndarray)})
    attributes = {name: value for name, value in given.items() if not isinstance(value, np.ndarray)}
    found.graph.node[-1].output[0] = "raw"
    found.graph.node.append(helper.make_node(kind, ["raw", *more], ["logits"], **attributes))
    found.graph.output[0].type.tensor_type.ClearField("shape")


def _heads(found: Any, heads: int) -> None:
    node = next(node for node in found.graph.node if "Attention" in node.op_type)
    node.attribute[0].i = heads


def _column_and_row(found: Any, kind: str) -> None:
    """Two that are small, and a large one of them."""
    column, row = np.zeros((5_000, 1), np.float32), np.zeros((1, 5_000), np.float32)
    _before_logits(found, [helper.make_node(kind, ["column", "row"], ["huge"])], "huge", column=column, row=row)


# each by itself small, and of operators that are known but the first
GREEDY: dict[str, Callable[[Any], object]] = {
    "a constant of 32 GiB": lambda found: _before_logits(
        found,
        [helper.make_node("ConstantOfShape", ["big"], ["huge"]), helper.make_node("ReduceMax", ["huge"], ["most"])],
        "most",
        big=np.array([2**33]),
    ),
    "a column times a row": lambda found: _column_and_row(found, "MatMul"),
    "a column and a row": lambda found: _column_and_row(found, "Add"),
    "many numbers for a subword": lambda found: _before_logits(
        found,
        [helper.make_node("MatMul", ["raw", "out"], ["wide"]), helper.make_node("MatMul", ["wide", "in"], ["x"])],
        "x",
        **{"out": np.zeros((13, 20_000), np.float32), "in": np.zeros((20_000, 13), np.float32)},
    ),
    "subwords times subwords": lambda found: _before_logits(
        found,
        [
            helper.make_node("Cast", ["input_ids"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["floats"], ["turned"], perm=[1, 0]),
            *(helper.make_node("MatMul", ["turned", "floats"], [f"square{number}"]) for number in range(100)),
        ],
        "square0",
    ),
    "tables in tables": lambda found: _before_logits(
        found,
        [helper.make_node("Gather", [f"t{number}" if number else "t", "t"], [f"t{number + 1}"]) for number in range(9)],
        "t9",
        t=np.zeros((10, 10), np.int64),
    ),
}


@pytest.mark.parametrize("backend", GRAPHS)
@pytest.mark.parametrize("fault", GREEDY)
def test_a_small_graph_cannot_ask_for_all_memory(model: Path, fault: str, backend: str) -> None:
    path = model / ("model.int8.onnx" if backend == "int8" else "model.onnx")
    changed(path, GREEDY[fault])
    wanted = "it has a ConstantOfShape" if "constant" in fault else "takes more memory than such a model needs"
    assert wanted in refusal(model, backend)


@pytest.mark.parametrize("backend", GRAPHS)
@pytest.mark.parametrize("fault", GRAPH_FAULTS)
def test_graphs_that_are_not_right_are_refused(model: Path, fault: str, backend: str) -> None:
    path = model / ("model.int8.onnx" if backend == "int8" else "model.onnx")
    changed(path, GRAPH_FAULTS[fault])
    assert refusal(model, backend).startswith(f"{path}: ")


@pytest.mark.parametrize("backend", GRAPHS)
def test_a_graph_that_is_cut_off_or_a_pickle_is_refused(model: Path, tmp_path: Path, backend: str) -> None:
    path = model / ("model.int8.onnx" if backend == "int8" else "model.onnx")
    data = path.read_bytes()
    for end in (1, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        assert refusal(model, backend).startswith(f"{path}: ")
    path.write_bytes(pickle.dumps(_Calls(tmp_path / "ran")))
    assert refusal(model, backend).startswith(f"{path}: ")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_runtime_raises_over_a_text_is_one_line(
    model: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_backend(model, backend, "cpu")
    if backend == "bf16":  # OpenVINO gives some numbers for what is past a table

        def infer(*_: object) -> None:
            raise RuntimeError("Exception from src:\n\nno room")

        monkeypatch.setattr("openvino.InferRequest.infer", infer)
    ids = np.full((1, 8), 10**6)
    with pytest.raises(UserError, match=r"model.*: cannot be run \(.*\); take another backend") as raised:
        opened(ids, np.ones_like(ids))
    assert "\n" not in str(raised.value)


# --- settings, vocabulary, links --------------------------------------------------------------


def set_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")


CONFIG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "remote code": (lambda c: c.update(auto_map={"AutoConfig": "owner/evil--evil.Config"}), "auto_map"),
    "remote kernels": (lambda c: c.update(attn_implementation="owner/kernels"), "attn_implementation"),
    "packed weights": (lambda c: c.update(quantization_config={"quant_method": "x"}), "quantization_config"),
    "endless layers": (lambda c: c.update(num_hidden_layers=10**9), "num_hidden_layers"),
    "endless words": (lambda c: c.update(vocab_size=10**18), "vocab_size"),
    "more positions than there are": (
        lambda c: c.update(max_position_embeddings=5_000),
        "max_position_embeddings 5000",
    ),
    "more words than there are": (lambda c: c.update(vocab_size=4_000_000), "vocab_size 4000000"),
    "wider layers": (lambda c: c.update(intermediate_size=1_048_576), "intermediate_size 1048576"),
    "endless layers by another name": (lambda c: c.update(n_layers=10**9), "n_layers"),
    "a label that drives the terminal": (lambda c: c["ner_danvan"]["scheme"][0]["labels"].append("A\x1b[2J"), "x1b[2J"),
    "no heat": (
        lambda c: c["ner_danvan"].update(temperatures=dict.fromkeys(c["ner_danvan"]["temperatures"], 1e-308)),
        "0.001",
    ),
    "an odd number": (lambda c: c.update(hidden_size="32"), "hidden_size"),
    "NaN": (lambda c: c["ner_danvan"]["transitions"]["task"][0].__setitem__(0, float("nan")), "not finite"),
    "an endless window": (lambda c: c["ner_danvan"].update(window=float("inf")), "cannot be used"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", CONFIG)
def test_settings_that_would_start_something_are_refused(model: Path, fault: str, backend: str) -> None:
    change, wanted = CONFIG[fault]
    set_config(model, change)
    assert wanted in refusal(model, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("content", "wanted"),
    [('{"a":' * 100_000, "nested too deeply"), ('{"a": ' + "9" * 5_000 + "}", "no valid JSON"), ("\x80\x04", "JSON")],
)
def test_settings_that_cannot_be_read_are_refused(model: Path, content: str, wanted: str, backend: str) -> None:
    (model / "config.json").write_bytes(content.encode("latin-1"))
    assert wanted in refusal(model, backend)


@pytest.mark.parametrize("change", [{"hidden_size": 8_192}, {"num_hidden_layers": 512}, {"type_vocab_size": 1_024}])
@pytest.mark.parametrize("what", ["model", "encoder"])
def test_torch_takes_no_memory_for_what_weights_do_not_have(
    model: Path, encoder: Path, tmp_path: Path, what: str, change: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model if what == "model" else shutil.copytree(encoder, tmp_path / "encoder")
    # some dimensions that no test of names would look at
    set_config(folder, lambda config: config.update(change))
    monkeypatch.setattr("transformers.AutoModelForTokenClassification.from_pretrained", _not_reached)
    with pytest.raises(UserError, match=r"in another size|where config\.json says") as raised:
        if what == "model":
            Tagger.from_pretrained(folder, backend="torch", device="cpu")
        else:
            load_encoder(folder, EncoderConfig("evil", str(folder), "mit", False, 0.1, 0.1), DANVAN)
    assert "\n" not in str(raised.value)


def _not_reached(*_: object, **__: object) -> None:
    raise AssertionError("loads weights")


def test_layers_that_are_wide_only_are_refused(tmp_path: Path) -> None:
    save_file({"a.intermediate.dense.weight": torch.zeros(1_000, 1)}, tmp_path / "w.safetensors")
    stored = read_header(tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="wider than any"):
        check_sizes(tmp_path / "w.safetensors", stored, {"hidden_size": 1, "intermediate_size": 1_000})


def test_weights_of_other_names_and_more_rows_are_left_to_torch(tmp_path: Path) -> None:
    tensors = {"bert.embeddings.word_embeddings.weight": torch.zeros(8, 4), "x.weight": torch.zeros(())}
    save_file(tensors, tmp_path / "w.safetensors")
    stored = read_header(tmp_path / "w.safetensors")
    check_sizes(tmp_path / "w.safetensors", stored, {"vocab_size": 7, "hidden_size": 4, "max_position_embeddings": 9})


@pytest.mark.parametrize("name", ["vocab.txt", "bpe.codes"])
def test_another_vocabulary_of_the_same_size_is_refused(model: Path, name: str) -> None:
    lines = (model / name).read_text(encoding="utf-8").splitlines()
    (model / name).write_text("\n".join([lines[1], lines[0], *lines[2:]]) + "\n", encoding="utf-8")
    assert "is of another model" in refusal(model, "onnx")


def test_a_model_without_the_hash_of_its_vocabulary_is_read(model: Path) -> None:
    set_config(model, lambda config: config["ner_danvan"].pop("vocabulary_sha256"))
    read_model_dir(model)


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "config.json"])
def test_a_link_out_of_the_directory_is_refused(model: Path, tmp_path: Path, name: str) -> None:
    shutil.move(model / name, tmp_path / "elsewhere")
    (model / name).symlink_to("../elsewhere")
    assert f"{model / name}: is a link out of its folder" in refusal(model, "onnx")


def test_links_within_the_directory_and_of_the_hubs_cache_are_followed(model: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / "1234"
    for folder in (snapshot, repository / "blobs"):
        folder.mkdir(parents=True)
    for number, path in enumerate(sorted(model.iterdir())):
        shutil.copy(path, repository / "blobs" / str(number))
        (snapshot / path.name).symlink_to(f"../../blobs/{number}")
    (model / "same.md").symlink_to("README.md")
    for folder in (model, snapshot):
        Tagger.from_pretrained(folder, backend="onnx")
    (snapshot / "more").symlink_to("../../../../model/README.md")
    assert "is a link out of its folder" in refusal(snapshot, "onnx")


@pytest.mark.parametrize("target", ["q", "vocab.txt/x", "x" * 300])
def test_links_that_lead_nowhere_are_one_line(model: Path, target: str) -> None:
    (model / "q").symlink_to(target)
    message = refusal(model, "onnx")
    assert message.startswith(str(model))


@pytest.mark.parametrize("name", ["vocab.txt", "bpe.codes", "split_words.txt", "config.json", "model.onnx"])
def test_a_folder_in_the_place_of_a_file_is_one_line(model: Path, name: str) -> None:
    (model / name).unlink()
    (model / name).mkdir()
    assert name in refusal(model, "onnx")


@pytest.mark.parametrize("call", ["is_dir", "iterdir", "resolve"])
def test_a_folder_that_may_not_be_looked_at_is_one_line(
    model: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> None:  # root, who runs CI, may look anywhere
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, call, closed)
    with pytest.raises(UserError, match=r"model: cannot be read \(Permission denied\)"):
        read_model_dir(model)
    if call == "is_dir":
        with pytest.raises(UserError, match=r"closed/model: cannot be read \(Permission denied\)"):
            find_model("closed/model")


@pytest.mark.parametrize("name", ["vocab.txt", "bpe.codes"])
def test_a_vocabulary_that_may_not_be_read_is_one_line(model: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.read_text

    def closed(path: Path, *arguments: Any, **options: Any) -> str:
        if path.name == name:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", closed)
    assert f"{name}: cannot be read (Permission denied)" in refusal(model, "onnx")


def test_a_pipe_is_not_waited_for(model: Path) -> None:
    (model / "split_words.txt").unlink()
    os.mkfifo(model / "split_words.txt")
    assert "is no plain file" in refusal(model, "onnx")


def test_an_adapter_is_refused(model: Path, encoder: Path, tmp_path: Path) -> None:
    (model / "adapter_config.json").write_text('{"base_model_name_or_path": "owner/evil"}')
    assert "is of an adapter" in refusal(model, "torch")


def test_an_encoder_whose_weights_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder")
    index = {"weight_map": {"roberta.embeddings.word_embeddings.weight": "../elsewhere.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match="names files that lie elsewhere"):
        load_encoder(folder, EncoderConfig("evil", str(folder), "mit", False, 0.1, 0.1), DANVAN)


# --- limits -----------------------------------------------------------------------------------


def test_files_over_their_limit_are_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(model_files, "MOST_JSON", 100)
        assert "more than 100" in refusal(model, "onnx")
    with monkeypatch.context() as patch:
        patch.setattr("ner_danvan.model_dir.MOST_TEXT", 100)
        assert "vocab.txt: has" in refusal(model, "onnx")
    with monkeypatch.context() as patch:
        patch.setattr(weights, "MOST_HEADER", 100)
        assert "announces a header" in refusal(model, "onnx")
    with monkeypatch.context() as patch:
        patch.setattr(graph, "MOST_GRAPH", 100)
        assert "larger than 100 bytes" in refusal(model, "onnx")


def test_a_header_says_where_tensors_lie(tmp_path: Path) -> None:
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(4, dtype=np.float16)
    save_file({"a": torch.tensor(first), "b": torch.tensor(second)}, tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    header = read_header(tmp_path / "w.safetensors")
    for name, array in (("a", first), ("b", second)):
        stored = header[name]
        assert stored.shape == array.shape
        assert data[stored.start : stored.end] == array.tobytes()
