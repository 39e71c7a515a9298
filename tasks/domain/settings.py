"""Defines every setting of the loop once: its type, its bounds and its unit.

The settings are in this light module, not beside each stage, so that `restem --help`, the Prefect form and the child processes
can read them without importing Prefect or torch. `CONTENT` of a class names the fields that can change what a stage
produces; only those enter its key.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tasks.domain.extensions import COLUMNS, ENGINES, LOADERS
from tasks.domain.schema import Hint, Sampling

WarmupFrom = Literal["first_step", "zero"]


class Settings(BaseModel):
    """Frozen, and an unknown key is an error: a misspelt knob must not be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    NOT_CONTENT: ClassVar[frozenset[str]] = frozenset()
    LATER: ClassVar[frozenset[str]] = frozenset()

    def content(self) -> dict[str, Any]:
        """The slice of these settings that belongs into a key.

        A field of `LATER` was added when stores with keys existed already. Its default does what was done before, and
        then it stays out of the key, so that what is stored stays valid.
        """
        fields = type(self).model_fields
        unsaid = {name for name in self.LATER if getattr(self, name) == fields[name].default}
        plain = self.model_dump(mode="json", exclude=set(self.NOT_CONTENT | unsaid))
        nested = {name: value.content() for name in plain if isinstance(value := getattr(self, name), Settings)}
        return plain | nested


class SourceSettings(Settings):
    """These settings describe one set of problems."""

    kind: Annotated[str, AfterValidator(LOADERS.check)] = Field(
        "arithmetic",
        description="Which loader reads it; `table` is any jsonl/parquet file or Hub data set by column mapping.",
        json_schema_extra=LOADERS.select,
    )
    path: str | None = Field(
        None,
        description="File, folder, pattern (part-*.parquet), fsspec URL (s3://...) or Hub data set id (hf:NAME). None: the loader's Hub default.",
    )
    split: str = Field("train", description="Split of a Hub data set; for `arithmetic`, which disjoint operand set.")
    revision: str | None = Field(None, description="Hub revision; resolved to a commit when the run is planned.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Our field (id, question, gold, tests, level) -> their column; a dotted path leads into a nested one.",
    )
    limit: int | None = Field(None, ge=1, description="At most this many problems, after the filters.")
    offset: int = Field(0, ge=0, description="Skip this many problems, after the filters and before the limit.")
    shuffle_seed: int | None = Field(
        None, description="Shuffle with this seed before offset and limit; None keeps the order."
    )
    levels: tuple[str, ...] = Field((), description="Only these levels; empty: all.")
    max_calculations: int | None = Field(None, ge=1, description="gsm8k: only problems with at most this many <<a=b>>.")
    min_tests: int = Field(1, ge=0, description="Code: only problems with at least this many tests.")
    hidden_tests: int = Field(
        0, ge=0, description="Code: hold back this many tests of each problem, to measure false positives; one stays."
    )


class ProblemCorrection(Settings):
    """This record is what a person corrects in a problem: its gold or its tests, or the problem goes."""

    problem: str = Field(min_length=1)
    gold: str | None = None
    tests: str | None = None
    drop: bool = False


class Overruled(Settings):
    """This record is a person's word on one completion of a problem, named by the digest of its text."""

    problem: str = Field(min_length=1)
    text: str = Field(pattern="^[0-9a-f]{16}$")
    label: Literal["correct", "wrong"]


