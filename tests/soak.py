"""Nights on a schedule while parts of the machine fail, and what must hold afterwards: nothing lost, doubled, stuck or left.

A fault is drawn for each night by a seed, and strikes at a moment that is drawn too. Everything is real: server, workers, store,
trainer; answers are recorded, except in nights whose fault is a killed engine.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from flows.loop.series import Series
from flows.operation.device import device_limit
from flows.stored.ls import manifests_in
from flows.stored.policies import promoted
from tasks.store.artifacts import Store
from tests.command import command_of
from tests.flows.run.test_kill import assert_each_index_once
from tests.machine import FINAL, Machine

SEEDS = (11, 23, 47)  # named before the first run
SERIES = "soak"
ENGINE, TRAINER = "tasks.engines.sampling.hf_sampler", "tasks.engines.training.trl_sft"
FAKE_CLOCK = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")  # Debian's package faketime
AWAY_S = 15.0  # how long the store does not answer or the disk stays full
STRIKES_WITHIN_S = 25.0  # of a night's beginning
STAGES = ("generate", "verify", "materialize", "finetune", "test")  # as slots name them; test: the evaluation


@dataclass
class Surroundings:
    """What faults need besides the machine: the store's switch, the disk that can be filled, the file that sets a clock."""

    disk: Path
    clock: Path
    store_down: Callable[[bool], None]


@dataclass(frozen=True)
class Fault:
    """What strikes a night; `environment` is laid over its process's, `engine` is true where it needs one to kill."""

    name: str
    strike: Callable[[Soak, str], None]
    environment: Callable[[Soak], dict[str, str]] = lambda soak: {}
    engine: bool = False


