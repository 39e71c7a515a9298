"""Opens a run: it checks everything that can be wrong before anything expensive starts, then hands out the pieces."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.checks.builtin_check import check_builtin
from flows.checks.memory_check import check_memory
from flows.checks.method_check import check_method
from flows.checks.model_check import check_model
from flows.config import RunConfig
from flows.run.run import Executor, Hook, Journal, NoLimit, Run, Stages
from tasks.base import BUILTIN, BaseJob, builtin_policy, known_base, pretrain, resolve
from tasks.data.known_golds import KnownGolds
from tasks.data.loader import loader_named
from tasks.data.problems import ReadSets, graded_sets, read_sets, store_sets
from tasks.domain.chat_template import NAME as CHAT
from tasks.domain.chat_template import template_of
from tasks.domain.errors import UserError
from tasks.domain.rewards.grader import grader_for
from tasks.domain.schema import Policy, Problem
from tasks.domain.settings import EngineSettings
from tasks.domain.trackers import absent
from tasks.engines.chat import chat_of
from tasks.engines.sampling.choose import engine_class, kind_at_hand
from tasks.engines.sampling.host import close_all
from tasks.processes.ending import ending_at_once
from tasks.processes.processor import fast_dtype, flags
from tasks.store.workspace import Workspace, log

LEAST_FREE_BYTES = 2 << 30  # a tiny run's checkpoints and logs; real models need more and `restem plan` says how much
ENDPOINT_TIMEOUT_S = 10.0


def workspace_of(config: RunConfig) -> Workspace:
    """Return the run's workspace. A relative store is relative to the current directory."""
    store = config.run.store
    url = store if "://" in store else str(Path(store).expanduser().absolute())
    return Workspace(url, config.run.scratch, config.run.name, config.loop.versions_in_key)


@dataclass(frozen=True)
class Checked:
    """A config that passed every check, with everything that the checks read, so that a run reads it only once.

    `config` holds also what this machine decides. `base` is None where it must be made or fetched first.
    """

    config: RunConfig
    workspace: Workspace
    sets: ReadSets
    base: Policy | None


def preflight(config: RunConfig, *, looking: bool = False) -> Checked:
    """Check everything that can be checked before a server, an engine or a task starts; UserError for the first fault.

    This is the only list of checks: `validate`, `plan`, a run and a deployment all use it. With `looking` nothing is written
    or fetched: the store is not tested by writing, and a base that is not on this machine stays unknown.
    """
    config = with_machine_dtypes(with_engine_at_hand(config))
    workspace = workspace_of(config)
    if config.model.prompt != CHAT:
        template_of(config.model)
    check_reward(config)
    check_engine(config.engine, here=config.run.execution == "inline")
    if config.loop.sampler == "teacher" and config.teacher.engine is not None:
        check_engine(config.teacher.engine, here=config.run.execution == "inline")
    check_trackers(config)
    check_space(workspace)
    if not looking:
        workspace.store.check()
    loaded = read_sets(config.data)
    base = named_base(config, workspace, fetch=not looking)
    config = with_chat_template(config, base)
    check_prompts(config, *(one.problems for one in loaded.values()))
    if base:
        check_memory(config, base, itertools.chain(*(one.problems for one in loaded.values())))
        check_model(
            config, workspace, base, itertools.chain(*(one.problems for one in loaded.values())), remember=not looking
        )
    known = KnownGolds(Path(workspace.scratch).absolute() / "golds", writes=not looking)
    sets = graded_sets(loaded, config.data, config.verify, known)
    check_builtin(config, itertools.chain(*(one.problems for one in loaded.values())))
    check_method(config, sets.problems["train"], base)
    return Checked(config, workspace, sets, base)


@contextmanager
def open_run(
    checked: Checked, executor: Executor, journal: Journal | None = None, hook: Hook | None = None,
    close: Callable[[], None] = close_all,
) -> Iterator[Run]:  # fmt: skip
    """Open the run of a checked config, with its problems and its base in the store; engines are closed when the block ends.

    `journal` is told which stage failed, and `hook` is asked between waves. `close` is what closes the engines: a series of runs
    keeps them from one run to the next.
    """
    stages = Stages(checked.config, checked.workspace, executor, hook or NoLimit(), journal or Journal())
    with ending_at_once():
        problems = store_sets(checked.workspace, checked.sets)
        try:
            base = checked.base or made_base(stages)
            yield Run(stages, problems, executor.base(stages, base))
        finally:
            close()


def as_decided_here(config: RunConfig, base: Policy | None) -> RunConfig:
    """Return the config with all that this machine and the base decide: engine, data types, chat template."""
    return with_chat_template(with_room_for_adapters(with_machine_dtypes(with_engine_at_hand(config))), base)


def with_room_for_adapters(config: RunConfig) -> RunConfig:
    """Return the config with a server that can serve this run's adapters from its start, so that a model without them is told then."""
    rank = config.finetune.lora_rank if config.finetune.saves_adapters and config.loop.iterations else 0
    if config.engine.max_lora_rank >= rank:
        return config
    return config.model_copy(update={"engine": config.engine.model_copy(update={"max_lora_rank": rank})})


