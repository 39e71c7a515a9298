"""The public data sets load whole, from files of their own (skipped where they are absent)."""

import os
from pathlib import Path

import pytest

from tasks.data.loader import loader_named
from tasks.data.sources import load_problems
from tasks.domain.settings import SourceSettings


@pytest.fixture(scope="session")
def shared_data() -> Path:
    root = Path(os.environ.get("RESTEM_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no public data sets at {root}; set RESTEM_SHARED_DATA")
    return root


@pytest.mark.parametrize(
    "kind, file, count",
    [
        ("gsm8k", "gsm8k/train.jsonl", 7473),
        ("gsm8k", "gsm8k/test.jsonl", 1319),
        ("math", "math/train.jsonl", 7474),
        ("math", "math/test.jsonl", 5000),
        ("math", "math/math500.jsonl", 500),
        ("humaneval", "code/humaneval.jsonl", 164),
        ("mbpp", "code/mbpp.jsonl", 974),
        ("apps", "code/apps.jsonl", 98),  # two of the 100 occur twice
    ],
)
def test_public_data_sets_load_whole(shared_data: Path, kind: str, file: str, count: int) -> None:
    problems = load_problems(SourceSettings.model_validate({"kind": kind, "path": str(shared_data / file)}), "train")
    assert len(problems) == count
    assert sum(problem.gold == "" for problem in problems) <= 4
    assert all((problem.tests is None) == (problem.kind == "math") for problem in problems)


def test_script_based_data_sets_are_not_a_default() -> None:
    assert loader_named("apps").hub is None
