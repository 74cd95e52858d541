"""An evaluation run: a model, or predictions from anywhere, against annotated reports."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ner_danvan.backends.choice import wanted_files
from ner_danvan.corpus.reports import read_gold
from ner_danvan.decode import sure_spans
from ner_danvan.document import Document, check_document, read_jsonl, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation.calibration import Calibration, calibrate
from ner_danvan.evaluation.intervals import f1_intervals
from ner_danvan.evaluation.scores import StrictScores, strict_scores
from ner_danvan.labels import LabelScheme, spans_to_tags
from ner_danvan.model_dir import METRICS_FILE, WEIGHTS_FILE, file_hash, find_model
from ner_danvan.span import Span
from ner_danvan.tagger import Tagger

log = logging.getLogger(__name__)

PREDICTIONS_FILE = "predictions.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """Strict scores on one set of documents, 95 % intervals of their F1, and what is known of the spans' scores.

    `beyond_words` counts the gold that the model's words cannot express; None where there is no model.
    """

    name: str
    documents: int
    scheme: LabelScheme
    scores: StrictScores
    beyond_words: int | None
    intervals: dict[str, tuple[float, float]]
    calibration: Calibration | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `metrics.json`."""
        lost = {} if self.beyond_words is None else {"gold_beyond_words": self.beyond_words}
        return {
            "name": self.name,
            "documents": self.documents,
            **lost,
            "strict": self.scores.to_dict(),
            "f1_intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "calibration": self.calibration.to_dict() if self.calibration else None,
        }


def evaluate_model(tagger: Tagger, gold: Sequence[Document], name: str) -> tuple[Evaluation, list[Document]]:
    """Tag the gold documents' texts and score; also gives the predicted documents, in the same order.

    Raises UserError if the gold has a label that the model does not know.
    """
    for document in gold:
        check_document(document, tagger.scheme.layer_of, document.id)
    every = list(tagger.at(0.0).stream(replace(document, spans=()) for document in gold))
    predicted = [replace(document, spans=sure_spans(document.spans, tagger.min_score)) for document in every]
    lost = sum(len(_beyond_words(tagger, document)) for document in gold)
    return _evaluation(gold, predicted, tagger.scheme, name, lost, every), predicted


def evaluate_predictions(
    predicted: Iterable[Document], gold: Sequence[Document], scheme: LabelScheme, name: str
) -> Evaluation:
    """Score predicted documents; every gold document must be among them, with the same text.

    They are matched by id, or by the name of the .txt file that a prediction came from. Raises UserError for one that
    is missing, has another text, or has spans that cannot be.
    """
    by_id: dict[str, Document] = {}
    for document in predicted:
        if document.id in by_id:
            raise UserError(f"{document.id}: two predictions have this id; keep one.")
        by_id[document.id] = document
    by_stem = {Path(name).stem: document for name, document in by_id.items() if name.endswith(".txt")}
    matched = []
    for document in gold:
        found = by_id.get(document.id) or by_stem.get(document.id)
        if found is None:
            raise UserError(f"{document.id}: no prediction has this id; predict on the same documents.")
        if found.text != document.text:
            raise UserError(f"{document.id}: the prediction has another text than the gold; predict on its exact text.")
        matched.append(check_document(found, scheme.layer_of, f"prediction {document.id}", nested=False))
    return _evaluation(gold, matched, scheme, name, None)


def run(values: Mapping[str, Any]) -> Evaluation:
    """Evaluate as the resolved configuration says; writes `metrics.json` and `predictions.jsonl` under `output`.

    The metrics name the weights that they are of, so that an export takes no other model's.
    """
    path, name, output = Path(values["data"]["path"]), str(values["data"]["name"]), Path(values["output"])
    weights = None
    if (least := values["min_score"]) is not None and not (isinstance(least, int | float) and 0 <= least <= 1):
        raise UserError(f"min_score={least} must be between 0 and 1, or null.")
    if least is not None and values["predictions"] is not None:
        raise UserError("min_score goes with a model, not with predictions; leave one of the two out.")
    if values["predictions"] is not None:
        scheme = LabelScheme.from_config(values["labels"]["layers"])
        predicted = list(read_jsonl(Path(values["predictions"])))
        evaluation = evaluate_predictions(predicted, read_gold(path, scheme.layer_of), scheme, name)
    else:
        backend, device = str(values["backend"]), values["device"]
        folder = find_model(values["model"]["path"], wanted=wanted_files(backend, device))
        tagger = Tagger.from_pretrained(folder, backend=backend, device=device, min_score=least)
        evaluation, predicted = evaluate_model(tagger, read_gold(path, tagger.scheme.layer_of), name)
        weights = file_hash(folder / WEIGHTS_FILE)
    output.mkdir(parents=True, exist_ok=True)
    metrics = json.dumps(evaluation.to_dict() | {"weights_sha256": weights}, ensure_ascii=False, indent=2)
    (output / METRICS_FILE).write_text(metrics + "\n", encoding="utf-8")
    lines = "".join(to_json_line(document) + "\n" for document in predicted)
    (output / PREDICTIONS_FILE).write_text(lines, encoding="utf-8")
    return evaluation


def _evaluation(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    scheme: LabelScheme,
    name: str,
    lost: int | None,
    every: Sequence[Document] | None = None,
) -> Evaluation:
    """`every` has the spans below the model's limit too, for what another limit would give."""
    return Evaluation(
        name,
        len(gold),
        scheme,
        strict_scores(gold, predicted, scheme),
        lost,
        f1_intervals(gold, predicted, scheme),
        calibrate(gold, predicted, every),
    )


def _beyond_words(tagger: Tagger, document: Document) -> list[Span]:
    return spans_to_tags(document.spans, tagger.prepare(document.text).offsets, tagger.scheme)[1]