def with_engine_at_hand(config: RunConfig) -> RunConfig:
    """Return the config with the engine that really samples here, so that every key and record names it.

    On a fleet each worker has its own engine and refuses work for an engine that it lacks.
    """
    engine = config.engine
    kind = kind_at_hand(engine.kind) if config.run.execution == "inline" else engine.kind
    if kind == engine.kind:
        return config
    log.warning(
        "engine.kind is %s but %s is not installed: %s samples instead, many times slower",
        engine.kind, engine_class(engine.kind).library, kind,
    )  # fmt: skip
    return config.model_copy(update={"engine": engine.model_copy(update={"kind": kind})})


def with_machine_dtypes(config: RunConfig) -> RunConfig:
    """Return the config with a data type by name where it leaves that to the machine, so that every key and record names it."""
    asked = [name for name in ("engine", "finetune") if getattr(config, name).dtype == "machine"]
    if not asked:
        return config
    if config.run.execution != "inline":
        raise UserError(
            f"{asked[0]}.dtype = 'machine' is decided by the machine that runs everything, but run.execution is "
            f"{config.run.execution!r}; name float32 or bfloat16"
        )
    dtype = "bfloat16" if count_gpus() else fast_dtype(flags())
    log.info("dtype of %s is %s, which this machine computes fastest", " and ".join(asked), dtype)
    changed = {name: getattr(config, name).model_copy(update={"dtype": dtype}) for name in asked}
    return config.model_copy(update=changed)


def with_chat_template(config: RunConfig, base: Policy | None) -> RunConfig:
    """Return the config with the chat template of its base, where the prompt is the model's own, so that every key names it."""
    if config.model.prompt != CHAT or base is None:
        return config
    chat = chat_of(Path(base.uri), config.model.chat)
    return config.model_copy(update={"model": config.model.model_copy(update={"chat": chat})})


def check_reward(config: RunConfig) -> None:
    """Check that the reward can grade these problems and, where it runs programs, that the sandbox works and holds."""
    grader = grader_for(config.verify)
    sources = {name: getattr(config.data, name) for name in ("train", "val", "test")}
    sources |= {f"transfer.{name}": source for name, source in config.data.transfer.items()}
    for name, source in sources.items():
        kind = source.kind
        if loader_named(kind).runs_tests and grader.reward.kind == "math":
            raise UserError(f"data.{name}.kind {kind!r} needs tests to be run, which verify.reward "
                            f"{config.verify.reward!r} does not; set verify.reward = \"code\"")  # fmt: skip
    if config.verify.folder:
        log.info("%s is on the import path, for the reward %s", config.verify.folder, grader.version)
    grader.open()


def check_engine(engine: EngineSettings, *, here: bool = True) -> None:
    """Check that the devices, files and endpoints of the engine exist; `here` says that it will run on this machine."""
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
    """Count the NVIDIA GPUs that the driver lists."""
    if not shutil.which("nvidia-smi"):
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return sum(line.startswith("GPU ") for line in listed.splitlines())


def check_endpoint(url: str) -> None:
    """Check that an external endpoint answers at all; which model it serves is asked when it is used."""
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/models", timeout=ENDPOINT_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UserError(f"engine.urls: {url!r} does not answer ({error}); start it or correct the address") from error


def check_trackers(config: RunConfig) -> None:
    """Check that the trackers to which training reports are installed."""
    if name := absent(config.finetune.report_to):
        raise UserError(
            f"finetune.report_to names {name}, which is not installed; `pip install 'restem[track]'` has TensorBoard and MLflow, "
            "others come by their own packages; or leave it out"
        )


def check_prompts(config: RunConfig, *sets: Iterable[Problem]) -> None:
    """Check that every problem can be written with the template and the number of examples that the config asks for."""
    template = template_of(config.model)
    for problem in itertools.chain(*sets):
        template.render(problem, config.model.shots)


def check_space(workspace: Workspace) -> None:
    """Check that the scratch folder can be made and has room; nothing is made yet."""
    path = Path(workspace.scratch).absolute()
    try:
        above = next(folder for folder in (path, *path.parents) if folder.exists())
        if not above.is_dir():
            raise NotADirectoryError(f"{str(above)!r} is no folder")
        if not os.access(above, os.W_OK):
            raise PermissionError(f"{str(above)!r} cannot be written")
        free = shutil.disk_usage(above).free
    except OSError as error:
        raise UserError(
            f"scratch folder {workspace.scratch!r} cannot be made: {error}; set run.scratch to another one"
        ) from error
    if free < LEAST_FREE_BYTES:
        raise UserError(
            f"scratch folder {workspace.scratch!r} has {free / 2**30:.1f} GiB free, at least "
            f"{LEAST_FREE_BYTES / 2**30:.0f} GiB are needed; free some space or set run.scratch to another disk"
        )


def named_base(config: RunConfig, workspace: Workspace, *, fetch: bool) -> Policy | None:
    """Return the base that the config names by folder, URL or Hub id; None for a built-in one, or where it must not be fetched."""
    if config.model.base in BUILTIN:
        return None
    if config.model.base.startswith("builtin:"):
        raise UserError(f"model.base {config.model.base!r} is unknown; built-in are {', '.join(sorted(BUILTIN))}")
    return resolve(workspace, config.model) if fetch else known_base(workspace, config.model)


def made_base(stages: Stages) -> Policy:
    """Return the built-in base model, which is trained now unless the store has it."""
    return builtin_policy(stages.workspace, stages.do(pretrain, BaseJob(stages.workspace, stages.config.model)))