class DataSettings(Settings):
    """Three disjoint sets: train is sampled and trained on, val decides, test is reported and decides nothing.

    `transfer` names further test sets, of other sources, which are reported beside it.
    """

    LATER = frozenset({"transfer"})

    train: SourceSettings = SourceSettings(split="train", limit=400)
    val: SourceSettings = SourceSettings(split="val", limit=100)
    test: SourceSettings = SourceSettings(split="test", limit=200)

    @field_validator("val", "test", mode="before")
    @classmethod
    def _own_split(cls, value: Any, info: ValidationInfo) -> Any:
        """A set that names no split gets its own: nobody means to test on train."""
        if not isinstance(value, dict) or "split" in value:
            return value
        built_in = str(value.get("kind", "arithmetic")).startswith("arithmetic")
        return value | {"split": "train" if info.field_name == "val" and not built_in else info.field_name}

    transfer: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")], SourceSettings] = Field(
        {},
        description="Further test sets by name, say of another source: the base and every iteration are evaluated on them.",
    )

    @field_validator("transfer", mode="before")
    @classmethod
    def _test_split(cls, value: Any) -> Any:
        """A transfer set that names no split is the source's test."""
        if not isinstance(value, dict):
            return value
        return {name: {"split": "test"} | one if isinstance(one, dict) else one for name, one in value.items()}

    corrections: tuple[ProblemCorrection, ...] = Field(
        (), description="Golds that are wrong and problems that go; in a config the name of a file (docs/audit.md)."
    )
    max_bad_gold_share: float = Field(
        0.01, ge=0, le=1, description="Train problems whose gold fails its own grader are left out up to this share."
    )
    max_contaminated_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Test problems that share 13 words in a row with a train problem: above this, refused.",
    )


class ChatSettings(Settings):
    """How a model's own chat template is used (`model.prompt = "tokenizer"`).

    The last three fields are read from the base's tokenizer when a run is checked; a `template` of one's own (Jinja, as
    tokenizers write it) takes the place of the tokenizer's.
    """

    system: str = Field(
        "", description="System text of problems that bring none; empty: what the template does by itself."
    )
    examples: str = Field("gsm8k", description="Built-in template whose worked examples become turns (model.shots).")
    thinking: Literal["default", "on", "off"] = Field(
        "default", description="Of templates that know enable_thinking; default: what the template does without it."
    )
    reasoning: Literal["keep", "drop"] = Field(
        "keep", description="drop: the text between <think> and </think> is not trained on."
    )
    template: str = Field("", description="The chat template; empty: that of the base's tokenizer.")
    tokens: dict[str, str] = Field(default_factory=dict, description="Special tokens that the template names; read.")
    end: str = Field("", description="The text that ends the assistant's turn; read.")
    NOT_CONTENT = frozenset({"reasoning"})  # of the target only; materialize has it in its key


class ModelSettings(Settings):
    """The base model, and how prompts are written for it."""

    LATER = frozenset({"chat"})

    base: str = Field(
        "builtin:arithmetic",
        description="builtin:arithmetic, builtin:arithmetic_hints (for a second try with a hint), builtin:programs, a folder, an "
        "fsspec URL, or a Hub id.",
    )
    revision: str | None = Field(None, description="Hub revision of the base; resolved to a commit when planned.")
    prompt: str = Field(
        "arithmetic",
        description="Prompt template by name: arithmetic, programs, gsm8k, math, code, chat (ChatML), plain; tokenizer: the model's own.",
    )
    chat: ChatSettings = ChatSettings()
    shots: int = Field(
        0, ge=0, le=16, description="Few-shot examples in the prompt, in sampling and in training alike."
    )
    pretrain_steps: int = Field(600, ge=1, description="builtin: only: steps of base pre-training.")
    pretrain_seed: int = Field(0, ge=0, lt=2**31, description="builtin: only.")
    pretrain_warmup_from: WarmupFrom = Field(
        "zero",
        description="builtin: only. zero: the first step has rate 0, as in the bases that all published figures start from; "
        "first_step: each step learns, which makes another base.",
    )


