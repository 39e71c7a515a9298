"""A class of somebody's own that inherits a reward is told apart from it, and an edit of it grades again."""

from __future__ import annotations

from pathlib import Path

from tasks.domain.rewards import reward_named
from tasks.domain.rewards.base import what_is_read
from tasks.domain.rewards.code import CodeReward
from tasks.domain.rewards.math import MathReward
from tasks.domain.schema import Problem

CLASS = "from tasks.domain.rewards.code import CodeReward\nclass Mine(CodeReward):\n    '''{note}'''\n{body}"


def version_of(folder: Path, module: str, note: str, body: str = "") -> str:
    (folder / f"{module}.py").write_text(CLASS.format(note=note, body=body))
    made = reward_named(f"{module}:Mine", str(folder))
    assert isinstance(made, CodeReward) and made.name == f"{module}:Mine"
    return made.version


def test_an_inherited_version_is_joined_by_a_digest_of_the_source(tmp_path: Path) -> None:
    first, second = (version_of(tmp_path, f"own_class_{note}_of_a_test", note) for note in ("a", "b"))
    assert first.startswith(f"{CodeReward.version}+") and first != second


def test_a_version_of_its_own_stays(tmp_path: Path) -> None:
    assert version_of(tmp_path, "own_class_c_of_a_test", "c", "    version = '9'\n") == "9"


def test_the_built_in_rewards_keep_their_keys(tmp_path: Path) -> None:
    problem = Problem("p", "s", "train", "math", "?", gold="1", meta={"a": 1})
    assert what_is_read(MathReward(), problem) == ("p", "1", None)
    version_of(tmp_path, "own_class_d_of_a_test", "d")
    mine = reward_named("own_class_d_of_a_test:Mine", str(tmp_path))
    assert what_is_read(mine, problem)["meta"] == {"a": 1}
