"""Opening a run: check everything that can be wrong before anything expensive starts, then hand out the pieces."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from flows.config import RunConfig
from flows.run.run import Journal, Run
from tasks.base import BUILTIN, BaseJob, builtin_policy, pretrain, resolve
from tasks.data.loader import loader_named
from tasks.data.problems import ProblemSets, check_gold, load_sets, publish
from tasks.domain.errors import UserError
from tasks.domain.prompts import template_named
from tasks.domain.rewards.grader import grader_for
from tasks.domain.schema import Policy, Problem
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.host import close_all
from tasks.processes.ending import ending_at_once
from tasks.store.workspace import Workspace, log

LEAST_FREE_BYTES = 2 << 30  # a tiny run's checkpoints and logs; real models need more and `restem plan` says how much
ENDPOINT_TIMEOUT_S = 10.0


def workspace_of(config: RunConfig) -> Workspace:
    """The run's places. A relative store is meant from the current directory."""
    store = config.run.store
    url = store if "://" in store else str(Path(store).expanduser().absolute())
    return Workspace(url, config.run.scratch, config.run.name, config.loop.versions_in_key)


@contextmanager
def open_run(config: RunConfig, journal: Journal | None = None) -> Iterator[Run]:
    """Everything a run needs, checked; engines are closed at the end. `journal` is told which stage failed."""
    workspace = workspace_of(config)
    check(config, workspace)
    with ending_at_once():
        problems = publish(workspace, config.data, config.verify)
        check_prompts(config, problems.train.all(), problems.val.all(), problems.test.all())
        try:
            yield _opened(config, workspace, problems, journal or Journal())
        finally:
            close_all()


def _opened(config: RunConfig, workspace: Workspace, problems: ProblemSets, journal: Journal) -> Run:
    """The run, with its base model where its workers can find it."""
    from flows.run.fleet import run_class, shared_base

    run = run_class(config.run.execution)(config, workspace, problems, Policy("", ""), journal)
    base = base_policy(run)
    return replace(run, base=base if config.run.execution == "inline" else shared_base(workspace, base))


def preflight(config: RunConfig) -> None:
    """Everything that can be checked before a server, an engine or a task starts; UserError for the first fault."""
    workspace = workspace_of(config)
    check(config, workspace)
    sets = load_sets(config.data)
    check_prompts(config, *sets.values())
    if config.model.base not in BUILTIN:
        given_base(config, workspace)
    check_gold(sets, config.data, config.verify)


def check(config: RunConfig, workspace: Workspace) -> None:
    """One sentence (UserError) for whatever would stop the run later: cheap things first."""
    template_named(config.model.prompt)
    check_reward(config)
    check_engine(config.engine, here=config.run.execution == "inline")
    check_trackers(config)
    check_space(workspace)
    workspace.store.check()


def check_reward(config: RunConfig) -> None:
    """The reward can grade these problems, and where it runs programs there is a sandbox that holds."""
    grader = grader_for(config.verify)
    for split in ("train", "val", "test"):
        kind = getattr(config.data, split).kind
        if loader_named(kind).runs_tests and grader.reward.kind == "math":
            raise UserError(f"data.{split}.kind {kind!r} needs tests to be run, which verify.reward "
                            f"{config.verify.reward!r} does not; set verify.reward = \"code\"")  # fmt: skip
    if config.verify.folder:
        log.info("%s is on the import path, for the reward %s", config.verify.folder, grader.version)
    grader.open()


def check_engine(engine: EngineSettings, *, here: bool = True) -> None:
    """The devices, files and endpoints that the engine needs are there; `here`: it will run on this machine."""
    if here and engine.kind == "replay" and not Path(str(engine.replay_path)).exists():
        raise UserError(f"engine.replay_path {engine.replay_path!r} does not exist; name a folder of recorded samples")
    wanted, found = engine.tensor_parallel_size * engine.data_parallel_size, count_gpus()
    if here and wanted > 1 and found < wanted:
        raise UserError(
            f"engine.tensor_parallel_size x data_parallel_size asks for {wanted} GPUs but this machine has {found}; "
            "set both to 1, or run on a machine that has them"
        )
    for url in engine.urls if engine.kind == "openai" else ():
        check_endpoint(url)


def count_gpus() -> int:
    """NVIDIA GPUs that the driver lists."""
    if not shutil.which("nvidia-smi"):
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return sum(line.startswith("GPU ") for line in listed.splitlines())


def check_endpoint(url: str) -> None:
    """An external endpoint answers at all; what it serves is asked when it is used."""
    try:
        httpx.get(f"{url.rstrip('/')}/models", timeout=ENDPOINT_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UserError(f"engine.urls: {url!r} does not answer ({error}); start it or correct the address") from error


def check_trackers(config: RunConfig) -> None:
    """Trackers that training reports to are installed."""
    for name in config.finetune.report_to:
        if importlib.util.find_spec(name) is None:
            raise UserError(
                f"finetune.report_to names {name}, which is not installed; `pip install {name}` or leave it out"
            )


def check_prompts(config: RunConfig, *sets: Iterable[Problem]) -> None:
    """Every problem can be written with the template and the number of examples that the config asks for."""
    template = template_named(config.model.prompt)
    for problem in itertools.chain(*sets):
        template.render(problem, config.model.shots)


def check_space(workspace: Workspace) -> None:
    """The scratch folder can be made and has room."""
    try:
        free = shutil.disk_usage(workspace.scratch_path).free
    except OSError as error:
        raise UserError(
            f"scratch folder {workspace.scratch!r} cannot be made: {error}; set run.scratch to another one"
        ) from error
    if free < LEAST_FREE_BYTES:
        raise UserError(
            f"scratch folder {workspace.scratch!r} has {free / 2**30:.1f} GiB free, at least "
            f"{LEAST_FREE_BYTES / 2**30:.0f} GiB are needed; free some space or set run.scratch to another disk"
        )


def base_policy(run: Run) -> Policy:
    """The base model, trained on the spot if it is the built-in one."""
    if run.config.model.base in BUILTIN:
        job = BaseJob(run.workspace, run.config.model)
        return builtin_policy(run.workspace, run.result(run.submit(pretrain, job)))
    return given_base(run.config, run.workspace)


def given_base(config: RunConfig, workspace: Workspace) -> Policy:
    """The base model that the config names by folder, URL or Hub id."""
    if config.model.base.startswith("builtin:"):
        raise UserError(f"model.base {config.model.base!r} is unknown; built-in are {', '.join(sorted(BUILTIN))}")
    return resolve(workspace, config.model)
