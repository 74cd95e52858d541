"""A hub on this machine, for the calls that `huggingface_hub` makes when models are published and loaded.

It keeps everything in memory and answers as the real one does: repositories with commits, branches and pull requests,
files in git or, by `.gitattributes` and size, in a store of their own (LFS), tokens that may read or write. Faults are
ordered with `fail`. By hand:  python tests/hub_server.py 8765   which prints what to set for a client to use it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN, READER = "hf_writerwriterwriterwriter", "hf_readerreaderreaderreader"  # made up
ATTRIBUTES = b"*.parquet filter=lfs\n*.onnx filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs\n"
LARGE = 10 * 2**20
NO_REPOSITORY = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}

Files = dict[str, bytes]


@dataclass
class Repository:
    """Files of each commit, by its id; branches, tags and pull requests point at commits."""

    private: bool
    commits: dict[str, Files] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, ref: str, files: Files) -> str:
        parent = self.refs.get(ref)
        content = repr((parent, sorted((name, hashlib.sha1(data).hexdigest()) for name, data in files.items())))
        sha = hashlib.sha1(content.encode()).hexdigest()
        self.commits[sha], self.parents[sha], self.refs[ref] = files, parent, sha
        return sha

    def find(self, revision: str) -> str | None:
        return self.refs.get(revision) or (revision if revision in self.commits else None)


@dataclass
class Fault:
    """What a request is answered instead: a status, or (0) a connection cut in mid-request; so many times."""

    method: str
    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False  # do what was asked, then fail to say so


class Hub:
    """The server; `with Hub() as hub:` runs it in threads."""

    def __init__(self, port: int = 0) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: Files = {}
        self.owners = {"org"}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.RLock()
        hub = self

        class Bound(_Handler):
            pass

        Bound.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Bound)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, method: str, path: str, status: int, times: int = 1, **more: Any) -> None:
        """From now on, requests whose path matches are answered with that status."""
        self.faults.append(Fault(method, path, status, times, **more))

    def state(self) -> dict[str, Any]:
        """All that somebody else could see."""
        with self.lock:
            return {
                name: (found.private, dict(found.refs), {sha: dict(files) for sha, files in found.commits.items()})
                for name, found in self.repositories.items()
            }

    def files(self, name: str, revision: str = "main") -> Files:
        found = self.repositories[name]
        return found.commits[found.refs.get(revision, revision)]

    def fetched(self) -> set[str]:
        """The files that were asked for."""
        return {path.rsplit("/", 1)[1] for _, path in self.requests if "/resolve/" in path}

    def put(self, name: str, files: Files, *, private: bool = False) -> None:
        """A repository that is there already."""
        found = self.repositories[name] = Repository(private)
        found.commit("main", {".gitattributes": ATTRIBUTES} | files)
        self.objects |= {hashlib.sha256(data).hexdigest(): data for data in files.values()}


class _Cut(Exception):
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._run()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _run(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        path = parts.path
        with self.hub.lock:
            self.hub.requests.append((self.command, unquote(path)))
            fault = next(
                (f for f in self.hub.faults if f.times and f.method == self.command and re.search(f.path, path)), None
            )
            if fault:
                fault.times -= 1
        try:
            if fault and not fault.after:
                if fault.status == 0:
                    if self.command == "GET":
                        status, content, *more = self._answer(path, b"")
                        self._head(status, {"Content-Length": str(len(content))} | (more[0] if more else {}))
                        self.wfile.write(content[: len(content) // 2])
                    self.rfile.read(min(1_000, int(self.headers.get("Content-Length") or 0)))
                    raise _Cut
                self._body()
                self._send(fault.status, {"error": "as ordered"}, **fault.headers)
                return
            body = self._body()
            with self.hub.lock:
                answer = self._answer(path, body)
            if fault:
                raise _Cut
            self._send(*answer[:2], **(answer[2] if len(answer) > 2 else {}))
        except (_Cut, BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.connection.close()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, content: Any, **headers: str) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._head(status, {"Content-Length": str(len(data))} | headers)
        if self.command != "HEAD":
            self.wfile.write(data)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    # --- what is asked -------------------------------------------------------------------------

    def _answer(self, path: str, body: bytes) -> tuple[Any, ...]:
        path = _KIND.sub(r"\1\2%2F", path)  # a data set's name begins with "datasets/", as in its address
        for method, pattern, name in _ROUTES:
            if method == self.command and (match := re.fullmatch(pattern, path)):
                return getattr(self, name)(body, *map(unquote, match.groups()))  # type: ignore[no-any-return]
        return 404, {"error": f"no route {self.command} {path}"}

    @property
    def _token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _refused(self, name: str | None = None, *, write: bool = False) -> tuple[Any, ...] | None:
        """Why a request may not be answered, in the hub's words."""
        if self._token not in ("", TOKEN, READER):
            return 401, {"error": "bad"}, {"X-Error-Message": "Invalid credentials in Authorization header"}
        found = self.hub.repositories.get(name) if name else None
        if name and (not found or (found.private and self._token != TOKEN)):
            return (404 if self._token else 401), {"error": "Repository not found"}, NO_REPOSITORY
        if write and self._token != TOKEN:
            return 403, {"error": "no"}, {"X-Error-Message": "You don't have the rights"}
        return None

    def _at(self, name: str, revision: str) -> tuple[Repository, str] | tuple[Any, ...]:
        if refused := self._refused(name):
            return refused
        found = self.hub.repositories[name]
        if (sha := found.find(revision)) is None:
            return 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"}
        return found, sha

    def create(self, body: bytes) -> tuple[Any, ...]:
        asked = json.loads(body)
        name = _key(asked)
        if refused := self._refused(write=True):
            return refused
        if asked["organization"] not in self.hub.owners:
            return 403, {"error": "no"}, {"X-Error-Message": "You don't have the rights to create a model here"}
        if name in self.hub.repositories:
            return 409, {"error": "You already created this model repo", "url": f"{self.hub.url}/{name}"}
        self.hub.put(name, {}, private=asked.get("visibility") == "private")
        return 200, {"url": f"{self.hub.url}/{name}", "name": name}

    def delete(self, body: bytes) -> tuple[Any, ...]:
        name = _key(json.loads(body))
        if refused := self._refused(name, write=True):
            return refused
        del self.hub.repositories[name]
        return 200, {}

    def validate(self, body: bytes) -> tuple[Any, ...]:
        _, header, _ = json.loads(body)["content"].split("---\n", 2)
        try:
            wrong = None if isinstance(yaml.safe_load(header), dict) else "no mapping"
        except yaml.YAMLError as error:
            wrong = str(error)
        errors = [{"message": wrong}] if wrong else []
        return (400 if wrong else 200), {"errors": errors, "warnings": []}

    def info(self, _: bytes, name: str, revision: str = "main") -> tuple[Any, ...]:
        found, sha, *more = self._at(name, revision)
        if not isinstance(found, Repository):
            return found, sha, *more
        siblings = [{"rfilename": path} for path in found.commits[sha]]
        return 200, {"_id": name, "id": name, "sha": sha, "private": found.private, "siblings": siblings}

    def tree(self, _: bytes, name: str, revision: str) -> tuple[Any, ...]:
        found, sha, *more = self._at(name, revision)
        if not isinstance(found, Repository):
            return found, sha, *more
        return 200, [_entry(path, data) for path, data in found.commits[sha].items()]

    def preupload(self, body: bytes, name: str, revision: str) -> tuple[Any, ...]:
        if refused := self._refused(name, write=not self.query.get("create_pr")):
            return refused
        found, sha, *more = self._at(name, revision)
        if not isinstance(found, Repository):
            return found, sha, *more
        rows = []
        for file in json.loads(body)["files"]:
            there = found.commits[sha].get(file["path"])
            mode = "lfs" if _is_large(file["path"], file["size"]) else "regular"
            oid = None if there is None else (_sha256(there) if mode == "lfs" else _git_hash(there))
            rows.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return 200, {"files": rows}

    def batch(self, body: bytes, name: str) -> tuple[Any, ...]:
        if refused := self._refused(name):
            return refused
        rows: list[dict[str, Any]] = []
        for asked in json.loads(body)["objects"]:
            row = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.objects:
                place = f"{self.hub.url}/lfs/{asked['oid']}"
                row["actions"] = {"upload": {"href": place}, "verify": {"href": f"{place}/verify"}}
            rows.append(row)
        return 200, {"objects": rows, "transfer": "basic"}

    def upload(self, body: bytes, oid: str) -> tuple[Any, ...]:
        if _sha256(body) != oid:
            return 400, {"error": "content and name differ"}
        self.hub.objects[oid] = body
        return 200, {}

    def verify(self, body: bytes, oid: str) -> tuple[Any, ...]:
        whole = oid in self.hub.objects and len(self.hub.objects[oid]) == json.loads(body)["size"]
        return (200 if whole else 404), {}

    def commit(self, body: bytes, name: str, revision: str) -> tuple[Any, ...]:
        request = bool(self.query.get("create_pr"))
        if refused := self._refused(name, write=not request):
            return refused
        found, sha, *more = self._at(name, revision)
        if not isinstance(found, Repository):
            return found, sha, *more
        rows = [json.loads(line) for line in body.splitlines()]
        if rows[0]["value"].get("parentCommit") not in (None, sha):
            return (
                412,
                {"error": "no"},
                {"X-Error-Message": "A commit has happened since. Please refresh and try again."},
            )
        files = dict(found.commits[sha])
        for row in rows[1:]:
            path = row["value"]["path"]
            if row["key"] == "file":
                files[path] = base64.b64decode(row["value"]["content"])
            elif row["key"] == "lfsFile":
                if row["value"]["oid"] not in self.hub.objects:
                    return 400, {"error": f"{path}: not uploaded"}
                files[path] = self.hub.objects[row["value"]["oid"]]
            elif files.pop(path, None) is None:
                return 404, {"error": "no file"}, {"X-Error-Code": "EntryNotFound"}
        ref = f"refs/pr/{len(found.refs)}" if request else revision
        if request:
            found.refs[ref] = sha
        made = found.commit(ref, files)
        answer = {"commitOid": made, "commitUrl": f"{self.hub.url}/{name}/commit/{made}"}
        return 200, answer | ({"pullRequestUrl": f"{self.hub.url}/{name}/discussions/1"} if request else {})

    def branch(self, body: bytes, name: str, branch: str) -> tuple[Any, ...]:
        if refused := self._refused(name, write=True):
            return refused
        found = self.hub.repositories[name]
        if self.command == "DELETE":
            del found.refs[branch]
            return 200, {}
        if branch in found.refs:
            return 409, {"error": "Reference already exists"}
        found.refs[branch] = found.refs["main"]
        return 201, {}

    def resolve(self, _: bytes, name: str, revision: str, path: str) -> tuple[Any, ...]:
        found, sha, *more = self._at(name, revision)
        if not isinstance(found, Repository):
            return found, sha, *more
        headers = {"X-Repo-Commit": sha}
        data = found.commits[sha].get(path)
        if data is None:
            return 404, {"error": "Entry not found"}, headers | {"X-Error-Code": "EntryNotFound"}
        if not _is_large(path, len(data)):
            return 200, data, headers | {"ETag": f'"{_git_hash(data)}"'}
        oid = _sha256(data)  # its content lies with another host, as the real hub's does
        place = self.hub.url.replace("127.0.0.1", "localhost")
        headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data)), "Location": f"{place}/cdn/{oid}"}
        return 302, b"", headers

    def cdn(self, _: bytes, oid: str) -> tuple[Any, ...]:
        if self._token:
            return 400, {"error": "the token was told to another host"}
        data = self.hub.objects[oid]
        return 200, data, {"ETag": f'"{oid}"'}


