"""The output folder of a bulk run: parts that are whole or not there, a manifest, and a log of what is done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from ner_danvan.atomic import whole_stream
from ner_danvan.bulk.shards import Shard
from ner_danvan.errors import UserError
from ner_danvan.io.readers import Failure

# what reads a folder as one table, pyarrow or Spark, passes over names with an underscore
MANIFEST = "_manifest.json"
LOG = "_parts.log"  # JSON lines
ERRORS = "_errors.jsonl"
LIMITS = "limits"  # the setting that may change: what failed is then tried again
_FORMAT = 1
_TEMPORARY = ".*.tmp"  # what a kill may leave of a file that was not whole yet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a shard: a part of `size` bytes with so many documents, or the fault that ends the run.

    `sha256` is the shard's. Without `written` there is no part.
    """

    part: str
    sha256: str
    rows: int
    documents: int = 0
    size: int = 0
    failures: tuple[Failure, ...] = ()
    written: bool = False
    fault: str = ""

    def to_json(self) -> str:
        """One line, read by `outcome_from_json`."""
        return json.dumps(asdict(self), ensure_ascii=True)


def outcome_from_json(line: str) -> Outcome:
    """The inverse of `Outcome.to_json`; raises ValueError, TypeError or KeyError for another line."""
    row = json.loads(line)
    return Outcome(**row | {"failures": tuple(Failure(**failure) for failure in row["failures"])})


def part_name(number: int, ending: str) -> str:
    """The part of a shard; names sort as the shards do."""
    return f"part-{number:06d}.{ending}"


def whole_part(path: Path) -> AbstractContextManager[BinaryIO]:
    """A stream to a file of another name, which becomes `path` at the end, and goes away if the block raises.

    The other name is new each time: a worker that was given up may still be writing.
    """
    return whole_stream(path, path.with_name(f".{path.name}.{uuid4().hex}.tmp"))


