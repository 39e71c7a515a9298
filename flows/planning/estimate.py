"""Estimates the tokens, bytes and seconds of a plan from an earlier run's figures where there are any, else from rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.checks.memory import parameters_in, shape_of
from flows.config import RunConfig
from flows.stored.ls import finetune_of
from flows.stored.runs import result_of, results_in
from tasks.domain.chat_template import template_of
from tasks.domain.run_result import IterationResult, RunResult
from tasks.domain.schema import Policy, Problem
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training.sft_checkpoints import side_bytes
from tasks.engines.weight_files import has_weights, holds_a_model
from tasks.store.artifacts import Manifest, Store
from tasks.store.workspace import Workspace

# Rules of thumb, used only while the store knows no better. Measured on 2 AVX-512 cores: a 4.8M-parameter model gave 7,400
# tokens/s, SmolLM2-135M 450, and trained at 110 tokens/s; the GPU figures are guesses for one 80 GB card.
CPU_SAMPLING_FLOPS, CPU_SAMPLING_MOST = 1.2e11, 7_400.0
CPU_TRAINING_FLOPS = 9e10
GPU_SAMPLING_FLOPS, GPU_SAMPLING_MOST = 3e13, 20_000.0
GPU_TRAINING_FLOPS = 1e14
ENGINE_START_S = 37.0
TRAINING_START_S = 14.0  # imports, the checkpoint and the rows; measured on 2 cores
PRETRAIN_STEP_S = 0.2
BUILTIN_PARAMETERS = 800_000
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
STORED_BYTES_PER_TOKEN = (
    4.0  # text and token ids, compressed (2.2 on GSM8K), its verdict, and the row of a data set that it may become
)
STATE_COPIES = 3  # of the trained weights: themselves and both moments of AdamW


@dataclass(frozen=True)
class Work:
    """What is to be done: the most samples drawn for training and for evaluation, M-steps to train, and the base to make."""

    train_samples: int
    eval_samples: int
    trainings: int
    base: bool

    @property
    def samples(self) -> int:
        return self.train_samples + self.eval_samples


@dataclass(frozen=True)
class Amounts:
    """Upper estimates. `store_bytes` stay, `scratch_bytes` are needed only while training; `basis` says what they are based on."""

    samples: int
    tokens: int
    store_bytes: int
    scratch_bytes: int
    seconds: float
    basis: str


@dataclass(frozen=True)
class Rates:
    """Tokens of one sample (prompt, completion), completion tokens per second, and what an M-step takes.

    An M-step takes `training_start_s`, and `training_row_s` for each row in each epoch; it trains on `rows_per_problem` rows for each
    train problem, so that a trial with few problems says something about a night with many.
    """

    prompt_tokens: float
    completion_tokens: float
    tokens_per_s: float
    training_start_s: float
    training_row_s: float
    rows_per_problem: float
    basis: str

    def training_s(self, config: RunConfig, problems: int) -> float:
        """Return the seconds of one M-step of this config."""
        tuning = config.finetune
        rows = min(problems * self.rows_per_problem, config.materialize.max_rows or float("inf"))
        passed = tuning.steps * tuning.batch_size * tuning.accumulation if tuning.steps else rows * tuning.epochs
        return self.training_start_s + self.training_row_s * passed


def estimate(
    config: RunConfig, workspace: Workspace, work: Work, sets: Mapping[str, list[Problem]], base: Policy | None
) -> Amounts:
    """Estimate the amounts of `work`; times are for this machine, or for the machine of the earlier run."""
    parameters = parameters_of(base)
    rates = _measured(config, workspace) or _rules(config, sets, parameters, base)
    completion_tokens = work.samples * rates.completion_tokens
    models = work.trainings * config.finetune.checkpoints * policy_bytes(config, parameters, base)
    seconds = completion_tokens / rates.tokens_per_s + work.trainings * rates.training_s(config, len(sets["train"]))
    if work.samples:
        seconds += ENGINE_START_S
    if work.base and config.model.base.startswith("builtin:"):
        seconds += config.model.pretrain_steps * PRETRAIN_STEP_S
    return Amounts(
        work.samples,
        round(completion_tokens + work.samples * rates.prompt_tokens),
        round(models + completion_tokens * STORED_BYTES_PER_TOKEN),
        training_scratch_bytes(config, parameters, base) if work.trainings else 0,
        seconds,
        rates.basis,
    )


def policy_bytes(config: RunConfig, parameters: int, base: Policy | None) -> int:
    """Return what one trained policy takes in the store: weights and the base's other files, or the matrices of each adapted layer."""
    tuning, folder = config.finetune, _known_folder(base)
    if tuning.saves_adapters and folder:
        return _adapter_bytes(tuning, folder)
    return parameters * BYTES[tuning.save_dtype] + (side_bytes(folder) if folder else 0)


def training_scratch_bytes(config: RunConfig, parameters: int, base: Policy | None) -> int:
    """Return the most that one training keeps beside the store: two states while the later is saved, and the epochs' policies.

    A policy in the data type of training has its state's file under a second name, so only those of earlier states count.
    """
    tuning, folder = config.finetune, _known_folder(base)
    adapted = tuning.lora_rank > 0 and folder is not None
    trained = _adapter_bytes(tuning, folder) if adapted and folder else parameters * BYTES[tuning.weights_dtype]
    linked = tuning.lora_rank == 0 and tuning.save_dtype == tuning.weights_dtype
    epochs = max(0, tuning.checkpoints - 2) if linked else tuning.checkpoints
    state = STATE_COPIES * trained + (side_bytes(folder) if folder else 0)
    return 2 * state + epochs * policy_bytes(config, parameters, base)


