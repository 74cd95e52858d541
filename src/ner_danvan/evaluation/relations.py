"""Scores of the links between persons, posts and bodies against links labelled by hand."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document, read_text
from ner_danvan.errors import UserError
from ner_danvan.labels import LabelScheme
from ner_danvan.relations import Kinds
from ner_danvan.tagger import Tagger

HOLDS, OF = "holds", "of"  # person and post; post and a body that the title itself does not name
_COLUMNS = ("report", "link", "start", "end", "text", "to_start", "to_end", "to_text")

Link = tuple[str, tuple[int, int], tuple[int, int]]  # kind, and the offsets of its two ends


@dataclass(frozen=True)
class LinkScore:
    """How many links are right, were found and are gold; a link is right if both its ends are exact."""

    right: int
    found: int
    gold: int

    @property
    def f1(self) -> float:
        """0 where there is nothing to find and nothing found."""
        return 2 * self.right / max(1, self.found + self.gold)


def read_links(path: Path, documents: Sequence[Document]) -> dict[str, set[Link]]:
    """Gold links by report, as `data/relations/*.tsv` has them, a row a link; every report may have none.

    Raises UserError with the line of one whose offsets are not those of its text.
    """
    texts = {document.id: document.text for document in documents}
    links: dict[str, set[Link]] = defaultdict(set)
    lines = read_text(path).removeprefix("\ufeff").splitlines()
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise UserError(f"{path}:1: the columns must be {', '.join(_COLUMNS)}, with tabs between them.")
    for row in reader:
        place = f"{path}:{reader.line_num}"
        if row["report"] not in texts or row["link"] not in (HOLDS, OF):
            raise UserError(f'{place}: no report "{row["report"]}", or a link other than {HOLDS} and {OF}.')
        text = texts[row["report"]]
        ends = [_end(row, text, prefix, place) for prefix in ("", "to_")]
        links[row["report"]].add((row["link"], ends[0], ends[1]))
    return links


def found_links(document: Document, kinds: Kinds) -> set[Link]:
    """What `Document.roles` says, as links; bodies inside their title are no link."""
    links: set[Link] = set()
    for role in document.roles(kinds):
        position = (role.position.start, role.position.end)
        if role.person:
            links.add((HOLDS, (role.person.start, role.person.end), position))
        outside = [body for body in role.bodies if not (position[0] <= body.start and body.end <= position[1])]
        links |= {(OF, position, (body.start, body.end)) for body in outside}
    return links


def score_links(documents: Sequence[Document], gold: Mapping[str, set[Link]], kinds: Kinds) -> dict[str, LinkScore]:
    """A score for each kind of link, over all documents together."""
    counts = {kind: [0, 0, 0] for kind in (HOLDS, OF)}
    for document in documents:
        found, wanted = found_links(document, kinds), gold.get(document.id, set())
        for kind, sums in counts.items():
            mine, theirs = ({link for link in links if link[0] == kind} for links in (found, wanted))
            sums[0] += len(mine & theirs)
            sums[1] += len(mine)
            sums[2] += len(theirs)
    return {kind: LinkScore(*sums) for kind, sums in counts.items()}


def run(values: Mapping[str, Any]) -> dict[str, dict[str, LinkScore]]:
    """As the resolved configuration says: scores on gold spans and, where a model is named, on the spans it finds."""
    scheme = LabelScheme.from_config(values["labels"]["layers"])
    try:
        kinds = Kinds(**values["kinds"])
    except TypeError:
        raise UserError(f"kinds={values['kinds']}: name the label of person, position, body, date and task.") from None
    if unknown := [label for label in astuple(kinds) if label not in scheme.labels]:
        raise UserError(f"kinds: {unknown[0]} is no label of the scheme; name one of {', '.join(scheme.labels)}.")
    documents = read_gold(Path(str(values["data"]["path"])), scheme.layer_of)
    gold = read_links(Path(str(values["data"]["links"])), documents)
    scores = {"gold spans": score_links(documents, gold, kinds)}
    if name := values["model"]["path"]:
        tagger = Tagger.from_pretrained(name, device=values["device"])
        tagged = list(tagger.stream(Document(document.id, document.text) for document in documents))
        scores["found spans"] = score_links(tagged, gold, kinds)
    return scores


def _end(row: Mapping[str, str], text: str, prefix: str, place: str) -> tuple[int, int]:
    try:
        start, end = int(row[f"{prefix}start"]), int(row[f"{prefix}end"])
    except (TypeError, ValueError):
        raise UserError(f"{place}: {prefix}start and {prefix}end must be whole numbers.") from None
    if not 0 <= start < end or text[start:end] != row[f"{prefix}text"]:
        raise UserError(
            f'{place}: the text at [{start}, {end}) is "{text[max(0, start) : max(0, end)][:60]}", '
            f'not "{row[f"{prefix}text"]}"; the report has changed, count anew.'
        )
    return start, end
