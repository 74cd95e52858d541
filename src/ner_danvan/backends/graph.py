"""What an ONNX graph refers to and computes, read from its bytes before a runtime sees it; without the `onnx` package.

A graph of ours takes each external tensor from `model.safetensors` beside it, at its place there. Weights of another
export lie elsewhere in that file: a runtime would compute with whatever it finds. Field numbers are of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from ner_danvan.backends.graph_sizes import Node, check_memory
from ner_danvan.backends.weights import Stored, check_sizes, read_header
from ner_danvan.errors import UserError
from ner_danvan.model_dir import CONFIG_FILE, WEIGHTS_FILE
from ner_danvan.model_files import read_object

MOST_GRAPH = 2**31  # bytes; protobuf itself allows no more

_INPUTS = {"input_ids", "attention_mask"}
_MODEL_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # of a model
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15  # of a graph
_TAKES, _GIVES, _KIND, _ATTRIBUTE, _DOMAIN = 1, 2, 4, 5, 7  # of a node
_NUMBER, _NUMBERS = 3, 8  # of an attribute: whole numbers
_TENSOR, _NESTED = 5, (6, 10, 11, 22, 23)  # of an attribute: a tensor; graphs, and lists of both
_DIMS, _TYPE, _NAME, _EXTERNAL, _LOCATION = 1, 2, 8, 13, 14  # of a tensor
_TYPES = {1: "F32", 10: "F16", 2: "U8", 3: "I8", 6: "I32", 7: "I64"}  # of tensors, by ONNX's numbers


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    type: int
    shape: tuple[int, ...]
    external: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Graph:
    inputs: set[str]
    outputs: set[str]
    tensors: list[_Tensor]
    nodes: list[Node]


def check_graph(path: Path) -> None:
    """Raises UserError if there is no such graph, or if it is broken, not of our form, or of other weights.

    Also if it would take more memory than a model of its size needs.
    """
    if not path.is_file():
        raise UserError(f"{path.parent}: no {path.name}; export it with scripts/export.py, or take --backend torch.")
    if path.stat().st_size > MOST_GRAPH:
        raise _fault(path, f"is larger than {MOST_GRAPH} bytes")
    try:
        graph = _read(memoryview(path.read_bytes()))
    except OSError as error:
        raise _fault(path, f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise _fault(path, f"cannot be loaded ({error})") from None
    if graph.inputs != _INPUTS or len(graph.outputs) != 1:
        raise _fault(path, "has other inputs and outputs than ids and mask to logits")
    stored = _check_external(path, [tensor for tensor in graph.tensors if tensor.external])
    config = read_object(path.with_name(CONFIG_FILE), "Export the model again.")
    check_sizes(path.with_name(WEIGHTS_FILE), stored, config)
    try:
        shapes = {tensor.name: tensor.shape for tensor in graph.tensors}
        check_memory(graph.nodes, shapes, graph.outputs.pop(), stored, config)
    except ValueError as error:
        raise _fault(path, f"is none that scripts/export.py writes ({error})") from None


def _check_external(path: Path, tensors: list[_Tensor]) -> dict[str, Stored]:
    for tensor in tensors:
        if (location := tensor.external.get("location")) != WEIGHTS_FILE:
            raise _fault(path, f"wants weights from {str(location)[:80]!r}, and may from {WEIGHTS_FILE} only")
    if not tensors:
        raise _fault(path, f"takes no weights from {WEIGHTS_FILE}")
    weights = path.with_name(WEIGHTS_FILE)
    if not weights.is_file():
        raise UserError(f"{path}: cannot be loaded (no {WEIGHTS_FILE} beside it); export the model again.")
    stored = read_header(weights)
    for tensor in tensors:
        if not _agrees(tensor, stored.get(tensor.name)):
            raise _fault(path, f"is of other weights than {WEIGHTS_FILE}: {tensor.name[:80]} lies elsewhere in it")
    return stored


def _agrees(tensor: _Tensor, stored: Stored | None) -> bool:
    if stored is None or (_TYPES.get(tensor.type), tensor.shape) != (stored.dtype, stored.shape):
        return False
    place = (tensor.external.get("offset"), tensor.external.get("length"))
    return place == (str(stored.start), str(stored.end - stored.start))


def _fault(path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}; export the model again.")


# --- protobuf ---------------------------------------------------------------------------------


def _read(model: memoryview) -> _Graph:
    """Names of inputs and outputs, tensors and nodes; raises ValueError for another form."""
    graphs = []
    for number, value in _fields(model):
        if number in (_TRAINING, _FUNCTIONS):
            raise ValueError("it brings functions of its own")
        if number == _MODEL_GRAPH:
            graphs.append(value)
    if len(graphs) != 1:
        raise ValueError("it is no ONNX file")
    inputs, outputs, tensors, nodes = set(), set(), list[_Tensor](), list[Node]()
    for number, value in _fields(_bytes(graphs[0])):
        if number == _INPUT:
            inputs.add(_text(value, 1))
        elif number == _OUTPUT:
            outputs.add(_text(value, 1))
        elif number == _INITIALIZER:
            tensors.append(_tensor(_bytes(value)))
        elif number == _SPARSE:
            raise ValueError("it has sparse tensors")
        elif number == _NODE:
            nodes.append(_node(_bytes(value)))
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise ValueError("it has two tensors of one name")
    return _Graph(inputs, outputs, tensors, nodes)


def _node(data: memoryview) -> Node:
    takes, gives, kind, domain = list[str](), list[str](), "", ""
    attributes = dict[str, tuple[int, ...]]()
    for number, value in _fields(data):
        if number == _ATTRIBUTE:
            if (name := _text(value, 1)) in attributes:
                raise ValueError("it says an attribute twice")
            attributes[name] = _whole_numbers(_bytes(value))
        elif number in (_TAKES, _GIVES, _KIND, _DOMAIN):
            text = bytes(_bytes(value)).decode("utf-8", "replace")
            if number == _KIND:
                kind = text
            elif number == _DOMAIN:
                domain = text
            else:
                (takes if number == _TAKES else gives).append(text)
    return Node(f"{domain}.{kind}" if domain else kind, tuple(takes), tuple(gives), attributes)


def _whole_numbers(attribute: memoryview) -> tuple[int, ...]:
    found = list[int]()
    for number, value in _fields(attribute):
        if number in _NESTED:
            raise ValueError("it has graphs within its nodes")
        if number == _TENSOR:
            raise ValueError("it has tensors within its nodes")
        if number in (_NUMBER, _NUMBERS):
            found += [value] if isinstance(value, int) else _packed(value)
    return tuple(found)


def _tensor(data: memoryview) -> _Tensor:
    name, kind, shape, external, elsewhere = "", 0, list[int](), dict[str, str](), False
    for number, value in _fields(data):
        if number == _NAME:
            name = bytes(_bytes(value)).decode("utf-8", "replace")
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == _EXTERNAL:
            external[_text(value, 1)] = _text(value, 2)
        elif number == _LOCATION:
            elsewhere = value != 0
    if elsewhere != bool(external):
        raise ValueError("it does not say where a tensor lies")
    if kind not in _TYPES:
        raise ValueError("it has a tensor of a type that is not used")
    if not external and prod(shape) > len(data):  # a number takes a byte at least
        raise ValueError("it has a tensor that is larger than what it holds")
    return _Tensor(name, kind, tuple(shape), external)


def _text(message: int | memoryview, wanted: int) -> str:
    found = [bytes(_bytes(value)) for number, value in _fields(_bytes(message)) if number == wanted]
    return found[-1].decode("utf-8", "replace") if found else ""


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("it is no ONNX file")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message; raises ValueError where it is cut off."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if kind == 2:
            size, place = _varint(data, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("it is no ONNX file")
        if place + size > len(data):
            raise ValueError("it is cut off, or no ONNX file")
        yield key >> 3, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("it is cut off, or no ONNX file")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("it is no ONNX file")


def _packed(data: memoryview) -> list[int]:
    found, place = [], 0
    while place < len(data):
        value, place = _varint(data, place)
        found.append(value)
    return found
