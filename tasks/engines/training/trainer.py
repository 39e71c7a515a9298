"""Fine-tunes by one call, which starts `tasks.engines.training.trl_sft` as a guarded child, follows it, returns its checkpoints.

Importing this module is light. What lies in `output_dir` during and after a call:

    job.json  accelerate.json   what the child was asked to do
    progress.jsonl              a line per logged step
    state/                      weights, optimizer, scheduler, random numbers after the last epoch, or of the last half
                                hour within one: what `resume` goes on from
    epoch-1/ epoch-2/ ...       ordinary Hugging Face folders; a folder with this name is complete
    result.json | error.json    the outcome
    logs/                       files of trackers, unless the job names another place
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from tasks.domain.disk import fault_of_folder
from tasks.domain.errors import TrainerFailed, UserError
from tasks.domain.settings import FinetuneSettings
from tasks.domain.trackers import absent, chosen, mlflow_address, mlflow_experiment, tensorboard_folder
from tasks.engines.training.sft_rows import AS_TEXT, HeldBack, Joining
from tasks.processes.guard import GuardedProcess, spawn
from tasks.processes.processor import cores

JOB_FILE, PROGRESS_FILE, RESULT_FILE, ERROR_FILE = "job.json", "progress.jsonl", "result.json", "error.json"
LAUNCH_FILE = "accelerate.json"
POLL_S = 0.1
ERROR_LINE = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception|Killed|Interrupt)\b.*")
PRECISION = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


@dataclass(frozen=True)
class TrainJob:
    """One fine-tuning: `base_path` (folder with model and tokenizer) on the rows of `data_files` (`schema_of(Example)`).

    `total_rows` is the number of rows in all files. `resume` goes on from `output_dir/state` where there is one.
    """

    base_path: Path
    data_files: tuple[Path, ...]
    output_dir: Path
    settings: FinetuneSettings
    total_rows: int
    run_name: str
    resume: bool = False
    joining: Joining = AS_TEXT
    tracking: Path | None = None  # where trackers that write files do it; None: below output_dir
    experiment: str = ""  # the run that this training belongs to
    base_digest: str = ""  # by which a saved adapter names its base

    def to_json(self) -> str:
        plain = {**self.__dict__, "settings": self.settings.model_dump(mode="json"), "joining": asdict(self.joining)}
        return json.dumps(plain, default=str, indent=1)

    @classmethod
    def from_json(cls, text: str) -> TrainJob:
        plain = json.loads(text)
        plain["settings"] = FinetuneSettings.model_validate(plain["settings"])
        plain["joining"] = Joining(**plain["joining"])
        plain["data_files"] = tuple(Path(file) for file in plain["data_files"])
        plain["tracking"] = Path(plain["tracking"]) if plain["tracking"] else None
        return cls(**{**plain, "base_path": Path(plain["base_path"]), "output_dir": Path(plain["output_dir"])})


@dataclass(frozen=True)
class TrainProgress:
    """After `step` of `steps` optimizer steps. `tokens` (prompt and target) and `seconds` count from this call's start."""

    step: int
    steps: int
    epoch: float
    loss: float
    grad_norm: float
    tokens: int
    seconds: float


@dataclass(frozen=True)
class EpochCheckpoint:
    """The weights after `epoch` passes over the data; `train_loss` is the mean over that epoch's steps."""

    epoch: int
    path: Path
    train_loss: float
    steps: int  # optimizer steps since the beginning
    unchanged: bool = False  # the weights are still those of the start


@dataclass(frozen=True)
class TrainResult:
    """The epochs, earliest first. `tokens` counts all epochs, `seconds` this call with the child's start, `optimizing_s` the steps
    that it made; `held_back` are rows that were not trained on.

    `notes` are sentences on what was asked for and not done.

    `history` holds the trainer's log records of all epochs: step, epoch, loss, grad_norm, learning_rate, entropy, ...
    For a model with a router loss, `loss` is the sum of `nll` and `router_loss`.
    """

    epochs: tuple[EpochCheckpoint, ...]
    tokens: int
    seconds: float
    versions: dict[str, str]
    history: list[dict[str, Any]]
    held_back: tuple[HeldBack, ...] = ()
    notes: tuple[str, ...] = ()
    threads: int = 0  # of the child, for arithmetic on the CPU
    encoded: Mapping[str, int] = field(default_factory=dict)  # rows trained on their encoded text, by the reason
    peak_bytes: int = 0  # of the GPU where there is one, else of the child's memory
    optimizing_s: float = 0.0