class GenerateSettings(Settings):
    """These settings are for E-step sampling (paper, section 3 and appendix: T 0.7, top-k 40, 32 samples a problem on MATH)."""

    waves: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16, 8, 8), min_length=1, description="Samples a problem per wave; a problem that has `cap` accepted drops out."
    )
    temperature: float = Field(0.7, ge=0, le=5, description="Of sampling; 0: greedy.")
    top_k: int = Field(40, ge=0, description="0: off.")
    top_p: float = Field(
        1.0, gt=0, le=1, description="Nucleus: the most probable tokens that together have this probability; 1: off."
    )
    max_tokens: int = Field(512, ge=1, description="Tokens of one completion; longer ones are cut and not accepted.")
    range_size: int = Field(64, ge=1, description="Problems in one range, the unit of work and of commit.")
    ranges_in_flight: int = Field(
        3, ge=1, le=64, description="Ranges worked on at once, so that the engine never idles."
    )
    flush_seconds: float = Field(30, gt=0, le=60, description="Finished problems are stored at least this often.")
    NOT_CONTENT = frozenset({"waves", "range_size", "ranges_in_flight", "flush_seconds"})

    def sampling(self, stop: tuple[str, ...] = ()) -> Sampling:
        return Sampling(self.temperature, self.top_k, self.top_p, self.max_tokens, stop)


class EngineSettings(Settings):
    """How policies are served. Of all this only `kind`, `dtype` and `max_model_len` can change what is sampled."""

    kind: Annotated[str, AfterValidator(ENGINES.check)] = Field(
        "vllm",
        description="vllm: our own server process; hf: transformers; openai: external endpoints; replay: recorded samples.",
        json_schema_extra=ENGINES.select,
    )
    dtype: Literal["auto", "machine", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Of the served weights; auto: as in the checkpoint; machine: what this processor or GPU computes fastest, "
        "which is decided when the run is checked and stands in its keys by name.",
    )
    threads: int | None = Field(
        None, ge=1, description="CPU only: OpenMP threads of the server; None: by the size of the model."
    )
    max_model_len: int | None = Field(
        None, ge=16, description="Tokens of prompt plus completion; None: the model's own limit."
    )
    max_in_flight: int = Field(64, ge=1, description="Completions in progress at once.")
    kv_cache_gib: float = Field(1.0, gt=0, description="CPU only: KV cache of the server, GiB.")
    gpu_memory_utilization: float = Field(
        0.9, gt=0, lt=1, description="Share of the GPU's memory that the server takes."
    )
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs that one copy of the model is split over.")
    data_parallel_size: int = Field(1, ge=1, description="Copies of the model, each on its own GPUs.")
    enforce_eager: bool = Field(False, description="No CUDA graphs: starts faster, runs slower. Always on for the CPU.")
    residency: Literal["auto", "keep", "sleep", "stop"] = Field(
        "auto", description="What the server does while training runs; auto: keep on the CPU, sleep on a GPU."
    )
    urls: tuple[str, ...] = Field((), description="openai: base URLs (http://host:port/v1), used in turn.")
    model: str | None = Field(None, description="openai: the model name to ask for.")
    fixed_policy: str | None = Field(None, description="openai: digest of the policy those endpoints serve.")
    replay_path: str | None = Field(None, description="replay: samples artifact (folder of parquet) to answer from.")
    start_timeout_s: float = Field(300, gt=0, description="Seconds until the server must answer.")
    request_timeout_s: float = Field(600, gt=0, description="Seconds until one completion must be there.")
    seed: int = Field(0, ge=0, lt=2**31, description="Engine seed (a per-request seed kills the CPU engine).")
    max_lora_rank: int = Field(
        0,
        ge=0,
        le=512,
        description="vllm: the server can lay adapters of up to this rank over its model; a run with "
        "finetune.lora_saved_as = adapter sets it. 0: it is started anew for the first adapter.",
    )
    extra_args: tuple[str, ...] = Field((), description="vllm: further command-line arguments of the server.")
    NOT_CONTENT = frozenset(
        {
            "max_in_flight", "kv_cache_gib", "gpu_memory_utilization", "tensor_parallel_size", "data_parallel_size",
            "enforce_eager", "residency", "urls", "model", "fixed_policy", "replay_path", "start_timeout_s",
            "request_timeout_s", "extra_args", "seed", "threads", "max_lora_rank",
        }
    )  # fmt: skip

    def content(self) -> dict[str, Any]:
        """With the version of an engine that is none of ours."""
        version = ENGINES.version(self.kind)
        return super().content() | ({} if version is None else {"engine_version": version})


