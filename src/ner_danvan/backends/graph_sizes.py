"""How large a graph's values become, so that a small file cannot ask for all memory.

Only operators that `export/graph.py` writes are known. That alone would be no bound: a product of a column and a row,
or tables looked up in tables, grow from little. So shapes are followed through the graph, for a batch of one long row
and for one of many short ones, as between these every other batch of so many subwords lies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ner_danvan.backends.weights import MIDDLE, Stored

Shape = tuple[int, ...]

_SUBWORDS = 1_024  # as many as a backend on the CPU reads at a time
_CONSTANT = 4  # times a model's own numbers: a weight is converted, turned round and joined to others
_GROWTH = 16  # times hidden and intermediate size, for each layer and the embeddings; ours takes 3 to 9 of either
_SPARE = 1_024  # numbers beside those, such as masks


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a graph; `kind` is led by its domain, where that is not ONNX's own."""

    kind: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    attributes: Mapping[str, tuple[int, ...]]


def check_memory(
    nodes: Sequence[Node],
    tensors: Mapping[str, Shape],
    output: str,
    stored: Mapping[str, Stored],
    config: Mapping[str, Any],
) -> None:
    """Raises ValueError for a step that is not known, for one whose input does not fit, and for too large values.

    `tensors` are the graph's own, by name; `stored` those of the weights, which say how much a model of its kind needs.
    Raises it for an output that is not a score for each tag, too.
    """
    for node in nodes:
        _check_known(node, config)
    widths = [tensor.shape for name, tensor in stored.items() if name.endswith(MIDDLE)]
    layer = max((sum(shape) for shape in widths), default=0)
    most = _GROWTH * (len(widths) + 1) * layer + _SPARE
    most_constant = _CONSTANT * sum(map(prod, tensors.values())) + _SPARE
    for batch in ((1, _SUBWORDS), (_SUBWORDS, 1)):
        shapes: dict[str, Shape] = {**tensors, "input_ids": batch, "attention_mask": batch}
        varying = {"input_ids", "attention_mask"}
        constant = total = 0
        for node in nodes:
            shape = _shape(node, shapes)
            if node.gives[0] in shapes:
                raise ValueError(f"{node.gives[0][:80]} is given twice")
            shapes[node.gives[0]] = shape
            if varying.isdisjoint(node.takes):
                constant += prod(shape)
            else:
                varying.add(node.gives[0])
                total += prod(shape)
            if constant > most_constant or total > most * _SUBWORDS:
                raise ValueError(f"{node.gives[0][:80]} takes more memory than such a model needs")
        if shapes.get(output) != (*batch, len(config["id2label"])):
            raise ValueError(f"its output is {list(shapes.get(output, ()))} for {list(batch)} subwords")


def _check_known(node: Node, config: Mapping[str, Any]) -> None:
    if node.kind not in _KNOWN:
        raise ValueError(f"it has a {node.kind[:80]}")
    allowed, least, most, _ = _KNOWN[node.kind]
    if set(node.attributes) != allowed or not least <= len(node.takes) <= most or len(node.gives) != 1:
        raise ValueError(f"it has another {node.kind[:80]}")
    if node.attributes.get("to", (_FLOAT,)) not in ((_FLOAT,), (_INT32,)):
        raise ValueError("it converts to a type that is not used")
    if "num_heads" in allowed and node.attributes["num_heads"] != (config.get("num_attention_heads"),):
        raise ValueError("its attention has other heads than config.json says")


def _shape(node: Node, shapes: Mapping[str, Shape]) -> Shape:
    try:
        return _KNOWN[node.kind][3]([shapes[name] for name in node.takes if name], node.attributes)
    except (KeyError, IndexError):
        raise ValueError(f"{node.gives[0][:80]} has inputs that do not fit") from None


# --- what each operator gives -----------------------------------------------------------------

_FLOAT, _INT32 = 1, 6  # ONNX's numbers of types
_Attributes = Mapping[str, tuple[int, ...]]


def _same(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    return shapes[0]


def _joint(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    """Of two, with dimensions of 1 repeated."""
    rank = max(map(len, shapes))
    found = []
    for sizes in zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True):
        longer = {size for size in sizes if size != 1}
        if len(longer) > 1:
            raise IndexError
        found.append(longer.pop() if longer else 1)
    return tuple(found)


def _product(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    left, right = shapes[0], shapes[1]
    if len(left) < 2 or len(right) != 2 or left[-1] != right[0]:
        raise IndexError
    return (*left[:-1], right[1])


def _int8_product(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    return _joint([_product(shapes, attributes), shapes[6]], attributes)


def _looked_up(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    table, indices = shapes
    return (*indices, *table[1:])


def _turned(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    if sorted(attributes["perm"]) != list(range(len(shapes[0]))):
        raise IndexError
    return tuple(shapes[0][place] for place in attributes["perm"])


def _side_by_side(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    (axis,) = attributes["axis"]
    first = shapes[0]
    if any((*shape[:axis], *shape[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]) for shape in shapes):
        raise IndexError
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def _attended(shapes: Sequence[Shape], attributes: _Attributes) -> Shape:
    *rows, width = _product(shapes, attributes)
    if len(rows) != 2:
        raise IndexError
    return (*rows, width // 3)  # of queries, keys and values


# by kind: attributes, least and most inputs, and the shape of the output
_KNOWN: dict[str, tuple[set[str], int, int, Callable[[Sequence[Shape], _Attributes], Shape]]] = {
    "Add": (set(), 2, 2, _joint),
    "Mul": (set(), 2, 2, _joint),
    "Cast": ({"to"}, 1, 1, _same),
    "CumSum": (set(), 2, 2, _same),
    "Gelu": (set(), 1, 1, _same),
    "LayerNormalization": ({"epsilon"}, 3, 3, _joint),
    "QuantizeLinear": (set(), 3, 3, _same),
    "Gather": (set(), 2, 2, _looked_up),
    "Transpose": ({"perm"}, 1, 1, _turned),
    "Concat": ({"axis"}, 3, 3, _side_by_side),
    "MatMul": (set(), 2, 2, _product),
    "com.microsoft.MatMulIntegerToFloat": (set(), 7, 7, _int8_product),
    "com.microsoft.Attention": ({"num_heads"}, 4, 4, _attended),
    "com.microsoft.QAttention": ({"num_heads"}, 8, 8, _attended),
}
