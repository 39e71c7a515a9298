"""Settings of the place where programs run."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

HOST_VARIABLE, LOCAL_HOST = "DOCKER_HOST", "unix:///var/run/docker.sock"


def default_host() -> str:
    """Return the Docker engine that the environment names, as for Docker's own tools; else this machine's."""
    return os.environ.get(HOST_VARIABLE) or LOCAL_HOST


class SandboxSettings(BaseModel):
    """The sandbox's hosts and containers; nothing here changes what a correct program's verdict is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: tuple[str, ...] = Field(
        default_factory=lambda: (default_host(),),
        min_length=1,
        description="Docker engines: unix:// path, tcp:// with TLS (DOCKER_CERT_PATH), or ssh://. Slots are spread. "
        "Default: DOCKER_HOST, else this machine's engine.",
    )
    image: str | None = Field(None, description="Sandbox image; None: the one built from sandbox/image on each host.")
    base_image: str | None = Field(
        None,
        description="What the image is built from where it is missing. None: a local restem-sandbox-base, else "
        "python:3.12-slim.",
    )
    slots: int | None = Field(None, ge=1, description="Programs at once over all hosts. None: the cores of the hosts.")
    runtime: str | None = Field(None, description="Container runtime, for example runsc (gVisor). None: the engine's.")
    backend: Literal["docker", "process"] = Field("docker", description="`process` isolates nothing; needs `unsafe`.")
    unsafe: bool = Field(False, description="Allow the `process` backend: programs run with this user's rights.")
    container_memory_mb: int = Field(1024, ge=128, description="Memory of one container; job limits must fit in it.")
    tmp_mb: int = Field(64, ge=1, description="Size in MiB of /tmp, the one writable place in a container.")
    processes: int = Field(160, ge=96, description="Processes and threads of one container.")
    pipeline: int = Field(16, ge=1, description="Jobs handed to a container ahead of the one that runs.")
    jobs_per_container: int = Field(5000, ge=1, description="A container is replaced after this many jobs.")
    patience_seconds: float = Field(
        120.0, gt=0, description="How long jobs wait for an engine that does not answer before they end as INFRA."
    )
    probe_again: bool = Field(
        False,
        description="Run the start-up test although it has passed for this boot, engine and image already.",
    )
    uid_first: int = Field(
        1 << 24, ge=1000, description="Programs get uids from here on. With user namespace remapping: below 65536."
    )
    uid_last: int = Field(1 << 30, description="Last uid for programs.")