class CodeSettings(Settings):
    """What a program may use, and what its reward is."""

    cpu_seconds: float = Field(4.0, gt=0, le=600, description="CPU time of one test; CPU time decides, not wall time.")
    memory_mb: int = Field(512, ge=32, description="Memory of one test, MiB.")
    output_kb: int = Field(8192, ge=1, le=65536, description="Output of one test, KiB.")
    graded: bool = Field(False, description="Reward is the share of tests passed; False: 1 when all pass, else 0.")


FIRST_CODE_DEFAULTS = {"cpu_seconds": 4.0, "memory_mb": 512, "output_kb": 1024, "graded": False}


class SandboxPlace(Settings):
    """Where programs run. None of it changes what a verdict is."""

    hosts: tuple[str, ...] = Field(
        (),
        description="Docker engines: unix://, tcp:// (TLS) or ssh://. Empty: the worker's DOCKER_HOST, else its machine's engine.",
    )
    image: str | None = Field(None, description="Sandbox image; None: the one built from sandbox/image on each host.")
    base_image: str | None = Field(
        None,
        description="What the image is built from; None: a base made here by `restem sandbox build`, else python:3.12-slim.",
    )
    slots: int | None = Field(None, ge=1, description="Programs at once over all hosts; None: the cores of the hosts.")
    runtime: str | None = Field(None, description="Container runtime, for example runsc (gVisor).")
    backend: Literal["docker", "process"] = Field("docker", description="process isolates nothing and needs unsafe.")
    unsafe: bool = Field(False, description="Allow the process backend: programs run with your own rights.")


COMBINED_REWARDS = ("all_of", "weighted_sum")
MATH_REWARDS = frozenset({"math", "exact", "accept_all"})


class VerifySettings(Settings):
    """Who decides whether a solution is correct."""

    reward: str = Field(
        "math",
        description="math, code, exact, accept_all; your own as module:function; or all_of, weighted_sum of `parts`.",
    )
    parts: tuple[str, ...] = Field((), description="all_of, weighted_sum: the rewards that are put together, in order.")
    weights: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="weighted_sum: a weight for each part; empty: equal ones."
    )
    threshold: float = Field(
        1.0, gt=0, le=1, description="A graded reward counts as correct from here on (own rewards, code.graded, sums)."
    )
    overruled: tuple[Overruled, ...] = Field(
        (), description="Verdicts that a person overruled; read from the file that data.corrections names."
    )
    folder: str | None = Field(
        None, description="Folder that joins the import path for a reward of your own; None: the config's folder."
    )
    timeout_s: float = Field(5.0, gt=0, description="Wall-clock limit for one answer pair.")
    memory_mb: int = Field(2048, ge=128, description="Address-space limit of one grading worker.")
    workers: int = Field(0, ge=0, description="Grading processes; 0: one per core, at most 8.")
    max_error_share: float = Field(0.01, ge=0, le=1, description="More verifier errors than this fail the stage.")
    code: CodeSettings = CodeSettings()
    sandbox: SandboxPlace = SandboxPlace()
    NOT_CONTENT = frozenset({"workers", "max_error_share", "sandbox", "folder", "overruled"})
    LATER = frozenset({"parts", "weights", "threshold"})

    @model_validator(mode="after")
    def parts_of_a_combination(self) -> Self:
        combined = self.reward in COMBINED_REWARDS
        if combined != bool(self.parts):
            raise ValueError(
                f"verify.reward is {self.reward!r} and verify.parts is {list(self.parts)}; parts are for "
                f"{' and '.join(COMBINED_REWARDS)}, which need at least one"
            )
        if set(self.parts) & set(COMBINED_REWARDS) or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"verify.parts {list(self.parts)} repeats a reward or holds a combination; name each once")
        if self.weights and (self.reward != "weighted_sum" or len(self.weights) != len(self.parts)):
            raise ValueError(
                f"verify.weights has {len(self.weights)} numbers for {len(self.parts)} parts of {self.reward!r}; give "
                "weighted_sum one for each part, or none"
            )
        return self

    def content(self) -> dict[str, Any]:
        """Limits of programs are no part of what decides a mathematical answer.

        Rewards of one's own have them in their keys. There the defaults are written as they first were: a default that
        changed for the code reward, whose version changed with it, leaves the keys of all others as they are.
        """
        content = super().content()
        if self.reward in MATH_REWARDS:
            content.pop("code")
        elif self.reward != "code" and self.code == CodeSettings():
            content["code"] = FIRST_CODE_DEFAULTS
        return content


