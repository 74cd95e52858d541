"""The corpus as a folder that `datasets.load_dataset` reads: parquet files and a card, no code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_danvan.atomic import whole_stream, write_whole
from ner_danvan.corpus.reports import Report
from ner_danvan.corpus.statistics import Statistics
from ner_danvan.corpus.tables import render_statistics
from ner_danvan.document import Document, document_to_dict, read_text, render_inline
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme

if TYPE_CHECKING:
    from datasets import Dataset, Features

META = {"genre": "string", "level": "string", "region": "string", "place": "string", "year": "int32", "style": "string"}
DATA_FOLDER = "data"  # of the parquet files

_TEMPLATE = Path(__file__).with_name("dataset_card.md")
_MARK = "from datasets import load_dataset"  # stands in every card of ours
_EXAMPLE = (80, 300)  # characters of the line that the card shows


@dataclass(frozen=True)
class DatasetName:
    """What the card says: name, license as the hub writes it, what labels mean, where the texts are from, limits.

    `hub_id` is where it will be published, if it is known.
    """

    name: str
    license: str
    meanings: Mapping[str, str]
    origin: str
    limits: Sequence[str]
    hub_id: str | None = None


def write_dataset(
    reports: Sequence[Report], statistics: Statistics, scheme: LabelScheme, named: DatasetName, folder: Path
) -> None:
    """Write a parquet file a split and `README.md`, the card, into a folder; parquet files of an earlier time go.

    A row has id, text, spans (a list of start, end, label, text), and META, null where nothing is known.
    """
    card, data = folder / "README.md", folder / DATA_FOLDER
    if folder.is_dir() and any(folder.iterdir()) and not (card.is_file() and _MARK in read_text(card)):
        raise UserError(f"hub.folder={folder}: holds other things than a dataset of ours; name an empty folder.")
    data.mkdir(parents=True, exist_ok=True)
    for old in data.glob("*.parquet"):
        if old.stem not in statistics.splits:
            old.unlink()
    sizes = {}
    for split in statistics.splits:
        dataset = _dataset([report.document for report in reports if report.split == split])
        path = data / f"{split}.parquet"
        with _no_progress_bars(), whole_stream(path) as stream:
            dataset.to_parquet(stream)
        sizes[split] = (dataset.num_rows, dataset.data.nbytes, path.stat().st_size)
    write_whole(card, _card(reports, statistics, scheme, named, sizes))


def features() -> Features:
    """The columns and their types."""
    from datasets import Features, List, Value

    # List keeps each row's spans a list of dicts; Sequence would make them a dict of lists
    spans = List({"start": Value("int32"), "end": Value("int32"), "label": Value("string"), "text": Value("string")})
    meta = {column: Value(kind) for column, kind in META.items()}
    return Features({"id": Value("string"), "text": Value("string"), "spans": spans, **meta})


def _dataset(documents: Sequence[Document]) -> Dataset:
    from datasets import Dataset

    rows = []
    for document in documents:
        row = document_to_dict(document)
        row.pop("meta", None)
        rows.append(row | {column: document.meta.get(column) for column in META})
    return Dataset.from_list(rows, features=features())


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            enable_progress_bar()


# --- card -------------------------------------------------------------------------------------


def _card(
    reports: Sequence[Report],
    statistics: Statistics,
    scheme: LabelScheme,
    named: DatasetName,
    sizes: Mapping[str, tuple[int, int, int]],
) -> str:
    """The card's text; `sizes` has the rows of each split, their bytes in memory and in the file."""
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCard, DatasetCardData

    files = [{"split": split, "path": f"{DATA_FOLDER}/{split}.parquet"} for split in sizes]
    data = DatasetCardData(
        language="vi",
        license=named.license,
        task_categories=["token-classification"],
        task_ids=["named-entity-recognition"],
        size_categories=_size_category(sum(rows for rows, _, _ in sizes.values())),
        pretty_name=named.name,
        tags=["vietnamese", "nested-entities", "administrative-reports"],
        configs=[{"config_name": "default", "data_files": files}],
    )
    info = DatasetInfo(
        features=features(),
        splits=SplitDict({split: SplitInfo(split, size, rows) for split, (rows, size, _) in sizes.items()}),
        download_size=sum(size for _, _, size in sizes.values()),
        dataset_size=sum(size for _, size, _ in sizes.values()),
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    card = DatasetCard.from_template(
        data,
        template_path=str(_TEMPLATE),
        name=named.name,
        hub_id=named.hub_id,
        license=named.license,
        origin=named.origin.strip(),
        limits=[limit.strip() for limit in named.limits],
        labels=[(label, layer, named.meanings.get(label, "")) for label, layer in scheme.layer_of.items()],
        tables=render_statistics(statistics),
        example=_example([report.document for report in reports if report.split == next(iter(sizes))]),
    )
    return str(card)


def _size_category(rows: int) -> str:
    """The hub's class of sizes."""
    names = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
    return next((name for limit, name in names if rows < limit), "100K<n<1M")


def _example(documents: Sequence[Document]) -> dict[str, Any] | None:
    """A line of a report with its spans: of those neither short nor long the one with most labels."""
    low, high = _EXAMPLE
    lines = [line for document in documents for line in _lines(document) if low <= len(line.text) <= high]
    if not lines:
        return None
    best = min(lines, key=lambda line: (-len({span.label for span in line.spans}), len(line.text)))
    return {"inline": render_inline(best), "spans": document_to_dict(best)["spans"]}


def _lines(document: Document) -> Iterator[Document]:
    """Each line with the spans that lie in it, offsets counted from its beginning."""
    start = 0
    for line in document.text.splitlines(keepends=True):
        text = line.rstrip()
        spans = tuple(
            replace(span, start=span.start - start, end=span.end - start)
            for span in document.spans
            if start <= span.start and span.end <= start + len(text)
        )
        yield Document(document.id, text, spans)
        start += len(line)
