"""A bulk run: plan, have the shards tagged, count what came back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ner_danvan.backends.choice import fingerprint, precision, wanted_files
from ner_danvan.bulk.parts import GO_ON, LIMITS, Outcome, PartFolder, earlier_rows
from ner_danvan.bulk.shards import FAILED, SHARD_BYTES, Shard, find_inputs, plan_shards
from ner_danvan.bulk.worker import Job
from ner_danvan.errors import UserError
from ner_danvan.hub import is_hub_id
from ner_danvan.io.readers import SAFE, Failure, Limits, told_limits
from ner_danvan.model_dir import find_model, read_model_dir

# tags shards, in any order, and gives what came of each
Engine = Callable[[Sequence[Shard], Job], Generator[Outcome, None, None]]

_EVERY = 30.0  # seconds between two lines of progress


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; `stop` at an input that fails, or go on."""

    paths: Sequence[str]
    output: Path
    format: str
    model: str | None = None
    revision: str | None = None
    backend: str = "auto"
    device: str | None = None
    min_score: float | None = None
    stop: bool = True
    resume: bool = False
    shard_bytes: int = SHARD_BYTES
    limits: Limits = SAFE


def run_bulk(request: Request, engine: Engine, tell: Callable[[str], None]) -> int:
    """Tag all inputs into a folder of parts; gives the exit code, 0 or, where documents failed, 1.

    Parts in order of name hold the documents in input order. `tell` is given lines for people. Raises UserError if
    the folder belongs to another run, the model cannot be used, or the engine gives up; --resume goes on from there.
    """
    job, settings = _job(request)
    _check_apart(request)
    earlier = earlier_rows(request.output) if request.resume else []
    shards = plan_shards(find_inputs(request.paths, tell), request.shard_bytes, earlier, request.limits)
    folder = PartFolder(request.output, settings, shards, request.format, resume=request.resume)
    if request.stop or folder.has_other_limits:
        folder.forget_failed()
    failures = folder.failures()
    for failure in failures:
        tell(f"error: {failure.message}")
    waiting = folder.waiting()
    if len(waiting) < len(shards):
        tell(f"{request.output}: {len(shards) - len(waiting)} of {len(shards)} parts are there")
    if stopped := _unreadable(waiting, request.stop, tell) or _tag(waiting, job, engine, folder, tell):
        path = folder.write_errors(stopped)
        tell(f"stopped; what is done lies in {request.output}, {GO_ON}")
        tell(f"failed: {len(stopped)}, see {path}")
        return 1
    documents, failed = folder.finish()
    path = folder.write_errors(folder.failures())
    tell(f"{request.output}: {documents + failed} inputs, {documents} documents in {len(shards)} parts")
    if failed:
        tell(f"failed: {failed}, see {path}")
    return 1 if failed else 0


def _job(request: Request) -> tuple[Job, dict[str, object]]:
    """What the workers are told, and the settings on which the output depends; raises UserError for a broken model."""
    wanted = wanted_files(request.backend, request.device)
    model = find_model(request.model, revision=request.revision, wanted=wanted)
    settings = read_model_dir(model).settings
    name = request.model
    if name is not None and not is_hub_id(name):
        name = str(model.absolute())  # a worker need not stand where the command does
    weights = fingerprint(model, request.backend)
    job = Job(
        name,
        request.revision,
        request.backend,
        request.device,
        request.min_score,
        weights,
        request.format,
        str(request.output.absolute()),
        str(Path.cwd()),
        request.stop,
        request.limits,
    )
    min_score = settings.min_score if request.min_score is None else request.min_score
    return job, {
        "format": request.format,
        "model": weights,
        "min-score": min_score,
        "precision": precision(request.backend),
        LIMITS: told_limits(request.limits),
    }


def _check_apart(request: Request) -> None:
    """Parts in an input folder would be inputs of the next run."""
    output = request.output.resolve()
    if not output.parent.is_dir():
        raise UserError(f"{request.output}: there is no folder {request.output.parent}; make it, or give another -o.")
    for name in request.paths:
        folder = Path(name).resolve()
        if folder.is_dir() and output.is_relative_to(folder):
            raise UserError(f"{request.output}: lies in the input folder {name}; give a folder outside it.")


def _unreadable(shards: Sequence[Shard], stop: bool, tell: Callable[[str], None]) -> list[Failure]:
    """The first input that planning could not read, where it ends the run: no engine need start for that."""
    for piece in (piece for shard in shards for piece in shard.pieces if stop and piece.kind == FAILED):
        tell(f"error: {piece.message}")
        return [Failure(piece.name, piece.message)]
    return []


def _tag(
    shards: Sequence[Shard], job: Job, engine: Engine, folder: PartFolder, tell: Callable[[str], None]
) -> list[Failure]:
    """Notes the parts as they come; where a failure ends the run, gives the failures of its shard."""
    if not shards:
        return []
    shown = time.monotonic()
    with closing(engine(shards, job)) as outcomes:
        for number, outcome in enumerate(outcomes, 1):
            if outcome.fault:
                raise UserError(outcome.fault)
            for failure in outcome.failures:
                tell(f"error: {failure.message}")
            if not outcome.written:
                return list(outcome.failures)
            folder.add(outcome)
            if sys.stderr.isatty() and time.monotonic() - shown > _EVERY:
                shown = time.monotonic()
                tell(f"{number} of {len(shards)} parts")
    return []
