"""What a changed setting runs again, and what it leaves alone, told from the recipes that the stages left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flows.config import RunConfig, make_config
from flows.run.preflight import preflight, workspace_of
from tasks.domain.run_result import RunResult
from tests.rig import manifests, recipes, record, small_config, tiny_base
from tests.server import prefect_server

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

    with (
        prefect_server(tmp_path_factory.mktemp("prefect")) as url,
        temporary_settings({PREFECT_API_URL: url, PREFECT_LOGGING_LEVEL: "WARNING"}),
    ):
        yield


@pytest.fixture(scope="module")
def first(api: None, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A finished run of one iteration that every test of this module changes a little."""
    folder = tmp_path_factory.mktemp("first")
    config = small_config(folder, tiny_base(folder / "base"))
    record(config)
    run(config)
    return config


def run(config: RunConfig) -> RunResult:
    from flows.self_train import run_here

    return run_here(preflight(config))


def changed(config: RunConfig, **sections: dict[str, Any]) -> RunConfig:
    tree = config.model_dump(mode="json")
    for name, values in sections.items():
        tree[name] |= values
    return make_config(tree)


def reran(config: RunConfig, new: RunConfig) -> dict[str, set[str]]:
    """Kinds of stages that committed new artifacts, as `phase/stage`, by running `new` over `config`'s store."""
    store = workspace_of(config).store
    before = {stage: set(manifests(store, stage)) for stage in STAGES}
    run(new)
    return {stage: set(manifests(store, stage)) - before[stage] for stage in STAGES}


STAGES = ("problems", "generate", "verify", "materialize", "finetune", "evaluate")


def counts(fresh: dict[str, set[str]]) -> dict[str, int]:
    return {stage: len(keys) for stage, keys in fresh.items()}


def test_the_same_config_again_makes_nothing(first: RunConfig) -> None:
    assert set(counts(reran(first, first)).values()) == {0}


def test_urls_concurrency_and_retries_are_in_no_key(first: RunConfig) -> None:
    new = changed(
        first,
        engine={"max_in_flight": 7},
        generate={"ranges_in_flight": 1, "flush_seconds": 1},
        verify={"workers": 2},
        retry={"retries": 2},
    )
    assert set(counts(reran(first, new)).values()) == {0}


def test_a_changed_temperature_samples_again_and_nothing_before(first: RunConfig) -> None:
    new = changed(first, generate={"temperature": 0.8})
    record(new, seed=1)
    fresh = counts(reran(first, new))
    assert fresh["problems"] == 0
    assert min(fresh[stage] for stage in ("generate", "verify", "materialize", "finetune", "evaluate")) > 0


def test_a_changed_learning_rate_only_trains_and_evaluates(first: RunConfig) -> None:
    store = workspace_of(first).store
    new = changed(first, finetune={"learning_rate": 2e-3})
    fresh = reran(first, new)
    assert counts(fresh)["problems"] == counts(fresh)["materialize"] == 0
    assert counts(fresh)["finetune"] == 1
    trained = {
        epoch["digest"]
        for key in fresh["finetune"]
        for epoch in store.read_json(f"finetune/{key}/manifest.json")["meta"]["epochs"]
    }
    sampled = {store.read_json(f"generate/{key}/manifest.json")["recipe"]["policy"] for key in fresh["generate"]}
    assert sampled <= trained, "only the new policies are sampled, for val and test"


def test_more_samples_draw_only_the_missing_indices(first: RunConfig) -> None:
    store = workspace_of(first).store
    new = changed(first, generate={"waves": (4, 8)})
    record(new)
    before = {pool: dict(store.sample_index(pool)) for pool in store.listdir("samples")}
    run(new)
    for pool in before:
        pairs = [
            (problem, index)
            for _, table in store.sample_index(pool)
            for problem, index in zip(table["problem_id"].to_pylist(), table["index"].to_pylist(), strict=True)
        ]
        assert len(pairs) == len(set(pairs))
    grown = [pool for pool in before if len(dict(store.sample_index(pool))) > len(before[pool])]
    assert len(grown) == 1, "the train pool grew, no pool was drawn anew"


def test_a_new_verifier_verifies_again_and_draws_only_what_is_missing(first: RunConfig) -> None:
    fresh = counts(reran(first, changed(first, verify={"timeout_s": 6.0})))
    assert fresh["verify"] > 0
    assert fresh["generate"] == 0, "the same verdicts leave the same problems unfilled"


def test_verdicts_that_come_out_the_same_spare_the_training(first: RunConfig) -> None:
    fresh = counts(reran(first, changed(first, verify={"timeout_s": 7.0})))
    assert fresh["verify"] > 0
    assert fresh["materialize"] == fresh["finetune"] == fresh["evaluate"] == 0


def test_at_two_iterations_nothing_before_the_first_affected_stage_runs_again(first: RunConfig) -> None:
    two = changed(first, loop={"iterations": 2}, run={"name": "two"})
    fresh = reran(first, two)
    assert counts(fresh)["problems"] == 0
    slots = recipes(workspace_of(first).store, "two")
    assert (
        slots["iteration-1/finetune"]["dataset"]
        == recipes(workspace_of(first).store)["iteration-1/finetune"]["dataset"]
    )
    again = counts(reran(two, changed(two, finetune={"epochs": 1})))
    assert again["problems"] == 0
    assert again["materialize"] == 1, "iteration 2 samples from another policy; iteration 1's data set stands"
    assert again["finetune"] == 1, "both iterations' data sets came out the same, so one training serves both"
    after = recipes(workspace_of(first).store, "two")
    early = [
        slot for slot in slots if slot.startswith(("problems", "base", "iteration-1/train", "iteration-1/materialize"))
    ]
    assert early and {slot: after[slot] for slot in early} == {slot: slots[slot] for slot in early}
