"""The stack of compose.yaml with the services of compose.debian.yaml, from building its images to taking it down."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.images_test.engine import Engine
from infra.images_test.rights import missing_here, sandbox_host_without
from tasks.domain.run_result import RunResult

ROOT = Path(__file__).parents[2]
FILES = ("infra/compose.yaml", "infra/compose.debian.yaml")
IMAGES = {  # of the service that is built for it
    "database": "restem/database",
    "store": "restem/store",
    "sandbox-host": "restem/sandbox-host",
    "server": "restem/orchestrator",
    "worker-gpu": "restem/generate",
}
STORE = "s3://restem/store"
RUN_WITHIN_S = 3600
SECRETS, RIGHTS = "env", "compose.rights.yaml"  # files of a run, beside its data


@dataclass(frozen=True)
class Stack:
    """The compose project on an engine; `program` is the compose command, `secrets_file` names its secrets."""

    engine: Engine
    program: tuple[str, ...]
    secrets_file: Path
    files: tuple[str, ...]

    def compose(self, *words: str, quiet: bool = True) -> str:
        """Run compose and return what it prints; CalledProcessError when it fails."""
        files = [part for name in self.files for part in ("-f", name)]
        argv = [*self.program, *files, "--env-file", str(self.secrets_file), *words]
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=self.engine.environment,
            stdout=subprocess.PIPE if quiet else None,
            text=True,
            check=True,
        )
        return done.stdout or ""

    def build(self, service: str, arguments: Mapping[str, str]) -> None:
        said = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        self.compose("build", *said, service)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Start everything; compose returns when whatever others wait for is healthy or done."""
        try:
            self.compose("up", "--no-build", "--detach", quiet=False)
            yield
        except BaseException:
            with suppress(subprocess.CalledProcessError):
                self.compose("logs", "--no-color", "--tail", "40", quiet=False)
            raise
        finally:
            self.compose("down", "--volumes", "--timeout", "15", quiet=False)

    def client(self, *words: str, quiet: bool = True) -> str:
        """Run a program in a fresh container of the orchestrator's image, with what a worker knows."""
        return self.compose("run", "--rm", "--no-deps", "-T", "deploy", *words, quiet=quiet)

    def run(self, deployment: str, **parameters: Any) -> None:
        """Start a deployment as a person would, and wait for its end; CalledProcessError unless it completes."""
        words = ("--params", json.dumps(parameters), "--watch", "--watch-timeout", str(RUN_WITHIN_S))
        self.client("prefect", "--no-prompt", "deployment", "run", deployment, *words, quiet=False)

    def result(self, name: str) -> RunResult:
        """Read the result of a run from the store."""
        return RunResult.from_json(self.client("restem", "report", name, "--store", STORE, "--json"))

    def load(self, images: str) -> None:
        """Hand images to the sandbox host, which has no way out to fetch any."""
        save = subprocess.Popen(
            ["docker", "save", *images.split()], env=self.engine.environment, stdout=subprocess.PIPE
        )
        host = self.compose("ps", "-q", "sandbox-host").strip()
        argv = ["docker", "exec", "-i", host, "docker", "load"]
        try:
            subprocess.run(argv, env=self.engine.environment, stdin=save.stdout, stdout=subprocess.DEVNULL, check=True)
        except BaseException:
            save.kill()  # nobody reads its pipe any more
            raise
        if save.wait():
            raise SystemExit(f"docker save {images} failed with code {save.returncode}")


def forget_secrets(folder: Path) -> None:
    """Remove what `make_stack` wrote: secrets that no other stack takes."""
    for name in (SECRETS, RIGHTS):
        (folder / name).unlink(missing_ok=True)


def make_stack(engine: Engine, folder: Path, program: tuple[str, ...]) -> Stack:
    """Make a project with secrets of its own."""
    named = {
        "COMPOSE_PROJECT_NAME": "restem",
        "PREFECT_SERVER_API_AUTH_STRING": f"restem:{secrets.token_hex(16)}",
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "AWS_ACCESS_KEY_ID": secrets.token_hex(8),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
    }
    path = folder / SECRETS
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in named.items()))
    return Stack(engine, program, path, (*FILES, *_for_this_machine(folder)))


def _for_this_machine(folder: Path) -> tuple[str, ...]:
    if not (missing := missing_here()):
        return ()
    print(
        f"   this machine's root has no {', '.join(missing)}: the sandbox host gets every other right instead of `privileged`"
    )
    path = folder / RIGHTS
    path.write_text(json.dumps(sandbox_host_without(missing)))
    return (str(path),)
