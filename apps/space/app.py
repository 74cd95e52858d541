"""A page on which a report can be tried: paste a text or give a file, and see who, which post, which body, when, what.

    python apps/space/app.py

It runs as a Space of the Hugging Face hub, and on any machine that has `pip install '.[space]'`.
"""

from __future__ import annotations

import os
from pathlib import Path

from reading import Limits
from worker import Worker

MODEL: str | None = None  # a model directory or hub id; None: the model that the package carries
BACKEND = "int8"  # what runs it: twice as fast as "auto", and finds nearly the same; not every model has it

LIMITS = Limits(
    characters=100_000,  # of all texts of a request together, about 40 pages
    documents=100,  # in an archive, a table or a mail
    file_bytes=10 * 2**20,
    seconds=60,  # of reading and tagging; then the process that does it is ended
    memory=2 * 2**30,  # bytes of that process's address space
)
WAITING = 20  # requests at a time, one of which is worked on; who comes then is told to come again
KEPT_SECONDS = 600  # uploaded files are deleted after this time


def main() -> None:
    """Serve until interrupted, at GRADIO_SERVER_NAME and GRADIO_SERVER_PORT (127.0.0.1, 7860)."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from page import serve  # late: the process that tags imports this file too, and wants no gradio

    worker = Worker(MODEL, BACKEND, LIMITS, WAITING)
    worker.start()
    try:
        serve(worker, LIMITS, model=MODEL, waiting=WAITING, kept_seconds=KEPT_SECONDS, folder=Path(__file__).parent)
    finally:
        worker.stop()


if __name__ == "__main__":
    main()