def earlier_rows(folder: Path) -> list[int]:
    """Rows of the shards for which a folder was begun; none where there is no manifest that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return [int(shard["rows"]) for shard in manifest["shards"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


class PartFolder:
    """The folder of a run over `shards`; raises UserError if it belongs to another run, or cannot be written."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], shards: Sequence[Shard], ending: str, *, resume: bool
    ) -> None:
        self.folder = folder
        self._settings = dict(settings)
        self._shards = {part_name(shard.number, ending): shard for shard in shards}
        self.finished: dict[str, Outcome] = {}
        self.has_other_limits = False
        if self._begun(resume):
            self._check_settings()
            self.finished = self._check_parts()
        self._sweep()
        self._write_manifest(done=False)
        _write(folder / LOG, "".join(outcome.to_json() + "\n" for outcome in self.finished.values()))

    def waiting(self) -> list[Shard]:
        """Shards that have no part yet, in order."""
        return [shard for part, shard in self._shards.items() if part not in self.finished]

    def forget_failed(self) -> None:
        """Have parts in which documents failed made again."""
        self.finished = {part: outcome for part, outcome in self.finished.items() if not outcome.failures}

    def add(self, outcome: Outcome) -> None:
        """Note a part that was written; raises UserError if documents are missing in it, or it is no part of ours."""
        place = self.folder / outcome.part
        shard = self._shards.get(outcome.part)
        if shard is None or shard.sha256 != outcome.sha256 or outcome.part in self.finished:
            raise UserError(f"{place}: was made twice or for other inputs; delete it and go on with --resume.")
        if not outcome.documents + len(outcome.failures) == outcome.rows == shard.rows:
            raise UserError(
                f"{place}: {outcome.documents} documents and {len(outcome.failures)} failures of {shard.rows} inputs; "
                f"delete it and go on with --resume."
            )
        self.finished[outcome.part] = outcome
        with _told(self.folder / LOG), (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(outcome.to_json() + "\n")

    def failures(self) -> list[Failure]:
        """Of the parts that are there, in input order."""
        return [failure for part in sorted(self.finished) for failure in self.finished[part].failures]

    def write_errors(self, failures: Sequence[Failure]) -> Path | None:
        """Keep what failed, or take an old file away where nothing did; gives its path."""
        target = self.folder / ERRORS
        if not failures:
            target.unlink(missing_ok=True)
            return None
        rows = [json.dumps({"id": failure.id, "error": failure.message}, ensure_ascii=False) for failure in failures]
        _write(target, "\n".join(rows) + "\n")
        return target

    def finish(self) -> tuple[int, int]:
        """Say in the manifest that all is done; gives the numbers of documents and of failures.

        Raises UserError if a part is missing or not as it was written, or if documents in and out differ.
        """
        for part, shard in self._shards.items():
            if not self._is_there(self.finished.get(part)):
                raise UserError(f"{self.folder / part}: is missing or cut off ({shard.rows} inputs); {GO_ON}.")
        documents = sum(outcome.documents for outcome in self.finished.values())
        failed = sum(len(outcome.failures) for outcome in self.finished.values())
        total = sum(shard.rows for shard in self._shards.values())
        if documents + failed != total:
            raise UserError(f"{self.folder}: {documents} documents and {failed} failures of {total} inputs; {GO_ON}.")
        self._sweep()
        self._write_manifest(done=True, documents=documents, failed=failed)
        return documents, failed

    # --- going on

    def _begun(self, resume: bool) -> bool:
        """Whether there is something to go on with; makes the folder where there is none."""
        with _told(self.folder):
            if not self.folder.exists():
                self.folder.mkdir()
            if not self.folder.is_dir():
                raise UserError(f"{self.folder}: is a file; --engine ray writes a folder, give -o another name.")
            if all(path.match(_TEMPORARY) for path in self.folder.iterdir()):
                return False
            if not resume:
                raise UserError(f"{self.folder}: is not empty; give another -o, or go on with it with --resume.")
            if not (self.folder / MANIFEST).is_file():
                raise UserError(f"{self.folder}: has no {MANIFEST}, so no run began it; give another -o.")
        return True

    def _sweep(self) -> None:
        """Take away what workers that died left half written."""
        for left in self.folder.glob(_TEMPORARY):
            left.unlink(missing_ok=True)

    def _check_settings(self) -> None:
        path = self.folder / MANIFEST
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            found, version = dict(before["settings"]), before["format"]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"{path}: cannot be read; give another -o.") from None
        if version != _FORMAT:
            raise UserError(f"{path}: format {version}, this version writes {_FORMAT}; give another -o.")
        for key, value in self._settings.items():
            if key == LIMITS:
                self.has_other_limits = found.get(key) != value  # decides but what fails
            elif found.get(key) != value:
                raise UserError(
                    f"{self.folder}: begun with {key} {found.get(key)}, now it is {value}; set it back, or give "
                    f"another -o."
                )

    def _check_parts(self) -> dict[str, Outcome]:
        """Parts that are there; raises UserError if one was made of other inputs."""
        finished = {}
        for part, outcome in sorted(_read_log(self.folder / LOG).items()):
            if not self._is_there(outcome):
                continue
            shard = self._shards.get(part)
            if shard is None or shard.sha256 != outcome.sha256:
                # by another ratio a Parquet that was refused is read, and all behind it moves
                again = ", or delete this part to have it made again"
                mend = " and the same --limit, or another -o" if self.has_other_limits else again
                now = f"now begins at {shard.pieces[0].place}" if shard else "is now beyond their end"
                raise UserError(
                    f"{self.folder / part}: was made of other inputs (it {now}, or their bytes have changed); give the "
                    f"same inputs in the same order{mend}."
                )
            finished[part] = outcome
        return finished

    def _is_there(self, outcome: Outcome | None) -> bool:
        path = self.folder / outcome.part if outcome else None
        return outcome is not None and path is not None and path.is_file() and path.stat().st_size == outcome.size

    def _write_manifest(self, **state: Any) -> None:
        shards = [
            {
                "part": part,
                "from": shard.pieces[0].place,
                "to": _end(shard),
                "rows": shard.rows,
                "bytes": shard.size,
                "sha256": shard.sha256,
            }
            for part, shard in self._shards.items()
        ]
        manifest = {"format": _FORMAT, **state, "settings": self._settings, "shards": shards}
        _write(self.folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


GO_ON = "go on with the same command and --resume"


def _end(shard: Shard) -> str:
    """The last piece's name and, where it has rows, how many of them."""
    piece = shard.pieces[-1]
    return piece.name if piece.place == piece.name else f"{piece.place}+{piece.rows}"


def _read_log(path: Path) -> dict[str, Outcome]:
    """Parts by name; a line that was cut off counts for nothing, its part is made again."""
    found: dict[str, Outcome] = {}
    if not path.is_file():
        return found
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            outcome = outcome_from_json(line)
        except (ValueError, TypeError, KeyError):
            continue
        found[outcome.part] = outcome
    return found


def _write(path: Path, text: str) -> None:
    with _told(path), whole_part(path) as stream:
        stream.write(text.encode("utf-8", errors="backslashreplace"))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}).") from None