@dataclass
class Memory:
    """Resident MiB of what goes on for ever, by part, as time goes by."""

    seen: list[dict[str, float]] = field(default_factory=list)

    def look(self, machine: Machine) -> None:
        roots = {name: part_of(machine, name) for name in ("uvicorn", "worker start --type process --pool gpu", "worker start --type process --pool cpu", "server.keeper")}  # fmt: skip
        with suppress(psutil.Error):
            self.seen.append({name: one.memory_info().rss / 2**20 for name, one in roots.items() if one is not None})

    def grown(self) -> dict[str, float]:
        """MiB that each part has grown from the second quarter of the time to the last one."""
        quarter = max(1, len(self.seen) // 4)
        early, late = self.seen[quarter : 2 * quarter] or self.seen[:1], self.seen[-quarter:]
        return {name: round(_mean(late, name) - _mean(early, name), 1) for name in (early[0] if early else {})}


@dataclass
class Soak:
    """The nights so far."""

    machine: Machine
    around: Surroundings
    form: Callable[[bool], dict[str, Any]]  # told whether an engine samples
    store: Store
    rng: random.Random
    faults: tuple[Fault, ...]
    environment: dict[str, str] = field(default_factory=dict)  # of every night's process
    nights: list[dict[str, Any]] = field(default_factory=list)
    committed: dict[str, str] = field(default_factory=dict)  # manifest -> digest, as first seen
    lost: list[str] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    bytes: list[int] = field(default_factory=list)

    def spend(self, every_s: float, until: float) -> None:
        """Begin a night every so many seconds until that time, each with a fault, then two without to finish what is left."""
        while time.monotonic() < until:
            self._night(self._drawn(), every_s)
        for _ in range(2):
            self._night(None, every_s)
        self._settle()

    def in_turn(self) -> None:
        """Begin a night for each fault once the one before has ended, and one without; each strikes in a stage that the seed draws."""
        for fault in (*self.faults, None):
            flow_run = self._begin(fault)
            if fault is not None:
                self._strikes_in(self.rng.choice(STAGES), fault, flow_run)
            self.machine.finish(flow_run, 300)
            self._remember()
        self._settle()

    def _strikes_in(self, stage: str, fault: Fault, flow_run: str) -> None:
        """Strike once the night has begun that stage of its iteration."""

        def begun() -> bool:
            return any("iteration-1" in name and stage in name for name in self.machine.task_runs(flow_run))

        self.machine.until_in(flow_run, begun, 300, f"the night to begin {stage}")
        self._strike(fault, flow_run)

    def _strike(self, fault: Fault, flow_run: str) -> None:
        running = [name for name, state in self.machine.task_runs(flow_run).items() if state == "Running"]
        self.nights[-1]["struck"] = f"{self.machine.run(flow_run)['state']['name']}: {', '.join(running) or 'no task'}"
        fault.strike(self, flow_run)

    def _drawn(self) -> Fault:
        """Each fault once in an order that the seed draws, then again in another order."""
        number = len(self.nights)
        if number % len(self.faults) == 0:
            self._order = self.rng.sample(self.faults, len(self.faults))
        return self._order[number % len(self.faults)]

    def _night(self, fault: Fault | None, every_s: float) -> None:
        began = time.monotonic()
        flow_run = self._begin(fault)
        if fault is not None and self._runs(flow_run, every_s):
            time.sleep(self.rng.uniform(0, STRIKES_WITHIN_S) if not fault.engine else 0)
            self._strike(fault, flow_run)
        if len(self.nights) % 3 == 0:  # beside the night, as its schedule would have it
            self.machine.start("janitor/janitor", {"clear_store": True, "keep": 2})
        while time.monotonic() - began < every_s or (fault is None and not self._final(flow_run)):
            self.memory.look(self.machine)
            self._remember()
            time.sleep(5)

    def _begin(self, fault: Fault | None) -> str:
        date = f"2026-{1 + len(self.nights) // 28:02d}-{1 + len(self.nights) % 28:02d}"
        flow_run = self._scheduled(date, fault)
        note = {"night": date, "fault": fault.name if fault else "none", "struck": "nothing", "flow_run": flow_run}
        self.nights.append(note)
        print(f"{datetime.now():%H:%M:%S} night {date}: {note['fault']}", flush=True)
        return flow_run

    def _scheduled(self, date: str, fault: Fault | None) -> str:
        """A night as the scheduler makes it: due in a moment, cancelled by the deployment's limit where another still runs."""
        machine = self.machine
        deployment = machine.deployment("nightly/nightly")["id"]
        due = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        form = self.form(fault.engine if fault else False)
        parameters = {**form, "nights": {"night": date, "history": 7, "least_gain": -1.0, "go_on": True}}
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        body: dict[str, Any] = {"parameters": parameters, "state": state}
        if environment := self.environment | (fault.environment(self) if fault is not None else {}):
            body["job_variables"] = {"env": environment}
        return str(machine.post(f"/deployments/{deployment}/create_flow_run", body)["id"])

    def _runs(self, flow_run: str, within_s: float) -> bool:
        """Whether it has a process before so many seconds are over."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and not self._final(flow_run):
            if self.machine.processes_of(flow_run, "prefect.engine"):
                return True
            time.sleep(0.5)
        return False

    def _final(self, flow_run: str) -> bool:
        return str(self.machine.run(flow_run)["state"]["type"]) in FINAL

    def process(self, flow_run: str, word: str, within_s: float = 60.0) -> psutil.Process | None:
        """A process of the night with that word in its command, once there is one."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and not self._final(flow_run):
            if found := self.machine.processes_of(flow_run, word):
                return found[-1]
            time.sleep(0.2)
        return None

    def _remember(self) -> None:
        """What was committed must stay as it was: manifests are written once."""
        with suppress(Exception):  # the store may be away; the next look finds it
            found = {f"{stage}/{one.key}": one.digest for stage in STAGES for one in manifests_in(self.store, stage)}
            for place, digest in self.committed.items():
                if found.get(place) != digest:
                    self.lost.append(f"{place} was {digest} and is {found.get(place)}")
            self.committed.update({place: digest for place, digest in found.items() if place not in self.committed})
            self.bytes.append(self.store.size(""))

    def _settle(self) -> None:
        for one in self.nights:
            one["ended"] = self.machine.finish(one["flow_run"], 300).type
            one["message"] = (self.machine.run(one["flow_run"])["state"].get("message") or "")[:160]

    def verdict(self) -> dict[str, Any]:
        """What is wrong after all nights; every list is empty where all is well."""
        series, machine = Series(self.store, SERIES).all(), self.machine
        records = {one.night: one for one in series}
        ended = [one for one in series if not one.unfinished and one.status != "dropped"]
        lost = [*self.lost, *(f"night {one.night} is {one.status}: {one.message}" for one in series if one.unfinished)]
        for one in self.nights:
            named = one["message"].removeprefix("night ").split(":")[0]
            if one["ended"] == "COMPLETED" and (named not in records or records[named].unfinished):
                lost.append(f"{one['night']} says {one['message']!r}, and there is no such record")
        lost += [f"{part} of {place}" for place, part in missing_parts(self.store)]
        last = [one for one in ended if one.status == "promoted"][-1:]
        stands_at = promoted(self.store, SERIES)
        if last and (stands_at is None or stands_at.policy.digest != last[0].policy):
            lost.append(f"latest is {stands_at} and the last promotion was {last[0].night}")
        doubled: list[str] = []
        try:
            assert_each_index_once(self.store)
        except AssertionError:
            doubled.append("a sample of one index was drawn twice")
        overlapping = machine.post(
            "/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}}
        )
        stuck = [f"{one['name']} is {one['state']['name']}" for one in overlapping]
        slots = machine.get(f"/v2/concurrency_limits/{device_limit()}")["active_slots"]
        stuck += [f"{slots} slots of the device are taken"] if slots else []
        with suppress(AssertionError):  # a run's process sends its last lines after its last state
            machine.until(lambda: not self._left(), 60, "the processes of ended nights to end")
        left = [f"{one.pid} {command_of(one)[:60]}" for one in self._left()]
        return {"lost": lost, "doubled": doubled, "stuck": stuck, "left": left}

    def _left(self) -> list[psutil.Process]:
        return [one for night in self.nights for one in self.machine.processes(night["flow_run"])]


def missing_parts(store: Store) -> Iterator[tuple[str, str]]:
    """Parts that a manifest names and the store does not have, weights aside, which gc removes."""
    for stage in STAGES:
        for manifest in manifests_in(store, stage) if stage != "finetune" else ():
            for part in manifest.parts:
                if not store.size(part.path):
                    yield f"{stage}/{manifest.key}", part.path


def part_of(machine: Machine, words: str) -> psutil.Process | None:
    """The process of this machine whose command holds the words."""
    for one in psutil.process_iter():
        command = command_of(one)
        if words in command and "processes.guard" not in command and _is_of(one, machine):
            return one
    return None


def _is_of(process: psutil.Process, machine: Machine) -> bool:
    try:
        named = process.environ()
        return named.get("PREFECT_API_URL") == machine.url or str(machine.folder) in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _mean(seen: list[dict[str, float]], name: str) -> float:
    values = [one[name] for one in seen if name in one]
    return sum(values) / len(values) if values else 0.0


# ---------------------------------------------------------------- faults


def _killed(process: psutil.Process | None) -> None:
    if process is not None:
        with suppress(psutil.Error):
            process.kill()


def _store_away(soak: Soak, flow_run: str) -> None:
    soak.around.store_down(True)
    time.sleep(AWAY_S)
    soak.around.store_down(False)


def _disk_full(soak: Soak, flow_run: str) -> None:
    filling = soak.around.disk / "filling"
    free = psutil.disk_usage(str(soak.around.disk)).free
    subprocess.run(["fallocate", "-l", str(free), str(filling)], check=False, capture_output=True)
    time.sleep(AWAY_S)
    filling.unlink(missing_ok=True)


def _worker_killed(soak: Soak, flow_run: str) -> None:
    with suppress(IndexError, psutil.Error):  # the run has ended meanwhile
        soak.machine.worker_of(flow_run).kill()


def _clock_jumps(soak: Soak, flow_run: str) -> None:
    soak.around.clock.write_text(soak.rng.choice(("+7200", "-7200", "+90000")))


def _fake_clock(soak: Soak) -> dict[str, str]:
    """The wall clock of the night's processes is read from a file; the monotonic one stays."""
    soak.around.clock.write_text("+0")
    return {
        "LD_PRELOAD": str(FAKE_CLOCK), "FAKETIME_TIMESTAMP_FILE": str(soak.around.clock), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip


FAULTS = (
    Fault("server", lambda soak, _: _killed(soak.machine.server())),
    Fault("worker", _worker_killed),
    Fault("engine", lambda soak, run: _killed(soak.process(run, ENGINE)), engine=True),
    Fault("trainer", lambda soak, run: _killed(soak.process(run, TRAINER))),
    Fault("flow process", lambda soak, run: _killed(soak.process(run, "prefect.engine"))),
    Fault("store away", _store_away),
    Fault("disk full", _disk_full),
    Fault("clock jumps", _clock_jumps, _fake_clock),
)


def faults_here() -> tuple[Fault, ...]:
    """Those that this machine can have."""
    return tuple(one for one in FAULTS if one.name != "clock jumps" or FAKE_CLOCK.exists())


@contextmanager
def disk_of(where: Path, image: Path, gib: int = 4) -> Iterator[Path]:
    """A file system of its own in a sparse file, which can be filled without writing."""
    subprocess.run(["truncate", "-s", f"{gib}G", str(image)], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    where.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def told(soak: Soak) -> dict[str, Any]:
    """The nights and the verdict, for the figures."""
    wrong = soak.verdict()
    return {
        "nights": [{name: one[name] for name in ("night", "fault", "struck", "ended", "message")} for one in soak.nights],
        "records": {one.night: one.status for one in Series(soak.store, SERIES).all()},
        **{name: len(found) for name, found in wrong.items()}, "wrong": json.loads(json.dumps(wrong)),
        "memory_grown_mib": soak.memory.grown(), "store_mib": [round(size / 2**20, 1) for size in soak.bytes[:: max(1, len(soak.bytes) // 10)]],
    }  # fmt: skip
