"""Supervisors in hardened Docker containers; a socket attached before the start is the link."""

from __future__ import annotations

import contextlib
import json
import logging
import struct
from functools import partial
from http import HTTPStatus
from threading import Event
from typing import Any

from sandbox.hosts import seccomp
from sandbox.hosts.engine import Engine, Refused, engine_at
from sandbox.hosts.launch import LaunchFailed, Traits, supervisor_options
from sandbox.hosts.owner import LABEL, OWNER_LABEL, UIDS_LABEL, Owner
from sandbox.hosts.uids import UIDS_PER_CONTAINER, claim
from sandbox.image.build import ensure_image
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError

log = logging.getLogger(__name__)

STREAM_HEAD = struct.Struct(">BxxxI")  # the engine's own framing of an attached container's output: stream, length
STDERR = 2
NAME = "restem-sandbox-uids-"  # of containers, before the first uid of theirs
WORDS_BYTES = 4096
TMP_FILES = 16384  # inodes of /tmp: a million empty files fail early and are wiped quickly
CORE_NANOS = 1_000_000_000
MB = 1 << 20
# Of what an engine says of itself, everything that has a part in what its containers can do.
ENGINE_TRAITS = (
    "ID", "ServerVersion", "KernelVersion", "Architecture", "Driver", "CgroupDriver", "CgroupVersion", "DefaultRuntime", "Runtimes",
    "SecurityOptions", "ContainerdCommit", "RuncCommit", "MemoryLimit", "SwapLimit", "CpuCfsQuota", "PidsLimit", "OomKillDisable",
)  # fmt: skip


class DockerLink:
    """A link over an attach socket."""

    def __init__(self, engine: Engine, container: str, owner_leaves: Event) -> None:
        self.name = container[:12]
        self._engine, self._container, self._owner_leaves = engine, container, owner_leaves
        self.runs = False
        self._stream = engine.attach(container)
        self._buffer, self._words = bytearray(), b""

    def send(self, data: bytes) -> None:
        self._stream.send(data)

    def receive(self) -> bytes:
        while True:
            try:
                data = self._stream.receive(1 << 18)
            except (OSError, ValueError):
                return b""
            if not data:
                return b""
            self._buffer += data
            if output := self._unwrapped():
                return output

    def _unwrapped(self) -> bytes:
        """Unwrap the supervisor's stdout from the buffer; its stderr is kept apart."""
        parts, start = [], 0
        while len(self._buffer) - start >= STREAM_HEAD.size:
            stream, length = STREAM_HEAD.unpack_from(self._buffer, start)
            end = start + STREAM_HEAD.size + length
            if len(self._buffer) < end:
                break
            part = bytes(self._buffer[start + STREAM_HEAD.size : end])
            if stream == STDERR:
                self._words = (self._words + part)[-WORDS_BYTES:]
            else:
                parts.append(part)
            start = end
        del self._buffer[:start]
        return b"".join(parts)

    def kill(self) -> None:
        if not (self.runs and self._owner_leaves.is_set()):
            with contextlib.suppress(OSError):
                self._engine.remove(self._container)
        self._stream.close()

    def last_words(self) -> str:
        return self._words.decode(errors="replace")