class MaterializeSettings(Settings):
    """These settings say which verified samples become training rows (paper: correct only, at most 10 solutions a problem)."""

    LATER = frozenset(
        {
            "columns", "reward", "threshold", "threshold_by", "groups", "choose", "target", "min_lines", "human",
            "human_filter",
        }
    )  # fmt: skip

    accept: Literal["correct", "positive", "any", "permuted"] = Field(
        "correct",
        description="positive: reward above 0; any: regardless of reward; permuted: rewards shuffled (control arms).",
    )
    reward: Literal["verdict", "agreement"] = Field(
        "verdict",
        description="verdict: the grader's; agreement: the share of the problem's samples with the same answer (math).",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Only rewards of at least this, in the meaning of threshold_by; None: no threshold.",
    )
    threshold_by: Literal["absolute", "percentile", "blend"] = Field(
        "absolute",
        description="percentile: of the problem's own rewards; blend: t * best + (1 - t) * mean of them (ReST's remedies).",
    )
    groups: Literal["all", "mixed"] = Field(
        "all", description="mixed: a problem whose samples are all right or all wrong gives nothing (Reinforce-Rej)."
    )
    choose: Literal["index", "reward"] = Field(
        "index", description="Which fill the cap: the first drawn, or the best by reward with ties by seed (RAFT)."
    )
    target: Literal["none", "uniform", "prop2diff"] = Field(
        "none",
        description="Sample until `cap` rows of a problem are there, at most sum(waves); prop2diff: cap x fail rate (DART).",
    )
    min_lines: int = Field(0, ge=0, description="Solutions with fewer lines that say something are left out (SSD: 2).")
    human: Literal["none", "first", "last", "only"] = Field(
        "none", description="Rows of solutions by people: none, before or after the sampled ones, or nothing else."
    )
    human_filter: bool = Field(False, description="Solutions by people pass the same filter (ReST); False: all are in.")
    cap: int = Field(10, ge=1, description="At most this many solutions a problem, filled by index.")
    equations: Literal["ignore", "hold"] = Field(
        "ignore", description="hold: a solution that writes a false equation (37 - 5 = 22) is not accepted (RFT)."
    )
    dedupe: Literal["none", "text", "normalized", "equations", "paths"] = Field(
        "normalized",
        description="Equal solutions of a problem count once; equations: those with the same calculations do; paths: so do "
        "they, and the one that differs most from the others is kept (RFT).",
    )
    weight: Literal["one", "per_problem", "reward", "exp_reward", "exp_reward_per_problem"] = Field(
        "one",
        description="one: each row 1; per_problem: rows of a problem share 1; reward; exp_reward: exp(reward / beta); "
        "exp_reward_per_problem: that, shared so that a problem has 1 (RWR).",
    )
    beta: float = Field(1.0, gt=0, description="exp_reward: temperature of the weights.")
    accept_truncated: bool = Field(False, description="Accept completions that ended by length.")
    max_rows: int | None = Field(
        None, ge=1, description="At most this many rows, chosen by hash (equal-size control arms)."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Shuffles rewards (permuted) and chooses rows (max_rows).")
    columns: tuple[Annotated[str, AfterValidator(COLUMNS.check)], ...] = Field(
        (), description="Further columns of the data set, by name or dotted path; training does not read them."
    )

    @property
    def looks_at_groups(self) -> bool:
        """Return whether a rule needs all samples of a problem before it can accept one."""
        relative = self.threshold is not None and self.threshold_by != "absolute"
        return relative or self.reward == "agreement" or self.groups == "mixed" or self.choose == "reward"

    def content(self) -> dict[str, Any]:
        """With the versions of columns that are none of ours."""
        versions = {name: version for name in self.columns if (version := COLUMNS.version(name)) is not None}
        return super().content() | ({"column_versions": versions} if versions else {})


Tracker = Literal[
    "all", "azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "kubeflow", "mlflow", "neptune", "swanlab",
    "tensorboard", "trackio", "wandb",
]  # fmt: skip


def _trackers(value: Any) -> Any:
    """TRL takes a name or several, and `none`."""
    named = (value,) if isinstance(value, str) else value
    return tuple(one for one in named if one != "none") if isinstance(named, list | tuple) else named


class FinetuneSettings(Settings):
    """M-step. The paper gives no learning rate, batch or epochs; these defaults are ours."""

    start: Literal["base", "sft", "previous"] = Field(
        "base",
        description="base: ReST-EM; sft: the base tuned on solutions by people; previous: expert iteration, ReST.",
    )
    epochs: int = Field(
        3, ge=1, description="A checkpoint each; the best on val is kept (Algorithm 1: while reward improves)."
    )
    steps: int | None = Field(
        None,
        ge=1,
        description="Optimizer steps instead of epochs, however many rows there are; one checkpoint, at the end.",
    )
    learning_rate: float = Field(1e-5, gt=0, description="Peak of the schedule.")
    batch_size: int = Field(8, ge=1, description="Rows per device and step.")
    accumulation: int = Field(1, ge=1, description="Steps whose gradients are added before the optimizer moves.")
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "cosine", description="Of the learning rate, after the warm-up."
    )
    warmup_share: float = Field(0.03, ge=0, lt=1, description="Share of all steps in which the learning rate rises.")
    warmup_from: WarmupFrom = Field(
        "first_step",
        description="first_step: the warm-up's last step has the peak, and each step learns; zero: the first step has rate 0 and "
        "learns nothing, as in trainings before this setting, which are found again by it.",
    )
    weight_decay: float = Field(0.0, ge=0, description="Of AdamW.")
    max_grad_norm: float = Field(1.0, gt=0, description="Longer gradients are shortened to this.")
    max_length: int = Field(1024, ge=8, description="Tokens of a row; a longer row is refused with its id, never cut.")
    dtype: Literal["machine", "float32", "bfloat16", "float16"] = Field(
        "float32",
        description="Of the arithmetic; machine: what this processor or GPU computes fastest, as for the engine.",
    )
    threads: int | None = Field(None, ge=1, description="CPU only: OpenMP threads of the trainer; None: all cores.")
    gradient_checkpointing: bool = Field(False, description="Less memory for about a third more time.")
    lora_rank: int = Field(0, ge=0, description="0: all weights.")
    lora_alpha: int = Field(32, ge=1, description="Scale of the adapters, divided by the rank.")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="On the adapters' inputs.")
    lora_saved_as: Literal["merged", "adapter"] = Field(
        "merged",
        description="LoRA: an epoch's policy is the base with the adapter merged into it, or the adapter alone, which the engine "
        "serves on the base that it has loaded: nothing is merged, no weights are loaded again, and a policy takes megabytes.",
    )
    packing: bool = Field(False, description="Needs equal weights: packing keeps only token ids and labels.")
    weights_dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Of the trained weights, their gradients and the optimizer's state; bfloat16 halves all and loses small steps.",
    )
    attn_implementation: str | None = Field(
        None,
        description="transformers' attention, such as flash_attention_2; None: what the architecture needs, else sdpa.",
    )
    optimizer: str = Field(
        "adamw", description="transformers' name, such as adamw_8bit or adafactor; others than adamw are untried."
    )
    liger: bool = Field(False, description="Liger kernels, where installed; a GPU only, untried.")
    torch_compile: bool = Field(False, description="Compile the model; untried.")
    quantized_base: Literal["none", "nf4", "int8"] = Field(
        "none", description="Under LoRA, the frozen base in 4 or 8 bits by bitsandbytes; a GPU only, untried."
    )
    prefix_sharing: Literal["off", "batch", "problem"] = Field(
        "off",
        description="Compute once what the prompts of a batch begin with: few-shot text, question. problem: batches hold the "
        "rows of few problems, which shares most, in another order. A model that computes it differently trains row by row.",
    )
    save_dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32",
        description="Of the saved policies; training keeps float32. 16 bits take half the disk and round the weights.",
    )
    max_held_back_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Rows whose text cannot be a target (EOS inside, unknown characters) are left out up to this share.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Of shuffling and dropout.")
    processes: int = Field(1, ge=1, description="accelerate processes (GPUs).")
    accelerate_args: tuple[str, ...] = Field(
        (), description="Further arguments of accelerate launch (FSDP, DeepSpeed)."
    )
    report_to: Annotated[tuple[Tracker, ...], BeforeValidator(_trackers)] = Field(
        (),
        description="Trackers, as TRL takes them: tensorboard, mlflow, wandb, ..., or all. TensorBoard and MLflow get the "
        "iterations' figures, plots and samples too.",
    )
    timeout_s: float = Field(86400, gt=0, description="Seconds that one training may take.")
    NOT_CONTENT = frozenset(
        {"report_to", "timeout_s", "processes", "accelerate_args", "max_held_back_share", "threads"}
    )
    LATER = frozenset(
        {
            "save_dtype", "steps", "prefix_sharing", "weights_dtype", "attn_implementation", "optimizer", "liger",
            "torch_compile", "quantized_base", "lora_saved_as",
        }
    )  # fmt: skip

    @property
    def saves_adapters(self) -> bool:
        return self.lora_rank > 0 and self.lora_saved_as == "adapter"

    @property
    def warms_up(self) -> bool:
        return self.warmup_share > 0 and self.schedule != "constant"

    def content(self) -> dict[str, Any]:
        """Leave the kind of warm-up out where there is none, and where it is that of all trainings before the setting."""
        plain = super().content()
        if not self.warms_up or self.warmup_from == "zero":
            del plain["warmup_from"]
        return plain

    @property
    def checkpoints(self) -> int:
        """Return how many policies a training gives: one per epoch, or the one after `steps`."""
        return self.epochs if self.steps is None else 1


