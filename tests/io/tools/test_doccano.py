from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import doccano
from ner_danvan.span import Span

RECORDED = Path(__file__).parent / "recorded" / "doccano_1.8.4.jsonl"  # exported by doccano, of what we wrote


def read(path: Path, *rows: Any) -> list[Document]:
    path = path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return list(doccano.read(path))


def test_what_doccano_exports_is_what_was_imported() -> None:
    astral, scored, none = doccano.read(RECORDED)
    assert [(span.label, span.text) for span in astral.spans] == [
        ("PERSON", "Vũ Văn Hoạt"),
        ("TASK", 'Trưởng Ban Dân vận 𠮷 Quận ủy\n\nđã "nói" [x]_y|z*'),
        ("POSITION", "Trưởng Ban Dân vận 𠮷 Quận ủy"),
        ("ORG", "Ban Dân vận 𠮷 Quận ủy"),
    ]
    assert [span.score for span in scored.spans] == [0.75, 0.75]
    assert scored.meta == {"a": 1}
    assert none == Document("none", "không có gì")


def test_offsets_are_counted_as_its_page_counts_them(tmp_path: Path) -> None:
    doccano.write([Document("x", "😀 Đảng", (Span(2, 6, "ORG", "Đảng"),))], tmp_path / "x.jsonl", SCHEME)
    assert json.loads((tmp_path / "x.jsonl").read_text())["label"] == [[3, 7, "ORG"]]


def test_an_export_with_relations_and_columns_of_others(tmp_path: Path) -> None:
    entity = {"id": 1, "label": "ORG", "start_offset": 0, "end_offset": 4}
    row = {"id": 5, "text": "Đảng ủy", "entities": [entity], "relations": [], "Comments": [], "year": 2024}
    assert read(tmp_path, row) == [Document("5", "Đảng ủy", (Span(0, 4, "ORG", "Đảng"),), {"year": 2024})]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ([], "JSON object is wanted"),
        ({"label": []}, 'no "text"'),
        ({"text": "a", "label": 7}, 'list of "label"'),
        ({"text": "a", "label": [[0, 1]]}, "is no label"),
        ({"text": "a", "label": [{"start_offset": 0}]}, "is no label"),
        ({"text": "😀", "label": [[0, 1, "ORG"]]}, "falls inside"),
        ({"text": "a", "label": [[0, 2, "ORG"]]}, "outside the text"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_number(row: Any, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"x\.jsonl:2: .*{wanted}"):
        read(tmp_path, {"text": "ok"}, row)


def test_true_is_no_offset(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no label"):
        read(tmp_path, {"text": "ab", "label": [[True, 2, "ORG"]]})
