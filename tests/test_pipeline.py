from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import DANVAN, SENTENCES, RandomBackend, make_tagger

from ner_danvan.backends.onnx import CPU_BATCH_TOKENS
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.pipeline import _portable, batches
from ner_danvan.tagger import Tagger

DOCUMENTS = [Document(f"d{i}", " ".join(SENTENCES[: 1 + i % 6]) * (1 + i % 4)) for i in range(40)]


@given(st.lists(st.integers(3, 256), max_size=300), st.integers(256, 9_000), st.integers(1, 8))
@settings(deadline=None)
def test_every_window_is_in_one_batch_and_no_batch_is_over_the_budget(
    lengths: list[int], budget: int, parallel: int
) -> None:
    found = list(batches(lengths, budget, parallel))
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


def test_few_windows_are_shared_out_over_the_cores() -> None:
    assert [len(batch) for batch in batches([100] * 8, 8_192, 4)] == [2, 2, 2, 2]
    assert [len(batch) for batch in batches([100] * 8, 8_192, 1)] == [8]


def test_windows_sorted_by_length_waste_little() -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(20, 257, 128).tolist()  # a report's own windows are more alike: most are full
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches(lengths, CPU_BATCH_TOKENS, 2))
    assert padded < 1.05 * sum(lengths)


@pytest.fixture(scope="module")
def alone(vocabulary: Path) -> list[Document]:
    return [make_tagger(vocabulary)(document) for document in DOCUMENTS]


@given(order=st.permutations(range(len(DOCUMENTS))), batch_tokens=st.integers(64, 5_000), parallel=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_spans_do_not_depend_on_order_batches_or_cores(
    vocabulary: Path, alone: list[Document], order: list[int], batch_tokens: int, parallel: int
) -> None:
    backend = RandomBackend(len(DANVAN.tags))
    backend.parallel = parallel
    tagger = make_tagger(vocabulary, backend, batch_tokens=batch_tokens)
    found = list(tagger.stream(DOCUMENTS[i] for i in order))
    assert found == [alone[i] for i in order]


def test_worker_processes_give_the_same_documents_in_the_same_order(vocabulary: Path, alone: list[Document]) -> None:
    assert list(make_tagger(vocabulary).stream(DOCUMENTS, workers=2)) == alone


def test_a_text_that_a_worker_cannot_prepare_is_told_of_its_document(vocabulary: Path) -> None:
    failed: list[tuple[str, str]] = []
    tagger = make_tagger(vocabulary, split_words={"tổ_chức": ("no number",)})  # type: ignore[dict-item]
    found = tagger.stream(
        [Document("plain", "Họp."), Document("broken", "Huyện ủy tổ chức họp."), Document("plain", "Họp.")],
        workers=1,
        on_failure=lambda document, error: failed.append((document.id, type(error).__name__)),
    )
    assert [document.id for document in found] == ["plain", "plain"]
    assert failed == [("broken", "TypeError")]


def _die_at_once(connection: Connection) -> None:
    os._exit(1)


def _die_within_an_answer(connection: Connection) -> None:
    connection.recv(), connection.recv()  # the model's files, and texts
    os.write(connection.fileno(), struct.pack("!i", 1_000_000) + b"x" * 1_000)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("work", [_die_at_once, _die_within_an_answer])
def test_a_worker_that_dies_is_one_line_and_nobody_waits_for_it(
    work: Callable[[Connection], None], vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_danvan.pipeline._work", work)
    with pytest.raises(UserError, match=r"a worker process ended by itself.*take fewer workers"):
        list(make_tagger(vocabulary).stream(DOCUMENTS, workers=2))
    assert not active_children()


def test_a_script_that_guards_nothing_is_told_and_does_not_wait(vocabulary: Path, tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import sys; from pathlib import Path; import tiny\n"
        "list(tiny.make_tagger(Path(sys.argv[1])).stream(['Họp.'] * 3, workers=2))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(vocabulary)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "a worker process ended by itself" in ended.stderr


def test_an_error_that_cannot_leave_its_process_is_told_in_words() -> None:
    class OwnError(Exception):
        pass

    assert repr(_portable(OwnError("too long"))) == "RuntimeError('OwnError: too long')"
    error = ValueError("kept")
    assert _portable(error) is error


def test_whoever_stops_early_waits_for_no_more_documents(vocabulary: Path) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield SENTENCES[0]

    for workers in (0, 1):
        taken = 0
        found = make_tagger(vocabulary).stream(endless(), workers=workers)
        assert isinstance(next(found), Document)
        found.close()  # type: ignore[attr-defined]
        assert taken < 3_000


@pytest.mark.parametrize(
    "change",
    [
        lambda logits: logits.astype(str),
        lambda logits: logits.astype(np.int64),
        lambda logits: logits[:0],
        lambda logits: np.concatenate([logits, logits]),
        lambda logits: logits[:, :1],
        lambda logits: logits.sum(),
    ],
    ids=["strings", "whole numbers", "no rows", "rows twice", "one subword", "one number"],
)
def test_scores_of_another_form_are_one_line(vocabulary: Path, change: Callable[[Any], Any]) -> None:
    class Other(RandomBackend):
        def __call__(self, ids: Any, mask: Any) -> Any:
            return change(super().__call__(ids, mask))

    with pytest.raises(UserError, match=r"the model gives .* are due; export it again") as raised:
        list(make_tagger(vocabulary, Other(len(DANVAN.tags))).stream(SENTENCES))
    assert "\n" not in str(raised.value)


def test_an_error_of_the_encoder_reaches_the_caller(vocabulary: Path) -> None:
    class Broken(RandomBackend):
        def __call__(self, ids: object, mask: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            raise MemoryError("no room")

    tagger: Tagger = make_tagger(vocabulary, Broken(len(DANVAN.tags)))
    with pytest.raises(MemoryError, match="no room"):
        list(tagger.stream(SENTENCES))