def train(job: TrainJob, *, on_progress: Callable[[TrainProgress], None] | None = None, log_path: Path) -> TrainResult:
    """Run the job to its end in a child process; the child is stopped when this call is left by an exception.

    Raises UserError (data, settings or base are wrong), TrainerFailed (it died, or ran past `timeout_s`).
    """
    job = _checked(job)
    started = time.monotonic()
    _prepare(job)
    log_start = log_path.stat().st_size if log_path.exists() else 0
    with spawn(command(job), env=environment(job), log_path=log_path, cwd=job.output_dir) as child:
        ended = _follow(child, job, on_progress, started + job.settings.timeout_s)
    if ended.code != 0 or not (job.output_dir / RESULT_FILE).exists():
        raise _failure(job, ended.code, log_path, log_start)
    return replace(_result(job, time.monotonic() - started), optimizing_s=ended.optimizing_s)


def command(job: TrainJob) -> list[str]:
    """Return the child's argv: `accelerate launch -m`, except for one process on the CPU, where that would only add 4 s of imports."""
    module = ["-m", "tasks.engines.training.trl_sft", str(job.output_dir / JOB_FILE)]
    if not job.settings.accelerate_args and not gpu_visible():
        return [sys.executable, *module]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *_own_launch_config(job)]
    return [*launcher, *([] if gpu_visible() else ["--cpu"]), *job.settings.accelerate_args, *module]


def _own_launch_config(job: TrainJob) -> list[str]:
    """Keep a config file in the home directory out of the run, unless the arguments name one."""
    if any(argument.startswith("--config_file") for argument in job.settings.accelerate_args):
        return []
    return ["--config_file", str(job.output_dir / LAUNCH_FILE)]


