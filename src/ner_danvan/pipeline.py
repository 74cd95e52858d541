"""Windows of many documents through the encoder: texts prepared ahead, batches side by side, order kept."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ner_danvan.backends.base import Backend, pad_batch
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.model_dir import ModelFiles
from ner_danvan.text.inputs import Inputs, prepare
from ner_danvan.text.subwords import PAD_ID

Logits = npt.NDArray[np.float32]
_Doc = TypeVar("_Doc", bound=Document)

_GROUP_WINDOWS = 64  # sorted by length together: enough for even batches, and few documents already overlap the stages
_GROUPS_AHEAD = 2  # that the encoder has, so that it never waits while one is prepared or decoded
_CHUNK_CHARACTERS = 50_000  # that a worker process is given at a time
_CHUNK_DOCUMENTS = 256

# --- texts to windows -------------------------------------------------------------------------


def prepared(
    documents: Iterable[_Doc], files: ModelFiles, workers: int, on_failure: Callable[[_Doc, Exception], None] | None
) -> Iterator[tuple[_Doc, Inputs]]:
    """Each document with its windows, in order; `workers` processes prepare ahead, none of them if it is 0.

    A document that cannot be prepared is left out if `on_failure` takes it; otherwise its exception is raised. Raises
    UserError if a worker process dies.
    """
    if workers:
        pairs = _from_workers(documents, files, workers)
    else:
        pairs = ((document, _attempt(document.text, files)) for document in documents)
    for document, result in pairs:
        if isinstance(result, Inputs):
            yield document, result
        elif on_failure is None:
            raise result
        else:
            on_failure(document, result)


def _from_workers(
    documents: Iterable[_Doc], files: ModelFiles, workers: int
) -> Iterator[tuple[_Doc, Inputs | Exception]]:
    waiting: deque[tuple[list[_Doc], Future[list[Inputs | Exception]]]] = deque()
    processes = _Workers(files, workers)
    pool = ThreadPoolExecutor(workers)
    try:
        for chunk in _chunks(documents):
            waiting.append((chunk, pool.submit(processes.prepare, [document.text for document in chunk])))
            if len(waiting) > 2 * workers:
                yield from _result(*waiting.popleft())
        while waiting:
            yield from _result(*waiting.popleft())
    finally:
        processes.end()  # before the threads, which would wait for them
        pool.shutdown(cancel_futures=True)


def _result(chunk: list[_Doc], future: Future[list[Inputs | Exception]]) -> Iterator[tuple[_Doc, Inputs | Exception]]:
    return zip(chunk, future.result(), strict=True)


class _Workers:
    """Processes that prepare texts, each with a pipe of its own: one that dies takes nothing from the others.

    A `ProcessPoolExecutor` has one pipe for all results, and hangs where a process is killed in the middle of one.
    """

    def __init__(self, files: ModelFiles, count: int) -> None:
        context = get_context("spawn")  # a fork would copy the encoder's threads half
        self._files = files
        self._free: SimpleQueue[tuple[Connection, bool]] = SimpleQueue()  # and whether it was told of the model
        self._processes: list[SpawnProcess] = []
        for _ in range(count):
            own, other = context.Pipe()
            process = context.Process(target=_work, args=(other,), daemon=True)
            try:
                process.start()
            except OSError as error:
                self.end()
                raise UserError(f"a worker process does not start ({error.strerror}); take fewer workers.") from None
            other.close()  # so that a read or write from this side ends when the process does
            self._processes.append(process)
            self._free.put((own, False))

    def prepare(self, texts: list[str]) -> list[Inputs | Exception]:
        """What a free process makes of texts; raises UserError if it dies. As many threads as processes may call."""
        connection, is_told = self._free.get()
        try:
            if not is_told:  # with its arguments it would be larger than a pipe holds, and none may come to read it
                connection.send(self._files)
            connection.send(texts)
            found: list[Inputs | Exception] = connection.recv()
        except (EOFError, OSError):
            raise UserError(
                "a worker process ended by itself, perhaps for want of memory; take fewer workers."
            ) from None
        finally:
            self._free.put((connection, True))
        return found

    def end(self) -> None:
        """End the processes, whatever they do; they hold nothing."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()


