"""What is peculiar to each method of the family, seen in the artifacts of real runs on recorded samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.config import make_config
from flows.planning.plan import plan_of
from flows.stored.comparisons import with_second_tries
from tasks.data.sources import load_problems
from tasks.domain.algorithms import METHODS
from tasks.domain.arms import spent
from tasks.domain.errors import StageFailed
from tasks.domain.judged import HUMAN
from tasks.domain.prompts import template_named
from tasks.domain.schema import Example, to_table
from tasks.engines.training.sft_rows import training_rows
from tasks.store.artifacts import Store, digest_of_folder
from tests.flows.loop.family import TRAIN, manifest, method_config, rows, run_method
from tests.handmade import run_directly, unlooked
from tests.rig import manifests, recipes, tiny_base

# What shrinks a method to 12 problems and a wave of 4; where it needs more than that, its own.
SMALL: dict[str, dict[str, dict[str, Any]]] = {
    "rest": {"loop": {"iterations": 6}, "materialize": {"cap": 4}},
    "star": {"generate": {"waves": (1,)}, "materialize": {"cap": 1}, "loop": {"iterations": 2}, "finetune": {"steps": 40}},
    "iml": {"loop": {"iterations": 3, "problems": 5}},
    "iml_buffer": {"generate": {"waves": (1,)}, "materialize": {"cap": 1000, "max_rows": 6}, "loop": {"iterations": 4, "problems": 5}},
    "raft": {"materialize": {"cap": 1}},
    "ssd": {"materialize": {"cap": 1}},
    "dart_uniform": {"generate": {"waves": (2, 2, 4)}, "materialize": {"cap": 4}},
    "dart_prop2diff": {"generate": {"waves": (4, 4)}, "materialize": {"cap": 8}},
    "distill": {"teacher": {"policy": "base"}},
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_runs_and_a_plan_finds_all_of_it(name: str, tmp_path: Path) -> None:
    config, result = run_method(tmp_path, name, **SMALL.get(name, {}))
    assert result.status == "completed"
    assert all(
        row.selection is not None and row.selection.kept == len(rows(config, row.number)) for row in result.iterations
    )
    assert plan_of(unlooked(config)).all_stored, name


def test_rest_em_starts_every_round_from_the_bits_of_the_base(tmp_path: Path) -> None:
    config, result = run_method(tmp_path, "rest_em", loop={"iterations": 3})
    for number in (1, 2, 3):
        trained = manifest(config, number, "finetune")
        assert (
            trained.recipe["start"] == result.base.policy_digest == digest_of_folder(Path(trained.meta["start"]["uri"]))
        )


def test_expert_iteration_starts_every_round_from_the_policy_before(tmp_path: Path) -> None:
    config, result = run_method(tmp_path, "expert_iteration", loop={"iterations": 3})
    starts = [manifest(config, number, "finetune").recipe["start"] for number in (1, 2, 3)]
    assert starts == [row.policy_digest for row in result.rows[:-1]]


def test_star_hints_only_misses_once_and_trains_on_the_prompt_without_the_hint(tmp_path: Path) -> None:
    config, _ = run_method(tmp_path, "star", **{**SMALL["star"], "loop": {"iterations": 1}})
    store, template = Store(config.run.store), template_named("arithmetic")
    problems = {one.id: one for one in load_problems(config.data.train, "train")}
    drawn = [one for one in manifests(store, "generate").values() if one["recipe"].get("hint") == "answer"]
    hinted = [row for one in drawn for row in one["meta"]["wanted"]["problems"]]
    own = [row for row in rows(config, 1) if row.index < 4]
    assert hinted and len(hinted) == len(set(hinted)), "each miss has one hinted try"
    assert set(hinted) == set(problems) - {row.problem_id for row in own}, "all misses, and only they"
    second = [row for row in rows(config, 1) if row.index >= 4]
    assert {row.problem_id for row in second} == set(hinted)
    for row in second:
        assert row.prompt == template.render(problems[row.problem_id], 0)
        assert row.prompt != template.render(problems[row.problem_id], 0, "answer")


def test_second_tries_are_added_to_what_a_comparison_says_was_drawn(tmp_path: Path) -> None:
    config, result = run_method(tmp_path, "star", **SMALL["star"])
    counted = with_second_tries(Store(config.run.store), result)
    for row, number in zip(counted.iterations, (1, 2), strict=True):
        assert row.train.samples + row.hinted.samples == TRAIN + (TRAIN - row.problems_solved), number
        assert row.hinted.labels == {"correct": row.hinted.samples}
    assert spent(counted).samples == spent(result).samples + sum(row.hinted.samples for row in counted.iterations)


def test_a_grown_set_is_counted_once_for_all_rounds_that_train_on_it(tmp_path: Path) -> None:
    _, result = run_method(tmp_path, "rest", **SMALL["rest"])
    drawn = [row.train.samples for row in result.iterations]
    assert drawn[0] == drawn[1] == drawn[2]
    assert spent(result).samples == drawn[0] + drawn[3]


def test_a_hinted_row_is_trained_on_from_the_end_of_the_prompt_without_the_hint(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    config, _ = run_method(tmp_path, "star", **{**SMALL["star"], "loop": {"iterations": 1}})
    tokenizer = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "tokenizer"))
    second = [row for row in rows(config, 1) if row.index >= 4]
    tokens = training_rows(to_table(second, Example), tokenizer, max_length=128).rows
    for row, made in zip(second, tokens, strict=True):
        assert made.prompt_length == len(tokenizer(row.prompt)["input_ids"])
        assert tokenizer.decode(made.input_ids[made.prompt_length : -1]) == row.completion


def test_stars_steps_grow(tmp_path: Path) -> None:
    small = {**SMALL["star"], "loop": {"iterations": 3, "steps_factor": 1.2}}
    config, _ = run_method(tmp_path, "star", **small)
    assert [manifest(config, number, "finetune").recipe["settings"]["steps"] for number in (1, 2, 3)] == [40, 48, 58]


def test_rest_grows_once_an_improve_cycle_raises_its_threshold_and_lowers_its_rate(tmp_path: Path) -> None:
    config, result = run_method(tmp_path, "rest", **SMALL["rest"])
    trained = [manifest(config, number, "finetune") for number in range(1, 7)]
    data = [manifest(config, number, "materialize").recipe for number in range(1, 7)]
    assert [one["settings"]["threshold"] for one in data] == [0.0, 0.7, 0.9] * 2
    rates = [one.recipe["settings"]["learning_rate"] for one in trained]
    assert rates == pytest.approx([1e-3, 5e-4, 2.5e-4] * 2)
    sft = manifest(config, 0, "finetune")
    assert trained[0].recipe["start"] in {one["digest"] for one in sft.meta["epochs"]}, "from the SFT model"
    assert [one.recipe["start"] for one in trained[1:]] == [row.policy_digest for row in result.iterations[:-1]]
    grown = [one["inputs"] for one in data]
    assert grown[0] == grown[1] == grown[2] and grown[3] == grown[4] == grown[5]
    samplers = {
        slot: one["policy"]
        for slot, one in recipes(Store(config.run.store)).items()
        if "/train/" in slot and slot.endswith("generate")
    }
    by_round = [
        {policy for slot, policy in samplers.items() if slot.startswith(f"iteration-{n}/")} for n in range(1, 7)
    ]
    assert by_round[0] == by_round[1] == by_round[2] == {trained[0].recipe["start"]}
    assert by_round[3] == by_round[4] == by_round[5] == {result.iterations[2].policy_digest}
    assert len(rows(config, 1)) > len(rows(config, 2)), "the first Improve step trains on all that was grown"
    assert any(row.index == HUMAN for row in rows(config, 3)), "solutions by people pass the same filter"


def test_rft_puts_the_human_row_first_and_does_not_dedupe_it(tmp_path: Path) -> None:
    config, _ = run_method(tmp_path, "rft")
    problems = {one.id: one for one in load_problems(config.data.train, "train")}
    found = rows(config, 1)
    first = {row.problem_id: row for row in reversed(found)}
    assert set(first) == set(problems)
    for name, row in first.items():
        assert (row.index, row.completion) == (HUMAN, problems[name].meta["solution"])
    start = manifest(config, 1, "finetune").recipe["start"]
    assert start == unlooked(config).base.digest, "trained from the base"  # type: ignore[union-attr]
    sampled = {
        one["policy"]
        for slot, one in recipes(Store(config.run.store)).items()
        if "iteration-1/train" in slot and "generate" in slot
    }
    assert sampled <= {one["digest"] for one in manifest(config, 0, "finetune").meta["epochs"]}, (
        "sampled from the SFT model"
    )


def test_iml_touches_only_its_problems_and_each_has_its_turn(tmp_path: Path) -> None:
    config, _ = run_method(tmp_path, "iml", **SMALL["iml"])
    asked = [
        {name for slot, one in recipes(Store(config.run.store)).items() if slot.startswith(f"iteration-{n}/train/") and slot.endswith("generate")
         for name in _problems(config, one)}
        for n in (1, 2, 3)
    ]  # fmt: skip
    assert [len(one) for one in asked] == [5, 5, 2] and len(set.union(*asked)) == TRAIN
    for number, names in enumerate(asked, start=1):
        assert {row.problem_id for row in rows(config, number)} <= names


def _problems(config: Any, recipe: dict[str, Any]) -> list[str]:
    from tasks.store.manifest import key_of

    found = Store(config.run.store).lookup("generate", key_of(recipe))
    assert found is not None
    return list(found.meta["wanted"]["problems"])


def test_the_buffer_of_successes_grows_and_other_rows_are_drawn_from_it(tmp_path: Path) -> None:
    config, _ = run_method(tmp_path, "iml_buffer", **SMALL["iml_buffer"])
    kept = [manifest(config, n, "materialize").meta["selection"] for n in (1, 2, 3, 4)]
    held = [one["kept"] + one["over_max_rows"] for one in kept]
    assert held == sorted(held) and held[0] < held[2]
    assert all(one["kept"] <= 6 for one in kept)


def test_pooled_rounds_really_pool(tmp_path: Path) -> None:
    alone, _ = run_method(tmp_path / "alone", "rest_em", loop={"iterations": 2, "problems": 6})
    pooled, _ = run_method(tmp_path / "pooled", "rest_em", loop={"iterations": 2, "problems": 6, "pool": "all"})
    assert {row.problem_id for row in rows(alone, 1)}.isdisjoint({row.problem_id for row in rows(alone, 2)})
    assert {row.problem_id for row in rows(pooled, 2)} == {
        row.problem_id for number in (1, 2) for row in rows(alone, number)
    }


def test_equal_solutions_of_two_rounds_count_once_in_a_pool(tmp_path: Path) -> None:
    """Recorded answers are the same for every policy, so a second round of the same problems adds nothing."""
    config, _ = run_method(tmp_path, "rest_em", loop={"iterations": 2, "pool": "all"}, materialize={"cap": 4})
    assert [row.completion for row in rows(config, 1)] == [row.completion for row in rows(config, 2)]
    doubled, _ = run_method(
        tmp_path / "all", "rest_em", loop={"iterations": 2, "pool": "all"}, materialize={"cap": 4, "dedupe": "none"},
        generate={"waves": (4,)},
    )  # fmt: skip
    assert any(row.index >= 1_000_000 for row in rows(doubled, 2)), (
        "without dedupe the earlier round's rows are there too"
    )


def test_sft_on_people_samples_no_train_problem(tmp_path: Path) -> None:
    config, _ = run_method(tmp_path, "sft_human")
    problems = {one.id: one.meta["solution"] for one in load_problems(config.data.train, "train")}
    assert {row.problem_id: row.completion for row in rows(config, 1)} == problems
    assert not [slot for slot in recipes(Store(config.run.store)) if slot.startswith("iteration-1/train")]


def test_a_teacher_is_sampled_and_the_student_is_trained_and_evaluated(tmp_path: Path) -> None:
    run_method(tmp_path, "rest_em")  # its policy is the teacher
    student = method_config(
        tmp_path, "distill", run={"name": "student", "preset": "distill"}, teacher={"policy": "small/1"}
    )
    result = run_directly(student)
    store = Store(student.run.store)
    made = recipes(store, "student")
    teacher = manifest(method_config(tmp_path, "rest_em"), 1, "finetune")
    sampled = {one["policy"] for slot, one in made.items() if "/train/" in slot and slot.endswith("generate")}
    assert sampled <= {one["digest"] for one in teacher.meta["epochs"]}
    assert made["iteration-1/finetune"]["start"] == result.base.policy_digest, "the student starts from its base"
    assert result.base.policy_digest not in sampled, "the student is not sampled"
    test = result.iterations[0].test
    assert test is not None and test.policy_digest == result.iterations[0].policy_digest


def test_endpoints_can_be_the_teacher_of_a_student_that_is_served_here() -> None:
    teacher = {"engine": {"kind": "openai", "urls": ["http://teacher:8000/v1"], "fixed_policy": "big"}}
    config = make_config({"run": {"preset": "distill"}, "teacher": teacher})
    assert config.engine.kind == "vllm" and config.teacher.engine is not None


@pytest.mark.parametrize(("setting", "rounds"), [("go_on", 3), ("stop", 1)])
def test_a_round_that_accepts_nothing_is_said_and_goes_on_or_stops(setting: str, rounds: int, tmp_path: Path) -> None:
    loop = {"iterations": 3, "nothing_accepted": setting}
    config, result = run_method(tmp_path, "rest_em", solve_rate=0.0, loop=loop)
    assert len(result.iterations) == rounds
    assert {row.policy_digest for row in result.rows} == {result.base.policy_digest}, "the policy stays"
    assert any("nothing was accepted" in note for note in result.notes)
    draws = {
        one["draw"]
        for slot, one in recipes(Store(config.run.store)).items()
        if "/train/" in slot and slot.endswith("generate")
    }
    assert len(draws) == rounds, "the next round draws afresh, or the same samples would come again"
    assert plan_of(unlooked(config)).all_stored


def test_a_round_that_accepts_nothing_fails_where_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="nothing to train on"):
        run_method(tmp_path, "rest_em", solve_rate=0.0)


def test_an_empty_data_set_that_another_run_stored_fails_all_the_same(tmp_path: Path) -> None:
    run_method(tmp_path, "rest_em", solve_rate=0.0, loop={"nothing_accepted": "stop"})
    with pytest.raises(StageFailed, match="nothing to train on"):
        run_directly(method_config(tmp_path, "rest_em"))
