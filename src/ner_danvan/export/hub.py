"""Publishing a model directory or a dataset on the Hugging Face hub: all of it in one commit, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, DatasetInfo, HfApi, ModelInfo, get_token
from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

import ner_danvan
from ner_danvan.errors import UserError
from ner_danvan.export.check import MAY_BE, NEEDED, NO_SCORES, Upload, check_publishable
from ner_danvan.export.check_dataset import check_dataset, is_dataset_file
from ner_danvan.hub import TOKEN_HINT, told
from ner_danvan.model_dir import CARD_FILE

log = logging.getLogger(__name__)

_MAIN = "main"
_IGNORE = ".gitignore"
_BUILDING = ("folder", "name", "license", "origin", "limits", "meanings")  # a dataset's other settings
_KEYS = {"repo_id", "push", "dry_run", "private", "revision", "create_pr", "message"}


@dataclass(frozen=True)
class Publishing:
    """Where a model or a dataset goes: a repository `owner/name` and a branch of it, or a pull request against it.

    `private` is of a repository that is made for it; None leaves that to the owner's settings. With `dry_run` nothing
    is asked of the hub.
    """

    repo_id: str
    dry_run: bool = False
    private: bool | None = None
    revision: str = _MAIN
    create_pr: bool = False
    message: str = f"Model directory of ner-danvan {ner_danvan.__version__}"
    kind: Literal["model", "dataset"] = "model"


@dataclass(frozen=True)
class Published:
    """What went up, or under `dry_run` would; `url` is that of the commit or the pull request, None for a dry run.

    `deleted` names files of an earlier export that this one has no more.
    """

    to: Publishing
    uploads: Sequence[Upload]
    url: str | None = None
    deleted: Sequence[str] = ()
    changed: bool = True

    def __str__(self) -> str:
        if self.url is None:
            rows = [f"  {row.name:<22} {row.size:>12,}  {'LFS' if row.lfs else ''}".rstrip() for row in self.uploads]
            total = sum(row.size for row in self.uploads)
            head = (
                f"would publish {len(rows)} files, {total:,} bytes, as {self.to.repo_id}, revision {self.to.revision}:"
            )
            return "\n".join([head, *rows])
        if not self.changed:
            return f"published already, nothing has changed: {self.url}"
        gone = f", {', '.join(self.deleted)} taken away" if self.deleted else ""
        return f"published: {self.url}   {len(self.uploads)} files{gone}"


def publishing(values: Mapping[str, Any]) -> Publishing | None:
    """What the section `hub` of the resolved configuration of an export asks for; None if that is nothing.

    Raises UserError for its faults, and for an export that could not be published: told before it is made.
    """
    to = _asked(values["hub"], Publishing("", kind="model"))
    if to is not None and values["model"]["path"] is not None and not values["evaluations"]:
        raise UserError(f"{NO_SCORES}, evaluations=[…/metrics.json].")
    return to


def dataset_publishing(values: Mapping[str, Any]) -> Publishing | None:
    """The same of the configuration of scripts/prepare_data.py, whose section `hub` also says how to build it."""
    section = values["hub"]
    if not section:
        return None
    message = f"Dataset built by ner-danvan {ner_danvan.__version__}"
    to = _asked(section, Publishing("", kind="dataset", message=message), also=_BUILDING)
    if to is not None and not values["index"]:
        raise UserError("index=null: no dataset is built, so none can be published; give the index of the reports.")
    if to is not None and values["corrections"]["path"] is not None:
        raise UserError("corrections.path and hub.push exclude each other: take corrections in first, then publish.")
    return to


def _asked(section: Mapping[str, Any], default: Publishing, also: Collection[str] = ()) -> Publishing | None:
    if unknown := set(section) - _KEYS - set(also):
        raise UserError(
            f"hub.{min(unknown)} is not known; known are {', '.join(sorted(_KEYS))}. A token: {TOKEN_HINT}."
        )
    for key, kinds in {"push": (bool,), "dry_run": (bool,), "create_pr": (bool,), "private": (bool, None)}.items():
        if not any(section[key] is None if kind is None else isinstance(section[key], kind) for kind in kinds):
            raise UserError(f"hub.{key}={section[key]} must be true or false{' or null' if None in kinds else ''}.")
    if not section["push"] and not section["dry_run"]:
        return None
    name = str(section["repo_id"] or "")
    try:
        validate_repo_id(name)
        valid = name.count("/") == 1
    except HFValidationError:
        valid = False
    if not valid:
        raise UserError(f"hub.repo_id={section['repo_id']} is no name that the hub could have; write owner/name.")
    return replace(
        default,
        repo_id=name,
        dry_run=section["dry_run"],
        private=section["private"],
        revision=str(section["revision"] or _MAIN),
        create_pr=section["create_pr"],
        message=str(section["message"] or default.message),
    )


def publish(folder: Path, to: Publishing) -> Published:
    """Check a model directory, or a dataset's folder, and publish it in one commit.

    What is there of an earlier export, and here no more, goes in the same commit.

    A repository or branch that had to be made is taken back if the commit fails. The token comes from HF_TOKEN or from
    the hub's own token file. Raises UserError if the directory may not be published, or if the hub does not take it.
    """
    uploads = check_publishable(folder) if to.kind == "model" else check_dataset(folder)
    if f'"{to.repo_id}"' not in (folder / CARD_FILE).read_text(encoding="utf-8"):
        log.warning('the card does not call it "%s"; make it anew with that name', to.repo_id)
    if to.dry_run:
        return Published(to, uploads)
    if get_token() is None:
        raise UserError(f"{to.repo_id}: no token, so the hub would not take it; {TOKEN_HINT}.")
    api = HfApi(library_name="ner-danvan", library_version=ner_danvan.__version__)
    place = _Place(api, to)
    try:
        with told(to.repo_id, to.revision, write=True):
            return _commit(api, to, uploads, place.make())
    except BaseException as error:  # an interruption too
        note = place.take_back()
        if note and isinstance(error, UserError):
            raise UserError(f"{error} {note}") from None
        raise


def _commit(api: HfApi, to: Publishing, uploads: Sequence[Upload], head: str) -> Published:
    there = {file.rfilename for file in _info(api, to, head).siblings or ()}
    if _IGNORE in there:  # the hub would leave out what it names, and say nothing
        raise UserError(f"{to.repo_id}: has a {_IGNORE}, by which files could be left out; take it away there.")
    ours = {*NEEDED, *MAY_BE} if to.kind == "model" else {name for name in there if is_dataset_file(name)}
    stale = sorted((there & ours) - {row.name for row in uploads})
    done = api.create_commit(
        to.repo_id,
        [
            *(CommitOperationAdd(row.name, row.path) for row in uploads),
            *(CommitOperationDelete(name) for name in stale),
        ],
        repo_type=to.kind,
        commit_message=to.message,
        revision=to.revision,
        create_pr=to.create_pr,
        parent_commit=head,
    )
    return Published(to, uploads, done.pr_url or done.commit_url, stale, changed=done.oid != head)


class _Place:
    """The repository and branch where the commit is to be put, made if need be and then unmade if it fails."""

    def __init__(self, api: HfApi, to: Publishing) -> None:
        self._api, self._to = api, to
        self._head: str | None = None
        self._made: Callable[[], None] | None = None  # what unmakes it

    def make(self) -> str:
        """The commit on which ours is to be put."""
        api, to = self._api, self._to
        is_private = self._privacy()
        if is_private is None:
            if to.create_pr:
                raise UserError(
                    f"{to.repo_id}: there is no such repository to ask for a change; leave out hub.create_pr."
                )
            api.create_repo(to.repo_id, repo_type=to.kind, private=to.private)
            self._made = partial(api.delete_repo, to.repo_id, repo_type=to.kind)
        elif to.private and not is_private:
            raise UserError(
                f"{to.repo_id}: is public, and hub.private=true is for a repository that is made anew; make it private "
                "in its settings, or leave hub.private out."
            )
        try:
            self._head = self._find()
        except RevisionNotFoundError:
            if to.create_pr:
                raise
            api.create_branch(to.repo_id, repo_type=to.kind, branch=to.revision)
            self._made = self._made or partial(api.delete_branch, to.repo_id, repo_type=to.kind, branch=to.revision)
            self._head = self._find()
        return self._head

    def take_back(self) -> str:
        """Unmake what was made, unless something has been put there; a sentence on what is left, if anything."""
        to, url = (
            self._to,
            f"{self._api.endpoint}/{'datasets/' if self._to.kind == 'dataset' else ''}{self._to.repo_id}",
        )
        try:
            if self._head and (now := self._find()) != self._head:
                return f"Meanwhile {to.revision} has moved to {now[:12]}: look at {url} before you publish again."
            if self._made:
                self._made()
        except Exception:  # the hub may be gone altogether, and the fault is told already
            return f"What was made for it is left, without the {to.kind}, at {url}." if self._made else ""
        return "Nothing was published."

    def _find(self) -> str:
        return str(self._info(revision=self._to.revision).sha)

    def _privacy(self) -> bool | None:
        """Whether the repository is private; None if there is none."""
        try:
            return bool(self._info().private)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            return None

    def _info(self, revision: str | None = None) -> ModelInfo | DatasetInfo:
        return _info(self._api, self._to, revision)


def _info(api: HfApi, to: Publishing, revision: str | None = None) -> ModelInfo | DatasetInfo:
    found = api.repo_info(to.repo_id, repo_type=to.kind, revision=revision)
    assert isinstance(found, ModelInfo | DatasetInfo)
    return found
