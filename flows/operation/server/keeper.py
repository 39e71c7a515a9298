"""Keeps a Prefect server and its workers on this machine: `python -m flows.operation.server.keeper FOLDER`, started by `restem up`.

Every child runs under a guard, which ends all its descendants with it: a worker that is killed leaves no flow run, engine
or trainer behind, and is started again. A server that lives but does not answer is ended and started again too. The keeper
ends runs without a process every minute. SIGTERM ends everything, and so does `kill -9` of the keeper itself.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from flows.operation.server.api import SERVER, is_healthy
from flows.operation.server.database import PIPE_VARIABLE, password_pipe
from flows.operation.server.database import URL_VARIABLE as DATABASE_VARIABLE
from flows.operation.server.environment import QUIET, server_patience_s
from flows.stored.viewer_address import STORE_VARIABLE, URL_VARIABLE
from tasks.processes.guard import GuardedProcess, spawn

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

log = logging.getLogger("restem")

VIEWER = "viewer"  # the child's name, beside the pools
STATE_FILE, LOG_FILE = "machine.json", "keeper.log"
START_TIMEOUT_S = 300.0
CHECK_EVERY_S = 1.0
ASK_EVERY_S = 5.0
SWEEP_EVERY_S = 60.0
RESTART_AFTER_S = 3.0  # a child that ends at once must not be restarted in a busy loop
STOP_GRACE_S = 10.0
MOST_RUNS = 4  # at once of one worker; each is a Python process of its own
EVERY_ADDRESS = ("0.0.0.0", "::")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Machine:
    """What one machine runs. `workers` are the pools, each with one worker; `process` is pid and start time of the keeper."""

    folder: str
    root: str
    host: str
    port: int
    workers: tuple[str, ...]
    database: str = ""
    store: str = ""  # what the viewer shows; empty: there is no viewer
    viewer: int = field(default=0, compare=False)  # its port, on loopback whatever the server's host is
    process: tuple[int, float] | None = field(default=None, compare=False)

    @property
    def url(self) -> str:
        """Return the address at which this machine reaches the API."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        return f"http://{host}:{self.port}/api"

    @property
    def others(self) -> tuple[str, ...]:
        """Return the children beside the server, which end before it."""
        return (*self.workers, *([VIEWER] if self.viewer_url else []))

    @property
    def viewer_url(self) -> str:
        """Return the address of the viewer, empty where there is none."""
        return f"http://127.0.0.1:{self.viewer}" if self.store and self.viewer else ""

    def environment(self) -> dict[str, str]:
        """Return the environment of the server, the workers and their descendants. Secrets come from our own environment."""
        named = {
            **QUIET, "PREFECT_HOME": f"{self.folder}/prefect", "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_API_HOST": self.host, "PREFECT_SERVER_API_PORT": str(self.port), "RESTEM_ROOT": self.root,
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "PREFECT_WORKER_QUERY_SECONDS": "5",
            "PREFECT_UI_API_URL": f"http://{_browsable(self.host)}:{self.port}/api", "PREFECT_LOGGING_LEVEL": "INFO",
            "PREFECT_CLI_PROMPT": "false", "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "flows.operation.server.leases",
            "PREFECT_UI_STATIC_DIRECTORY": f"{self.folder}/interface",
        }  # fmt: skip
        if self.viewer_url:
            named |= {URL_VARIABLE: self.viewer_url, STORE_VARIABLE: self.store}
        secret = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
        auth = {"PREFECT_API_AUTH_STRING": secret} if secret else {}
        return named | auth

    def write(self) -> None:
        """Write the record, which only its owner can read."""
        path = Path(self.folder) / STATE_FILE
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(path)

    @property
    def keeper(self) -> psutil.Process | None:
        """Return the living keeper, recognised by process id and start time, because ids alone are used again."""
        if self.process is None:
            return None
        try:
            found = psutil.Process(self.process[0])
            lives = (
                found.is_running() and found.status() != psutil.STATUS_ZOMBIE
            )  # of a child that ended psutil says that it runs
            return found if lives and abs(found.create_time() - self.process[1]) < 0.1 else None
        except psutil.Error:
            return None


def read_machine(folder: Path) -> Machine | None:
    """Return what `restem up` last started from that folder."""
    try:
        plain = json.loads((folder / STATE_FILE).read_text())
    except FileNotFoundError:
        return None
    return Machine(**{**plain, "workers": tuple(plain["workers"]), "process": tuple(plain["process"] or ()) or None})


def _worker(pool: str) -> str:
    """Return the name of this machine's worker of that pool."""
    return f"{os.uname().nodename}-{pool}"


def _browsable(host: str) -> str:
    return "127.0.0.1" if host in EVERY_ADDRESS else host


class Patience:
    """How long a server may go without an answer: `start_s` until its first one, `hang_s` after that."""

    def __init__(self, start_s: float, hang_s: float) -> None:
        self.start_s, self.hang_s = start_s, hang_s
        self.restarted(0.0)

    def restarted(self, now: float) -> None:
        """Note that the server is new and has not answered yet."""
        self._last, self._allowed, self._next = now, self.start_s, now

    def is_due(self, now: float) -> bool:
        """Return whether the server is to be asked again."""
        return now >= self._next

    def heard(self, answers: bool, now: float) -> None:
        """Note whether the server answered now."""
        self._next = now + ASK_EVERY_S
        if answers:
            self._last, self._allowed = now, self.hang_s

    def is_over(self, now: float) -> bool:
        """Return whether the server counts as hanging."""
        return now - self._last > self._allowed