class EvaluateSettings(Settings):
    """These settings are for the held-out evaluation (paper: greedy pass@1; pass@k at T 1.0, top-p 0.95; maj@64)."""

    greedy: bool = Field(True, description="Also draw one greedy completion a problem.")
    samples: int = Field(
        16, ge=0, description="Samples a problem for sampled pass@1, pass@k and maj@k; 0: greedy only."
    )
    temperature: float = Field(1.0, ge=0, le=5, description="Of evaluation samples; the paper takes 1.")
    top_k: int = Field(0, ge=0, description="0: off.")
    top_p: float = Field(0.95, gt=0, le=1, description="Nucleus of evaluation samples.")
    max_tokens: int = Field(512, ge=1, description="Tokens of one completion.")
    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 4, 16), description="The k of pass@k and maj@k; each at most `samples`."
    )
    bootstrap: int = Field(2000, ge=100, description="Resamples over problems for the intervals.")
    val_samples: int = Field(4, ge=1, description="Samples a val problem for the reward that chooses the epoch.")
    NOT_CONTENT = frozenset({"samples", "k", "bootstrap", "val_samples"})

    @model_validator(mode="after")
    def k_within_samples(self) -> Self:
        if self.samples and max(self.k, default=1) > self.samples:
            raise ValueError(
                f"evaluate.k asks for k = {max(self.k)} but only {self.samples} samples are drawn; raise evaluate.samples"
            )
        return self

    def greedy_sampling(self, stop: tuple[str, ...] = ()) -> Sampling:
        return Sampling(0.0, 0, 1.0, self.max_tokens, stop)

    def sampling(self, stop: tuple[str, ...] = ()) -> Sampling:
        return Sampling(self.temperature, self.top_k, self.top_p, self.max_tokens, stop)


