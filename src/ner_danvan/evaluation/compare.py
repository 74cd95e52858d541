"""Two systems on the same gold: the difference, how sure it is, and the spans that it is made of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, read_jsonl
from ner_danvan.errors import UserError
from ner_danvan.evaluation.files import write_table
from ner_danvan.evaluation.intervals import MICRO, Triples, f1_of
from ner_danvan.evaluation.report.write import context_of
from ner_danvan.evaluation.schemes import SCHEMES, Scheme, count_outcomes, triples_of
from ner_danvan.evaluation.significance import Difference, compare_columns, holm
from ner_danvan.evaluation.sources import check_gold, match_predictions, tag_gold
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import find_model, read_model_dir
from ner_danvan.sections import number_of, whole_number
from ner_danvan.span import Span
from ner_danvan.tagger import Tagger

COMPARISON_FILE = "comparison.json"
SPANS_FILE = "spans.tsv"

_COLUMNS = ("side", "what", "document", "label", "start", "end", "text", "share of A", "share of B", "context")


@dataclass(frozen=True, slots=True)
class OnlySpan:
    """A span that a larger share of one side's runs has than of the other's.

    `side` is "A" or "B", the one that has it more often; `gold` says whether the span is right. With one run a side the
    shares are 0 and 1.
    """

    side: str
    gold: bool
    document: str
    span: Span
    share_a: float
    share_b: float
    context: str


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; `runs` has the micro F1 of every run of A and of B, `holm` adjusts the labels' p-values.

    `differences` are of micro and of each label; p-values are those of approximate randomisation and of the bootstrap.
    """

    name: str
    documents: int
    scheme: str
    runs: dict[str, dict[str, float]]
    differences: dict[str, Difference]
    holm: dict[str, float | None]
    only: list[OnlySpan]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `comparison.json`; the spans stand in a table of their own."""
        return {
            "name": self.name,
            "documents": self.documents,
            "scheme": self.scheme,
            "runs": self.runs,
            "differences": {name: asdict(found) for name, found in self.differences.items()},
            "holm": self.holm,
        }


def compare(
    gold: Sequence[Document],
    a: Mapping[str, Sequence[Document]],
    b: Mapping[str, Sequence[Document]],
    labels: LabelScheme,
    *,
    name: str = "",
    scheme: Scheme = SCHEMES[0],
    draws: int = 10_000,
    rounds: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare the runs of A with those of B, each run's predictions in the order of the gold.

    See `compare_columns` for the statistics. Raises ValueError without gold or runs.
    """
    columns = [MICRO, *labels.labels]
    sides = {
        side: np.stack([_triples(gold, predicted, labels, scheme, columns) for predicted in runs.values()])
        for side, runs in (("A", a), ("B", b))
    }
    found = compare_columns(sides["A"], sides["B"], draws=draws, rounds=rounds, seed=seed)
    differences = dict(zip(columns, found, strict=True))
    return Comparison(
        name=name,
        documents=len(gold),
        scheme=scheme.name,
        runs={
            side: {
                run: float(np.nan_to_num(f1_of(triples.sum(axis=0))[0]))
                for run, triples in zip(runs, sides[side], strict=True)
            }
            for side, runs in (("A", a), ("B", b))
        },
        differences=differences,
        holm=holm({label: differences[label].p_randomisation for label in labels.labels}),
        only=list(_only(gold, list(a.values()), list(b.values()), labels)),
    )


