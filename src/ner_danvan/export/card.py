"""The model card, from a template and what the run and its evaluations recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ner_danvan.errors import UserError
from ner_danvan.export.int8 import Gate
from ner_danvan.export.licence import check_licence
from ner_danvan.hub import is_hub_id
from ner_danvan.model_dir import ModelSettings

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
    results = [
        EvalResult(
            task_type="token-classification",
            task_name="Named entity recognition",
            dataset_type="annotated-reports",
            dataset_name=row["name"],
            dataset_split=row["name"],  # the hub groups results by it, not by the name
            metric_type="f1",
            metric_name="strict micro F1",
            metric_value=round(row["strict"]["micro"]["f1"], 4),
        )
        for row in evaluations
    ]
    data = ModelCardData(
        language="vi",
        license=facts["license"],
        library_name="ner-danvan",
        pipeline_tag="token-classification",
        base_model=model["path"] if is_hub_id(model["path"]) else None,
        tags=["named-entity-recognition", "vietnamese", "phobert"],
        model_name=name,
        eval_results=results or None,
    )
    card = ModelCard.from_template(
        data,
        template_path=str(_TEMPLATE),
        name=name,
        labels=settings.scheme.labels,
        outputs=len(settings.scheme.tags),
        layers="; ".join(f"{layer.name}: {', '.join(layer.tags)}" for layer in settings.scheme.layers),
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
        onnx=onnx,
        int8=int8,
    )
    return str(card)
