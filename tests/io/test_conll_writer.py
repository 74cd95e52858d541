from __future__ import annotations

from pathlib import Path

from sample_reports import MEETING, written
from tiny import DANVAN

from ner_danvan.document import Document
from ner_danvan.io.tools import conll


def test_the_command_writes_what_the_converter_reads(tmp_path: Path) -> None:
    empty = Document("empty", "Không có gì.")
    (tmp_path / "out.conll").write_text(written("conll", MEETING, empty), encoding="utf-8")
    assert list(conll.read(tmp_path / "out.conll")) == [MEETING, empty]


def test_the_command_and_the_converter_write_the_same(tmp_path: Path) -> None:
    conll.write([MEETING], tmp_path / "out.conll", DANVAN)
    assert (tmp_path / "out.conll").read_text(encoding="utf-8") == written("conll", MEETING)
