from __future__ import annotations

from pathlib import Path

import pytest
from hostile import SCHEME

from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.tools import inline
from ner_danvan.io.tools.files import INDEX
from ner_danvan.labels import LabelScheme, Layer
from ner_danvan.span import Span

ORG = Document("a.txt", "Đảng ủy\r\n", (Span(0, 7, "ORG", "Đảng ủy"),), {"source": "x"})


def test_added_documents_stand_beside_those_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    more = [Document("A", "xã"), Document("b/1", "ấp")]
    first, second = inline.add([ORG], folder, SCHEME), inline.add(more, folder, SCHEME)
    assert [path.name for path in (*first, *second)] == ["a.txt", "A-2.txt", "b_1.txt"]
    assert list(inline.read(folder, SCHEME)) == [ORG, *more]


def test_a_file_that_was_put_there_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("tay", encoding="utf-8")
    (tmp_path / INDEX).write_text('{"file": "gone.txt", "id": "g"}', encoding="utf-8")  # no line end behind it
    assert [path.name for path in inline.add([ORG], tmp_path, SCHEME)] == ["a-2.txt"]
    assert {document.id: document.text for document in inline.read(tmp_path, SCHEME)} == {"a.txt": ORG.text, "a": "tay"}


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (Document("d", "abc", (Span(0, 2, "ORG", "ab"), Span(1, 3, "TASK", "bc"))), "cross"),
        (Document("d", "abc", (Span(0, 2, "LOC", "ab"),)), "unknown label"),
        (Document("d", "a\ud800"), "lone surrogate"),
    ],
)
def test_what_cannot_be_added_leaves_the_folder_as_it_was(document: Document, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=wanted):
        inline.add([ORG, document], tmp_path / "out", SCHEME)
    assert not (tmp_path / "out").exists()


def test_labels_that_are_no_tags_and_a_folder_that_cannot_be_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot stand in a tag"):
        inline.add([], tmp_path, LabelScheme((Layer("x", ("org",)),)))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written to"):
        inline.add([ORG], tmp_path / "file", SCHEME)
