"""An evaluation run: a model, or predictions from anywhere, against annotated reports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ner_danvan.backends.choice import wanted_files
from ner_danvan.corpus.reports import read_gold
from ner_danvan.decode import sure_spans
from ner_danvan.document import Document, read_jsonl, to_json_line
from ner_danvan.errors import UserError
from ner_danvan.evaluation.breakdown import Aspects, break_down
from ner_danvan.evaluation.calibration import calibrate
from ner_danvan.evaluation.errors import CutSpan, find_cut_spans
from ner_danvan.evaluation.files import write_document_scores, write_scores
from ner_danvan.evaluation.intervals import f1_intervals
from ner_danvan.evaluation.report.write import write_report
from ner_danvan.evaluation.result import Evaluation
from ner_danvan.evaluation.schemes import scheme_scores
from ner_danvan.evaluation.scores import strict_scores
from ner_danvan.evaluation.sources import aspects_of, check_gold, match_predictions, tag_gold
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import METRICS_FILE, WEIGHTS_FILE, file_hash, find_model
from ner_danvan.tagger import Tagger

PREDICTIONS_FILE = "predictions.jsonl"
DOCUMENTS_FILE = "documents.tsv"
SCORES_FILE = "scores.tsv"


def evaluate_model(
    tagger: Tagger, gold: Sequence[Document], name: str, aspects: Aspects | None = None
) -> tuple[Evaluation, list[Document]]:
    """Tag the gold documents' texts and score; also gives the predicted documents, in the same order.

    Raises UserError if the gold has a label that the model does not know.
    """
    check_gold(gold, tagger)
    every = tag_gold(gold, tagger.at(0.0))
    predicted = [replace(document, spans=sure_spans(document.spans, tagger.min_score)) for document in every]
    cut = find_cut_spans(gold, [tagger.prepare(document.text).offsets for document in gold], tagger.scheme)
    return _evaluation(gold, predicted, tagger.scheme, name, aspects, cut, every), predicted


def evaluate_predictions(
    predicted: Iterable[Document],
    gold: Sequence[Document],
    scheme: LabelScheme,
    name: str,
    aspects: Aspects | None = None,
) -> Evaluation:
    """Score predicted documents; every gold document must be among them, with the same text.

    They are matched as by `match_predictions`, which raises UserError.
    """
    return _evaluation(gold, match_predictions(predicted, gold, scheme), scheme, name, aspects)


def run(values: Mapping[str, Any]) -> Evaluation:
    """Evaluate as the resolved configuration says; writes its files under `output`.

    These are `metrics.json`, `scores.tsv`, `documents.tsv` and `predictions.jsonl`, and with `report.write` an error
    report. The metrics name the weights that they are of, so that an export takes no other model's.
    """
    path, name, output = Path(values["data"]["path"]), str(values["data"]["name"]), Path(values["output"])
    weights = None
    if (least := values["min_score"]) is not None and not (isinstance(least, int | float) and 0 <= least <= 1):
        raise UserError(f"min_score={least} must be between 0 and 1, or null.")
    if least is not None and values["predictions"] is not None:
        raise UserError("min_score goes with a model, not with predictions; leave one of the two out.")
    if values["predictions"] is not None:
        scheme = LabelScheme.from_config(values["labels"]["layers"])
        gold = read_gold(path, scheme.layer_of)
        aspects = aspects_of(values, gold, scheme, None)
        predicted = match_predictions(read_jsonl(Path(values["predictions"])), gold, scheme)
        evaluation = _evaluation(gold, predicted, scheme, name, aspects)
    else:
        backend, device = str(values["backend"]), values["device"]
        folder = find_model(values["model"]["path"], wanted=wanted_files(backend, device))
        tagger = Tagger.from_pretrained(folder, backend=backend, device=device, min_score=least)
        gold = read_gold(path, tagger.scheme.layer_of)
        aspects = aspects_of(values, gold, tagger.scheme, folder)
        evaluation, predicted = evaluate_model(tagger, gold, name, aspects)
        weights = file_hash(folder / WEIGHTS_FILE)
    write_evaluation(evaluation, gold, predicted, aspects, weights, output)
    if values["report"]["write"]:
        write_report(evaluation, gold, predicted, values["report"], output)
    return evaluation


def write_evaluation(
    evaluation: Evaluation,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    aspects: Aspects,
    weights: str | None,
    output: Path,
) -> None:
    """Write `metrics.json`, `predictions.jsonl`, `scores.tsv` and `documents.tsv`; `weights` is the model's hash."""
    output.mkdir(parents=True, exist_ok=True)
    metrics = json.dumps(evaluation.to_dict() | {"weights_sha256": weights}, ensure_ascii=False, indent=2)
    (output / METRICS_FILE).write_text(metrics + "\n", encoding="utf-8")
    lines = "".join(to_json_line(document) + "\n" for document in predicted)
    (output / PREDICTIONS_FILE).write_text(lines, encoding="utf-8")
    write_scores(evaluation.schemes, evaluation.breakdown, len(gold), output / SCORES_FILE)
    write_document_scores(gold, predicted, evaluation.scheme, aspects, output / DOCUMENTS_FILE)


def _evaluation(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    scheme: LabelScheme,
    name: str,
    aspects: Aspects | None,
    cut: Sequence[CutSpan] | None = None,
    every: Sequence[Document] | None = None,
) -> Evaluation:
    """`every` has the spans below the model's limit too, for what another limit would give."""
    return Evaluation(
        name,
        len(gold),
        scheme,
        strict_scores(gold, predicted, scheme),
        cut,
        f1_intervals(gold, predicted, scheme),
        calibrate(gold, predicted, every),
        scheme_scores(gold, predicted, scheme),
        break_down(gold, predicted, scheme, aspects or Aspects()),
    )