def environment(job: TrainJob) -> dict[str, str]:
    """Return the variables that are laid over this process's environment for the child."""
    logs = str(job.output_dir / "logs")
    wanted = {
        "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_DATASETS_CACHE": str(job.output_dir / "cache"), "WANDB_DIR": logs, **_tracking(job),
    }  # fmt: skip
    threads = job.settings.threads or max(1, cores() // job.settings.processes)
    # Threads that spin while they wait made a step 5.5 times slower when other processes wanted the cores as well.
    defaults = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    if job.settings.processes == 1 and gpu_visible():
        wanted["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    chosen = {name: os.environ.get(name, value) for name, value in defaults.items()}
    return {**wanted, **chosen, **({"OMP_NUM_THREADS": str(threads)} if job.settings.threads else {})}


def _tracking(job: TrainJob) -> dict[str, str]:
    """Return where trackers that write files do it, and under which name; what the person's own variables say wins."""
    folder = job.tracking or job.output_dir / "logs"
    made = {"TENSORBOARD_LOGGING_DIR": tensorboard_folder(folder, job.run_name)}
    if "mlflow" in chosen(job.settings.report_to):
        folder.mkdir(parents=True, exist_ok=True)
        experiment = mlflow_experiment(job.experiment or job.run_name)
        made |= {
            "MLFLOW_TRACKING_URI": mlflow_address(folder),
            "MLFLOW_EXPERIMENT_NAME": experiment,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    return made


def gpu_visible() -> bool:
    """Return whether the child will find a GPU, without importing torch."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1") or metadata.version("torch").endswith("+cpu"):
        return False
    return Path("/dev/kfd").exists() or any(Path("/dev").glob("nvidia[0-9]*"))


def _checked(job: TrainJob) -> TrainJob:
    """Return the job with absolute paths; UserError for faults that show without loading anything."""
    settings = job.settings
    if not (job.base_path / "config.json").is_file():
        raise UserError(
            f"{job.base_path} has no config.json; expected a folder with a Hugging Face model and its tokenizer"
        )
    if missing := [str(file) for file in job.data_files if not file.is_file()]:
        raise UserError(f"the data file {missing[0]} does not exist; materialize the data set again")
    if not job.data_files:
        raise UserError("the data set has no files, so there is nothing to train on")
    if missing_tracker := absent(settings.report_to):
        raise UserError(
            f"finetune.report_to names {missing_tracker}, which is not installed; install it or take it out"
        )
    if settings.quantized_base != "none" and not settings.lora_rank:
        raise UserError(
            "finetune.quantized_base trains adapters only; set finetune.lora_rank, or quantized_base = none"
        )
    for name, wanted in (("liger", settings.liger), ("quantized_base", settings.quantized_base != "none")):
        package = {"liger": "liger_kernel", "quantized_base": "bitsandbytes"}[name]
        if wanted and (not gpu_visible() or importlib.util.find_spec(package) is None):
            raise UserError(f"finetune.{name} needs a GPU and the package {package}; leave it out")
    if not gpu_visible() and settings.dtype == "float16":
        raise UserError("finetune.dtype = float16 needs a GPU and none was found; use float32")
    if not gpu_visible() and settings.processes > 1:
        raise UserError(f"finetune.processes = {settings.processes} needs as many GPUs and none was found; use 1")
    files = tuple(file.resolve() for file in job.data_files)
    return replace(job, base_path=job.base_path.resolve(), data_files=files, output_dir=job.output_dir.resolve())


def _prepare(job: TrainJob) -> None:
    """Prepare an output folder with the job in it, keeping of an earlier run only what `resume` goes on from."""
    job.output_dir.mkdir(parents=True, exist_ok=True)
    stale = [job.output_dir / name for name in (PROGRESS_FILE, RESULT_FILE, ERROR_FILE)]
    if not job.resume:
        stale += [*job.output_dir.glob("epoch-*"), job.output_dir / "state"]
    for path in stale:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (job.output_dir / JOB_FILE).write_text(job.to_json())
    (job.output_dir / LAUNCH_FILE).write_text(json.dumps(_launch_config(job.settings)))


def _launch_config(settings: FinetuneSettings) -> dict[str, Any]:
    return {
        "compute_environment": "LOCAL_MACHINE", "distributed_type": "MULTI_GPU" if settings.processes > 1 else "NO",
        "num_processes": settings.processes, "num_machines": 1, "machine_rank": 0, "gpu_ids": "all", "debug": False,
        "mixed_precision": PRECISION[settings.dtype], "use_cpu": not gpu_visible(), "main_process_port": 0,
    }  # fmt: skip


@dataclass(frozen=True)
class _Followed:
    """How a child ended, and how many seconds it had made steps for when it last told of one."""

    code: int
    optimizing_s: float


def _follow(
    child: GuardedProcess, job: TrainJob, on_progress: Callable[[TrainProgress], None] | None, deadline: float
) -> _Followed:
    """Pass progress on until the child has ended."""
    lines, optimizing_s = _new_lines(job.output_dir / PROGRESS_FILE), 0.0
    while True:
        code = _ended(child)
        for line in next(lines):
            now = TrainProgress(**json.loads(line))
            optimizing_s = now.seconds
            if on_progress is not None:
                on_progress(now)
        if code is not None:
            return _Followed(code, optimizing_s)
        if time.monotonic() > deadline:
            raise TrainerFailed(
                f"fine-tuning was stopped after {job.settings.timeout_s:g} s; raise finetune.timeout_s "
                "(a retry goes on from the last saved state)"
            )


def _ended(child: GuardedProcess) -> int | None:
    try:
        return child.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return None


def _new_lines(path: Path) -> Iterator[list[str]]:
    """Yield, at each `next`, the complete lines that were appended since the last one."""
    position = 0
    while True:
        lines: list[str] = []
        if path.exists():
            with path.open("rb") as stream:
                stream.seek(position)
                complete = stream.read().rpartition(b"\n")
            position += len(complete[0]) + len(complete[1])
            lines = complete[0].decode().splitlines()
        yield lines


def _result(job: TrainJob, seconds: float) -> TrainResult:
    told = json.loads((job.output_dir / RESULT_FILE).read_text())
    epochs = tuple(EpochCheckpoint(**{**one, "path": Path(one["path"])}) for one in told["epochs"])
    held_back = tuple(HeldBack(**one) for one in told["held_back"])
    return TrainResult(
        epochs,
        told["tokens"],
        seconds,
        told["versions"],
        told["history"],
        held_back,
        tuple(told["notes"]),
        told["threads"],
        told["encoded"],
        told["peak_bytes"],
    )


def _failure(job: TrainJob, code: int, log_path: Path, log_start: int) -> UserError | TrainerFailed:
    """Return the child's own error, else the first error line of its log."""
    error_file = job.output_dir / ERROR_FILE
    told = json.loads(error_file.read_text()) if error_file.exists() else {}
    if told.get("kind") == "user":
        return UserError(told["message"])
    if (
        fault := fault_of_folder(job.output_dir)
    ) is not None:  # too full for the child to say so, or torch hid the reason
        return UserError(f"the training could not be saved: {fault.sentence(str(job.output_dir))}")
    if told:
        return TrainerFailed(f"fine-tuning failed: {told['message']}; the log is {log_path}")
    with log_path.open("rb") as stream:
        stream.seek(log_start)
        lines = stream.read().decode("utf-8", "replace").splitlines()
    reason = next((line for line in lines if ERROR_LINE.match(line)), "no error message")
    ended = f"was killed by signal {-code} (out of memory?)" if code < 0 else f"ended with exit code {code}"
    return TrainerFailed(f"fine-tuning {ended}: {reason}; the log is {log_path}")


def progress_line(progress: TrainProgress) -> str:
    return json.dumps(asdict(progress)) + "\n"
