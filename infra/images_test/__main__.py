"""`make images-test`: builds the images on a bare Debian and runs the stack of compose.yaml from them, a small demo and programs included.

For machines that reach Debian's and Python's packages but no registry of images; as root, by hand, a quarter of an hour or two. What it
needs beside them, it says. `--full` runs both demos whole. Engine, network, containers, volumes and secrets go at the end, also after Ctrl-C, and the images unless `--keep`; the
engine's log stays.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from infra.images_test.base import BASE, make_base
from infra.images_test.engine import HERE, Engine, clear, engine_up
from infra.images_test.index import build_arguments
from infra.images_test.stack import IMAGES, ROOT, Stack, forget_secrets, make_stack
from tasks.domain.run_result import RunResult
from tasks.report.tables import headline

STATE = ROOT / ".restem" / "images-test"
NEEDED = {  # program -> Debian package
    "dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap", "iptables": "iptables", "ip": "iproute2", "nsenter": "util-linux",
}  # fmt: skip
LEAST_DISK_GIB = 30
API = "http://127.0.0.1:4200/api"
WHEELS_PORT = 8080  # on an address that only the engine reaches
ASK_THE_API = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
PATIENT = "engine.start_timeout_s=1200"  # on a machine that builds and runs all this at once
SMALL = ["data.train.limit=60", "data.val.limit=20", "data.test.limit=40", "loop.iterations=1", PATIENT]
DEMO = ["model.pretrain_steps=450", *SMALL]
PROGRAMS = [
    "run.execution=deployments",
    "engine.kind=hf",
    *SMALL,
]  # transformers: each job of a fleet starts an engine of its own
FULL_PROGRAMS = [PROGRAMS[0], PATIENT]
# a base that knows nothing, scored on a few problems: what an engine needs to start and to sample, and no network
SAMPLED = ("model.pretrain_steps=1", "data.test.limit=4", "loop.iterations=0", PATIENT)
SAMPLE = f"""
cd /scratch
restem run /opt/restem/deployments/configs/demo.toml {" ".join(f"--set {one}" for one in SAMPLED)} >&2
restem report demo --json
"""


@dataclass
class Figures:
    """What was measured, in order."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        print(f"== {step}", flush=True)
        began = time.monotonic()
        yield
        self.rows.append((step, f"{time.monotonic() - began:.0f} s"))

    def say(self, what: str, figure: str) -> None:
        print(f"   {what}: {figure}", flush=True)
        self.rows.append((what, figure))

    def __str__(self) -> str:
        return "\n".join(["| step | figure |", "|---|---|", *(f"| {step} | {figure} |" for step, figure in self.rows)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="make images-test", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the engine's images and layers for the next time")
    parser.add_argument(
        "--clear", action="store_true", help="remove what an earlier run kept, or left when it was killed"
    )
    parser.add_argument("--full", action="store_true", help="run both demos with all their problems and iterations")
    arguments = parser.parse_args()
    require_root()
    if arguments.clear:
        clear(STATE / "data")
        forget_secrets(STATE)
        return
    program = needed()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("ended"))
    figures = Figures()
    with ExitStack() as stack:
        stack.callback(forget_secrets, STATE)
        with figures.timed("start a Docker engine with a bridge"):
            engine = stack.enter_context(engine_up(STATE / "data", keep=arguments.keep))
        made = make_stack(engine, STATE, program)
        build(made, figures)
        with figures.timed("sample with vLLM in restem/generate, without a network"):
            sample(engine)
        run(made, figures, stack, full=arguments.full)
        print(figures)


def require_root() -> None:
    if os.geteuid() != 0:
        raise SystemExit("make images-test starts a Docker engine with a network of its own: run it as root")


def needed() -> tuple[str, ...]:
    """Return the compose command; exit with one sentence where something is missing."""
    missing = sorted({package for program, package in NEEDED.items() if not shutil.which(program)})
    compose = compose_command()
    if missing or compose is None:
        raise SystemExit(f"missing: apt-get install {' '.join([*missing, *([] if compose else ['docker-compose'])])}")
    free = shutil.disk_usage(ROOT).free / 2**30
    if free < LEAST_DISK_GIB:
        raise SystemExit(f"{free:.0f} GiB are free below {ROOT}; the images and their layers need {LEAST_DISK_GIB}")
    return compose


def compose_command() -> tuple[str, ...] | None:
    """Return Docker's compose plug-in, else docker-compose 1.29, as in Debian 12."""
    for argv in (("docker", "compose"), ("docker-compose",)):
        if (
            shutil.which(argv[0])
            and subprocess.run([*argv, "version"], capture_output=True, check=False).returncode == 0
        ):
            return argv
    return None


def build(stack: Stack, figures: Figures) -> None:
    """Build the base, the images of the services, this project's own, and the sandbox's."""
    engine = stack.engine
    with figures.timed("base by debootstrap, imported"):
        make_base(engine)
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    with build_arguments(HERE, WHEELS_PORT) as index:
        for service, image in IMAGES.items():
            with figures.timed(f"build {image}"):
                stack.build(service, {"BASE": BASE, "ENGINE": "cpu", "COMMIT": commit, **index})
            figures.say(f"size of {image}", f"{engine.megabytes(image)} MB")
    with figures.timed("build the sandbox image"):
        argv = [sys.executable, "-m", "flows.cli.main", "sandbox", "build", "--host", engine.url]
        subprocess.run(argv, cwd=ROOT, check=True)


def sample(engine: Engine) -> None:
    """Have the engine of the image sample a tiny model, before anything is built upon that."""
    said = engine.docker("run", "--rm", "--network=none", IMAGES["worker-gpu"], "sh", "-ec", SAMPLE)
    whole(RunResult.from_json(said), "vllm")


def run(stack: Stack, figures: Figures, cleanup: ExitStack, *, full: bool) -> None:
    """Start the stack, and do on it what people do."""
    with figures.timed("start the stack until it is healthy"):
        cleanup.enter_context(stack.up())
    asks_for_its_secret(stack.engine)
    with figures.timed("hand the sandbox image to the sandbox host"):
        stack.load(sandbox_images(stack.engine))
    with figures.timed("attack the sandbox from worker-cpu"):
        found = json.loads(stack.compose("exec", "-T", "worker-cpu", "restem", "sandbox", "selftest", "--json"))
    held = sum(one["held"] for one in found)
    figures.say("probes that held", f"{held} of {len(found)}")
    if not found or held < len(found):
        raise SystemExit(f"the sandbox did not hold: {[one for one in found if not one['held']]}")
    for name, deployment, settings, kind in (
        ("demo", "self-train/self-train", [PATIENT] if full else DEMO, "vllm"),
        ("demo-programs", "self-train/self-train-fleet", *((FULL_PROGRAMS, "vllm") if full else (PROGRAMS, "hf"))),
    ):
        with figures.timed(f"{name} by {deployment}, sampled by {kind}"):
            stack.run(deployment, start_from=name, settings=settings)
        result = stack.result(name)
        figures.say(f"{result.name}, read from the store", f"{headline(result)} Commit {result.commit}")
        whole(result, kind)


def asks_for_its_secret(engine: Engine) -> None:
    """Ask the server on the published port: it is well, and answers nothing else without the secret."""
    said = {
        path: engine.inside(sys.executable, "-c", ASK_THE_API, f"{API}/{path}").strip()
        for path in ("health", "admin/version")
    }
    if said != {"health": "200", "admin/version": "401"}:
        raise SystemExit(
            f"the server was to be well and to refuse whoever has no secret (200, 401); it answered {said}"
        )


def sandbox_images(engine: Engine) -> str:
    """Return the names of the sandbox image and its base, by which the sandbox host tells what the image is named."""
    listed = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    return " ".join(name for name in listed if name.startswith("restem-sandbox"))


def whole(result: RunResult, engine: str) -> None:
    """Exit unless the run is whole, by the code of the image, and sampled by that engine."""
    used = result.config["engine"]["kind"]
    if result.status != "completed" or result.commit == "unknown" or used != engine:
        raise SystemExit(
            f"run {result.name} is {result.status}, by commit {result.commit}, sampled by {used}; wanted: {engine}"
        )


if __name__ == "__main__":
    main()
