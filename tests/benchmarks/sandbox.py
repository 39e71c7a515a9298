"""The sandbox against other ways to run a program, under load, and under failures; ratios from one run.

throughput: the trivial program `print(int(input()) * 2)`, once by `docker run`, by `docker exec`, by a serial loop of fork
and exit (a bare interpreter), and by the sandbox; rounds alternate, medians count. Targets: at least 100 x `docker run`,
40 x `docker exec`, 0.4 of fork and exit.
timeouts: CPU-bound programs at 60 % and 80 % of their CPU limit, four slots a core, a busy neighbour. Targets: no TLE,
and no TLE after the one counted repetition alone.
endurance: honest jobs, INFRA counted, resident memory of this process at a tenth and at the end.
failures: jobs during which ten containers are killed and the engine (one of its own; takes root) is restarted once.

RESTEM_BENCH_PARTS picks parts (comma-separated); RESTEM_BENCH_SCALE shrinks the numbers of jobs.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import docker

from sandbox.hosts.docker_launcher import DockerLauncher
from sandbox.hosts.owner import OWNER_LABEL, Owner
from sandbox.job import Execution, Job
from sandbox.limits import Limits
from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.settings import SandboxSettings
from tests.sandbox.engine import SecondEngine, second_engine

PARTS = os.environ.get("RESTEM_BENCH_PARTS", "throughput,timeouts,endurance,failures").split(",")
SCALE = float(os.environ.get("RESTEM_BENCH_SCALE", "1"))
ROUNDS = 3
DOUBLE = b"print(int(input()) * 2)"
HOST = "unix:///var/run/docker.sock"


def main() -> dict[str, Any]:
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "throughput": throughput,
        "timeouts": timeouts,
        "endurance": endurance,
        "failures": failures,
    }
    return {"load_before": os.getloadavg()[0], "cores": os.cpu_count()} | {part: known[part]() for part in PARTS}


def doubles(count: int) -> list[Job]:
    return [Job(DOUBLE, stdin=b"%d\n" % number) for number in range(count)]


def all_right(found: list[Execution]) -> bool:
    return [one.stdout for one in found] == [b"%d\n" % (2 * number) for number in range(len(found))]


# ---------------------------------------------------------------- throughput


def throughput() -> dict[str, Any]:
    rates: dict[str, list[float]] = {"docker run": [], "docker exec": [], "fork and exit": [], "sandbox": []}
    with open_sandbox(SandboxSettings()) as sandbox, exec_container() as container:
        image = sandbox._launchers[0].image  # type: ignore[attr-defined]
        sandbox.run_many(doubles(100))
        for _ in range(ROUNDS):
            rates["docker run"].append(rate(8, lambda: docker_run(image)))
            rates["docker exec"].append(rate(20, lambda: docker_exec(container)))
            rates["fork and exit"].append(forks_a_second())
            rates["sandbox"].append(sandbox_rate(sandbox, int(2000 * SCALE)))
    median = {name: statistics.median(values) for name, values in rates.items()}
    ratios = {f"of {name}": median["sandbox"] / median[name] for name in median if name != "sandbox"}
    return {"programs_per_second": median, "sandbox": ratios, "rounds": rates}


def rate(count: int, one: Callable[[], None]) -> float:
    began = time.perf_counter()
    for _ in range(count):
        one()
    return count / (time.perf_counter() - began)


def sandbox_rate(sandbox: Sandbox, count: int) -> float:
    jobs = doubles(count)
    began = time.perf_counter()
    found = sandbox.run_many(jobs)
    elapsed = time.perf_counter() - began
    assert all_right(found), Counter(one.ending for one in found)
    return count / elapsed


def docker_run(image: str) -> None:
    command = ["docker", "run", "--rm", "-i", "--network", "none", "--entrypoint", "python3", image]
    done = subprocess.run([*command, "-c", DOUBLE.decode()], input=b"21\n", capture_output=True, check=True)
    assert done.stdout == b"42\n"


@contextmanager
def exec_container() -> Iterator[str]:
    """A warm container that does nothing."""
    launcher = DockerLauncher(HOST, SandboxSettings())
    client = docker.DockerClient(base_url=HOST)
    labels = {OWNER_LABEL: str(Owner.me())}
    made = client.containers.run(
        launcher.image, entrypoint=["sleep", "3600"], detach=True, network_mode="none", labels=labels
    )
    try:
        yield made.id
    finally:
        made.remove(force=True)


def docker_exec(container: str) -> None:
    command = ["docker", "exec", "-i", container, "python3", "-c", DOUBLE.decode()]
    assert subprocess.run(command, input=b"21\n", capture_output=True, check=True).stdout == b"42\n"


FORKS = """
import os, time
count = 1000
began = time.perf_counter()
for _ in range(count):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print(count / (time.perf_counter() - began))
"""


def forks_a_second() -> float:
    done = subprocess.run([sys.executable, "-I", "-S", "-c", FORKS], capture_output=True, text=True, check=True)
    return float(done.stdout)


# ---------------------------------------------------------------- timeouts

SPIN = b"""
import time
share = float(input())
while time.process_time() < share: pass
print('done')
"""


def timeouts() -> dict[str, Any]:
    limit, count = 1.0, int(500 * SCALE)
    slots = 4 * (os.cpu_count() or 1)
    figures: dict[str, Any] = {"slots": slots, "programs": count, "cpu_limit_seconds": limit}
    with open_sandbox(SandboxSettings(slots=slots)) as sandbox, busy_neighbour():
        for share in (0.6, 0.8):
            before = sandbox.reruns
            job = Job(SPIN, stdin=b"%f" % (share * limit), limits=Limits(cpu_seconds=limit))
            found = sandbox.run_many([job] * count)
            figures[f"at {share:.0%}"] = dict(Counter(one.ending.value for one in found)) | {
                "reruns": sandbox.reruns - before,
                "longest_wall_seconds": max(one.wall_seconds for one in found),
                "most_cpu_seconds": max(one.cpu_seconds for one in found),
            }
    return figures


@contextmanager
def busy_neighbour() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            yield
        finally:
            neighbour.kill()


# ---------------------------------------------------------------- endurance


def endurance() -> dict[str, Any]:
    count = int(20_000 * SCALE)
    endings: Counter[str] = Counter()
    right, sizes = True, []
    with open_sandbox(SandboxSettings()) as sandbox:
        began = time.perf_counter()
        for _ in range(10):
            found = sandbox.run_many(doubles(count // 10))
            right &= all_right(found)
            endings.update(one.ending.value for one in found)
            del found
            sizes.append(resident_mb())
        elapsed = time.perf_counter() - began
        containers = sandbox.containers
    return {
        "jobs": count,
        "endings": dict(endings),
        "all_right": right,
        "jobs_per_second": count / elapsed,
        "resident_mb_after_a_tenth": sizes[0],
        "resident_mb_at_the_end": sizes[-1],
        "containers": containers,
        "threads_left": threading.active_count(),
        "containers_left": len(my_containers()),
    }


def resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def my_containers(url: str = HOST) -> list[str]:
    client = docker.APIClient(base_url=url, version="auto")
    time.sleep(1)
    return [one["Id"] for one in client.containers(all=True, filters={"label": f"{OWNER_LABEL}={Owner.me()}"})]


# ---------------------------------------------------------------- failures


def failures() -> dict[str, Any]:
    count = int(5000 * SCALE)
    told: Counter[int] = Counter()
    with second_engine() as engine, open_sandbox(here(engine)) as sandbox:
        futures = [sandbox.submit(job) for job in doubles(count)]
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: told.update([number]))
        kills = sum(kill_one(engine.url, told, (step + 1) * count // 14) for step in range(10))
        wait_for(told, 12 * count // 14)
        engine.restart()
        found = [future.result(timeout=600) for future in futures]
        containers = sandbox.containers
        sandbox.close()
        left = my_containers(engine.url)
    return {
        "jobs": count,
        "containers_killed": kills,
        "engine_restarts": 1,
        "all_right": all_right(found),
        "endings": dict(Counter(one.ending.value for one in found)),
        "told_once": set(told.values()) == {1} and len(told) == count,
        "containers": containers,
        "containers_left": len(left),
    }


def here(engine: SecondEngine) -> SandboxSettings:
    """An engine that may be killed, with the image that was loaded into it."""
    image = docker.APIClient(base_url=engine.url, version="auto").images()[0]["RepoTags"][0]
    return SandboxSettings(hosts=(engine.url,), image=image)


def wait_for(told: Counter[int], count: int) -> None:
    while len(told) < count:
        time.sleep(0.01)


def kill_one(url: str, told: Counter[int], after: int) -> int:
    """Kill one of our containers when `after` jobs are done; 1 when there was one."""
    wait_for(told, after)
    client = docker.APIClient(base_url=url, version="auto")
    mine = client.containers(filters={"label": f"{OWNER_LABEL}={Owner.me()}"})
    try:
        client.kill(random.choice(mine)["Id"])
    except (docker.errors.APIError, IndexError):
        return 0
    return 1
