"""What must hold of a model directory before it may be published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import ModelCard, RepoCard, get_token

from ner_danvan.errors import UserError
from ner_danvan.evaluation.reliability import DIAGRAM_FILE
from ner_danvan.export.card import MICRO_NAME
from ner_danvan.export.licence import check_licence
from ner_danvan.hub import without_tokens
from ner_danvan.labels import LabelScheme
from ner_danvan.model_dir import (
    CARD_FILE,
    CONFIG_FILE,
    INT8_FILE,
    METRICS_FILE,
    ONNX_FILE,
    RUN_FILE,
    SPLIT_WORDS_FILE,
    TOKENIZER_CONFIG_FILE,
    WEIGHTS_FILE,
    read_model_dir,
)
from ner_danvan.model_files import read_object
from ner_danvan.tagger import Tagger
from ner_danvan.text.subwords import MERGES_FILE, TOKENIZER_FILE, VOCAB_FILE

NEEDED = (
    CARD_FILE,
    CONFIG_FILE,
    METRICS_FILE,
    WEIGHTS_FILE,
    RUN_FILE,
    SPLIT_WORDS_FILE,
    TOKENIZER_FILE,
    TOKENIZER_CONFIG_FILE,
    VOCAB_FILE,
    MERGES_FILE,
)
MAY_BE = (ONNX_FILE, INT8_FILE, DIAGRAM_FILE, "LICENSE")
NO_SCORES = "no scores, and a model without is not published; run scripts/evaluate.py, and export with them"
_ENDINGS = (".md", ".json", ".txt", ".codes", ".svg", "LICENSE")  # of text
_LFS = (".safetensors", ".onnx", ".parquet")  # by the .gitattributes that every new repository has
_LARGE = 10 * 2**20  # and what is larger, whatever it is
_MEND = "Export it anew with scripts/export.py."
_SENTENCE = "Đồng chí Trần Văn Minh, Bí thư Huyện ủy, yêu cầu rà soát hộ nghèo."


@dataclass(frozen=True)
class Upload:
    """A file to publish, its size in bytes, whether the hub will keep it outside git (LFS), and its name there."""

    path: Path
    size: int
    lfs: bool
    name: str


def check_publishable(folder: Path) -> list[Upload]:
    """The files of a model directory, in order of name, if it is whole, scored, loads, and may be given away.

    Raises UserError for the first fault: a missing or foreign file, labels that cannot be read, no scores or scores
    that the card has not, another licence than the encoder's or the card's, a file that holds a token.
    """
    scheme = read_model_dir(folder).settings.scheme
    uploads = _uploads(folder)
    record, metrics = (read_object(folder / name, _MEND) for name in (RUN_FILE, METRICS_FILE))
    check_scores(metrics, scheme, folder / METRICS_FILE)
    _check_card(folder / CARD_FILE, metrics, check_licence(record))
    check_secrets(uploads)
    for backend, file in (("torch", WEIGHTS_FILE), ("onnx", ONNX_FILE), ("int8", INT8_FILE)):
        if (folder / file).is_file():
            Tagger.from_pretrained(folder, backend=backend, device="cpu")(_SENTENCE)
    return uploads


def check_scores(metrics: Mapping[str, Any], scheme: LabelScheme, place: object) -> None:
    """Raise UserError if there are no scores, or scores of other labels or of several models."""
    if not metrics:
        raise UserError(f"{place}: {NO_SCORES}, evaluations=[…/metrics.json].")
    for name, row in metrics.items():
        if not isinstance(row, dict) or set(row.get("strict", {}).get("labels", ())) != set(scheme.labels):
            raise UserError(f'{place}: the scores on "{name}" are of other labels; export it with its own evaluations.')
    if len({row.get("weights_sha256") for row in metrics.values()}) > 1:
        raise UserError(f"{place}: scores of several models; export it with its own evaluations.")


def _uploads(folder: Path) -> list[Upload]:
    found = sorted(folder.iterdir())
    names = {path.name for path in found}
    if missing := [name for name in NEEDED if name not in names]:
        raise UserError(f"{folder}: no {missing[0]}; export it anew with scripts/export.py.")
    for path in found:
        if path.name not in (*NEEDED, *MAY_BE) or path.is_symlink() or not path.is_file():
            raise UserError(f"{path}: is no file of a model directory, and would not be published; take it away.")
    return [upload(path, path.name) for path in found]


def upload(path: Path, name: str) -> Upload:
    """A file, as it will go up under that name."""
    size = path.stat().st_size
    return Upload(path, size, path.suffix in _LFS or size > _LARGE, name)


def read_card(path: Path, kind: type[RepoCard], mend: str) -> Any:
    """A card of that kind; raises UserError for front matter that is missing, or that its data class does not read."""
    try:
        card: Any = kind.load(path)
        values = card.data.to_dict()
        same = values == kind(str(card)).data.to_dict()  # type: ignore[no-untyped-call]
    except (yaml.YAMLError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path}: its front matter cannot be read ({' '.join(str(error).split())[:150]}); {mend}"
        ) from None
    if not same or not values:
        raise UserError(f"{path}: its front matter is not valid for a card; {mend}")
    return card


def _check_card(path: Path, metrics: Mapping[str, Any], licence: str) -> None:
    """Raise UserError for front matter that cannot be read, or that contradicts the other files."""
    mend = "export it anew with scripts/export.py."
    card = read_card(path, ModelCard, mend)
    if card.data.get("license") != licence:
        raise UserError(f"{path}: license {card.data.get('license')}, but run.json has {licence}; {mend}")
    told = {row.dataset_name: row.metric_value for row in card.data.eval_results or () if row.metric_name == MICRO_NAME}
    if told != {name: round(row["strict"]["micro"]["f1"], 4) for name, row in metrics.items()}:
        raise UserError(f"{path}: its scores are not those of {METRICS_FILE}; {mend}")


def check_secrets(uploads: list[Upload]) -> None:
    """Raise UserError for a file of text that holds what looks like a token of the hub."""
    for path in (row.path for row in uploads if row.path.name.endswith(_ENDINGS)):
        text = path.read_text(encoding="utf-8", errors="replace")
        if holds_token(text, alike=path.name not in (VOCAB_FILE, MERGES_FILE)):
            raise UserError(f"{path}: holds what looks like a token of the hub; take it out before you publish.")


def holds_token(text: str, *, alike: bool = True) -> bool:
    """Whether a text has our own token in it or, with `alike`, what looks like one."""
    own = get_token()
    return bool(own and own in text) or (alike and without_tokens(text) != text)
