"""The error report's HTML, from a template that escapes whatever it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from ner_danvan.document import Document
from ner_danvan.evaluation.errors import MEANING, NOTHING, Error, Kind, confusion, count_errors
from ner_danvan.evaluation.report.marks import marked_text
from ner_danvan.evaluation.result import Evaluation
from ner_danvan.evaluation.schemes import Strict, scheme_f1
from ner_danvan.io.html.page import asset, csp_hash
from ner_danvan.io.terminal import visible

_STYLES = ("colours.css", "text.css")  # of the report for analysts


@dataclass(frozen=True)
class Side:
    """A document with its errors, its text marked with gold and with what was found."""

    id: str
    f1: float
    errors: Sequence[Error]
    gold: Markup
    found: Markup


def render_page(
    evaluation: Evaluation,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    errors: Sequence[Error],
    charts: Mapping[str, str],
    worst: int,
) -> str:
    """The page as one string; `charts` are SVG by file name, `worst` how many documents are shown whole."""
    environment = Environment(autoescape=True, finalize=_finalize, trim_blocks=True, lstrip_blocks=True)
    style = "\n" + "\n".join([*(asset(name) for name in _STYLES), _own("report.css")])
    kinds = [kind for kind in Kind if any(error.kind is kind for error in errors)]
    return environment.from_string(_own("report.html")).render(
        policy=f"default-src 'none'; style-src {csp_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'",
        style=Markup(style),  # nosec B704: our own file
        evaluation=evaluation,
        spans=len([span for document in gold for span in document.spans]),
        errors=errors,
        kinds=kinds,
        meaning=MEANING,
        counts=count_errors(errors),
        labels=evaluation.scheme.labels,
        confusion=confusion(gold, predicted, evaluation.scheme),
        nothing=NOTHING,
        cut=[(gold[one.document].id, one) for one in evaluation.cut or ()],
        charts={name: Markup(drawn) for name, drawn in charts.items()},  # nosec B704: drawn here, texts escaped
        worst=_worst(evaluation, gold, predicted, errors, worst),
        with_errors=len({error.document for error in errors}),
        percent=lambda value: f"{100 * value:.1f}",
        between=lambda ends: f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}" if ends else NOTHING,
    )


def _worst(
    evaluation: Evaluation,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    errors: Sequence[Error],
    worst: int,
) -> list[Side]:
    """Documents with the most errors first, of two with as many the one with the lower F1."""
    by_document: dict[int, list[Error]] = {}
    for error in errors:
        by_document.setdefault(error.document, []).append(error)
    scheme = evaluation.scheme
    f1 = {number: scheme_f1(gold[number], predicted[number], scheme, Strict()) for number in by_document}
    order = sorted(by_document, key=lambda number: (-len(by_document[number]), f1[number], gold[number].id))
    sides = []
    for number in order[:worst]:
        these = by_document[number]
        sides.append(
            Side(
                gold[number].id,
                f1[number],
                these,
                marked_text(gold[number], {error.gold for error in these if error.gold}, scheme.labels),
                marked_text(predicted[number], {error.found for error in these if error.found}, scheme.labels),
            )
        )
    return sides


def _finalize(value: Any) -> Any:
    """Whatever the template prints: text without control characters, markup as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _own(name: str) -> str:
    return files("ner_danvan.evaluation.report").joinpath("assets", name).read_text(encoding="utf-8")
