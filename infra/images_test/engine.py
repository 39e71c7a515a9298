"""A Docker engine of its own beside whatever runs on this machine: network, data, sockets, and it ends with its owner.

It runs in a network namespace that is joined to this machine by one cable, so its bridges and packet filter rules, which an engine
never takes away, go with the namespace, and ports that it publishes on loopback clash with nobody's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

NAME = "restem-images"
NETNS = Path("/run/netns") / NAME
RUN = Path("/run") / NAME  # sockets: the path of one has at most 107 bytes
HERE, THERE = "10.79.0.1", "10.79.0.2"  # the ends of the cable
CABLE, INSIDE = "restem-img0", "restem-img1"
PROGRAMS = ("dockerd", "containerd")
STARTS_WITHIN_S, ENDS_WITHIN_S = 60.0, 60.0
RULES = (
    ("-t", "nat", "POSTROUTING", "-s", THERE, "-j", "MASQUERADE"),
    (
        "-t",
        "filter",
        "FORWARD",
        "-i",
        CABLE,
        "-j",
        "ACCEPT",
    ),  # a machine with an engine of its own forwards nothing else
    ("-t", "filter", "FORWARD", "-o", CABLE, "-j", "ACCEPT"),
)


@dataclass(frozen=True)
class Engine:
    """The running engine; containers reach this machine as `HERE`."""

    process: psutil.Popen

    @property
    def url(self) -> str:
        return f"unix://{RUN}/docker.sock"

    @property
    def environment(self) -> dict[str, str]:
        """Return what names the engine to Docker's own tools; the classic builder needs no plug-in of the client."""
        return {**os.environ, "DOCKER_HOST": self.url, "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}

    def docker(self, *words: str) -> str:
        """Return what the command prints; CalledProcessError when it fails."""
        return subprocess.run(
            ["docker", *words], env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def inside(self, *words: str) -> str:
        """Return what a program prints that runs in the engine's network, where published ports are."""
        return subprocess.run(
            ["nsenter", f"--net={NETNS}", *words], check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def megabytes(self, image: str) -> int:
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", image)) // 10**6


@contextmanager
def engine_up(data: Path, *, keep: bool) -> Iterator[Engine]:
    """Run an engine with its data in `data`, which is removed at the end unless it is to be kept, for its images."""
    clear(data if not keep else None)
    data.mkdir(parents=True, exist_ok=True)
    RUN.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.callback(clear, None if keep else data)
        mtu = stack.enter_context(_network())
        engine = stack.enter_context(_dockerd(data, mtu))
        yield engine


def clear(data: Path | None) -> None:
    """Remove what a run leaves, also one that was killed: processes, mounts, network, and the data where they are named."""
    _end_processes()
    for place in filter(None, (RUN, data)):
        _unmount_below(place)
        shutil.rmtree(place, ignore_errors=True)
    for rule in RULES:
        _quietly("iptables", *rule[:2], "-D", *rule[2:])
    _quietly("ip", "link", "del", CABLE)
    _quietly("ip", "netns", "del", NAME)


@contextmanager
def _network() -> Iterator[int]:
    """A namespace, a cable to it, and a way out through this machine's own address; yields the way's packet size."""
    device = json.loads(_output("ip", "-json", "route", "show", "default"))[0]["dev"]
    mtu = int(Path(f"/sys/class/net/{device}/mtu").read_text())
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    before = forwarding.read_text()
    _run("ip", "netns", "add", NAME)
    _run(
        "ip",
        "link",
        "add",
        CABLE,
        "mtu",
        str(mtu),
        "type",
        "veth",
        "peer",
        "name",
        INSIDE,
        "mtu",
        str(mtu),
        "netns",
        NAME,
    )
    _run("ip", "addr", "add", f"{HERE}/30", "dev", CABLE)
    _run("ip", "link", "set", CABLE, "up")
    for words in (
        ("addr", "add", f"{THERE}/30", "dev", INSIDE),
        ("link", "set", INSIDE, "up"),
        ("link", "set", "lo", "up"),
        ("route", "add", "default", "via", HERE),
    ):
        _run("ip", "-n", NAME, *words)
    for rule in RULES:
        _run("iptables", *rule[:2], "-I", *rule[2:])
    try:
        if before.strip() != "1":
            forwarding.write_text("1")
        yield mtu
    finally:
        if before.strip() != "1":
            forwarding.write_text(before)


@contextmanager
def _dockerd(data: Path, mtu: int) -> Iterator[Engine]:
    argv = [
        "nsenter", f"--net={NETNS}", "dockerd", f"--host=unix://{RUN}/docker.sock", f"--data-root={data}", f"--exec-root={RUN}/exec",
        f"--pidfile={RUN}/docker.pid", f"--mtu={mtu}", "--shutdown-timeout=10",
    ]  # fmt: skip
    log = data.parent / "dockerd.log"
    with log.open("wb") as stream:  # a session of its own: Ctrl-C is for the owner, which then ends it
        process = psutil.Popen(argv, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True)
    engine = Engine(process)
    try:
        _wait(engine, log)
        yield engine
    finally:
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(ENDS_WITHIN_S)


def _wait(engine: Engine, log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN_S
    while engine.process.poll() is None and time.monotonic() < ends:
        with suppress(subprocess.CalledProcessError):
            subprocess.run(["docker", "info"], env=engine.environment, check=True, capture_output=True, timeout=20)
            return
        time.sleep(0.3)
    raise SystemExit(f"the Docker engine did not start; the end of {log}:\n{log.read_text(errors='replace')[-1500:]}")


def _end_processes() -> None:
    """End the engine of a run that was killed, its containerd and what holds its containers: all name `RUN` in their arguments."""
    listed = [one for one in psutil.process_iter(["name", "cmdline"]) if (one.info["name"] or "").startswith(PROGRAMS)]
    found = [one for one in listed if any(f"{RUN}/" in word for word in one.info["cmdline"] or ())]
    inside = [child for one in found for child in one.children(recursive=True)]
    for process in {*found, *inside}:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([*found, *inside], timeout=ENDS_WITHIN_S)


def _unmount_below(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((one for one in mounted if Path(one).is_relative_to(folder)), reverse=True):
        _quietly("umount", "--lazy", place)  # what is busy goes when its last user does


def _run(*words: str) -> None:
    subprocess.run(words, check=True)


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def _quietly(*words: str) -> None:
    subprocess.run(words, check=False, capture_output=True)