def run(values: Mapping[str, Any]) -> Comparison:
    """Compare as the resolved configuration says; writes `comparison.json` and `spans.tsv` under `output`."""
    by_name = {scheme.name: scheme for scheme in SCHEMES}
    if values["scheme"] not in by_name:
        raise UserError(f"scheme={values['scheme']} is not known; name one of {', '.join(by_name)}.")
    draws, rounds = (whole_number(key, values[key], 1) for key in ("draws", "rounds"))
    seed = number_of("seed", values["seed"], int)
    names = {side: _names(side, values[side]) for side in ("a", "b")}
    labels = _common_scheme([*names["a"], *names["b"]], LabelScheme.from_config(values["labels"]["layers"]))
    gold = read_gold(Path(values["data"]["path"]), labels.layer_of)
    predicted = {name: _predictions(name, gold, labels, values) for name in dict.fromkeys(names["a"] + names["b"])}
    comparison = compare(
        gold,
        {name: predicted[name] for name in names["a"]},
        {name: predicted[name] for name in names["b"]},
        labels,
        name=str(values["data"]["name"]),
        scheme=by_name[values["scheme"]],
        draws=draws,
        rounds=rounds,
        seed=seed,
    )
    output = Path(values["output"])
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(comparison.to_dict(), ensure_ascii=False, indent=2)
    (output / COMPARISON_FILE).write_text(text + "\n", encoding="utf-8")
    write_table(output / SPANS_FILE, _COLUMNS, (_row(one) for one in comparison.only))
    return comparison


def _names(side: str, value: Any) -> list[str]:
    names = [str(name) for name in (value if isinstance(value, list) else [value])]
    if not names or len(set(names)) < len(names):
        raise UserError(f"{side}={value}: name at least one model or prediction file, none twice.")
    return names


def _is_file(name: str) -> bool:
    return name.endswith(".jsonl")


def _common_scheme(names: Sequence[str], given: LabelScheme) -> LabelScheme:
    """The scheme of all models; the configured one where there are only prediction files."""
    schemes = {name: read_model_dir(_folder(name)).settings.scheme for name in names if not _is_file(name)}
    first = next(iter(schemes), None)
    for name, scheme in schemes.items():
        if first is not None and scheme.layer_of != schemes[first].layer_of:
            raise UserError(f"{name} has other labels than {first}; compare models of one label scheme.")
    return given if first is None else schemes[first]


def _folder(name: str) -> Path:
    return find_model(name)


def _predictions(
    name: str, gold: Sequence[Document], labels: LabelScheme, values: Mapping[str, Any]
) -> Sequence[Document]:
    if _is_file(name):
        return match_predictions(read_jsonl(Path(name)), gold, labels)
    tagger = Tagger.from_pretrained(_folder(name), backend=str(values["backend"]), device=values["device"])
    check_gold(gold, tagger)
    return tag_gold(gold, tagger)


def _triples(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    labels: LabelScheme,
    scheme: Scheme,
    wanted: Sequence[str],
) -> Triples:
    columns, counts = count_outcomes(gold, predicted, labels, scheme)
    return triples_of(counts)[:, [columns.index(name) for name in wanted]]


def _only(
    gold: Sequence[Document],
    a: Sequence[Sequence[Document]],
    b: Sequence[Sequence[Document]],
    labels: LabelScheme,
) -> Iterator[OnlySpan]:
    """Document by document, in order of place; strict, whatever the scheme of the scores."""
    for number, document in enumerate(gold):
        keys = {span.key for span in document.spans}
        spans: dict[tuple[int, int, str], Span] = {}
        counts: tuple[Counter[tuple[int, int, str]], Counter[tuple[int, int, str]]] = (Counter(), Counter())
        for counter, runs in zip(counts, (a, b), strict=True):
            for predicted in runs:
                for span in predicted[number].spans:
                    if span.label in labels.layer_of:
                        spans.setdefault(span.key, span)
                        counter[span.key] += 1
        for key, span in sorted(spans.items()):
            share_a, share_b = counts[0][key] / len(a), counts[1][key] / len(b)
            if share_a != share_b:
                side = "A" if share_a > share_b else "B"
                context = context_of(document.text, span)
                yield OnlySpan(side, key in keys, document.id, span, share_a, share_b, context)


def _row(one: OnlySpan) -> Sequence[str | int | float]:
    span = one.span
    return (
        *(one.side, "right" if one.gold else "wrong", one.document, span.label, span.start, span.end, span.text),
        *(one.share_a, one.share_b, one.context),
    )
