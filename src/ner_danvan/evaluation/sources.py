"""Where gold, predictions and what is known of both come from."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ner_danvan.corpus.folds import Fold, leave_out
from ner_danvan.corpus.index import report_groups
from ner_danvan.corpus.reports import limited, read_gold
from ner_danvan.document import Document, check_document
from ner_danvan.errors import UserError
from ner_danvan.evaluation.breakdown import Aspects
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import RUN_FILE
from ner_danvan.tagger import Tagger

log = logging.getLogger(__name__)

FROM_RUN = "from_run"


def check_gold(gold: Sequence[Document], tagger: Tagger) -> None:
    """Raise UserError if the gold has spans that the model's scheme does not allow."""
    for document in gold:
        check_document(document, tagger.scheme.layer_of, document.id)


def tag_gold(gold: Sequence[Document], tagger: Tagger) -> list[Document]:
    """The model's predictions on the gold documents' texts, in their order."""
    return list(tagger.stream(replace(document, spans=()) for document in gold))


def match_predictions(predicted: Iterable[Document], gold: Sequence[Document], scheme: LabelScheme) -> list[Document]:
    """The prediction of each gold document, in the gold's order.

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
    return matched


def aspects_of(
    values: Mapping[str, Any], gold: Sequence[Document], scheme: LabelScheme, folder: Path | None
) -> Aspects:
    """What scores are broken down by, as the resolved configuration says; `folder` is that of the model, if any."""
    data = values["data"]
    column = str(data["group_by"])
    groups = {document.id: str(document.meta[column]) for document in gold if column in document.meta}
    if data["index"] is not None and len(groups) < len(gold):
        names = {document.id for document in gold} - set(groups)
        groups |= report_groups(Path(data["index"]), column, values["groups"] or {}, names)
    train = _from_run(folder, scheme) if data["train"] == FROM_RUN else None
    if data["train"] not in (None, FROM_RUN):
        train = read_gold(Path(data["train"]), scheme.layer_of)
    return Aspects(train=train, lengths=tuple(data["lengths"]), groups=groups, grouped_by=column)


def _from_run(folder: Path | None, scheme: LabelScheme) -> list[Document] | None:
    """The training documents that the model's `run.json` names; None, and a line about it, if they are not there."""
    path = folder / RUN_FILE if folder else None
    if path is None or not path.is_file():
        return None
    try:
        config = json.loads(path.read_text(encoding="utf-8"))["config"]
        named = config["data"]["train"]
        train = [Path(each) for each in (named if isinstance(named, list) else [named])]
        limit = int(config["data"].get("limit") or 0)
        fold = Fold(**config["folds"]) if config.get("folds") else None
    except (KeyError, TypeError, ValueError):
        return None
    if missing := [each for each in train if not each.exists()]:
        log.info(
            "%s: trained on %s, which is not here; set data.train to tell seen strings from others", path, missing[0]
        )
        return None
    documents = limited([document for each in train for document in read_gold(each, scheme.layer_of)], limit)
    return leave_out(documents, fold)[0] if fold else documents
