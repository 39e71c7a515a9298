"""Builds the sandbox image on an engine: the Dockerfile over a base image, named after the content of both.

Where no registry can be reached the base comes from `debootstrap` (Debian's own archive): a minimal Debian with its
Python and the packages that contest sites offer, imported once as `restem-sandbox-base`.
"""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError

if TYPE_CHECKING:
    import docker

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
NAME, LOCAL_BASE, PUBLIC_BASE = "restem-sandbox", "restem-sandbox-base:2", "python:3.12-slim"
DEBIAN_SUITE = "bookworm"
DEBIAN_PACKAGES = (
    "python3-minimal,libpython3-stdlib,python3-numpy,python3-sortedcontainers,python3-sympy,python3-networkx"
)
BUILD_SECONDS = 900


class Engine(Protocol):
    """What is asked of an engine here (`sandbox/hosts/engine.py`)."""

    host: str

    def image(self, name: str) -> dict[str, Any] | None: ...

    def client(self) -> docker.APIClient: ...


def ensure_image(engine: Engine, settings: SandboxSettings) -> str:
    """Return the name of an image on this engine, which is built when it is missing. UserError when it cannot be built."""
    if settings.image is not None:
        return _named_image(engine, settings.image)
    base = settings.base_image or (LOCAL_BASE if engine.image(LOCAL_BASE) else PUBLIC_BASE)
    tag = f"{NAME}:{_digest(base)}"
    if not engine.image(tag):
        _ensure_base(engine, base)
        _build(engine.client(), base, tag)
    return tag


def build_image(engine: Engine, settings: SandboxSettings) -> str:
    """Do as `ensure_image`, but make a base that can neither be found nor pulled with debootstrap (root, Debian)."""
    try:
        return ensure_image(engine, settings)
    except UserError:
        if settings.image or settings.base_image or not shutil.which("debootstrap"):
            raise
    log.warning("%s cannot be had here: making a base image with debootstrap", PUBLIC_BASE)
    debootstrap_base(engine.client())
    return ensure_image(engine, settings)


def debootstrap_base(client: docker.APIClient) -> None:
    """Make a minimal Debian as the image `restem-sandbox-base`, in half a minute."""
    with tempfile.TemporaryDirectory(prefix="restem-base-") as folder:
        root = Path(folder) / "root"
        command = ["debootstrap", "--variant=minbase", f"--include={DEBIAN_PACKAGES}", DEBIAN_SUITE, str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
        if done.returncode:
            raise UserError(f"debootstrap failed: {done.stdout[-300:]} {done.stderr[-300:]}")
        archive = Path(folder) / "root.tar"
        skipped = ["./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./var/cache", "./var/lib/apt", "./dev"]
        options = [f"--exclude={path}/*" for path in skipped]
        subprocess.run(["tar", "-C", str(root), *options, "-cf", str(archive), "."], check=True)
        repository, tag = LOCAL_BASE.split(":")
        client.import_image_from_file(str(archive), repository=repository, tag=tag)


def _named_image(engine: Engine, name: str) -> str:
    if engine.image(name):
        return name
    try:
        engine.client().pull(name)
    except Exception as error:
        raise UserError(f"the sandbox image {name} is neither on {engine.host} nor can it be pulled") from error
    return name


def _ensure_base(engine: Engine, base: str) -> None:
    if engine.image(base):
        return
    import docker.errors

    try:
        engine.client().pull(base)
    except docker.errors.APIError as error:
        raise UserError(
            f"the sandbox image is not built and its base {base} cannot be pulled: run `restem sandbox build`, which "
            "makes a base with debootstrap where there is no registry, or name a local image as base_image"
        ) from error


def _context() -> list[tuple[str, bytes]]:
    """Return the files of the build, in a fixed order."""
    paths = [HERE / "Dockerfile", *sorted((HERE / "inside").glob("*.py"))]
    return [(str(path.relative_to(HERE)), path.read_bytes()) for path in paths]


def _digest(base: str) -> str:
    content = hashlib.sha256(base.encode())
    for name, data in _context():
        content.update(f"{name}\0{len(data)}\0".encode() + data)
    return content.hexdigest()[:12]


def _build(client: docker.APIClient, base: str, tag: str) -> None:
    log.info("building the sandbox image %s from %s", tag, base)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in _context():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    lines = client.build(
        fileobj=io.BytesIO(buffer.getvalue()),
        custom_context=True,
        tag=tag,
        buildargs={"BASE": base},
        rm=True,
        forcerm=True,
        decode=True,
        timeout=BUILD_SECONDS,
    )
    for line in lines:
        if "error" in line:
            raise UserError(f"the sandbox image could not be built from {base}: {line['error'].strip()}")
