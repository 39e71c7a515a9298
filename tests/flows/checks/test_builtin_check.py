"""A prompt that a built-in base cannot read is refused before the base is made."""

from __future__ import annotations

from typing import Any

import pytest

from flows.checks.builtin_check import check_builtin
from flows.config import RunConfig, make_config
from tasks.data.sources import load_problems
from tasks.domain.errors import UserError
from tasks.domain.schema import Problem


def checked(base: str, **sections: Any) -> None:
    config = make_config({"model": {"base": base}, **sections})
    check_builtin(config, problems(config))


def problems(config: RunConfig) -> list[Problem]:
    source = config.data.train.model_copy(update={"limit": 5})
    return load_problems(source, "train")


@pytest.mark.parametrize("hint", ["answer", "solution"])
def test_a_hint_wants_the_base_that_has_tokens_for_it(hint: str) -> None:
    star = {"run": {"preset": "star"}, "loop": {"hint": hint}}
    checked("builtin:arithmetic_hints", **star)
    sentence = r"builtin:arithmetic cannot read problem arithmetic/.* with its hint holds \( \).* take builtin:arithmetic_hints$"
    with pytest.raises(UserError, match=sentence):
        checked("builtin:arithmetic", **star)


def test_without_a_hint_both_bases_read_the_exercises_and_the_one_for_programs_does_not() -> None:
    checked("builtin:arithmetic")
    checked("builtin:arithmetic_hints")
    with pytest.raises(UserError, match=r"its prompt holds .*, for which it has no token; take the problems"):
        checked("builtin:programs")


def test_nothing_is_said_of_other_models() -> None:
    checked("some/model", run={"preset": "star"})
