from __future__ import annotations

import pytest

from ner_danvan.io.readers import Failure, formats
from ner_danvan.io.readers.formats import read_one


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_a_file_that_is_read_as_a_whole_has_a_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "<html><body><p>Đảng ủy xã họp.</p></body></html>".encode()
    monkeypatch.setattr(formats, "MOST_WHOLE", len(data))
    assert not isinstance(read_one(data, name, name), Failure)
    monkeypatch.setattr(formats, "MOST_WHOLE", len(data) - 1)
    found = read_one(data, name, name)
    assert isinstance(found, Failure)
    assert found.message == f"{name}: has {len(data)} bytes, more than {len(data) - 1}; cut it into several."
