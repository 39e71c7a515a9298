"""What a person fills in before a deployed run, and how it becomes a config.

What most people change stands first (`Common`); *config*, which is folded at first, is all of `RunConfig`. A field that is left
at its default says nothing: the chosen config file decides, and below it the preset. What a form cannot check (files, engines,
rules across sections) is checked by the first task of every run, `validate`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed
from pydantic import BaseModel, Field, ValidationError

from flows.comparison.design import Comparison, comparison_of, is_comparison
from flows.config import RunConfig, config_with, make_config, with_own_code
from flows.places import default_places, default_scratch, default_store
from tasks.domain.algorithms import preset_names
from tasks.domain.chat_template import NAME as CHAT
from tasks.domain.errors import RestemError, UserError, one_sentence
from tasks.domain.extensions import LOADERS
from tasks.domain.prompts import TEMPLATES
from tasks.domain.rewards import known_rewards
from tasks.domain.settings import Settings
from tasks.store.artifacts import Store

CONFIGS = Path(__file__).parents[2] / "deployments" / "configs"
DEFAULTS, AS_CONFIGURED = "defaults", "as configured"


def config_names() -> tuple[str, ...]:
    """Return the names of the committed configs that a run can start from."""
    return (DEFAULTS, *sorted(path.stem for path in CONFIGS.glob("*.toml") if not is_comparison(path)))


def comparison_config_names() -> tuple[str, ...]:
    """Return the names of the committed configs of comparisons."""
    return tuple(sorted(path.stem for path in CONFIGS.glob("*.toml") if is_comparison(path)))


if TYPE_CHECKING:
    ConfigName = str
    PromptName = str
    RewardName = str
    SourceName = str
    PresetName = str
    ComparisonName = str
else:  # selects in the form; one's own, by dotted path, go into *settings*
    ConfigName = Literal[config_names()]
    PromptName = Literal[(AS_CONFIGURED, *TEMPLATES, CHAT)]
    RewardName = Literal[(AS_CONFIGURED, *known_rewards())]
    SourceName = Literal[(AS_CONFIGURED, *LOADERS.names())]
    PresetName = Literal[(AS_CONFIGURED, *preset_names())]
    ComparisonName = Literal[comparison_config_names()]


class Common(Settings):
    """What most people change; the rest follows the chosen config, and is said in settings or in config."""

    name: str = Field("", description="Name of the run, a folder below runs/ in the store; empty: the config's.")
    base: str = Field(
        "", description="Base model: builtin:NAME, a folder, an fsspec URL or a Hub id; empty: the config's."
    )
    problems: SourceName = Field(AS_CONFIGURED, description="Data set of train, val and test.")
    prompt: PromptName = Field(AS_CONFIGURED, description="Prompt template.")
    reward: RewardName = Field(AS_CONFIGURED, description="Who decides whether a solution is correct.")
    preset: PresetName = Field(AS_CONFIGURED, description="Algorithm of the family.")
    iterations: int | None = Field(
        None, ge=0, le=100, description="Rounds; 0: evaluate the base only; None: the config's."
    )

    def said(self) -> dict[str, Any]:
        """Return the fields that were filled in, as sections of a config."""
        kind = {"kind": self.problems}
        fields: dict[str, tuple[Any, dict[str, Any]]] = {
            "name": (self.name, {"run": {"name": self.name}}),
            "base": (self.base, {"model": {"base": self.base}}),
            "problems": (self.problems, {"data": {"train": kind, "val": kind, "test": kind}}),
            "prompt": (self.prompt, {"model": {"prompt": self.prompt}}),
            "reward": (self.reward, {"verify": {"reward": self.reward}}),
            "preset": (self.preset, {"run": {"preset": self.preset}}),
            "iterations": (self.iterations, {"loop": {"iterations": self.iterations}}),
        }
        return config_with(*(tree for value, tree in fields.values() if value not in ("", None, AS_CONFIGURED)))


NOTHING = Common()


def config_from_form(start_from: str, form: Any, settings: Sequence[str] = (), common: Any = NOTHING) -> RunConfig:
    """Make the config that a filled-in form describes; UserError for any mistake.

    `form` is a RunConfig, the dictionary that the form sent, or None where it stayed folded; `common` wins over it, and `settings`
    (`section.key=value` texts) win over everything.
    """
    tree = form.model_dump(mode="json") if isinstance(form, BaseModel) else form or {}
    if not isinstance(tree, dict):
        raise UserError(f"the parameter config is {tree!r}; expected an object with sections such as run, model, data")
    said = _said(tree, RunConfig().model_dump(mode="json"))
    below = _read(start_from) if start_from != DEFAULTS else {}
    told = config_with(default_places(), below, said, _common(common).said(), settings)
    return with_own_code(make_config(told, "the form"), CONFIGS)


def comparison_from_form(start_from: str, settings: Sequence[str] = ()) -> Comparison:
    """Make the comparison of a committed config, with the worker's places and these settings over it; UserError for any mistake."""
    tree = config_with(default_places(), _read(start_from), settings)
    return comparison_of(tree, f"deployments/configs/{start_from}.toml", CONFIGS)


def differences(config: RunConfig) -> dict[str, Any]:
    """Return the settings of a config that differ from the defaults, as sections."""
    return _said(config.model_dump(mode="json"), RunConfig().model_dump(mode="json"))


def _common(sent: Any) -> Common:
    try:
        return sent if isinstance(sent, Common) else Common.model_validate(sent or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("common", *first["loc"])))
        raise UserError(f"{where}: {first['msg']} (found {first['input']!r})") from error


def store_at_hand(url: str = "") -> Store:
    """Return the store that the form names, else the worker's, else the checkout's."""
    chosen = url or default_store()
    return Store(chosen if "://" in chosen else str(Path(chosen).expanduser().absolute()))


def scratch_at_hand() -> Path:
    """Return the worker's scratch folder, else the checkout's."""
    return Path(default_scratch()).expanduser().absolute()


def _said(form: Any, defaults: Any) -> dict[str, Any]:
    """Return what differs from the defaults in the form. Unknown keys stay, because they are refused by name later."""
    found = {}
    for name, value in form.items():
        default = defaults.get(name) if isinstance(defaults, dict) else None
        if isinstance(value, dict) and isinstance(default, dict) and default:
            if inner := _said(value, default):
                found[name] = inner
        elif name not in defaults or value != default:
            found[name] = value
    return found


def _read(name: str) -> dict[str, Any]:
    """Read a committed config, whose name the form has checked."""
    return tomllib.loads((CONFIGS / f"{name}.toml").read_text(encoding="utf-8"))


@task(name="validate", task_run_name="validate", cache_policy=NO_CACHE, persist_result=False)
def validate(check: Callable[[], None]) -> Any:
    """Check what the form cannot, before anything expensive starts: one sentence in the interface, no traceback.

    It returns nothing: what it handed over would be drawn as an edge to every task that uses a part of it.
    """
    try:
        check()
    except RestemError as error:
        return Failed(message=one_sentence(error))
    return None
