"""A token classifier as an ONNX graph, written node by node.

The graph has onnxruntime's fused attention, which its optimiser does not find in what torch exports, and is to be run
as it is: the optimiser would put slower operators in the place of others. Its weights are those of `model.safetensors`
beside it, by their place in that file, so that they lie on the disk once; only int8 weights are in the graph's own
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ner_danvan.backends.weights import Stored, read_header
from ner_danvan.errors import UserError
from ner_danvan.model_dir import CONFIG_FILE, WEIGHTS_FILE
from ner_danvan.model_files import read_object

_TYPES = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16}
_OPSET, _IR = 20, 10
_FUSED = "com.microsoft"  # the domain of onnxruntime's own operators
_SEVEN_BITS = 63  # of a weight: with eight, sums of products overflow on processors without VNNI

Ranges = Mapping[str, tuple[float, float]]  # lowest and highest value of each quantised product's input


def build_graph(folder: Path, *, ranges: Ranges | None = None, probe: bool = False) -> ModelProto:
    """The graph of a RoBERTa token classifier: ids and mask `[batch, length]` to logits `[batch, length, outputs]`.

    With `ranges` its products are int8: weights with a scale for each output (Jacob et al. 2018), inputs with a fixed
    one, so that no result depends on what else is in the batch; the embeddings, the head and all sums stay floating.
    `probe` adds outputs `NAME:low` and `NAME:high` for every product's input, from which ranges are gathered. Raises
    UserError if the directory holds another kind of model.
    """
    config = read_object(folder / CONFIG_FILE, "Export the model again.")
    if config.get("model_type") != "roberta" or config.get("hidden_act") != "gelu":
        raise UserError(f"{folder}: only RoBERTa models with gelu become ONNX, such as PhoBERT; set onnx=false.")
    return _Graph(folder, config, ranges).build(probe=probe)


class _Graph:
    def __init__(self, folder: Path, config: Mapping[str, Any], ranges: Ranges | None) -> None:
        self._config = config
        self._ranges = ranges
        self._weights = folder / WEIGHTS_FILE
        self._stored = read_header(self._weights)
        self._nodes: list[NodeProto] = []
        self._tensors: dict[str, TensorProto] = {}
        self._probed: list[str] = []

    def build(self, *, probe: bool) -> ModelProto:
        hidden = self._embeddings()
        for number in range(self._config["num_hidden_layers"]):
            hidden = self._layer(f"roberta.encoder.layer.{number}.", hidden)
        scores = self._node("MatMul", [hidden, self._turned("classifier.weight")], "scores")
        self._node("Add", [scores, self._floats("classifier.bias")], "logits")
        outputs: list[tuple[str, list[str | int | None]]] = [
            ("logits", ["batch", "length", len(self._config["id2label"])])
        ]
        if probe:
            for name in self._probed:
                self._node("ReduceMin", [name], f"{name}:low", keepdims=0)
                self._node("ReduceMax", [name], f"{name}:high", keepdims=0)
                outputs += [(f"{name}:low", []), (f"{name}:high", [])]
        graph = helper.make_graph(
            self._nodes,
            "ner_danvan",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
                for name in ("input_ids", "attention_mask")
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
            list(self._tensors.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="ner_danvan")

    # --- the network ---------------------------------------------------------------------------

    def _embeddings(self) -> str:
        at = "roberta.embeddings."
        one = self._constant("one", np.array(1, dtype=np.int32))
        self._node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        self._node("CumSum", ["mask", one], "count")
        self._node("Mul", ["count", "mask"], "numbered")
        pad = self._constant("pad", np.array(self._config["pad_token_id"], dtype=np.int32))
        self._node("Add", ["numbered", pad], "positions")  # RoBERTa's begin behind the pad id
        words = self._rows(at + "word_embeddings.weight", "input_ids")
        places = self._rows(at + "position_embeddings.weight", "positions")
        first = self._constant("first", np.array(0, dtype=np.int64))
        kind = self._node("Gather", [self._floats(at + "token_type_embeddings.weight"), first], at + "kind")
        placed = self._node("Add", [places, kind], at + "placed")
        return self._norm(words, placed, at + "LayerNorm", at + "embedded")

    def _layer(self, at: str, hidden: str) -> str:
        context = self._attention(at + "attention.self.", hidden)
        read = self._product(at + "attention.output.dense", context)
        middle = self._norm(read, hidden, at + "attention.output.LayerNorm", at + "read")
        wide = self._product(at + "intermediate.dense", middle)
        active = self._node("Gelu", [wide], at + "active")
        narrow = self._product(at + "output.dense", active)
        return self._norm(narrow, middle, at + "output.LayerNorm", at + "hidden")

    def _attention(self, at: str, hidden: str) -> str:
        parts = ("query", "key", "value")
        bias = self._node("Concat", [self._floats(f"{at}{part}.bias") for part in parts], at + "bias", axis=0)
        heads = self._config["num_attention_heads"]
        if self._ranges is None:
            turned = [self._turned(f"{at}{part}.weight") for part in parts]
            weight = self._node("Concat", turned, at + "weight", axis=1)
            self._probed.append(hidden)
            return self._node(
                "Attention", [hidden, weight, bias, "mask"], at + "context", domain=_FUSED, num_heads=heads
            )
        quantised, scale, zero = self._quantised(hidden)
        weight, weight_scale = self._int8(at + "weight", np.concatenate([self._read(f"{at}{p}.weight") for p in parts]))
        weight_zero = self._constant("zero", np.array(0, dtype=np.int8))
        inputs = [quantised, weight, bias, scale, weight_scale, "mask", zero, weight_zero]
        return self._node("QAttention", inputs, at + "context", domain=_FUSED, num_heads=heads)

    def _product(self, dense: str, value: str) -> str:
        """A value times a weight, and its bias."""
        bias = self._floats(dense + ".bias")
        if self._ranges is None:
            self._probed.append(value)
            product = self._node("MatMul", [value, self._turned(dense + ".weight")], dense + ":product")
            return self._node("Add", [product, bias], dense)
        quantised, scale, zero = self._quantised(value)
        weight, weight_scale = self._int8(dense + ".int8", self._read(dense + ".weight"))
        weight_zero = self._constant("zero", np.array(0, dtype=np.int8))
        inputs = [quantised, weight, scale, weight_scale, zero, weight_zero, bias]
        return self._node("MatMulIntegerToFloat", inputs, dense, domain=_FUSED)

    def _norm(self, value: str, residual: str, norm: str, output: str) -> str:
        """The sum of two values, normalised; in two steps, for onnxruntime's one for both takes four times as long."""
        total = self._node("Add", [value, residual], output + ":sum")
        inputs = [total, self._floats(norm + ".weight"), self._floats(norm + ".bias")]
        return self._node("LayerNormalization", inputs, output, epsilon=self._config["layer_norm_eps"])

    # --- int8 ----------------------------------------------------------------------------------

    def _quantised(self, value: str) -> tuple[str, str, str]:
        """A value as uint8, with names of its scale and zero point."""
        assert self._ranges is not None
        low, high = (min(0.0, self._ranges[value][0]), max(0.0, self._ranges[value][1]))
        step = (high - low) / 255 or 1.0
        scale = self._constant(value + ":scale", np.array(step, dtype=np.float32))
        zero = self._constant(value + ":zero", np.array(round(-low / step), dtype=np.uint8))
        return self._node("QuantizeLinear", [value, scale, zero], value + ":uint8"), scale, zero

    def _int8(self, name: str, weight: npt.NDArray[np.float32]) -> tuple[str, str]:
        """A weight `[outputs, inputs]` as int8 `[inputs, outputs]`, with the name of the outputs' scales."""
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-12) / _SEVEN_BITS
        rounded = np.rint(weight / scale[:, None]).astype(np.int8)
        return (
            self._constant(name, np.ascontiguousarray(rounded.T)),
            self._constant(name + ":scale", scale.astype(np.float32)),
        )

    # --- nodes and tensors ---------------------------------------------------------------------

    def _node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self._tensors.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def _tensor(self, name: str) -> str:
        """A tensor of the safetensors file as it is there."""
        if name not in self._tensors:
            stored = self._find(name)
            tensor = TensorProto(name=name, data_type=_TYPES[stored.dtype], dims=stored.shape)
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": WEIGHTS_FILE, "offset": stored.start, "length": stored.end - stored.start}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            self._tensors[name] = tensor
        return name

    def _floats(self, name: str) -> str:
        """A tensor in fp32; onnxruntime converts it once, when it loads the graph."""
        return self._as_floats(self._tensor(name), name)

    def _turned(self, name: str) -> str:
        """A weight `[outputs, inputs]` the other way round; this too is done once."""
        return self._node("Transpose", [self._floats(name)], name + ":turned", perm=[1, 0])

    def _rows(self, table: str, indices: str) -> str:
        """Rows of a table, converted when they are read: the table itself stays as it lies on the disk."""
        rows = self._node("Gather", [self._tensor(table), indices], f"{table}:rows")
        return self._as_floats(rows, table)

    def _as_floats(self, value: str, stored: str) -> str:
        if self._find(stored).dtype == "F32":
            return value
        return self._node("Cast", [value], value + ":fp32", to=TensorProto.FLOAT)

    def _read(self, name: str) -> npt.NDArray[np.float32]:
        stored = self._find(name)
        with self._weights.open("rb") as stream:
            stream.seek(stored.start)
            content = stream.read(stored.end - stored.start)
        kind = np.float32 if stored.dtype == "F32" else np.float16
        return np.frombuffer(content, dtype=kind).reshape(stored.shape).astype(np.float32)

    def _find(self, name: str) -> Stored:
        stored = self._stored.get(name)
        if stored is None or stored.dtype not in _TYPES:
            raise UserError(f"{self._weights}: no {name} in fp32 or fp16; export the model again.")
        return stored