def _work(connection: Connection) -> None:
    """What a worker process does until its parent closes the pipe; the model's files come first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells of an interruption
    Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError):
        files: ModelFiles = connection.recv()
        while True:
            connection.send([_portable(_attempt(text, files)) for text in connection.recv()])


def _portable(result: Inputs | Exception) -> Inputs | Exception:
    """A library's own error need not survive the way to another process; Python's do."""
    if isinstance(result, Inputs | UserError) or type(result).__module__ == "builtins":
        return result
    return RuntimeError(f"{type(result).__name__}: {result}")


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers, and one of them may be at a long text."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _chunks(documents: Iterable[_Doc]) -> Iterator[list[_Doc]]:
    chunk: list[_Doc] = []
    characters = 0
    for document in documents:
        chunk.append(document)
        characters += len(document.text)
        if characters >= _CHUNK_CHARACTERS or len(chunk) >= _CHUNK_DOCUMENTS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _attempt(text: str, files: ModelFiles) -> Inputs | Exception:
    try:
        return prepare(text, files.subwords, files.split_words, files.settings.inputs)
    except Exception as error:
        return error


# --- windows to logits ------------------------------------------------------------------------


def encoded(
    pairs: Iterable[tuple[_Doc, Inputs]], backend: Backend, outputs: int, batch_tokens: int
) -> Iterator[tuple[list[tuple[_Doc, Inputs]], list[Logits]]]:
    """Groups of documents with the logits `[length, outputs]` of all their windows.

    While the encoder reads some groups, the next is prepared; no more than `_GROUPS_AHEAD` + 1 are held.
    """
    pool = ThreadPoolExecutor(backend.parallel)
    running: deque[tuple[list[tuple[_Doc, Inputs]], _Rows]] = deque()
    try:
        for group in _groups(pairs):
            running.append((group, _Rows(group, backend, pool, outputs, batch_tokens)))
            if len(running) > _GROUPS_AHEAD:
                before, rows = running.popleft()
                yield before, rows.logits()
        while running:
            before, rows = running.popleft()
            yield before, rows.logits()
    finally:
        pool.shutdown(cancel_futures=True)  # whoever reads us may stop early


def _groups(pairs: Iterable[tuple[_Doc, Inputs]]) -> Iterator[list[tuple[_Doc, Inputs]]]:
    group: list[tuple[_Doc, Inputs]] = []
    windows = 0
    for pair in pairs:
        group.append(pair)
        windows += max(1, len(pair[1].windows))
        if windows >= _GROUP_WINDOWS:
            yield group
            group, windows = [], 0
    if group:
        yield group


class _Rows:
    """The windows of a group on their way through the encoder."""

    def __init__(
        self,
        group: Sequence[tuple[Document, Inputs]],
        backend: Backend,
        pool: ThreadPoolExecutor,
        outputs: int,
        batch_tokens: int,
    ) -> None:
        rows = [ids for _, inputs in group for ids in inputs.ids]
        self._empty = np.zeros((0, outputs), np.float32)
        self._count = len(rows)
        self._running: list[tuple[list[int], tuple[int, ...], Future[Logits]]] = []
        for batch in batches([len(row) for row in rows], batch_tokens, backend.parallel):
            ids, mask = pad_batch([rows[i] for i in batch], PAD_ID, backend.length_multiple)
            self._running.append((batch, ids.shape, pool.submit(backend, ids, mask)))

    def logits(self) -> list[Logits]:
        """Waits for the last batch; raises UserError where they are no finite numbers for each tag."""
        found = [self._empty] * self._count
        for batch, shape, future in self._running:
            result = future.result()
            if result.shape[:-1] != shape or result.dtype.kind != "f":
                raise UserError(
                    f"the model gives {result.dtype} {list(result.shape)} where scores for subwords {list(shape)} are "
                    "due; export it again."
                )
            if result.shape[-1] != self._empty.shape[-1]:
                raise UserError(
                    f"the model gives {result.shape[-1]} outputs where its labels have {self._empty.shape[-1]}; "
                    "its files are of different models, export it again."
                )
            if not np.isfinite(result).all():
                raise UserError(
                    "the model's weights give no numbers (NaN or infinity); fetch or export it again, or take another "
                    "backend if they are only too large for this one."
                )
            for i, logits in zip(batch, result, strict=True):
                found[i] = logits
        return found


def batches(lengths: Sequence[int], budget: int, parallel: int = 1) -> Iterator[list[int]]:
    """Indices in order of length, in batches whose padded size stays within the budget where one alone does.

    Few rows are shared out, so that `parallel` calls have something to do.
    """
    budget = min(budget, -(-sum(lengths) // parallel))
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[i] > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
