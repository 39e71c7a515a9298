"""`restem up` and `restem down` start and end a Prefect server, workers and deployments on this machine together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from flows.config import RunSettings
from flows.operation.server.api import is_healthy
from flows.operation.server.database import PASSWORD_VARIABLE, check_database, password_pipe
from flows.operation.server.environment import gpu_runs, server_patience_s
from flows.operation.server.keeper import LOG_FILE, LOOPBACK, START_TIMEOUT_S, Machine, read_machine
from tasks.domain.errors import InfrastructureError, UserError, one_sentence
from tasks.processes.ports import free_port, is_taken
from tasks.store.artifacts import Store

ROOT = Path(__file__).parents[3]
AUTH_VARIABLE = "PREFECT_SERVER_API_AUTH_STRING"
DOWN_TIMEOUT_S = 60.0
REGISTER_TIMEOUT_S = 300.0
LEAST_AUTH_CHARACTERS = 12
DEFAULT_STORE = RunSettings().store
VIEWER_PORT_AFTER = 100  # 4300 beside 4200
EXCEPTION = re.compile(r"[\w.]+: ")
ROOT_VARIABLE = "RESTEM_ROOT"  # the checkout as the workers see it


def up(
    folder: Path, host: str, port: int, workers: tuple[str, ...], say: Callable[[str], None], store: str = "", database: str = ""
) -> Machine:  # fmt: skip
    """Start everything that does not run yet; what runs already is left alone. UserError when it cannot run as asked.

    `store` is what the viewer shows; empty: the default store of the runs. `database` is the server's; empty: SQLite in `folder`.
    """
    root = checkout()
    shown = store or str(Path(root, DEFAULT_STORE))
    wanted = Machine(str(folder.absolute()), root, host, port, workers, database, shown, _viewer_port(port))
    check_address(host)
    gpu_runs(), server_patience_s()
    Store(shown)
    if database:
        check_database(database)
    running = read_machine(folder)
    if running is not None and running.keeper is not None:
        if running != wanted:
            raise UserError(
                f"it is up already at {running.url} with workers {', '.join(running.workers)} in {running.root}; "
                "`restem down` first to change that"
            )
        machine = running
    else:
        machine = _start(wanted)
    say(f"the Prefect server starts at {machine.url}; giving up after {START_TIMEOUT_S:.0f} s")
    _wait(machine)
    say(f"deployments, limits and automations are registered; giving up after {REGISTER_TIMEOUT_S:.0f} s")
    _register(machine)
    say(f"Prefect: {machine.url.removesuffix('/api')}  (API {machine.url})")
    if machine.viewer_url:
        say(f"runs: {machine.viewer_url}  (store {machine.store})")
    say(f"workers: {', '.join(machine.workers)}; logs in {machine.folder}; `restem down` ends it")
    return machine


def down(folder: Path) -> bool:
    """End everything that `up` started from that folder; False when nothing ran."""
    machine = read_machine(folder)
    keeper = machine.keeper if machine else None
    if machine is None or keeper is None:
        return False
    family = [keeper, *keeper.children(recursive=True)]
    keeper.terminate()
    _, alive = psutil.wait_procs(family, timeout=DOWN_TIMEOUT_S)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    replace(machine, process=None).write()
    return True


def checkout() -> str:
    """Return the checkout that workers run: RESTEM_ROOT, else this command's own. UserError for a folder that is no checkout."""
    given = os.environ.get(ROOT_VARIABLE)
    root = Path(given).expanduser().absolute() if given else ROOT
    if not (root / "deployments" / "prefect.yaml").is_file():
        raise UserError(
            f"{ROOT_VARIABLE} is {given!r}, which holds no deployments/prefect.yaml; name a checkout of restem or unset it"
        )
    return str(root)


def check_address(host: str) -> None:
    """Refuse an address other than loopback without a secret, because whoever reaches the server can run code on the workers."""
    if host in LOOPBACK:
        return
    given = os.environ.get(AUTH_VARIABLE, "")
    if ":" not in given or len(given) < LEAST_AUTH_CHARACTERS:
        raise UserError(
            f"--host {host} can be reached from other machines, and whoever reaches the server can run code on the workers; "
            f"set {AUTH_VARIABLE}=USER:PASSWORD (at least {LEAST_AUTH_CHARACTERS} characters) or leave --host out"
        )


def _viewer_port(port: int) -> int:
    """Return the port that is easy to remember beside the server's, or a free one."""
    wanted = port + VIEWER_PORT_AFTER
    return free_port() if wanted > 65535 or is_taken(wanted) else wanted


def _start(wanted: Machine) -> Machine:
    folder = Path(wanted.folder)
    try:
        taken = is_taken(wanted.port, wanted.host)
    except OSError as error:
        raise UserError(
            f"--host {wanted.host} is no address of this machine ({error}); name one, or 0.0.0.0 for all"
        ) from error
    if taken:
        raise UserError(
            f"port {wanted.port} on {wanted.host} is taken; end what listens there or choose another --port"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        wanted.write()
    except OSError as error:
        raise UserError(f"--folder {wanted.folder} cannot be written: {error}; name another one") from error
    password = os.environ.get(PASSWORD_VARIABLE, "") if wanted.database else ""
    with (folder / LOG_FILE).open("ab") as log, password_pipe(password) as given:
        child = subprocess.Popen(
            [sys.executable, "-m", "flows.operation.server.keeper", wanted.folder],
            cwd=ROOT, env=without_password_of(wanted), stdin=given, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    machine = replace(wanted, process=(child.pid, psutil.Process(child.pid).create_time()))
    machine.write()
    return machine


def without_password_of(machine: Machine) -> dict[str, str]:
    """Return our environment without the database's password, which workers would inherit from their keeper."""
    return {name: value for name, value in os.environ.items() if not (machine.database and name == PASSWORD_VARIABLE)}


def _wait(machine: Machine) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_healthy(machine.url):
        gone = machine.keeper is None
        if gone or time.monotonic() > deadline:
            tail = "".join((Path(machine.folder) / LOG_FILE).read_text().splitlines()[-1:])
            what = "ended" if gone else f"did not answer in {START_TIMEOUT_S:.0f} s"
            raise InfrastructureError(f"the Prefect server {what} ({tail}); see {machine.folder}/server.log")
        time.sleep(0.2)


def _register(machine: Machine) -> None:
    """Register pools, deployments, limits and automations from a process of its own, whose settings name this server."""
    argv = [sys.executable, "-m", "flows.operation.server.registration"]
    environment = {**without_password_of(machine), **machine.environment()}
    try:
        done = subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=REGISTER_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"the deployments could not be made in {REGISTER_TIMEOUT_S:.0f} s; the same command tries again, {machine.folder}/server.log "
            "says what the server does"
        ) from error
    if done.returncode:
        raise InfrastructureError(f"the deployments could not be made: {_last_words(done.stderr or done.stdout)}")


def _last_words(output: str) -> str:
    """Return the exception that ended a process, whose message may have several lines, else its last line."""
    lines = output.strip().splitlines() or ["no message"]
    begins = [number for number, line in enumerate(lines) if EXCEPTION.match(line)]
    return one_sentence("\n".join(lines[begins[-1] if begins else -1 :]))