class Keeper:
    """Starts the children, restarts those that ended or hang, and ends all of them when told."""

    def __init__(self, machine: Machine, password: str = "") -> None:
        """`password` is that of the server's database; the server gets it and nobody else."""
        self.machine, self.password = machine, password
        self.children: dict[str, GuardedProcess] = {}
        self.stopping = threading.Event()
        self.patience = Patience(START_TIMEOUT_S, server_patience_s())
        self.swept = threading.Event()  # set: sweep now
        self.began: dict[str, float] = {}  # worker -> when its process was last started, in seconds since 1970

    def run(self) -> None:
        try:
            self._start("server")
            if self._server_answers():
                threading.Thread(target=self._sweep_often, name="sweep", daemon=True).start()
                while not self.stopping.is_set():
                    self._look_after()
                    self.stopping.wait(CHECK_EVERY_S)
        finally:
            self._stop_all()

    def _look_after(self) -> None:
        self._ask_server()
        for name in ("server", *self.machine.others):
            child = self.children.get(name)
            if child is None or child.poll() is not None:
                if child is not None:
                    log.warning("%s ended with code %s; starting it again", name, child.poll())
                    self.stopping.wait(RESTART_AFTER_S)
                self._start(name)

    def _ask_server(self) -> None:
        """End a server that has not answered for too long; it is started again like one that ended by itself."""
        if not self.patience.is_due(time.monotonic()):
            return
        self.patience.heard(is_healthy(self.machine.url), time.monotonic())
        if self.patience.is_over(time.monotonic()):
            log.error("the server lives but has not answered for %.0f s; ending it", self.patience.hang_s)
            self.children["server"].stop(1.0)

    def _start(self, name: str) -> None:
        if self.stopping.is_set():
            return
        machine = self.machine
        folder = Path(machine.folder)
        start = partial(spawn, self._argv(name), log_path=folder / f"{name}.log", cwd=Path(machine.root))
        if name == "server":
            self.patience.restarted(time.monotonic())
        if name == "server" and machine.database:
            with password_pipe(self.password) as descriptor:
                named = {DATABASE_VARIABLE: machine.database, PIPE_VARIABLE: str(descriptor)}
                self.children[name] = start(env=machine.environment() | named, pass_fds=(descriptor,))
        else:
            self.began |= {_worker(name): time.time()} if name in machine.workers else {}
            self.children[name] = start(env=machine.environment())
        self.swept.set()

    def _argv(self, name: str) -> list[str]:
        """Return the command line of the server, or of a pool's worker."""
        if name == "server":
            return [sys.executable, *SERVER, "--host", self.machine.host, "--port", str(self.machine.port)]
        if name == VIEWER:
            place = ["--store", self.machine.store, "--scratch", f"{self.machine.folder}/viewer"]
            return [sys.executable, "-m", "flows.viewer.serve", *place, "--port", str(self.machine.viewer)]
        limit = str(max(MOST_RUNS, os.cpu_count() or 1))
        prefect = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process"]
        return [*prefect, "--pool", name, "--name", _worker(name), "--limit", limit]

    def _server_answers(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.stopping.is_set() and time.monotonic() < deadline:
            if is_healthy(self.machine.url):
                return True
            if self.children["server"].poll() is not None:
                log.error("the server ended: %s", self.children["server"].log_tail(3))
                return False
            self.stopping.wait(0.2)
        return False

    def _sweep_often(self) -> None:
        """Sweep in a thread of its own, so that a server that hangs cannot keep the keeper from noticing it."""
        from prefect.client.orchestration import get_client

        from flows.operation.sweep import sweep

        while not self.stopping.is_set():
            try:
                with get_client(sync_client=True) as client:
                    self._hand_back(client)
                    if ended := sweep(client):
                        log.warning("runs without a process: %s", ", ".join(ended))
            except Exception as error:  # noqa: BLE001  boundary: the next sweep does it
                log.warning("could not look for runs without a process: %s", error)
            self.swept.wait(SWEEP_EVERY_S)
            self.swept.clear()

    def _hand_back(self, client: SyncPrefectClient) -> None:
        """Give to the next worker what one that has ended had taken and not started."""
        from flows.operation.unbegun import hand_back

        for worker, began in list(self.began.items()):
            if back := list(hand_back(client, worker, began)):
                log.warning(
                    "taken by %s, which ended before it had started them, and scheduled anew: %s",
                    worker,
                    ", ".join(back),
                )

    def _stop_all(self) -> None:
        """Stop all children, workers first, so that they can tell the server how their runs ended."""
        for names in (self.machine.others, ("server",)):
            threads = [
                threading.Thread(target=self.children[name].stop, args=(STOP_GRACE_S,))
                for name in names
                if name in self.children
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


def main() -> None:
    """Run the keeper; the folder's record says what it keeps, and standard input holds the database's password, if there is one."""
    folder = Path(sys.argv[1])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    machine = read_machine(folder)
    assert machine is not None
    os.environ.update(machine.environment())
    keeper = Keeper(machine, sys.stdin.read())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: keeper.stopping.set())
    keeper.run()


if __name__ == "__main__":
    main()
