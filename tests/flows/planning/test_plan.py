"""A plan goes through the same checks and the same loop as a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.planning.plan import UNKNOWN_INPUT, plan, plan_of
from flows.run import preflight as checks
from tasks.domain.errors import UserError
from tests.handmade import Direct, make_store, unlooked
from tests.rig import record, small_config, tiny_base


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    config, result = make_store(tmp_path)
    planned = plan_of(unlooked(config))
    assert planned.all_stored and planned.amounts.samples == 0
    assert [step.iteration for step in planned.steps if step.phase == "evaluate"] == list(
        range(len(result.iterations) + 1)
    )


def test_an_evaluation_that_is_not_stored_hides_nothing_behind_it(tmp_path: Path) -> None:
    """Training does not depend on how the base does on test: more evaluation samples leave it as it is."""
    config, _ = make_store(tmp_path)
    more = config.model_copy(
        update={"evaluate": config.evaluate.model_copy(update={"samples": config.evaluate.samples + 2})}
    )
    steps = {(step.iteration, step.phase): step.state for step in plan_of(unlooked(more)).steps}
    assert steps[0, "evaluate"] != "stored"
    assert steps[1, "E-step"] == steps[1, "materialize"] == "stored"


def test_behind_the_first_unknown_result_everything_runs(tmp_path: Path) -> None:
    config = small_config(tmp_path, tiny_base(tmp_path / "base"), loop={"iterations": 2})
    record(config)
    planned = plan(config)
    assert [(step.iteration, step.phase) for step in planned.steps] == [
        (0, "base"), (0, "evaluate"), *((n, phase) for n in (1, 2) for phase in ("E-step", "materialize", "M-step", "evaluate")),
    ]  # fmt: skip
    assert {step.why for step in planned.steps if step.iteration == 2} == {UNKNOWN_INPUT}
    assert not (tmp_path / "store").exists(), "a plan writes nothing"


def test_a_plan_for_a_base_that_is_not_here_says_that_its_size_is_not_known(tmp_path: Path) -> None:
    config = small_config(tmp_path, tiny_base(tmp_path / "base"))
    record(config)
    assert "not on this machine yet" not in plan(config).amounts.basis
    elsewhere = config.model_copy(update={"model": config.model.model_copy(update={"base": "someone/large-model"})})
    assert "the base is not on this machine yet" in plan(elsewhere).amounts.basis


def test_a_plan_on_the_orchestrator_of_a_fleet_asks_for_no_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "count_gpus", lambda: 0)
    split = {"tensor_parallel_size": 2}
    config = small_config(tmp_path, tiny_base(tmp_path / "base"), engine=split)
    record(config)
    with pytest.raises(UserError, match="asks for 2 GPUs but this machine has 0"):
        plan(config)
    run = config.run.model_copy(update={"execution": "deployments"})
    assert plan(config.model_copy(update={"run": run})).steps


def test_a_plan_refuses_the_reward_and_the_place_that_a_run_would(tmp_path: Path) -> None:
    config = small_config(tmp_path, tiny_base(tmp_path / "base"))
    record(config)
    (tmp_path / "occupied").write_text("a file")
    run = config.run.model_copy(update={"scratch": str(tmp_path / "occupied" / "scratch")})
    with pytest.raises(UserError, match="scratch folder"):
        plan(config.model_copy(update={"run": run}))
    verify = config.verify.model_copy(update={"reward": "no_such_reward"})
    with pytest.raises(UserError, match="no_such_reward"):
        plan(config.model_copy(update={"verify": verify}))


def test_a_run_reads_its_data_and_checks_its_golds_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = checks.read_sets
    monkeypatch.setattr(checks, "read_sets", lambda data: read.append("read") or real(data))
    config = small_config(tmp_path, tiny_base(tmp_path / "base"))
    record(config)
    with checks.open_run(checks.preflight(config), Direct()) as run:
        assert run.problems.train.all()
    assert read == ["read"]
