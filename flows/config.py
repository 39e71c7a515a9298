"""The configuration of one run: all stage settings together, read from TOML. Nothing else reads TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import Field, ValidationError, model_validator

from tasks.domain.algorithms import in_form, preset
from tasks.domain.contradictions import contradictions
from tasks.domain.corrections import read_corrections
from tasks.domain.errors import UserError
from tasks.domain.rewards import is_own
from tasks.domain.settings import (
    DataSettings,
    EngineSettings,
    EvaluateSettings,
    FinetuneSettings,
    GenerateSettings,
    LoopSettings,
    MaterializeSettings,
    ModelSettings,
    RetrySettings,
    Settings,
    TeacherSettings,
    VerifySettings,
)
from tasks.domain.visible import visible

NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # what neither JSON nor a path can hold


class RunSettings(Settings):
    """The name and the folders of a run."""

    name: str = Field(
        "run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Folder below runs/ in the store."
    )
    store: str = Field(".restem/store", description="Artifact store: a folder or s3://bucket/prefix.")
    scratch: str = Field(".restem/scratch", description="Local folder for logs, training state and downloaded models.")
    preset: str = Field(
        "rest_em",
        description="Algorithm of the family; its settings are defaults below the config's own.",
        json_schema_extra=in_form,
    )
    price_per_device_hour: float | None = Field(
        None,
        ge=0,
        description="What an hour of one GPU costs (of the machine, where there is none), in your currency; for the report.",
    )
    execution: Literal["inline", "deployments"] = Field(
        "inline",
        description="inline: this flow run does everything; deployments: problem ranges and trainings become flow runs "
        "of their own, taken by any worker of the pool gpu.",
    )


class RunConfig(Settings):
    """Everything `restem run` needs. A committed config states only what differs from these defaults."""

    run: RunSettings = RunSettings()
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()
    generate: GenerateSettings = GenerateSettings()
    engine: EngineSettings = EngineSettings()
    verify: VerifySettings = VerifySettings()
    materialize: MaterializeSettings = MaterializeSettings()
    finetune: FinetuneSettings = FinetuneSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    loop: LoopSettings = LoopSettings()
    teacher: TeacherSettings = TeacherSettings()
    retry: RetrySettings = RetrySettings()

    @model_validator(mode="after")
    def rules_across_sections(self) -> Self:
        pooled = self.loop.pool == "all" and len(self.generate.waves) == 1  # then the cap is over all rounds
        waits = self.materialize.target == "none" and not pooled
        if waits and self.materialize.cap > self.generate.waves[0]:
            raise ValueError(
                f"generate.waves starts with {self.generate.waves[0]} but materialize.cap is {self.materialize.cap}; "
                "the first wave must be at least the cap, or early problems are favoured"
            )
        if self.finetune.packing and self.materialize.weight != "one":
            raise ValueError(
                f"finetune.packing drops row weights but materialize.weight is {self.materialize.weight!r}; "
                "set packing = false or weight = 'one'"
            )
        if self.finetune.packing and self.finetune.prefix_sharing != "off":
            raise ValueError(
                f"finetune.packing and finetune.prefix_sharing = {self.finetune.prefix_sharing!r} are two layouts of a batch; "
                "set packing = false or prefix_sharing = 'off'"
            )
        if self.finetune.lora_saved_as == "adapter" and (fault := _against_adapters(self.finetune)):
            raise ValueError(f"finetune.lora_saved_as is 'adapter' but {fault}, or lora_saved_as = 'merged'")
        if self.engine.kind == "openai" and not self.engine.urls:
            raise ValueError("engine.kind is 'openai' but engine.urls is empty; name at least one http://host:port/v1")
        if self.engine.kind == "openai" and self.loop.iterations > 0:
            raise ValueError(
                "engine.kind is 'openai': external endpoints serve a fixed policy and cannot load the weights that each "
                "iteration trains; use engine.kind = 'vllm'"
            )
        if self.engine.kind == "replay" and not self.engine.replay_path:
            raise ValueError(
                "engine.kind is 'replay' but engine.replay_path is not set; name a folder of recorded samples"
            )
        for fault in contradictions(
            self.generate, self.verify, self.materialize, self.finetune, self.loop, self.teacher
        ):
            raise ValueError(fault)
        length = self.engine.max_model_len
        if length is not None and max(self.generate.max_tokens, self.evaluate.max_tokens) >= length:
            raise ValueError(
                f"max_tokens ({max(self.generate.max_tokens, self.evaluate.max_tokens)}) leaves no room for the prompt in "
                f"engine.max_model_len ({length}); lower max_tokens"
            )
        return self


def _against_adapters(finetune: FinetuneSettings) -> str:
    """Return why policies cannot be adapters of the base, with the remedy, or nothing."""
    if not finetune.lora_rank:
        return "finetune.lora_rank is 0, so all weights are trained; set lora_rank"
    if finetune.start != "base":
        return f"finetune.start is {finetune.start!r} and an adapter is served on the base alone; set start = 'base'"
    if finetune.save_dtype != "float32":
        return f"save_dtype is {finetune.save_dtype!r}, which rounds whole policies; leave save_dtype out"
    return ""


def load_config(path: str | Path, overrides: tuple[str, ...] = (), below: dict[str, Any] | None = None) -> RunConfig:
    """Read a TOML config and `a.b=c` overrides, laid over `below`; every mistake is one sentence (UserError)."""
    return config_from(config_with(below or {}, read_toml(path), overrides), str(path), Path(path).absolute().parent)


def config_from(tree: dict[str, Any], origin: str, here: Path) -> RunConfig:
    """Make a config from the tree of a file, with what the file names beside it: corrections, a reward of one's own."""
    return with_own_code(make_config(_with_corrections(tree, here), origin), here)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return what a config file holds; UserError for one that is missing or no TOML."""
    file = Path(path)
    if not file.is_file():
        raise UserError(f"config {str(path)!r} does not exist; committed ones are in deployments/configs/")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # no UTF-8, no TOML, or a number of thousands of digits
        raise UserError(f"config {str(path)!r} is not valid TOML: {error}") from error


def _with_corrections(tree: dict[str, Any], here: Path) -> dict[str, Any]:
    """Return the tree with the content of the corrections file in place of its name, so that the content travels with the config."""
    data, verify = tree.get("data"), tree.get("verify", {})
    if not isinstance(data, dict) or not isinstance(data.get("corrections"), str):
        return tree
    found = read_corrections(here / Path(data["corrections"]).expanduser())
    corrected = {"data": {"corrections": [one.model_dump() for one in found.problems]}}
    if not isinstance(verify, dict):
        return config_with(tree, corrected)
    overruled = [*verify.get("overruled", []), *(one.model_dump() for one in found.overruled)]
    return config_with(tree, corrected, {"verify": {"overruled": overruled}})


def with_own_code(config: RunConfig, here: Path) -> RunConfig:
    """Look for a user's own reward beside the config, on this machine and on every machine that works for the run."""
    verify = config.verify
    if not any(is_own(name) for name in (verify.reward, *verify.parts)):
        return config
    folder = str((here / (verify.folder or "")).expanduser())
    return config.model_copy(update={"verify": verify.model_copy(update={"folder": folder})})


