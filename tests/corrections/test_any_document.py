"""What must hold whatever the text and whatever people made of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from studio import annotation, exported, save, task_of
from tiny import DANVAN

from ner_danvan.corpus.reports import read_gold
from ner_danvan.corrections.run import TakenIn, take_in
from ner_danvan.document import Document, find_problems
from ner_danvan.io.tools import inline
from ner_danvan.io.tools.formats import FORMATS
from ner_danvan.span import Span, sorted_spans

WORDS = ["Đảng", "ủy", "e\u0302\u0301x", "15/7", "😀", "a𠮷", "<ORG>", "&lt;ORG>", "(xã)", "5%", "#1", "\u200bx"]
BETWEEN = [" ", " ", "\n", "\r\n", "\n\n", ", ", ". ", "\u00a0", "\t", " – "]
# an example is a fresh folder, and the function's fixtures are only read
ANY = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Document, Document]:
    """A text as it was predicted and as it was corrected, both in the guidelines' form."""
    pieces = draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BETWEEN)), min_size=1, max_size=14))
    text = "Số " + "".join(word + between for word, between in pieces)
    bare = Document(draw(st.sampled_from(["a", "b/1", "báo cáo.docx", "x.txt", "../.."])), text)
    return replace(bare, spans=draw(_spans(bare, scored=True))), replace(bare, spans=draw(_spans(bare, scored=False)))


@st.composite
def _spans(draw: st.DrawFn, document: Document, scored: bool) -> tuple[Span, ...]:
    kept: list[Span] = []
    text = document.text
    for layer in reversed(DANVAN.layers):
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), unique=True, max_size=8)))
        for start, end in pairwise(cuts):
            start += len(text[start:end]) - len(text[start:end].lstrip())
            end -= len(text[start:end]) - len(text[start:end].rstrip())
            if start < end:
                score = draw(st.floats(0, 1)) if scored else None
                span = Span(start, end, draw(st.sampled_from(layer.labels)), text[start:end], score)
                if not find_problems(replace(document, spans=(*kept, span)), DANVAN.layer_of):
                    kept.append(span)
    return sorted_spans(kept)


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("splits")
    for split in ("train", "dev"):
        (root / split).mkdir()
        (root / split / f"{split}.txt").write_text(f"<ORG>Xã đoàn {split}</ORG> họp", encoding="utf-8")
    return {split: str(root / split) for split in ("train", "dev")}


def config(root: Path, splits: dict[str, str], **section: Any) -> dict[str, Any]:
    nothing = {"format": None, "before": None, "before_format": None, "annotator": None, "all_reviewed": False}
    corrections = {**nothing, "path": str(root / "export.json"), "output": str(root / "out"), "shared_words": 30}
    return {
        "labels": {"layers": DANVAN.to_config()},
        "model": {"path": "x"},
        "training": {"window": 256, "overlap": 48},
        "splits": splits,
        "shared_words": 12,
        "names": ["ORG"],
        "foreign": None,
        "output": str(root / "built"),
        "corrections": corrections | section,
    }


def through_a_tool(
    name: str, before: Document, after: Document, root: Path, splits: dict[str, str], **section: Any
) -> TakenIn:
    """What is taken in where a tool exports `after` of what was predicted as `before`."""
    if name == "label-studio":
        save(root / "export.json", [exported(task_of(before), 1, annotation(after.spans))])
        return take_in(config(root, splits))
    form, paths = FORMATS[name], [root / "before", root / "after"]
    for path, document in zip(paths, (before, after), strict=True):
        if form.is_folder:
            path.mkdir()
        form.write([document], path, DANVAN)
    there = {"path": str(paths[1]), "format": name, "before": str(paths[0]), "before_format": name}
    return take_in(config(root, splits, **there, **section))


@pytest.mark.parametrize("name", ["label-studio", "doccano", "brat", "webanno", "conll", "jsonl", "inline"])
@ANY
@given(pair=annotated())
def test_the_reports_have_the_spans_that_people_left(
    name: str, pair: tuple[Document, Document], splits: dict[str, str]
) -> None:
    before, after = pair
    with TemporaryDirectory() as folder:
        result = through_a_tool(name, before, after, Path(folder), splits, **_reviewed(name))
        if not after.spans:
            assert result.written == []
            return
        (found,) = inline.read(Path(folder) / "out", DANVAN)
        (gold,) = read_gold(Path(folder) / "out", DANVAN.layer_of)
        assert found == after
        assert (gold.text, gold.spans) == (after.text, after.spans)
        (comparison,) = result.compared
        assert {span.key for span in comparison.before} == {span.key for span in before.spans}
        assert bool(comparison.changes) == ({s.key for s in before.spans} != {s.key for s in after.spans})


def _reviewed(name: str) -> dict[str, Any]:
    return {} if name == "label-studio" else {"all_reviewed": True}


@pytest.mark.parametrize("name", ["label-studio", "doccano"])
@ANY
@given(pair=annotated())
def test_an_export_without_a_correction_changes_nothing(
    name: str, pair: tuple[Document, Document], splits: dict[str, str]
) -> None:
    before, _ = pair
    with TemporaryDirectory() as folder:
        result = through_a_tool(name, before, before, Path(folder), splits)
        assert [comparison.changes for comparison in result.compared] in ([], [()])
        # only Label Studio knows that somebody has looked at it
        assert len(result.written) == (name == "label-studio" and bool(before.spans))
        for document in read_gold(Path(folder) / "out", DANVAN.layer_of) if result.written else ():
            assert document.spans == tuple(replace(span, score=None) for span in before.spans)


@ANY
@given(pair=annotated(), data=st.data())
def test_a_span_with_white_space_or_a_mark_at_its_edge_never_becomes_gold(
    pair: tuple[Document, Document], data: st.DataObject, splits: dict[str, str]
) -> None:
    text = pair[1].text
    places = [i for i, char in enumerate(text[1:], 1) if char in " \n\t,."]
    place = data.draw(st.sampled_from(places))
    bad = Document("bad", text, (Span(0, place + 1, "TASK", text[: place + 1]),))
    with TemporaryDirectory() as folder:
        save(Path(folder) / "export.json", [exported(task_of(replace(bad, spans=())), 1, annotation(bad.spans))])
        with pytest.raises(ValueError, match=r"faults in .*: 1; mend each"):
            take_in(config(Path(folder), splits))
        assert not (Path(folder) / "out").exists()
