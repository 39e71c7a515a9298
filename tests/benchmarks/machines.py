"""A fleet on two machines that share nothing but the server and the store, of which one is cut off for a minute and then killed.

Each worker has a network, a process table and a host name of its own (ip netns, unshare; root), and a scratch folder; the store is
SeaweedFS, of whose requests one in ten fails (`tests.faulty_s3`). Nothing may be lost and nothing sampled twice. Four to six minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psutil

from tasks.domain.schema import Sample
from tasks.store.artifacts import Store, key_of
from tests.command import ROOT
from tests.faulty_s3 import FaultyS3, faulty
from tests.flows.run.test_fleet import FORM, NAME, records
from tests.flows.run.test_kill import assert_each_index_once
from tests.machine import FLOW_RUN, Machine, machine_up
from tests.rig import record, small_config, tiny_base
from tests.s3 import BUCKET, seaweedfs
from tests.soak import missing_parts

BRIDGE, HOST = "restem0", "10.77.0.1"
SECRET = "bench:of-two-machines"
SHARE, SEED, AWAY_S = 0.1, 5, 60.0
WAIT_S = 1800.0  # at most, for each step; a quiet machine takes five minutes for all
PROBLEMS, RANGE, DRAWS = 12, 3, 4
PLACE = f"s3://{BUCKET}/machines"


@dataclass(frozen=True)
class Elsewhere:
    """A worker on a machine of its own; `link` is this side of its cable."""

    name: str
    link: str
    process: psutil.Popen

    def cut_off(self, seconds: float) -> None:
        _ip("link", "set", self.link, "down")
        time.sleep(seconds)
        _ip("link", "set", self.link, "up")

    def kill(self) -> None:
        """The first process of its process table, and with it everything on that machine."""
        self.process.kill()
        self.process.wait(30)

    def jobs(self, machine: Machine, word: str) -> list[psutil.Process]:
        """Its processes that work for flow runs with that word in their names, once they have children: engines."""
        found = []
        for one in self.process.children(recursive=True):
            try:
                flow_run = one.environ().get(FLOW_RUN)
                if flow_run and one.children() and word in machine.run(flow_run)["name"]:
                    found.append(one)
            except psutil.Error:
                continue
        return found


@contextmanager
def bridge() -> Iterator[None]:
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{HOST}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _ip("link", "del", BRIDGE)


@contextmanager
def elsewhere(number: int, folder: Path, machine: Machine) -> Iterator[Elsewhere]:
    """A worker of the pool gpu behind a cable of its own."""
    name, link, there = f"restem-{number}", f"restem-v{number}", f"restem-w{number}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", link, "type", "veth", "peer", "name", there, "netns", name)
        _ip("link", "set", link, "master", BRIDGE, "up")
        for words in (
            ("addr", "add", f"10.77.0.{number + 10}/24", "dev", there),
            ("link", "set", there, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", name, *words)
        environment = {
            **os.environ, **machine.environment, "PREFECT_API_URL": machine.url, "PREFECT_API_AUTH_STRING": SECRET,
            "PREFECT_HOME": str(folder / f"{name}-prefect"), "RESTEM_SCRATCH": str(folder / f"{name}-scratch"),
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "PREFECT_WORKER_QUERY_SECONDS": "2",
        }  # fmt: skip
        prefect = f"{sys.executable} -m prefect worker start --type process --pool gpu --name {name} --limit 1"
        inside = [
            "unshare",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "bash",
            "-c",
            f"hostname {name}; exec {prefect}",
        ]
        with (folder / f"{name}.log").open("ab") as log:
            process = psutil.Popen(
                ["ip", "netns", "exec", name, *inside], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        try:
            yield Elsewhere(name, link, process)
        finally:
            if process.is_running():
                process.kill()
            process.wait(30)
    finally:
        _ip("netns", "del", name)


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "weed").mkdir()
        stack.enter_context(bridge())
        weed = stack.enter_context(seaweedfs(folder / "weed"))
        os.environ.update(weed.environment)  # the checks read the store itself
        proxy = stack.enter_context(faulty(FaultyS3(weed.environment["AWS_ENDPOINT_URL"], SHARE, SEED, HOST)))
        through = {**weed.environment, "AWS_ENDPOINT_URL": proxy.url}
        up = machine_up(
            folder / "up", ("cpu",), HOST, RESTEM_STORE=PLACE, PREFECT_SERVER_API_AUTH_STRING=SECRET, **through
        )
        user, password = SECRET.split(":")
        machine = replace(stack.enter_context(up), client=httpx.Client(auth=(user, password)))
        first, _ = [stack.enter_context(elsewhere(number, folder, machine)) for number in (1, 2)]
        began = time.monotonic()
        flow_run = machine.start("self-train/self-train-fleet", {"config": form(folder), "settings": []})
        machine.until_in(
            flow_run, lambda: first.jobs(machine, "/train/"), WAIT_S, "the first machine to sample train problems"
        )
        first.cut_off(AWAY_S)
        back = time.time()
        machine.until_in(
            flow_run, lambda: jobs_ended(first.name, back), WAIT_S, "the machine that was cut off to end a job"
        )
        machine.until_in(flow_run, lambda: first.jobs(machine, ""), WAIT_S, "it to work again")
        first.kill()
        killed = time.time()
        ended = machine.finish(flow_run, WAIT_S)
        assert ended.type == "COMPLETED", ended
        return {
            **figures(Store(PLACE)), "jobs_after_the_cut": len(jobs_ended(first.name, back)), "jobs_after_the_kill": len(jobs_ended("", killed)),
            "requests": dict(proxy.seen), "seconds": round(time.monotonic() - began),
        }  # fmt: skip


def form(folder: Path) -> dict[str, Any]:
    config = small_config(folder, tiny_base(folder / "base"), finetune={"epochs": 1})
    record(config)
    tree = config.model_dump(mode="json")
    merged = {name: {**tree.get(name, {}), **FORM.get(name, {})} for name in {*tree, *FORM}}
    merged["run"] |= {"store": PLACE}
    merged["data"]["train"] = {**tree["data"]["train"], "limit": PROBLEMS}
    merged["generate"] |= {"range_size": RANGE, "waves": [DRAWS]}
    merged["retry"] = {"retries": 5, "delay_s": 1.0}
    return merged


def figures(store: Store) -> dict[str, Any]:
    """Nothing lost: every sample of every train problem is there; nothing twice: each once."""
    assert_each_index_once(store)
    assert not list(missing_parts(store))
    drawn = [store.read_json(f"runs/{NAME}/recipes/{slot}") for slot in slots(store, "/train/", "generate.json")]
    samples = sum(
        len(store.rows(store.ref(manifest), Sample)) for recipe in drawn if (manifest := committed(store, recipe))
    )
    assert samples == PROBLEMS * DRAWS, samples
    jobs = records(store)
    hosts = {one["host"] for one in jobs}
    assert len(hosts) == 2, hosts
    return {
        "train_samples": samples,
        "jobs_by_machine": {host: sum(one["host"] == host for one in jobs) for host in sorted(hosts)},
    }


def jobs_ended(host: str, after: float) -> list[dict[str, Any]]:
    """Jobs that this machine, or any for an empty name, has ended since then."""
    return [one for one in records(Store(PLACE)) if one["ended"] > after and host in ("", one["host"])]


def slots(store: Store, part: str, end: str) -> list[str]:
    root = f"runs/{NAME}/recipes/"
    return [path.removeprefix(root) for path in store.walk(root) if part in path and path.endswith(end)]


def committed(store: Store, recipe: dict[str, Any]) -> Any:
    return store.lookup("generate", key_of(recipe))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
