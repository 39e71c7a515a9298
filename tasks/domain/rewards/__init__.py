"""Rewards by name: who decides whether a completion is correct.

`reward_named("math")` gives a reward that is declared here (`@register("math")`) or by an installed package (entry point
`restem.rewards`), `reward_named("package.module:thing")` any importable one, also from a module in a `folder` that is not on
the import path. A new reward is one function `(problem, text) -> bool | float | Decision`,
registered here or named by its dotted path (docs/own-rewards.md):

    def ends_with_gold(problem, text):
        return text.rstrip().endswith(problem.gold)

This package stays light on purpose: grading workers import it before anything else.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tasks.domain import dotted
from tasks.domain.errors import UserError
from tasks.domain.registry import Registry

if TYPE_CHECKING:
    from tasks.domain.rewards.base import Reward
    from tasks.domain.settings import VerifySettings

REWARDS: Registry[Any] = Registry("reward", sign="register", folder="tasks.domain.rewards", group="restem.rewards")
_JOINED: list[str] = []  # the folder of own rewards that is on the import path now


register = REWARDS.declare  # decorator: make a reward function, class or object known by a name


def known_rewards() -> list[str]:
    """Return the names that `reward_named` accepts beside dotted paths."""
    return sorted(REWARDS.names())


def is_own(name: str) -> bool:
    """Whether a reward's name is a dotted path to somebody's own."""
    return dotted.is_dotted(name) and not REWARDS.knows(name)


def reward_for(settings: VerifySettings) -> Reward:
    """The reward that the settings name, or that they put together of `parts`; UserError when there is none."""
    if not settings.parts:
        return reward_named(settings.reward, settings.folder)
    from tasks.domain.rewards.combined import CombinedReward

    parts = {name: reward_named(name, settings.folder) for name in settings.parts}
    return CombinedReward(settings.reward, parts, settings.weights)


def reward_named(name: str, folder: str | None = None) -> Reward:
    """The reward of that name or dotted path (`package.module:attribute`); UserError when there is none.

    `folder` joins the import path for a dotted path.
    """
    from tasks.domain.rewards.own import as_reward

    if is_own(name):
        return as_reward(name, imported(name, folder), folder)
    if not REWARDS.knows(name) and name not in REWARDS.outside():
        raise UserError(
            f"unknown reward {name!r}; known are {', '.join(known_rewards())}, all_of and weighted_sum of parts, or a dotted "
            "path package.module:function"
        )
    return as_reward(name, REWARDS.get(name))


def imported(path: str, folder: str | None = None) -> Any:
    """The object at `package.module:attribute` or `package.module.attribute`; `folder` joins the import path.

    UserError when it is not there, with where it was looked for.
    """
    if folder is not None:
        join_path(folder)
    try:
        return dotted.imported(path, partial(_refuse_another, folder=folder))
    except ImportError as error:
        where = f"; looked beside the config in {folder} and on the import path" if folder else ""
        known = ", ".join(known_rewards())
        raise UserError(
            f"reward {path!r} cannot be imported ({error}){where}; name one of {known}, or package.module:function"
        ) from error


def join_path(folder: str) -> None:
    """Put a folder at the end of the import path, behind all that is installed.

    It takes the place of the last such folder, whose modules are forgotten: two configs may each have a `rewards.py` beside them.
    """
    if not Path(folder).is_dir():
        raise UserError(
            f"verify.folder {folder!r} is no folder on this machine; name one that holds the reward's module"
        )
    for other in [one for one in _JOINED if one != folder]:
        _JOINED.remove(other)
        sys.path.remove(other)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(f"{other}/"):
                del sys.modules[name]
    if folder not in sys.path:
        sys.path.append(folder)
        _JOINED.append(folder)
        importlib.invalidate_caches()


def _refuse_another(module: ModuleType, folder: str | None) -> None:
    """A module beside the config that is hidden by another of its name must not be graded with silently."""
    if folder is None or module.__name__.partition(".")[0] in ("tasks", "flows", "sandbox"):
        return
    mine = Path(folder, *module.__name__.split("."))
    wanted = next((file for file in (mine.with_suffix(".py"), mine / "__init__.py") if file.is_file()), None)
    found = getattr(module, "__file__", None)
    if wanted is not None and (found is None or Path(found).resolve() != wanted.resolve()):
        raise UserError(
            f"module {module.__name__!r} is {found or 'built in'}, which hides {wanted}; give that file another name"
        )
