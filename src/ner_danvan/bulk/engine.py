"""Shards through a Ray Data actor pool, in the cluster of RAY_ADDRESS or on this machine."""

from __future__ import annotations

import logging
import os
import socket
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ner_danvan.bulk.parts import GO_ON, Outcome, outcome_from_json
from ner_danvan.bulk.shards import Shard, shard_from_json
from ner_danvan.bulk.worker import Job, ShardTagger
from ner_danvan.errors import UserError
from ner_danvan.launch import own_sigterm

_RETRIES = 3  # of a shard whose actor died, and of an actor
_BLOCKS = 10_000  # that Ray is given to schedule; where there are more shards, some share one


class RayEngine:
    """An `Engine` of `workers` actors, 0 for as many as there are cores, or GPUs if a device asks for them.

    Raises UserError if Ray is not installed. A Ray that runs in this process is used, and left running.
    """

    def __init__(self, workers: int = 0) -> None:
        # read when Ray is imported; its C++ side writes warnings to our stderr, whatever Python's loggers say
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            import ray.data  # late: takes seconds
        except ImportError as error:
            raise UserError(f"--engine ray needs Ray ({error}); pip install 'ner-danvan[ray]'") from None
        self._ray = ray
        self._workers = workers

    def __call__(self, shards: Sequence[Shard], job: Job) -> Generator[Outcome, None, None]:
        """Outcomes in the order in which they are there; raises UserError if Ray gives up."""
        ray = self._ray
        on_gpu = (job.device or "cpu").startswith("cuda")
        with _quiet(), self._running():
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            cores = [float(node.get("CPU", 0)) for node in nodes]
            wanted = self._workers or int(sum(node.get("GPU", 0) for node in nodes) if on_gpu else sum(cores))
            workers = max(1, min(wanted, len(shards)))
            resources: dict[str, Any] = {"num_cpus": cores_each(cores, workers)}
            if on_gpu:
                resources["num_gpus"] = 1  # of which each actor sees its own as "cuda"
                job = replace(job, device="cuda")
            try:
                yield from _outcomes(ray, shards, job, workers, resources)
            except ray.exceptions.RayError as error:
                fewer = "with fewer --workers if memory is short"
                raise UserError(f"Ray gave up ({_reason(error)}); {GO_ON}, {fewer}.") from None

    @contextmanager
    def _running(self) -> Iterator[None]:
        ray = self._ray
        if ray.is_initialized():
            yield
            return
        address = os.environ.get("RAY_ADDRESS")
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if address:
            _check_answer(address)
        try:
            with _muted(), own_sigterm():
                if address:
                    ray.init(address=address, **quiet)
                else:
                    ray.init(address="local", include_dashboard=False, **quiet)
        except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
            reason = _reason(error)
            if address:
                mend = "see that it is up, of this Ray version, and that Ray finds its token here where it asks for one"
                raise UserError(f"RAY_ADDRESS={address}: cannot be joined ({reason}); {mend}.") from None
            raise UserError(f"Ray does not start on this machine ({reason}); its own logs say more.") from None
        try:
            yield
        finally:
            ray.shutdown()


def cores_each(nodes: Sequence[float], workers: int) -> float:
    """Cores of an actor, so that as many as `workers` find room on nodes with so many cores; shares where they must.

    Whole numbers from 1, else 1/2, 1/3 ...: an encoder takes at least one thread.
    """
    whole = [int(node) for node in nodes]
    for cores in range(max(whole, default=0), 0, -1):
        if sum(node // cores for node in whole) >= workers:
            return float(cores)
    return 1 / -(-workers // max(1, sum(whole)))


class _Actor:
    """ShardTagger between the columns that Ray Data knows."""

    def __init__(self, job: Job) -> None:
        self._tagger = ShardTagger(job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"outcome": [self._tagger(shard_from_json(str(line))).to_json() for line in batch["shard"]]}


def _outcomes(
    ray: Any, shards: Sequence[Shard], job: Job, workers: int, resources: dict[str, Any]
) -> Iterator[Outcome]:
    rows = [{"shard": shard.to_json()} for shard in shards]
    planned = ray.data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS))
    done = planned.map_batches(
        _Actor,
        fn_constructor_args=(job,),
        batch_size=1,
        batch_format="numpy",
        # a task takes a minute: queues would only leave some actors idle at the end
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
        max_restarts=_RETRIES,
        max_task_retries=_RETRIES,
        **resources,
    )
    for batch in done.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
        for line in batch["outcome"]:
            yield outcome_from_json(str(line))


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray tells people of its own affairs; here only our own lines reach the terminal."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    names = ("ray", "ray.data")
    before = [logging.getLogger(name).level for name in names]
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in zip(names, before, strict=True):
            logging.getLogger(name).setLevel(level)


@contextmanager
def _muted() -> Iterator[None]:
    """What C++ code writes to stderr is lost; Ray's tells of its log level when it begins."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_answer(address: str) -> None:
    """Raises UserError if nothing listens at host:port; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"RAY_ADDRESS={address}: no cluster answers ({reason}); start it, or unset RAY_ADDRESS."
        ) from None


def _reason(error: BaseException) -> str:
    """The first sentence of the last line: Ray puts the worker's traceback before it, and advice behind it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].partition(". ")[0].rstrip(".")[:200] if lines else type(error).__name__
