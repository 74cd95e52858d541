"""`predict --engine ray --workers 2 --on-error skip` on shards so small that a few texts make several parts.

Without --ray one worker in this process makes the parts: what is written, and how a run goes on, is the same.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from pathlib import Path

from ner_danvan.bulk.engine import RayEngine
from ner_danvan.bulk.parts import Outcome
from ner_danvan.bulk.run import Request, run_bulk
from ner_danvan.bulk.shards import Shard
from ner_danvan.bulk.worker import Job, ShardTagger
from ner_danvan.errors import UserError
from ner_danvan.launch import end_on_sigterm, fail, fail_stopped


def main(texts: str, model: str, *more: str) -> None:
    """Exits as the command does."""

    def tell(message: str) -> None:
        print(message, file=sys.stderr)

    request = Request(
        [texts], Path("tagged"), "jsonl", model=model, stop=False, resume="--resume" in more, shard_bytes=16_000
    )
    end_on_sigterm()
    try:
        code = run_bulk(request, RayEngine(2) if "--ray" in more else _one_worker, tell)
    except UserError as error:
        fail(str(error))
    except KeyboardInterrupt as stop:
        fail_stopped(stop)
    sys.exit(code)


def _one_worker(shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
    tagger = ShardTagger(job)
    for shard in shards:
        yield tagger(shard)


if __name__ == "__main__":
    main(*sys.argv[1:])
