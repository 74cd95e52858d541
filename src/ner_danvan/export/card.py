"""The model card, from a template and what the run and its evaluations recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

import ner_danvan
from ner_danvan.errors import UserError
from ner_danvan.export.int8 import Gate
from ner_danvan.export.licence import check_licence, known_licence
from ner_danvan.hub import is_hub_id
from ner_danvan.model_dir import ModelSettings

MICRO_NAME = "strict micro F1"
_OWN_DATA = "data/reports"  # as configs/data/reports.yaml has it
_TEMPLATE = Path(__file__).with_name("card.md")


def make_card(
    name: str,
    settings: ModelSettings,
    record: Mapping[str, Any],
    evaluations: Sequence[Mapping[str, Any]],
    *,
    onnx: bool = False,
    int8: Gate | None = None,
) -> str:
    """The text of `README.md`: front matter for the hub, use, scores, training, limits.

    `record` is `run.json`, `evaluations` what `metrics.json` holds; `onnx` and `int8` say which graphs there are.
    """
    try:
        model = record["config"]["model"]
        facts = {
            "license": check_licence(record),
            "base_model": model["path"] if is_hub_id(model["path"]) else model["name"],
            "train_documents": record["data"]["train"]["documents"],
            "dev_documents": record["data"]["dev"]["documents"],
            "dev_f1": record["dev_f1"],
            "best_epoch": f"{record['best_epoch']:g}",
        }
    except (KeyError, TypeError) as error:
        raise UserError(f"run.json lacks {error}; train anew with scripts/train.py.") from None
    results = [result for row in evaluations for result in _results(row)]
    data = ModelCardData(
        language="vi",
        license=facts["license"],
        library_name="ner-danvan",
        pipeline_tag="token-classification",
        base_model=model["path"] if is_hub_id(model["path"]) else None,
        tags=["named-entity-recognition", "vietnamese", "phobert"],
        metrics=["precision", "recall", "f1"],
        model_name=name,
        eval_results=results or None,
    )
    card = ModelCard.from_template(
        data,
        template_path=str(_TEMPLATE),
        name=name,
        labels=settings.scheme.labels,
        outputs=len(settings.scheme.tags),
        layers=settings.scheme.layers,
        window=settings.inputs.window.subwords,
        temperatures=settings.temperatures,
        min_score=settings.min_score,
        evaluations=evaluations,
        transitions=bool(settings.transitions),
        **facts,
        calibrated=[row for row in evaluations if row.get("calibration")],
        percent=lambda value: f"{100 * value:.1f}",
        has_intervals=any(row.get("f1_intervals") for row in evaluations),
        between=lambda ends: f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}" if ends else "–",
        cell=lambda text: str(text).replace("|", "\\|"),
        segmenter=settings.inputs.segmenter,
        measured=_measured,
        weakest=[_weakest(row) for row in evaluations],
        own_data=str(record["config"].get("data", {}).get("train", "")).replace("\\", "/").startswith(_OWN_DATA),
        base_license=known_licence(record),
        about=model.get("about"),
        phobert="phobert" in str(facts["base_model"]).lower(),
        cost=record.get("cost"),
        version=ner_danvan.__version__,
        onnx=onnx,
        int8=int8,
    )
    return str(card)


def _results(row: Mapping[str, Any]) -> list[EvalResult]:
    """One set's rows of the model index: micro scores, and the F1 of each label; `args` has its 95 % interval."""
    intervals = row.get("f1_intervals") or {}
    micro = row["strict"]["micro"]
    figures = [("f1", MICRO_NAME, micro["f1"], intervals.get("micro"))]
    figures += [(kind, f"strict micro {kind}", micro[kind], None) for kind in ("precision", "recall")]
    figures += [
        ("f1", f"strict F1, {label}", score["f1"], intervals.get(label))
        for label, score in row["strict"]["labels"].items()
    ]
    return [
        EvalResult(
            task_type="token-classification",
            task_name="Named entity recognition",
            dataset_type="annotated-reports",
            dataset_name=row["name"],
            dataset_split=row["name"],  # the hub groups results by it, not by the name
            metric_type=kind,
            metric_name=called,
            metric_value=round(value, 4),
            metric_args={"interval_95": [round(end, 4) for end in ends]} if ends else None,
        )
        for kind, called, value, ends in figures
    ]


def _measured(groups: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Groups with an interval, so of enough documents, the lowest F1 first."""
    found = [(name, row) for name, row in groups.items() if row["strict"].get("interval")]
    return sorted(found, key=lambda item: float(item[1]["strict"]["f1"]))


def _weakest(row: Mapping[str, Any]) -> tuple[str, str, float]:
    labels = row["strict"]["labels"]
    lowest = min(labels, key=lambda label: float(labels[label]["f1"]))
    return row["name"], lowest, labels[lowest]["f1"]