def _as_text(value: Any) -> Any:
    """TOML reads 3 as a number and 2026-01-31 as a date; both are meant as names here."""
    return str(value) if isinstance(value, int | float | date) else value


class LoopSettings(Settings):
    """These settings say how often to iterate, and when to stop. Decisions look at val only."""

    iterations: int = Field(3, ge=0, le=100, description="0: evaluate the base only.")
    patience: int = Field(0, ge=0, description="Stop after this many iterations without a better val reward; 0: never.")
    most_fall: float | None = Field(
        None, ge=0, le=1, description="Stop when val reward lies more than this below its best; None: never."
    )
    least_diversity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Stop when fewer than this share of the accepted solutions are distinct; None: never.",
    )
    most_tokens: int | None = Field(
        None, ge=1, description="Stop when the E-steps have drawn this many completion tokens; None: no limit."
    )
    most_steps: int | None = Field(
        None, ge=1, description="Stop when training has made this many optimizer steps; None: no limit."
    )
    draw: Annotated[str, BeforeValidator(_as_text)] = Field(
        "", description="A date or number: asks for fresh samples; empty: stored ones are used again."
    )
    versions_in_key: bool = Field(False, description="Library versions become part of every key.")
    sampler: Literal["policy", "teacher"] = Field(
        "policy", description="Who is sampled: the policy that is trained, or the fixed one of the section teacher."
    )
    first: Literal["base", "sft"] = Field(
        "base", description="What round 1 samples from: the base, or the base tuned on solutions by people."
    )
    hint: Hint = Field(
        "none", description="A second try for problems that failed, told the answer or a human solution (STaR)."
    )
    pool: Literal["round", "all"] = Field(
        "round", description="The data set is made from this round's samples, or from those of all rounds so far."
    )
    problems: int | None = Field(
        None, ge=1, description="Train problems of a round, in turn from a shuffled order; None: all of them."
    )
    improve: int = Field(
        1, ge=1, description="Rounds that train on one grown set: new samples come every so many rounds (ReST)."
    )
    thresholds: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (), description="materialize.threshold of each round since the samples were drawn; the last one stays."
    )
    learning_rate_factor: float = Field(
        1.0, gt=0, description="Of finetune.learning_rate, from round to round since the samples were drawn."
    )
    steps_factor: float = Field(1.0, gt=0, description="Of finetune.steps, from round to round (STaR: 1.2).")
    steps_added: int = Field(0, ge=0, description="Added to finetune.steps from round to round.")
    nothing_accepted: Literal["fail", "go_on", "stop"] = Field(
        "fail", description="When a round accepts nothing: fail, go on with the same policy and fresh samples, or stop."
    )

    @model_validator(mode="after")
    def thresholds_rise(self) -> Self:
        """ReST's thresholds rise from one Improve step to the next; a step with the one before would train on the same rows again."""
        bars = self.thresholds
        if flat := next(((low, high) for low, high in pairwise(bars) if high <= low), None):
            raise ValueError(
                f"loop.thresholds {list(bars)} do not rise: {flat[1]:g} follows {flat[0]:g}; name each once, in rising order"
            )
        if self.improve > 1 and len(bars) > 1 and len(bars) != self.improve:
            raise ValueError(
                f"loop.thresholds names {len(bars)} and each grown set serves loop.improve = {self.improve} rounds; name one "
                "threshold for each of them, or one for all"
            )
        if self.improve > 1 and self.iterations % self.improve:
            raise ValueError(
                f"loop.iterations is {self.iterations} but each grown set serves loop.improve = {self.improve} rounds; "
                "make iterations a multiple of it"
            )
        return self


class TeacherSettings(Settings):
    """The fixed policy that is sampled where loop.sampler is `teacher`; the student is trained and evaluated."""

    policy: str = Field("", description="Folder, URL, Hub id, RUN/ITERATION of this store, base or latest.")
    engine: EngineSettings | None = Field(
        None, description="How it is sampled; None: as the student. openai with fixed_policy: external endpoints."
    )


class RetrySettings(Settings):
    """Per Prefect task; user errors are never retried."""

    retries: int = Field(
        3, ge=0, le=20, description="How often a task is tried again after a machine, process or network failed."
    )
    delay_s: float = Field(2.0, ge=0, description="First delay; it doubles each time.")
