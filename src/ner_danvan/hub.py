"""Models from the Hugging Face hub: fetched once, then read from its cache; and what its faults mean.

`huggingface_hub` is imported late: a model in a directory does not need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import ERROR
from pathlib import Path

from ner_danvan.errors import UserError, one_line

TOKEN_HINT = "set HF_TOKEN, or run: hf auth login"

_ID = re.compile(r"\w[\w.-]*/[\w.-]+", re.ASCII)  # what the hub allows is less; it says so itself
_TOKEN = re.compile(r"hf_[A-Za-z0-9]{8,}")


@dataclass(frozen=True)
class Wanted:
    """Which files of a repository a reader takes: those it cannot do without, and patterns of what else it likes."""

    needed: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def is_hub_id(name: str) -> bool:
    """Whether a name is one that the hub could have, `owner/model`, and no directory here."""
    return bool(_ID.fullmatch(name)) and ".." not in name and not Path(name).is_dir()


def without_tokens(text: str) -> str:
    """A text for people or files, without what looks like a token of the hub."""
    return _TOKEN.sub("hf_…", text)


def download(name: str, wanted: Wanted, revision: str | None = None) -> Path:
    """The folder in the hub's cache with the wanted files of a model, at a branch, tag or commit.

    Where the hub cannot be asked, what the cache has is taken. Raises UserError, in one line, if there is no such model
    or revision, if it may not be read, or if a needed file is neither in the repository nor in the cache.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import is_offline_mode

    with quiet(), told(name, revision):
        folder = Path(
            snapshot_download(
                name, revision=revision, allow_patterns=[*wanted.needed, *wanted.also], library_name="ner-danvan"
            )
        )
    if missing := [file for file in wanted.needed if not (folder / file).is_file()]:
        if is_offline_mode():
            raise UserError(_not_cached(name, f"{missing[0]} is not in the cache, and HF_HUB_OFFLINE is set"))
        raise UserError(
            f"{name}: its repository has no {missing[0]} (revision {revision or 'main'}); "
            "take another backend or revision, or have it exported and published anew."
        )
    return folder


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the client's own warnings off the terminal: what matters in them comes as an error."""
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def told(name: str, revision: str | None = None, *, write: bool = False) -> Iterator[None]:
    """Turns the faults of the hub, of the network and of the cache into a UserError that says what to do.

    With `write` it was about publishing, so the token wants other rights.
    """
    from huggingface_hub import errors, get_token

    faults: list[type[BaseException]] = [OSError, ValueError, RuntimeError]
    # the HTTP library is another one in hub 2 than in hub 1; its errors have one base
    faults += [base for base in errors.HfHubHTTPError.__mro__ if base.__name__ == "HTTPError"]
    if hasattr(errors, "XetDownloadError"):
        faults.append(errors.XetDownloadError)
    try:
        yield
    except UserError:
        raise
    except tuple(faults) as error:
        message = _message(error, name, revision, write)
        if own := get_token():  # whatever it looks like
            message = message.replace(own, "…")
        raise UserError(without_tokens(message)) from None


def _message(error: BaseException, name: str, revision: str | None, write: bool) -> str:
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.errors import (
        FileMetadataError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    causes = list(_chain(error))
    offline = any(isinstance(cause, OfflineModeIsEnabled) for cause in causes)
    strange = any(isinstance(cause, FileMetadataError) for cause in causes)
    answered = next((cause for cause in causes if isinstance(cause, HfHubHTTPError)), None)
    why = _why(offline, strange, answered, ENDPOINT)
    if isinstance(error, HFValidationError):
        return f"{name}: is no directory, and no name that the hub could have; write owner/name."
    if isinstance(error, LocalEntryNotFoundError) and getattr(error, "snapshot_path", None):
        return _not_cached(name, f"the cache has not all of its files, and {why}")
    if isinstance(error, LocalEntryNotFoundError):
        return _not_cached(name, f"it is not in the cache, and {why}")
    if offline:
        return f"{name}: HF_HUB_OFFLINE is set, so the hub cannot be asked; unset it."
    if isinstance(answered, GatedRepoError):
        return f"{name}: its owner decides who may read it; ask at {ENDPOINT}/{name}, and {TOKEN_HINT}."
    if isinstance(answered, RevisionNotFoundError):
        return f"{name}: the hub has no revision {revision or 'main'} of it; name a branch, a tag or a commit."
    if isinstance(answered, RepositoryNotFoundError):
        return _no_repository(name, write)
    if answered is not None:
        return f"{name}: {_status(answered, ENDPOINT, write)}"
    reason = _short(causes[-1])
    if any(
        type(cause).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2") for cause in causes
    ):
        return f"{name}: the connection to {ENDPOINT} failed ({reason}); look at the network, and try again."
    return f"{name}: {reason}."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _not_cached(name: str, reason: str) -> str:
    return f"{name}: no such directory here, {reason}; fetch it once with the network, or give a model directory."


def _why(offline: bool, strange: bool, answered: BaseException | None, endpoint: str) -> str:
    if offline:
        return "HF_HUB_OFFLINE is set"
    if strange:
        return f"{endpoint} does not answer as the hub does (a proxy?)"
    status = getattr(getattr(answered, "response", None), "status_code", None)
    return f"{endpoint} answers {status}" if status else f"{endpoint} cannot be reached"


def _no_repository(name: str, write: bool) -> str:
    from huggingface_hub import get_token

    if write:
        return f"{name}: the hub has no such repository, or your token does not open it; look at its name and rights."
    if get_token() is None:
        return f"{name}: no such directory here, and no public model of the hub; if it is private, {TOKEN_HINT}."
    return (
        f"{name}: no such directory here, and no model of the hub that your token opens; look at its name and rights."
    )


def _status(error: BaseException, endpoint: str, write: bool) -> str:
    """What an answer of the hub means."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", 0)
    said = str(response.headers.get("X-Error-Message") or "") if response is not None else ""
    said = f" ({' '.join(said.split())[:150]})" if said else ""
    if status == 401:
        return f"the hub does not know your token{said}; {TOKEN_HINT}."
    if status == 403:
        right = "write to" if write else "read"
        return f"your token may not {right} it{said}; give it that right at {endpoint}/settings/tokens."
    if status in (409, 412):
        return f"somebody else is changing it{said}; look at what changed, and try again."
    if status == 429:
        return f"the hub has had too many requests{said}; wait some minutes, and try again."
    if status >= 500:
        return f"the hub has a fault of its own, {status}{said}; try again later."
    return f"the hub answers {status}{said or f' ({_short(error)})'}."


def _short(error: BaseException) -> str:
    """An error in one line, without advice of the HTTP library and without the signed part of an address."""
    text = re.sub(r"For more information check:.*", "", one_line(str(error)))
    return re.sub(r"(https?://[^\s?']+)\?[^\s']*", r"\1", text).strip()[:200] or type(error).__name__