def _adapter_bytes(tuning: FinetuneSettings, folder: Path) -> int:
    """Return the size of the two matrices of each adapted layer, in float32."""
    return tuning.lora_rank * shape_of(folder).adapter_width * 4


def _known_folder(base: Policy | None) -> Path | None:
    """Return the folder of a base whose files are on this machine."""
    folder = Path(base.uri) if base is not None and "://" not in base.uri else None
    return folder if folder and holds_a_model(folder) else None


def parameters_of(policy: Policy | None) -> int:
    """Count parameters in the headers of the local weights that are loaded; without any, return those of the built-in model."""
    folder = Path(policy.uri) if policy and "://" not in policy.uri else None
    return parameters_in(folder) if folder and has_weights(folder) else BUILTIN_PARAMETERS


def _measured(config: RunConfig, workspace: Workspace) -> Rates | None:
    """Return rates from this run's own record, else from the run of the same base model and engine that sampled most.

    Samples that were in the store already took no time, so only rounds that drew their own count.
    """
    store = workspace.store
    own = result_of(store, config.run.name)
    if own is not None and _comparable(own, config):
        return _rates_of(own, _fresh(own) or list(own.iterations), store)
    others = [result for result in results_in(store) if _comparable(result, config) and _fresh(result)]
    best = max(others, key=lambda result: sum(row.train.completion_tokens for row in _fresh(result)), default=None)
    return _rates_of(best, _fresh(best), store) if best else None


def _fresh(result: RunResult) -> list[IterationResult]:
    return [row for row in result.iterations if row.train.samples and not row.cached.get("E-step")]


def _comparable(result: RunResult, config: RunConfig) -> bool:
    sections = result.config
    return (
        sections["model"]["base"] == config.model.base
        and sections["engine"]["kind"] == config.engine.kind
        and sections["generate"]["max_tokens"] == config.generate.max_tokens
        and any(row.train.samples for row in result.iterations)
    )


def _rates_of(result: RunResult, rows: Sequence[IterationResult], store: Store) -> Rates:
    samples = sum(row.train.samples for row in rows)
    drawn = sum(row.train.completion_tokens for row in rows)
    seconds = sum(row.seconds.get("E-step", 0.0) for row in rows)
    problems = sum(row.train_problems for row in rows)
    start_s, row_s = _training_rates(result, store)
    return Rates(
        sum(row.train.prompt_tokens for row in rows) / samples,
        drawn / samples,
        drawn / max(seconds, 1e-6),
        start_s,
        row_s,
        sum(row.kept_examples or 0 for row in rows) / max(problems, 1),
        f"rates of run {result.name!r} on {result.hardware}",
    )


def _training_rates(result: RunResult, store: Store) -> tuple[float, float]:
    """Return the seconds that trainings take beside the optimizer's, and those of a row in an epoch, as their manifests say.

    Manifests of older stores may not say them: then all of the seconds count as the rows', or nothing is known.
    """
    found = (finetune_of(store, row.refs.get("finetune", "")) for row in result.iterations)
    done = [one for one in found if one is not None and "seconds" in one.meta]
    passes = sum(_rows_passed(one) for one in done)
    if not passes:
        return 0.0, 0.0
    optimizing = sum(one.meta.get("optimizing_seconds", one.meta["seconds"]) for one in done)
    return (sum(one.meta["seconds"] for one in done) - optimizing) / len(done), optimizing / passes


def _rows_passed(training: Manifest) -> float:
    """Return how many rows the optimizer saw, counting a row again in each epoch."""
    settings = training.recipe["settings"]
    steps = max((one.get("steps", 0) for one in training.meta["epochs"]), default=0)
    return float(steps * settings["batch_size"] * settings["accumulation"])


def _rules(config: RunConfig, sets: Mapping[str, list[Problem]], parameters: int, base: Policy | None) -> Rates:
    template = template_of(config.model)
    prompts = [template.render(problem, config.model.shots) for problem in sets["train"]]
    builtin = config.model.base.startswith("builtin:")
    per_token = 1 if builtin else 4  # characters
    prompt_tokens = sum(map(len, prompts)) / len(prompts) / per_token
    completion_tokens = config.generate.max_tokens / 2
    unknown = (
        "" if base or builtin else " (the base is not on this machine yet; a larger one takes longer, and more disk)"
    )
    gpu = Path("/dev/nvidia0").exists()
    flops, most = (GPU_SAMPLING_FLOPS, GPU_SAMPLING_MOST) if gpu else (CPU_SAMPLING_FLOPS, CPU_SAMPLING_MOST)
    training_flops = GPU_TRAINING_FLOPS if gpu else CPU_TRAINING_FLOPS
    return Rates(
        prompt_tokens,
        completion_tokens,
        min(flops / (2 * parameters), most),
        TRAINING_START_S,
        (prompt_tokens + completion_tokens) * 6 * parameters / training_flops,
        config.materialize.cap,
        f"rules of thumb: completions half of max_tokens long, {parameters / 1e6:,.1f}M parameters{unknown}, every problem "
        f"filled to the cap, {'one GPU' if gpu else 'this CPU'}",
    )
