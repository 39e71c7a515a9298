"""A Hub small enough to read: the calls with which huggingface_hub makes a repository, commits a folder (by LFS) and downloads it.

It keeps what it is sent and refuses what is not consistent in itself: an object that is not its digest, a commit that names an
object it never got. Xet storage, licences that the real Hub knows, quotas and rights are beyond it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_a_test"
INLINE_BYTES = 4096  # larger files go by LFS
REPOSITORY = r"(?P<repo>[^/]+/[^/]+)"
KIND = r"(?P<kind>model|dataset)s"


@dataclass
class Repository:
    """What was pushed: who may see it, its files, and the header of each commit."""

    visibility: str
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{len(self.commits)}{sorted(self.files)}".encode()).hexdigest()


@dataclass
class Hub:
    """The running server's address and what it holds, by kind and id."""

    url: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return how a user names it and its token. `hf_xet` speaks to a service that is not here."""
        return {"HF_ENDPOINT": self.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: HTTPStatus, why: str, **more: str) -> None:
        super().__init__(why)
        self.status, self.body = status, json.dumps({"error": why, **more}).encode()


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Serve an empty Hub on loopback."""
    hub = Hub()

    class Handler(_Handler):
        held = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    held: Hub

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}" and not self.path.startswith("/object/"):
                raise Refused(HTTPStatus.UNAUTHORIZED, "Invalid username or password.")
            self._send(HTTPStatus.OK, *self._found(body))
        except Refused as refused:
            self._send(refused.status, refused.body, {})

    do_GET = do_HEAD = do_POST = do_PUT = answer  # the names that http.server calls

    def _found(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        path = unquote(urlsplit(self.path).path)
        for method, pattern, call in CALLS:
            matched = re.fullmatch(pattern, path)
            if matched and self.command in method:
                given = call(self.held, body, **matched.groupdict())
                return (
                    given
                    if isinstance(given, tuple)
                    else (json.dumps(given).encode(), {"Content-Type": "application/json"})
                )
        raise Refused(HTTPStatus.NOT_IMPLEMENTED, f"{self.command} {path} is beyond this Hub")

    def _send(self, status: HTTPStatus, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def _create(hub: Hub, body: bytes) -> dict[str, Any]:
    asked = json.loads(body)
    name = (asked.get("type", "model"), f"{asked['organization']}/{asked['name']}")
    url = f"{hub.url}/{'datasets/' if name[0] == 'dataset' else ''}{name[1]}"
    if name in hub.repositories:
        raise Refused(HTTPStatus.CONFLICT, "You already created this repo", url=url)
    hub.repositories[name] = Repository(asked.get("visibility", "public"))
    return {"url": url}


def _validate(hub: Hub, body: bytes) -> dict[str, Any]:
    from huggingface_hub import DatasetCard, ModelCard

    asked = json.loads(body)
    try:
        (DatasetCard if asked["repoType"] == "dataset" else ModelCard)(asked["content"])
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
    return {"errors": [], "warnings": []}


def _preupload(hub: Hub, body: bytes, kind: str, repo: str) -> dict[str, Any]:
    _repository(hub, kind, repo)
    files = ({"path": one["path"], "uploadMode": "lfs" if one["size"] > INLINE_BYTES else "regular", "shouldIgnore": False}
             for one in json.loads(body)["files"])  # fmt: skip
    return {"files": list(files)}


def _batch(hub: Hub, body: bytes, repo: str, kind: str | None = None) -> dict[str, Any]:
    _repository(hub, "dataset" if kind else "model", repo)
    wanted = json.loads(body)["objects"]
    return {
        "transfer": "basic",
        "objects": [{**one, "actions": {"upload": {"href": f"{hub.url}/object/{one['oid']}"}}} for one in wanted],
    }


def _put(hub: Hub, body: bytes, oid: str) -> dict[str, Any]:
    if hashlib.sha256(body).hexdigest() != oid:
        raise Refused(HTTPStatus.BAD_REQUEST, f"object {oid} came damaged")
    hub.objects[oid] = body
    return {}


def _commit(hub: Hub, body: bytes, kind: str, repo: str) -> dict[str, Any]:
    held, lines = _repository(hub, kind, repo), [json.loads(line) for line in body.splitlines()]
    for line in lines:
        value = line["value"]
        if line["key"] == "header":
            held.commits.append(value)
        elif line["key"] == "file":
            held.files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile" and value["oid"] in hub.objects:
            held.files[value["path"]] = hub.objects[value["oid"]]
        else:
            raise Refused(HTTPStatus.BAD_REQUEST, f"cannot commit {line}")
    return {"commitUrl": f"{hub.url}/{repo}/commit/{held.sha}", "commitOid": held.sha}


def _info(hub: Hub, body: bytes, kind: str, repo: str) -> dict[str, Any]:
    held = _repository(hub, kind, repo)
    return {
        "id": repo,
        "sha": held.sha,
        "private": held.visibility == "private",
        "siblings": [{"rfilename": name} for name in sorted(held.files)],
    }


def _tree(hub: Hub, body: bytes, kind: str, repo: str) -> list[dict[str, Any]]:
    files = _repository(hub, kind, repo).files
    return [
        {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        for name, data in files.items()
    ]


def _resolve(hub: Hub, body: bytes, repo: str, path: str, kind: str | None = None) -> tuple[bytes, dict[str, str]]:
    held = _repository(hub, "dataset" if kind else "model", repo)
    if path not in held.files:
        raise Refused(HTTPStatus.NOT_FOUND, f"no file {path}")
    data = held.files[path]
    return data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": held.sha}


def _repository(hub: Hub, kind: str, repo: str) -> Repository:
    try:
        return hub.repositories[kind, repo]
    except KeyError:
        raise Refused(HTTPStatus.NOT_FOUND, "Repository not found") from None


CALLS = (
    (("POST",), "/api/repos/create", _create),
    (("POST",), "/api/validate-yaml", _validate),
    (("POST",), f"/api/{KIND}/{REPOSITORY}/preupload/main", _preupload),
    (("POST",), rf"/(?P<kind>datasets/)?{REPOSITORY}\.git/info/lfs/objects/batch", _batch),
    (("PUT",), "/object/(?P<oid>[0-9a-f]+)", _put),
    (("POST",), f"/api/{KIND}/{REPOSITORY}/commit/main", _commit),
    (("GET",), f"/api/{KIND}/{REPOSITORY}/revision/[^/]+", _info),
    (("GET",), f"/api/{KIND}/{REPOSITORY}/tree/[^/]+", _tree),
    (("GET", "HEAD"), rf"/(?P<kind>datasets/)?{REPOSITORY}/resolve/[^/]+/(?P<path>.+)", _resolve),
)