def config_with(*trees: dict[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Merge several trees into one, later ones over earlier ones; a sequence holds `a.b=c` texts."""
    merged: dict[str, Any] = {}
    for tree in trees:
        if isinstance(tree, dict):
            merged = _merge(merged, tree)
        else:
            for override in tree:
                _set(merged, override)
    return merged


def make_config(tree: dict[str, Any], origin: str = "config") -> RunConfig:
    """Make a config from a nested dictionary, laid over the settings of its preset."""
    for where, text in _texts(tree):
        if NO_TEXT.search(text):
            place = f"{where}: " if where else ""
            raise UserError(
                f"{origin}: {place}'{visible(text)}' holds a NUL or half a character; write it as Unicode text"
            )
    run = tree.get("run")
    name = run.get("preset", "rest_em") if isinstance(run, dict) else "rest_em"
    try:
        return RunConfig.model_validate(_merge(preset(name) if isinstance(name, str) else {}, tree))
    except ValidationError as error:
        raise UserError(f"{origin}: {_sentence(error)}") from error


def _texts(tree: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a tree, keys included, with the dotted name of its place."""
    if isinstance(tree, str):
        yield where, tree
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield where, str(key)
            yield from _texts(value, f"{where}.{key}" if where else str(key))
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _texts(value, where)


def _set(tree: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise UserError(f"--set {override!r} is not of the form section.key=value")
    *sections, key = name.strip().split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise UserError(f"--set {override!r}: {section!r} is a value, not a section")
    tree[key] = _value(text.strip())


def _value(text: str) -> Any:
    """Parse the text as TOML, or return the text itself where it is not TOML, so that paths need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(_fields_at(first["loc"][:-1]))
        return f"unknown key {where!r}; known here: {known}"
    message = first["msg"].removeprefix("Value error, ")
    found = "" if first["type"] == "value_error" else f" (found {first['input']!r})"
    return f"{where}: {message}{found}" if where else message


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    model: Any = RunConfig
    for part in location:
        of_names = get_origin(model) is dict  # data.transfer: its keys are names, its values sections
        model = get_args(model)[1] if of_names else model.model_fields[str(part)].annotation
        if isinstance(model, UnionType):  # a section that may be left out
            model = next(one for one in get_args(model) if one is not NoneType)
    return sorted(model.model_fields)
