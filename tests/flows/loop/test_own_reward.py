"""A run graded by a function that stands beside its config, and one whose function fails too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.config import RunConfig, load_config
from tasks.domain.errors import StageFailed
from tasks.domain.run_result import RunResult
from tasks.store.artifacts import Store
from tests.command import write_config
from tests.handmade import made_up_base, run_directly
from tests.rig import manifests, record, small_config

MODULE = """
def last_line(problem, text):
    return text.rsplit("#### ", 1)[-1].strip() == problem.gold

def often_fails(problem, text):
    if sum(map(ord, text)) % 10 == 0:
        raise LookupError("a row that it cannot read")
    return last_line(problem, text)
"""


def run_with(folder: Path, name: str, **verify: object) -> tuple[RunConfig, RunResult]:
    config = small_config(
        folder, made_up_base(folder / "base"), verify={"reward": f"own_run_of_a_test:{name}", **verify}
    )
    record(config)
    (folder / "own_run_of_a_test.py").write_text(MODULE)
    config = load_config(write_config(folder / "config.toml", config))
    assert config.verify.folder == str(folder)
    return config, run_directly(config)


@pytest.mark.heavy
def test_a_run_is_graded_by_a_function_beside_its_config(tmp_path: Path) -> None:
    config, result = run_with(tmp_path, "last_line")
    verdicts = manifests(Store(config.run.store), "verify")
    assert {name for one in verdicts.values() for name in one["meta"]["labels"]} == {"correct", "wrong"}
    assert all(one["meta"]["grader"].startswith("own_run_of_a_test:last_line-") for one in verdicts.values())
    assert result.rows[-1].kept_examples


@pytest.mark.heavy
def test_faults_above_the_allowed_share_fail_the_stage_and_below_it_are_counted(tmp_path: Path) -> None:
    for part in ("a", "b"):
        (tmp_path / part).mkdir()
    with pytest.raises(StageFailed, match="ended in a verifier error"):
        run_with(tmp_path / "a", "often_fails")
    config, _ = run_with(tmp_path / "b", "often_fails", max_error_share=0.5)
    verdicts = manifests(Store(config.run.store), "verify")
    assert sum(one["meta"]["labels"].get("verifier_error", 0) for one in verdicts.values()) > 0
