"""`restem up` for the tests: a real server and real workers, and what a person does in the interface as calls to its API."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from tasks.processes.ports import free_port
from tests.command import command_of, restem

FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
FLOW_RUN = "PREFECT__FLOW_RUN_ID"
SEEN_BY_WORKER = "Check the flow run logs"  # said by its runner and, last, by the worker itself


@dataclass(frozen=True)
class Ended:
    """A flow run in a final state."""

    id: str
    type: str
    name: str
    message: str


@dataclass(frozen=True)
class Machine:
    """What `restem up` made."""

    folder: Path
    url: str
    environment: dict[str, str]
    client: httpx.Client = field(compare=False, default_factory=httpx.Client)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """As Prefect's own client does, a server that does not answer, or not now (500, 503), is asked again."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.client.request(method, f"{self.url}{path}", json=body, timeout=180)
                if answer.status_code < 500 or time.monotonic() > deadline:
                    answer.raise_for_status()
                    return answer.json() if answer.content else None
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def deployment(self, name: str) -> Any:
        """By FLOW/DEPLOYMENT."""
        return self.get(f"/deployments/name/{name}")

    def start(self, name: str, parameters: dict[str, Any], **environment: str) -> str:
        """A run of a deployment, as the form submits it; `environment` is laid over its process's."""
        body: dict[str, Any] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        if environment:
            body["job_variables"] = {"env": environment}
        return str(self.post(f"/deployments/{self.deployment(name)['id']}/create_flow_run", body)["id"])

    def run(self, flow_run: str) -> Any:
        return self.get(f"/flow_runs/{flow_run}")

    def finish(self, flow_run: str, within_s: float = 600) -> Ended:
        """Wait until it has ended."""
        state = self.until(lambda: self._final(flow_run), within_s, f"flow run {flow_run} to end")
        return Ended(flow_run, state["type"], state["name"], state.get("message") or "")

    def _final(self, flow_run: str) -> Any:
        state = self.run(flow_run)["state"]
        return state if state["type"] in FINAL else None

    def until(self, ready: Any, within_s: float, what: str) -> Any:
        """What `ready` answers as soon as that is true."""
        deadline = time.monotonic() + within_s
        while not (found := ready()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within_s:.0f} s for {what}; {self.stacks()}{self.tail()}")
            time.sleep(0.2)
        return found

    def until_in(self, flow_run: str, ready: Any, within_s: float, what: str) -> Any:
        """The same while this flow run goes on; one that has ended fails the test at once."""

        def still() -> Any:
            found = ready()
            assert found or not (state := self._final(flow_run)), f"no {what}, and the flow run has ended: {state}"
            return found

        return self.until(still, within_s, what)

    def said_by(self, part: str) -> str:
        """The log of a part of the machine: server, gpu, cpu, keeper, viewer."""
        return (self.folder / f"{part}.log").read_text(errors="replace")

    def do(self, name: str, parameters: dict[str, Any], **environment: str) -> Ended:
        return self.finish(self.start(name, parameters, **environment))

    def retry(self, flow_run: str) -> Ended:
        """The button of the interface."""
        self.seen_by_worker(flow_run)
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        self.post(f"/flow_runs/{flow_run}/set_state", {"state": state, "force": True})
        return self.finish(flow_run)

    def seen_by_worker(self, flow_run: str) -> None:
        """Wait until the worker has seen a failed run's process end.

        Prefect marks a run whose process ends with code 1 as crashed, also when it awaits its retry by then.
        """
        if self._final(flow_run)["type"] == "FAILED":
            self.until(lambda: self.logs(flow_run).count(SEEN_BY_WORKER) > 1, 60, "the worker to see it end")

    def cancel(self, flow_run: str) -> None:
        self.post(f"/flow_runs/{flow_run}/set_state", {"state": {"type": "CANCELLING"}, "force": False})

    def task_runs(self, flow_run: str, attempt: int = 0) -> dict[str, str]:
        """Name -> name of its state, as far as the server knows; of one attempt only where that is given."""
        found: list[Any] = self.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}, "limit": 200})
        return {
            one["name"]: (one["state"] or {"name": "Pending"})["name"]
            for one in found
            if attempt in (0, one["flow_run_run_count"])
        }

    def ended_task_runs(self, flow_run: str, attempt: int = 0) -> dict[str, str]:
        """The same of an ended flow run, once the server has recorded the last of them."""

        def settled() -> dict[str, str]:
            found = self.task_runs(flow_run, attempt)
            return found if found and not {"Running", "Pending", "AwaitingRetry"} & set(found.values()) else {}

        return dict(self.until(settled, 60, "the task runs to be recorded"))

    def artifacts(self, flow_run: str) -> dict[str, Any]:
        """Key -> its newest artifact."""
        found: list[Any] = self.post(
            "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run]}}, "limit": 200}
        )
        oldest_first = sorted(found, key=lambda one: str(one["created"]))
        return {one["key"] or f"{one['type']}-{one['id']}": one for one in oldest_first}

    def logs(self, flow_run: str) -> str:
        """All that it logged, as the server got it."""
        lines: list[str] = []
        while True:
            wanted = {"logs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "TIMESTAMP_ASC", "offset": len(lines)}
            page: list[Any] = self.post("/logs/filter", {**wanted, "limit": 200})
            lines += [one["message"] for one in page]
            if len(page) < 200:
                return "\n".join(lines)

    def moment(self, flow_run: str, words: str) -> float:
        """When it first logged a line with those words, in seconds since 1970."""
        wanted = {"logs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
        found: list[Any] = self.post("/logs/filter", wanted)
        stamp = next(one["timestamp"] for one in found if words in one["message"])
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()

    def processes(self, flow_run: str) -> list[psutil.Process]:
        """Living processes of a flow run and everything below them."""
        return [one for one in psutil.process_iter() if _of(one, flow_run)]

    def processes_of(self, flow_run: str, word: str) -> list[psutil.Process]:
        """Those with that word in their command line."""
        return [one for one in self.processes(flow_run) if word in command_of(one)]

    def worker_of(self, flow_run: str) -> psutil.Process:
        """The worker that started it."""
        return self.processes_of(flow_run, "prefect.engine")[0].parent()

    def server(self) -> psutil.Process:
        """The Prefect server itself, not its guard."""
        port = self.url.rsplit(":", 1)[1].split("/")[0]
        return next(one for one in psutil.process_iter() if _is_server(command_of(one), port))

    @contextmanager
    def prefect_client(self, secret: str = "") -> Iterator[Any]:
        """Prefect's own client of this server."""
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

        named = {PREFECT_API_URL: self.url} | ({PREFECT_API_AUTH_STRING: secret} if secret else {})
        with temporary_settings(named), get_client(sync_client=True) as client:
            yield client

    def stacks(self) -> str:
        """What the threads of flow runs that still run are doing, for a failing test."""
        at = {path: path.stat().st_size for path in self.folder.glob("*.log")}
        asked = [one for one in psutil.process_iter() if _of_machine(one, self.url)]
        for one in asked:
            one.send_signal(signal.SIGUSR1)
        time.sleep(2 if asked else 0)  # to write them
        said = [path.read_bytes()[start:].decode(errors="replace") for path, start in at.items()]
        return f"{len(asked)} flow runs: {''.join(said)}"

    def tail(self) -> str:
        """The ends of the logs, for a failing test."""
        return "\n".join(
            f"{path.name}: " + " | ".join(path.read_text(errors="replace").splitlines()[-3:])
            for path in self.folder.glob("*.log")
        )


def _is_server(command: str, port: str) -> bool:
    return "-m uvicorn" in command and command.endswith(f"--port {port}") and "processes.guard" not in command


def _of_machine(process: psutil.Process, url: str) -> bool:
    """Whether it is the process of a flow run that asks this server."""
    try:
        command = " ".join(process.cmdline())
        return (
            "prefect.engine" in command and "guard" not in command and process.environ().get("PREFECT_API_URL") == url
        )
    except psutil.Error:
        return False


def _of(process: psutil.Process, flow_run: str) -> bool:
    try:
        return process.environ().get(FLOW_RUN) == flow_run and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


@contextmanager
def machine_up(
    folder: Path,
    pools: Sequence[str] = ("gpu", "cpu"),
    host: str = "127.0.0.1",
    more: Sequence[str] = (),
    **environment: str,
) -> Iterator[Machine]:
    """Bring everything up, and down again at the end, which must leave nothing."""
    port = free_port()
    named = {
        "RESTEM_STORE": str(folder / "store"), "RESTEM_SCRATCH": str(folder / "scratch"), "OMP_NUM_THREADS": "1", **environment,
    }  # fmt: skip
    chosen = [word for pool in pools for word in ("--pool", pool)]
    try:
        done = restem(
            "up", "--folder", str(folder), "--host", host, "--port", str(port), *chosen, *more, environment=named
        )
        assert done.returncode == 0, done.stderr
        yield Machine(folder, done.stdout.strip(), named)
    finally:  # also of what began to start before `up` gave up
        down = restem("down", "--folder", str(folder))
        assert down.returncode == 0, down.stderr
