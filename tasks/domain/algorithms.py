"""The family of self-training methods as settings of one loop: a method states what differs from the defaults.

The paper (arXiv 2312.06585, sections 3 and 4) places these methods by who is sampled, what is kept, how rows are
weighted and where the M-step starts. Each is a file in tasks/domain/methods, or an entry point `restem.methods` of any
installed package.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.registry import Registry

Overrides = dict[str, dict[str, Any]]
DEFAULT_METHOD = "rest_em"


@dataclass(frozen=True)
class Method:
    """One method: its settings by section of the run config. What it is and where it comes from is its file's docstring."""

    name: str
    overrides: Overrides = field(default_factory=dict)


METHODS: Registry[Method] = Registry("preset", sign="method", folder="tasks.domain.methods", group="restem.methods")


def method(name: str, like: Method | None = None, **sections: dict[str, Any]) -> Method:
    """Declare a method: the settings of `like`, and over them those of each section named."""
    overrides = deepcopy(like.overrides) if like else {}
    for section, values in sections.items():
        overrides.setdefault(section, {}).update(values)
    return METHODS.add(name, Method(name, overrides))


def preset_names() -> tuple[str, ...]:
    """Return the methods that `preset` knows settings for, the default first."""
    return tuple(sorted(METHODS.names(), key=lambda name: name != DEFAULT_METHOD))


def preset(name: str) -> Overrides:
    """Settings of a method by section of the run config (generate, materialize, finetune, loop); a fresh copy.

    Raises UserError for an unknown name.
    """
    found = METHODS.get(name)
    if not isinstance(found, Method):
        raise UserError(f"preset {name!r} is a {type(found).__name__}; expected what `method(...)` returns")
    return deepcopy(found.overrides)


def in_form(schema: dict[str, Any]) -> None:
    """The names in a form; a dotted path is for config files."""
    schema["enum"] = list(preset_names())
