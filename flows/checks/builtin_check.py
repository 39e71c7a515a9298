"""Checks whether a built-in base, which is made only when the run starts, can read this run's prompts."""

from __future__ import annotations

from collections.abc import Iterable

from flows.config import RunConfig
from tasks.domain.chat_template import template_of
from tasks.domain.errors import UserError
from tasks.domain.schema import Problem
from tasks.engines.training.pretrain import CURRICULA, PREFIX, Curriculum, curriculum_named

MOST_NAMED = 5  # characters in the sentence


def check_builtin(config: RunConfig, problems: Iterable[Problem]) -> None:
    """Raise UserError for a prompt, with its hint where the method gives one, that holds a character without a token."""
    taught, hint = curriculum_named(config.model.base), config.loop.hint
    if taught is None:
        return
    template = template_of(config.model)
    for problem in problems:
        hints = (hint,) if problem.split == "train" and hint != "none" else ()
        for told in ("none", *hints):
            prompt = template.render(problem, config.model.shots, told)
            if unknown := taught.unknown_in(prompt):
                where = "with its hint " if told != "none" else ""
                raise UserError(
                    f"{config.model.base} cannot read problem {problem.id}: its prompt {where}holds "
                    f"{' '.join(unknown[:MOST_NAMED])}, for which it has no token; {_remedy(prompt, taught)}"
                )


def _remedy(prompt: str, taught: Curriculum) -> str:
    """Return who can read the prompt: a built-in base for the same problems, or none of ours."""
    able = [
        f"{PREFIX}{name}"
        for name, one in CURRICULA.items()
        if one.template == taught.template and not one.unknown_in(prompt)
    ]
    return f"take {' or '.join(able)}" if able else "take the problems that it was made for, or another base"
