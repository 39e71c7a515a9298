"""One stage again in runs whose rounds hang on more than the round before: pools, a start tuned on people's solutions, grown sets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.config import RunConfig
from flows.loop.em import em_loop
from flows.loop.rerun import reached_before
from flows.run.lookup import Lookup
from flows.run.only_stage import StageName
from flows.run.recorder import Recorder
from flows.run.run import Run, Stages
from flows.stored.runs import read_result
from tasks.data.problems import store_sets
from tasks.domain.errors import UserError
from tests.flows.loop.family import method_config, record_hinted
from tests.flows.loop.test_rerun import Counted, Made
from tests.handmade import run_directly, unlooked
from tests.rig import record

RUNS: dict[str, tuple[str, float, dict[str, dict[str, Any]]]] = {
    "pool": ("rest_em", 0.5, {"loop": {"iterations": 3, "problems": 5, "pool": "all"}}),
    "pool with hints": ("star", 0.5, {"generate": {"waves": (1,)}, "materialize": {"cap": 1}, "loop": {"iterations": 3, "pool": "all"}, "finetune": {"steps": 40}}),
    "rows drawn from a pool": ("iml_buffer", 0.5, {"generate": {"waves": (1,)}, "materialize": {"cap": 1000, "max_rows": 6}, "loop": {"iterations": 3, "problems": 5}}),
    "SFT start": ("rft", 0.5, {"loop": {"iterations": 2, "first": "sft", "problems": 6}, "finetune": {"start": "sft"}}),
    "Improve steps": ("rest", 0.5, {"loop": {"iterations": 6}, "materialize": {"cap": 4}}),
    "rounds that accept nothing": ("rest_em", 0.0, {"loop": {"iterations": 3, "nothing_accepted": "go_on"}}),
}  # fmt: skip
STAGES: tuple[StageName, ...] = ("generate", "verify", "materialize", "finetune", "evaluate")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`finished(name)`: the config of a finished run of that kind."""
    made: dict[str, RunConfig] = {}

    def run(name: str) -> RunConfig:
        if name not in made:
            preset, solve_rate, sections = RUNS[name]
            config = method_config(tmp_path_factory.mktemp("run") / "of", preset, **sections)
            record(config, solve_rate)
            if config.loop.hint != "none":
                record_hinted(config, config.loop.hint)
            run_directly(config)
            made[name] = config
        return made[name]

    return run


@pytest.fixture
def opened(finished: Any, tmp_path: Path) -> Any:
    """`opened(name)`: that run over a copy of its store, and who does its stages again."""

    def open_it(name: str) -> Made:
        config = finished(name)
        shutil.copytree(config.run.store, tmp_path / "store")
        places = {"store": str(tmp_path / "store"), "scratch": str(tmp_path / "scratch")}
        checked = unlooked(config.model_copy(update={"run": config.run.model_copy(update=places)}))
        assert checked.base is not None
        counted = Counted([])
        run = Run(
            Stages(checked.config, checked.workspace, counted),
            store_sets(checked.workspace, checked.sets),
            checked.base,
        )
        return Made(checked.config, run, counted)

    return open_it


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", RUNS)
def test_only_the_stage_of_the_last_round_is_done_again_and_comes_out_the_same(
    opened: Any, name: str, stage: StageName
) -> None:
    made = opened(name)
    last = made.config.loop.iterations
    only = made.again(stage, last)
    idle = name == "rounds that accept nothing"
    assert bool(made.counted.done) == (stage != "finetune" or not idle), "a round that accepts nothing trains nothing"
    assert all(slot.startswith(f"iteration-{last}/") for slot in made.counted.done)
    if stage != "evaluate":
        assert all(slot.endswith(f"/{stage}") for slot in made.counted.done)
    assert [one.slot for one in only.reruns if one.before not in (None, one.outcome.ref.digest)] == []
    assert only.misses == []


@pytest.mark.parametrize("name", RUNS)
def test_where_the_loop_stood_before_each_round_is_what_the_loop_itself_came_to(opened: Any, name: str) -> None:
    made = opened(name)
    looking = Run(Stages(made.config, made.run.workspace, Lookup()), made.run.problems, made.run.base)
    result = read_result(made.run.workspace.store, "small")
    for row, before in zip(result.iterations, result.rows, strict=False):
        reached = reached_before(looking, row.number)
        assert (reached.policy.digest == before.policy_digest) or (row.number == 1 and reached.sft is not None)
        assert len(reached.earlier) == row.number - 1


@pytest.mark.parametrize("name", RUNS)
def test_downstream_of_a_stage_that_came_out_the_same_the_loop_finds_everything(opened: Any, name: str) -> None:
    made = opened(name)
    made.again("materialize", made.config.loop.iterations)
    looking = Run(Stages(made.config, made.run.workspace, Lookup()), made.run.problems, made.run.base)
    with Recorder(looking) as record_again:
        assert em_loop(looking, record_again).status == "completed"


@pytest.mark.parametrize(
    ("name", "stage", "iteration", "missing", "maker"),
    [
        ("pool", "materialize", 3, "iteration-1/train/range-000/wave-0/verify", "verify"),
        ("pool", "finetune", 3, "iteration-2/train/range-000/wave-0/generate", "generate"),
        ("pool with hints", "materialize", 2, "iteration-1/hint/range-000/wave-0/verify", "verify"),
        ("SFT start", "generate", 1, "base/finetune", "finetune"),
        ("SFT start", "finetune", 2, "base/materialize", "materialize"),
        ("SFT start", "materialize", 2, "problems/train/range-000/human", "human"),
        ("Improve steps", "materialize", 2, "problems/train/range-000/human", "human"),
        ("Improve steps", "materialize", 3, "iteration-3/train/range-000/wave-0/verify", "verify"),
        ("Improve steps", "generate", 4, "base/finetune", "finetune"),
    ],
)
def test_an_input_of_an_earlier_round_or_by_people_that_is_missing_is_refused(
    opened: Any, name: str, stage: StageName, iteration: int, missing: str, maker: str
) -> None:
    made = opened(name)
    made.forget(missing)
    with pytest.raises(
        UserError, match=f"{stage} of iteration {iteration} .* needs results of {maker} that are not in the store"
    ):
        made.again(stage, iteration)
    assert made.counted.done == []


def test_second_tries_that_changed_verdicts_ask_for_are_no_input_of_the_first(opened: Any) -> None:
    made = opened("pool with hints")
    made.forget("iteration-2/hint/range-000/wave-0/generate")
    only = made.again("verify", 2)
    assert [one.slot for one in only.reruns if "/train/" in one.slot]
