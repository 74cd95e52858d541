"""What a worker does, in whatever engine: builds its Tagger once, then makes parts of shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ner_danvan.backends.choice import fingerprint, wanted_files
from ner_danvan.bulk.formats import PARTS
from ner_danvan.bulk.parts import GO_ON, Outcome, part_name, whole_part
from ner_danvan.bulk.reading import read_shard
from ner_danvan.bulk.shards import Shard
from ner_danvan.document import Document
from ner_danvan.errors import UserError
from ner_danvan.io.readers import SAFE, Failure, Limits, cannot_be_tagged
from ner_danvan.model_dir import find_model
from ner_danvan.tagger import Tagger


@dataclass(frozen=True, slots=True)
class Job:
    """What all workers are told: the model as in `Tagger.from_pretrained`, where to read and write, when to stop.

    `folder` is absolute; relative inputs are below `base`. With `stop`, a shard in which a document fails gives no
    part. `fingerprint` is that of the model, which must be the same on every machine.
    """

    model: str | None
    revision: str | None
    backend: str
    device: str | None
    min_score: float | None
    fingerprint: str
    format: str
    folder: str
    base: str
    stop: bool
    limits: Limits = SAFE


class ShardTagger:
    """Makes parts. Faults are told in the outcomes, for an exception would have to find its way through the engine."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._fault = ""
        try:
            wanted = wanted_files(job.backend, job.device)
            model = find_model(job.model, revision=job.revision, wanted=wanted)
            if fingerprint(model, job.backend) != job.fingerprint:
                raise UserError(
                    f"a worker's model {job.model or ''} is another than the command's; bring them in line."
                )
            self._tagger = Tagger.from_pretrained(
                model, backend=job.backend, device=job.device, min_score=job.min_score
            )
        except UserError as error:
            self._fault = str(error)

    def __call__(self, shard: Shard) -> Outcome:
        """Tag a shard's documents, in order, and write its part whole; the part is replaced if it is there."""
        name, failures = part_name(shard.number, self._job.format), list[Failure]()
        path = Path(self._job.folder, name)
        nothing = Outcome(name, shard.sha256, shard.rows)
        if self._fault:
            return replace(nothing, fault=self._fault)
        try:
            documents, size = self._make(shard, path, failures)
        except _StoppedError:
            return replace(nothing, failures=tuple(failures))
        except UserError as error:
            return replace(nothing, fault=str(error))
        except OSError as error:
            return replace(nothing, fault=f"{path}: cannot be written ({error.strerror or error}); {GO_ON}.")
        return replace(nothing, documents=documents, size=size, failures=tuple(failures), written=True)

    def _make(self, shard: Shard, path: Path, failures: list[Failure]) -> tuple[int, int]:
        """Numbers of documents and of bytes written; adds to `failures`."""

        def readable() -> Iterator[Document]:
            for item in read_shard(shard, Path(self._job.base), self._job.limits):
                if isinstance(item, Document):
                    yield item
                else:
                    failures.append(item)
                if failures and self._job.stop:
                    return

        def untagged(document: Document, error: Exception) -> None:
            failures.append(cannot_be_tagged(document, error))

        documents = 0
        with whole_part(path) as stream:
            with PARTS[self._job.format](stream) as write:
                for document in self._tagger.stream(readable(), on_failure=untagged):
                    try:
                        write(document)
                        documents += 1
                    except UserError as error:
                        failures.append(Failure(document.id, str(error)))
            if failures and self._job.stop:
                raise _StoppedError
            if documents + len(failures) != shard.rows:
                raise UserError(
                    f"{path}: {documents} documents and {len(failures)} failures of {shard.rows} inputs; {GO_ON}."
                )
            return documents, stream.tell()


class _StoppedError(Exception):
    """A document failed and `stop` was asked for: there must be no part."""