class DockerLauncher:
    """Launches containers on one engine. UserError when the engine does not answer or the image cannot be had."""

    def __init__(self, host: str, settings: SandboxSettings) -> None:
        self.host, self._settings, self._owner = host, settings, Owner.me()
        self._engine, self._leaves = engine_at(host), Event()
        remove_dead(self._engine)
        self.image = ensure_image(self._engine, settings)
        self._about = self._engine.info()

    def cores(self) -> int:
        return int(self._about["NCPU"])

    def traits(self) -> Traits:
        about = {name: self._about.get(name) for name in ENGINE_TRAITS}
        recipe = self._recipe(range(UIDS_PER_CONTAINER), trusted=False) | {"Labels": None}
        image = self._engine.image(self.image)
        if image is None:
            raise UserError(f"the sandbox image {self.image} has just gone from {self.host}: start again")
        return Traits(about, image["Id"], recipe)

    def launch(self, trusted: bool) -> DockerLink:
        try:
            return self._launch(trusted)
        except OSError as error:
            raise LaunchFailed(f"{self.host}: {error}") from error

    def _launch(self, trusted: bool) -> DockerLink:
        container = claim(self._settings, self._taken_uids, partial(self._created, trusted))
        link = None
        try:
            link = DockerLink(self._engine, container, self._leaves)
            self._engine.start(container)
            link.runs = True
        except BaseException:
            if link is not None:
                link.kill()
            else:
                with contextlib.suppress(OSError):
                    self._engine.remove(container)
            raise
        return link

    def _created(self, trusted: bool, uids: range) -> str | None:
        """Create a container whose name claims its uids, and return its id; None where that name was given since they were chosen."""
        try:
            return self._engine.create(f"{NAME}{uids.start}", self._recipe(uids, trusted))
        except Refused as error:
            if error.status == HTTPStatus.CONFLICT:
                return None
            raise

    def _taken_uids(self) -> set[int]:
        return {int(one["Labels"].get(UIDS_LABEL, "0")) for one in self._engine.containers(LABEL)}

    def _recipe(self, uids: range, trusted: bool) -> dict[str, Any]:
        """Return a container as the engine's API describes one."""
        options = supervisor_options(uids.start, len(uids), "/tmp", trusted)
        labels = {
            LABEL: "tester" if trusted else "candidate",
            OWNER_LABEL: str(self._owner),
            UIDS_LABEL: str(uids.start),
        }
        return {
            "Image": self.image,
            "Cmd": [json.dumps(options)],
            "User": "0:0",
            "Hostname": "sandbox",
            "OpenStdin": True,
            "StdinOnce": True,  # the engine closes stdin when the owner's socket closes
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Labels": labels,
            "NetworkDisabled": True,
            "HostConfig": self._host_config(),
        }

    def _host_config(self) -> dict[str, Any]:
        settings = self._settings
        runtime = {} if settings.runtime is None else {"Runtime": settings.runtime}
        return runtime | {
            "AutoRemove": True,
            "NetworkMode": "none",
            "IpcMode": "none",
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": f"size={settings.tmp_mb}m,nr_inodes={TMP_FILES},mode=1777,nosuid,nodev,noexec"},
            "CapDrop": ["ALL"],
            "CapAdd": ["SETUID", "SETGID", "KILL"],
            "SecurityOpt": ["no-new-privileges:true", f"seccomp={seccomp.profile()}"],
            "Memory": settings.container_memory_mb * MB,
            "MemorySwap": settings.container_memory_mb * MB,
            "PidsLimit": settings.processes,
            "NanoCpus": CORE_NANOS,
            "LogConfig": {"Type": "none", "Config": {}},
        }

    def leave(self) -> None:
        """A supervisor whose stdin is closed ends, as after the death of its owner, and the engine removes its container: that takes longer
        than all that a short command still has to do."""
        self._leaves.set()

    def close(self) -> None:
        """Remove every container of this process on this engine, unless they end by themselves."""
        with contextlib.suppress(OSError):
            for one in [] if self._leaves.is_set() else self._engine.containers(f"{OWNER_LABEL}={self._owner}"):
                _remove(self._engine, one["Id"])
        self._engine.close()


def remove_dead(engine: Engine) -> list[str]:
    """Remove sandbox containers whose owner is dead, and return their ids."""
    removed = []
    for one in engine.containers(LABEL):
        owner = Owner.parsed(one["Labels"].get(OWNER_LABEL, ""))
        if owner is not None and owner.dead:
            log.warning("removing sandbox container %s of an owner that is gone", one["Id"][:12])
            _remove(engine, one["Id"])
            removed.append(one["Id"][:12])
    return removed


def _remove(engine: Engine, container: str) -> None:
    with contextlib.suppress(Refused):  # it is being removed by itself
        engine.remove(container)
