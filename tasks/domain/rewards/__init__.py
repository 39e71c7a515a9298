"""Rewards by name: who decides whether a completion is correct.

`reward_named("math")` gives a built-in or registered reward, `reward_named("package.module:thing")` any importable one.
A new reward is one function `(problem, text) -> bool | Decision`, registered here or named by its dotted path:

    @register("ends_with_gold")
    def ends_with_gold(problem, text):
        return text.rstrip().endswith(problem.gold)

This package stays light on purpose: grading workers import it before anything else.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.domain.errors import UserError

if TYPE_CHECKING:
    from tasks.domain.rewards.base import Reward

_T = TypeVar("_T")
_BUILT_IN = {
    "math": "tasks.domain.rewards.math:MathReward",
    "code": "tasks.domain.rewards.code:CodeReward",
    "exact": "tasks.domain.rewards.simple:ExactReward",
    "accept_all": "tasks.domain.rewards.simple:AcceptAllReward",
}
_REGISTERED: dict[str, Any] = {}


def register(name: str) -> Callable[[_T], _T]:
    """Decorator: make a reward function, class or object known as `name`; the latest registration wins."""

    def keep(thing: _T) -> _T:
        _REGISTERED[name] = thing
        return thing

    return keep


def known_rewards() -> list[str]:
    """Names that `reward_named` accepts beside dotted paths."""
    return sorted({*_BUILT_IN, *_REGISTERED})


def reward_named(name: str) -> Reward:
    """The reward of that name or dotted path (`package.module:attribute`); UserError when there is none."""
    from tasks.domain.rewards.base import as_reward

    if name in _REGISTERED:
        return as_reward(name, _REGISTERED[name])
    path = _BUILT_IN.get(name, name)
    if ":" not in path and "." not in path:
        raise UserError(
            f"unknown reward {name!r}; known are {', '.join(known_rewards())}, or a dotted path package.module:function"
        )
    return as_reward(name, imported(path))


def imported(path: str) -> Any:
    """The object at `package.module:attribute` or `package.module.attribute`."""
    module_name, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    try:
        thing: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            thing = getattr(thing, part)
    except (ImportError, AttributeError) as error:
        known = ", ".join(known_rewards())
        raise UserError(
            f"reward {path!r} cannot be imported ({error}); name one of {known}, or package.module:function"
        ) from error
    return thing
