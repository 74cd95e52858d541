"""A process of its own that reads and tags, so that what takes too long, or too much memory, can be ended."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from ner_danvan.errors import UserError
from reading import Answer, Limits, Request, answer

_START_SECONDS = 120  # to import, and to load the model


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer, in one line."""

    message: str


class Worker:
    """Answers one request at a time, each within the limits; a process that was ended is started anew for the next.

    At most `waiting` requests are taken at a time; who comes then is told to come again.
    """

    def __init__(self, model: str | None, backend: str, limits: Limits, waiting: int) -> None:
        self._model, self._backend, self._limits = model, backend, limits
        self._places = threading.BoundedSemaphore(waiting)
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Start the process and wait until it has the model. Raises UserError if it cannot be loaded."""
        with self._lock:
            self._ready()

    def ask(self, request: Request) -> Answer:
        """The answer; raises UserError, in one line, if there is none."""
        if not self._places.acquire(blocking=False):
            raise UserError("Đang có nhiều người dùng quá; hãy thử lại sau ít phút.")
        try:
            return self._ask(request)
        finally:
            self._places.release()

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, request: Request) -> Answer:
        with self._lock:
            pipe = self._ready()
            try:
                pipe.send(request)
                if not pipe.poll(self._limits.seconds):
                    raise UserError(
                        f"Đọc quá {self._limits.seconds:g} giây chưa xong nên đã dừng. "
                        "Hãy chia nhỏ văn bản, hoặc chạy trên máy của mình."
                    )
                got = pipe.recv()
            except (EOFError, OSError):
                self._end()
                raise UserError("Đọc không được: văn bản này cần nhiều bộ nhớ quá. Hãy chia nhỏ văn bản.") from None
            except BaseException:  # what is still to come would answer the next request
                self._end()
                raise
        if isinstance(got, Refusal):
            raise UserError(got.message)
        assert isinstance(got, Answer)
        return got

    def _ready(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        self._end()
        context = multiprocessing.get_context("spawn")  # the page's threads must not be forked
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self._model, self._backend, self._limits)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        try:
            got = self._pipe.recv() if self._pipe.poll(_START_SECONDS) else Refusal("Mô hình chưa tải xong.")
        except (EOFError, OSError):
            got = Refusal("Không tải được mô hình.")
        if isinstance(got, Refusal):
            self._end()
            raise UserError(got.message)
        return self._pipe

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _work(pipe: Connection, model: str | None, backend: str, limits: Limits) -> None:
    """What the process does: load, say so, answer until nobody asks any more."""
    from ner_danvan.tagger import Tagger  # here, and not in the page's own process

    try:
        tagger = Tagger.from_pretrained(model, backend=backend)
        tagger("Đồng chí Trần Văn Minh.")  # loads the words' model too
    except UserError as error:
        pipe.send(Refusal(str(error)))
        return
    _limit_memory(limits.memory)
    pipe.send(None)
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(answer(tagger, request, limits))
        except UserError as error:
            pipe.send(Refusal(str(error)))
        except MemoryError:
            return  # whoever waits sees the pipe close
        except Exception as error:  # a fault of ours must not end the page
            pipe.send(Refusal(f"Đọc không được ({type(error).__name__}: {error}); xin báo lỗi kèm văn bản."))


def _limit_memory(size: int | None) -> None:
    """Bound the address space of this process, on systems that can."""
    if size is None or sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (size, size))
