"""What tests of readers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ner_danvan.document import Document
from ner_danvan.io.readers import Failure, read_inputs

LINES = [
    "BÁO CÁO kết quả công tác dân vận quý I năm 2024",
    "Sáng ngày 5/3/2024, Ban Dân vận Huyện ủy Thanh Sơn tổ chức hội nghị giao ban, đánh giá kết quả quý I và bàn "
    "nhiệm vụ quý II năm 2024 của các khối dân vận xã, thị trấn trên địa bàn huyện.",
    "Đồng chí Lò Văn Pản, Phó Trưởng ban Thường trực Ban Dân vận Tỉnh ủy, dự và chỉ đạo hội nghị; yêu cầu các xã rà "
    "soát hộ nghèo trước ngày 15/7, báo cáo Thường trực Huyện ủy để xem xét, chỉ đạo theo quy định của Đảng.",
]


def read(*paths: Path | str, notes: list[str] | None = None, **options: Any) -> list[Document | Failure]:
    note = (lambda message: None) if notes is None else notes.append
    return list(read_inputs([str(path) for path in paths], lambda: None, note=note, **options))


def read_one(path: Path | str, **options: Any) -> Document:
    (item,) = read(path, **options)
    assert isinstance(item, Document), item
    return item


def fault(path: Path | str, **options: Any) -> str:
    """The one line that says why nothing is read."""
    (item,) = read(path, **options)
    assert isinstance(item, Failure), item
    assert "\n" not in item.message
    assert item.message.startswith(f"{path}")
    return item.message