_KIND = re.compile("^(/api/|/)(datasets|spaces)/(?=[^/]+/[^/]+)")
_NAME, _REVISION = "((?:datasets%2F|spaces%2F)?[^/]+/[^/]+)", "([^/]+)"
_ROUTES = [
    ("POST", "/api/repos/create", "create"),
    ("DELETE", "/api/repos/delete", "delete"),
    ("POST", "/api/validate-yaml", "validate"),
    ("GET", f"/api/(?:models/)?{_NAME}", "info"),
    ("GET", f"/api/(?:models/)?{_NAME}/revision/{_REVISION}", "info"),
    ("GET", f"/api/(?:models/)?{_NAME}/tree/{_REVISION}", "tree"),
    ("POST", f"/api/(?:models/)?{_NAME}/preupload/{_REVISION}", "preupload"),
    ("POST", f"/api/(?:models/)?{_NAME}/commit/{_REVISION}", "commit"),
    ("POST", f"/api/(?:models/)?{_NAME}/branch/{_REVISION}", "branch"),
    ("DELETE", f"/api/(?:models/)?{_NAME}/branch/{_REVISION}", "branch"),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", "/lfs/([0-9a-f]{64})", "upload"),
    ("POST", "/lfs/([0-9a-f]{64})/verify", "verify"),
    ("HEAD", f"/{_NAME}/resolve/{_REVISION}/(.+)", "resolve"),
    ("GET", f"/{_NAME}/resolve/{_REVISION}/(.+)", "resolve"),
    ("HEAD", "/cdn/([0-9a-f]{64})", "cdn"),
    ("GET", "/cdn/([0-9a-f]{64})", "cdn"),
]


def _key(asked: dict[str, Any]) -> str:
    """What a repository is kept under: a model's name, or `datasets/…` and `spaces/…`."""
    kind = asked.get("type") or "model"
    return ("" if kind == "model" else f"{kind}s/") + f"{asked['organization']}/{asked['name']}"


def _is_large(path: str, size: int) -> bool:
    patterns = [line.split()[0] for line in ATTRIBUTES.decode().splitlines()]
    return size > 0 and (size > LARGE or any(fnmatch(path, pattern) for pattern in patterns))


def _entry(path: str, data: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": _git_hash(data)}
    if _is_large(path, len(data)):
        row["lfs"] = {"oid": _sha256(data), "size": len(data), "pointerSize": 130}
    return row


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


if __name__ == "__main__":
    server = Hub(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"export HF_ENDPOINT={server.url} HF_TOKEN={TOKEN} HF_HUB_DISABLE_XET=1 HF_HOME=$(mktemp -d)", flush=True)
    with server:
        threading.Event().wait()
