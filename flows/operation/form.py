"""What a person fills in before a deployed run, and how it becomes a config.

Everything that the form shows comes from `RunConfig`. A field that is left at its default is "not said": the chosen
config file, and below it the preset, may then say it. What no form can check (files, engines, rules across sections) is
checked by the first task of every run, `validate`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed
from pydantic import BaseModel

from flows.config import RunConfig, config_with, make_config, with_own_code
from flows.run.preflight import preflight
from tasks.domain.errors import RestemError, UserError, one_sentence
from tasks.store.artifacts import Store

CONFIGS = Path(__file__).parents[2] / "deployments" / "configs"
DEFAULTS = "defaults"
STORE_VARIABLE, SCRATCH_VARIABLE = "RESTEM_STORE", "RESTEM_SCRATCH"  # of the worker: where runs that say nothing store


def config_names() -> tuple[str, ...]:
    """The committed configs that a run can start from."""
    return (DEFAULTS, *sorted(path.stem for path in CONFIGS.glob("*.toml")))


if TYPE_CHECKING:
    ConfigName = str
else:
    ConfigName = Literal[config_names()]  # a select in the form


def config_from_form(start_from: str, form: Any, settings: Sequence[str] = ()) -> RunConfig:
    """The config that a filled-in form means; UserError for any mistake.

    `form` is a RunConfig or what the form sent; `settings` are `section.key=value` texts that win over everything.
    """
    tree = form.model_dump(mode="json") if isinstance(form, BaseModel) else form or {}
    if not isinstance(tree, dict):
        raise UserError(f"the parameter config is {tree!r}; expected an object with sections such as run, model, data")
    said = _said(tree, RunConfig().model_dump(mode="json"))
    below = _read(start_from) if start_from != DEFAULTS else {}
    return with_own_code(make_config(config_with(below, _places(), said, settings), "the form"), CONFIGS)


def store_at_hand(url: str = "") -> Store:
    """The store that a form names, else the worker's, else the one of a checkout."""
    chosen = url or os.environ.get(STORE_VARIABLE) or RunConfig().run.store
    return Store(chosen if "://" in chosen else str(Path(chosen).expanduser().absolute()))


def scratch_at_hand() -> Path:
    """The worker's scratch folder, else the one of a checkout."""
    return Path(os.environ.get(SCRATCH_VARIABLE) or RunConfig().run.scratch).expanduser().absolute()


def _said(form: Any, defaults: Any) -> dict[str, Any]:
    """What of the form differs from the defaults. Unknown keys stay: they are refused by name later."""
    found = {}
    for name, value in form.items():
        default = defaults.get(name) if isinstance(defaults, dict) else None
        if isinstance(value, dict) and isinstance(default, dict) and default:
            if inner := _said(value, default):
                found[name] = inner
        elif name not in defaults or value != default:
            found[name] = value
    return found


def _places() -> dict[str, Any]:
    named = {"store": os.environ.get(STORE_VARIABLE), "scratch": os.environ.get(SCRATCH_VARIABLE)}
    return {"run": {name: place for name, place in named.items() if place}}


def _read(name: str) -> dict[str, Any]:
    """A committed config; the name was checked by the form."""
    return tomllib.loads((CONFIGS / f"{name}.toml").read_text(encoding="utf-8"))


@task(name="validate", task_run_name="validate", cache_policy=NO_CACHE, persist_result=False)
def validate(read: Callable[[], RunConfig]) -> Any:
    """Check what the form cannot, before anything expensive starts: one sentence in the interface, no traceback."""
    try:
        config = read()
        preflight(config)
    except RestemError as error:
        return Failed(message=one_sentence(error))
    return config
