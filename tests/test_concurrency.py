"""One Tagger used by many at a time gives what it gives alone."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from onnx_models import needs_bf16

from ner_danvan.corpus.reports import read_gold
from ner_danvan.document import Document
from ner_danvan.tagger import Tagger
from ner_danvan.text.subwords import Subwords

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "danvan-mini"
THREADS = 8
BACKENDS = ["onnx", "int8", "torch", pytest.param("bf16", marks=needs_bf16)]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Reports of several lengths, cut so that each thread reads other ones at a time."""
    scheme = Tagger.from_pretrained(MODEL, backend="onnx").scheme
    gold = read_gold(ROOT / "data" / "reports" / "test", scheme.layer_of)
    return [Document(f"{i}", document.text[: 200 + 300 * (i % 4)]) for i, document in enumerate(gold[:12])]


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tagger(backend: str) -> Tagger:
    return Tagger.from_pretrained(MODEL, backend=backend, device="cpu", min_score=0.0)


@pytest.fixture(scope="module")
def alone(tagger: Tagger, documents: list[Document]) -> list[Document]:
    found = [tagger(document) for document in documents]
    assert sum(len(document.spans) for document in found) > 60
    return found


def rounded(documents: list[Document]) -> list[Document]:
    """To what is written: a sum may be taken in another order in another batch."""
    return [replace(d, spans=tuple(replace(s, score=round(s.score or 0, 3)) for s in d.spans)) for d in documents]


def in_threads(work: Callable[[int], list[Document]]) -> list[list[Document]]:
    """What the work gives in each of the threads, which begin at the same moment."""
    barrier = threading.Barrier(THREADS)

    def begin(number: int) -> list[Document]:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def test_eight_threads_with_one_tagger_find_what_one_finds(
    tagger: Tagger, documents: list[Document], alone: list[Document]
) -> None:
    def read(number: int) -> list[Document]:
        order = documents[number:] + documents[:number]  # each reads another document at a time
        found = [tagger(document) for document in order]
        return found[len(documents) - number :] + found[: len(documents) - number]

    for found in in_threads(read):
        assert found == alone


def test_eight_streams_of_one_tagger_do_not_mix(
    tagger: Tagger, documents: list[Document], alone: list[Document]
) -> None:
    together = list(tagger.stream(documents))
    for found in in_threads(lambda number: list(tagger.stream(documents))):
        assert found == together
    assert [document.id for document in together] == [document.id for document in alone]


def test_two_streams_that_take_turns_do_not_mix(
    tagger: Tagger, documents: list[Document], alone: list[Document]
) -> None:
    first, second = tagger.stream(documents), tagger.stream(documents[::-1])
    pairs = list(zip(first, second, strict=True))
    assert [a.id for a, _ in pairs] == [document.id for document in documents]
    assert [b.id for _, b in pairs] == [document.id for document in documents[::-1]]


def test_one_stream_is_for_one_thread_and_says_so(tagger: Tagger, documents: list[Document]) -> None:
    stopped = threading.Event()
    begun = threading.Event()

    def slowly() -> Iterator[Document]:
        yield from documents[:2]
        begun.set()
        stopped.wait(60)

    stream = tagger.stream(slowly())
    thread = threading.Thread(target=lambda: list(stream))
    thread.start()
    assert begun.wait(60)
    with pytest.raises(ValueError, match="generator already executing"):
        next(stream)
    stopped.set()
    thread.join()


def _read_in_child(tagger: Tagger, documents: list[Document], sender: object) -> None:
    sender.send(tagger.stream(documents) and [tagger(document) for document in documents])  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("used", [False, True])
def test_forked_workers_find_what_their_parent_finds(
    backend: str, documents: list[Document], alone: list[Document], used: bool
) -> None:
    tagger = Tagger.from_pretrained(MODEL, backend=backend, device="cpu", min_score=0.0)
    few, wanted = documents[:3], alone[:3]
    if used:
        assert [tagger(document) for document in few] == wanted
    context = multiprocessing.get_context("fork")
    running = []
    for _ in range(2):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_read_in_child, args=(tagger, few, sender))
        process.start()
        sender.close()
        running.append((process, receiver))
    for process, receiver in running:
        assert receiver.poll(60), "the child does not answer"
        assert receiver.recv() == wanted
        process.join()
        assert process.exitcode == 0


def test_threads_that_begin_at_once_find_words_in_the_same_way() -> None:
    program = (
        "import threading\n"
        "from ner_danvan.text.words import word_finder\n"
        "barrier, found = threading.Barrier(8), []\n"
        "def choose():\n"
        "    barrier.wait()\n"
        "    found.append(word_finder())\n"
        "threads = [threading.Thread(target=choose) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(len(found), len(set(map(id, found))), type(found[0]).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("8 1 _PatternsAndModel\n", "")


def test_threads_do_not_take_kept_subwords_from_one_another(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"{a}{b}" for a in ("xã", "huyện", "tỉnh", "tổ_chức") for b in range(40)]
    wanted = [Subwords.from_files(vocabulary).encode([word]).ids.tolist() for word in words]
    monkeypatch.setattr("ner_danvan.text.subwords._WORDS_KEPT", 20)  # forgotten again and again
    shared = Subwords.from_files(vocabulary)

    def encode(number: int) -> list[list[int]]:
        return [shared.encode([word]).ids.tolist() for word in words for _ in range(3)][::3]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        barrier = threading.Barrier(THREADS)
        with ThreadPoolExecutor(THREADS) as pool:
            results = list(pool.map(lambda number: (barrier.wait(), encode(number))[1], range(THREADS)))
    finally:
        sys.setswitchinterval(before)
    assert all(found == wanted for found in results)
