"""The design of a comparison: which settings an arm gets, what a budget does to it, and mistakes in one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.comparison.design import Comparison, comparison_of, load_comparison, scaled_waves
from flows.operation.form import CONFIGS, comparison_config_names
from tasks.domain.errors import UserError

COMMON: dict[str, Any] = {
    "run": {"store": "s"},
    "generate": {"max_tokens": 48, "waves": [6, 2]},
    "data": {"train": {"limit": 7}},
}


def made(compare: dict[str, Any], **sections: Any) -> Comparison:
    return comparison_of({**COMMON, "compare": compare, **sections}, "c.toml", Path())


def test_the_methods_settings_lie_over_the_common_ones_and_the_arms_own_over_both() -> None:
    arms = {"raft": {"generate": {"temperature": 0.9}}, "long": {"method": "rest_em", "loop": {"iterations": 4}}}
    raft, long = (cell.config for cell in made({"arms": ["raft", "long"], "seeds": [3]}, arms=arms).cells)
    assert (raft.generate.waves, raft.generate.max_tokens, raft.generate.temperature) == ((32,), 48, 0.9)
    assert (raft.materialize.cap, raft.finetune.start, raft.data.train.limit) == (1, "previous", 7)
    assert (long.run.preset, long.loop.iterations, long.generate.waves) == ("rest_em", 4, (16, 8, 8))


def test_a_seed_is_a_draw_and_the_seed_of_training_and_of_selection_and_cells_run_seed_by_seed() -> None:
    cells = made({"name": "n", "arms": ["rest_em", "raft"], "seeds": [1, 2]}).cells
    assert [cell.config.run.name for cell in cells] == ["n-rest_em-s1", "n-raft-s1", "n-rest_em-s2", "n-raft-s2"]
    assert [cell.config.loop.draw for cell in cells] == ["seed-1", "seed-1", "seed-2", "seed-2"]
    assert [(cell.config.finetune.seed, cell.config.materialize.seed) for cell in cells] == [
        (1, 1),
        (1, 1),
        (2, 2),
        (2, 2),
    ]


def test_arms_that_sample_the_base_alike_have_one_recipe_for_round_1() -> None:
    """Nothing in a sample's key but policy, prompt, sampling, problem, index and draw: these are equal, so it is drawn once."""
    rest_em, unfiltered, raft = (
        cell.config for cell in made({"arms": ["rest_em", "unfiltered", "raft"], "seeds": [1]}).cells
    )
    assert rest_em.generate.sampling() == unfiltered.generate.sampling() != raft.generate.sampling()
    assert (rest_em.loop.draw, rest_em.model, rest_em.data, rest_em.engine) == (
        unfiltered.loop.draw, unfiltered.model, unfiltered.data, unfiltered.engine,
    )  # fmt: skip


def test_a_budget_of_samples_is_split_over_the_rounds_in_the_methods_own_waves() -> None:
    design = {"arms": ["rest_em", "rft", "raft"], "seeds": [1], "budget": "samples", "amount": 16, "rounds": 2}
    rest_em, rft, raft = (cell.config for cell in made(design, arms={"rft": {"loop": {"iterations": 1}}}).cells)
    assert (rest_em.generate.waves, rft.generate.waves, raft.generate.waves) == ((4, 2, 2), (16,), (8,))
    assert (rest_em.materialize.cap, rft.materialize.cap, raft.materialize.cap) == (4, 16, 1)
    assert {sum(one.generate.waves) * one.loop.iterations for one in (rest_em, rft, raft)} == {16}


def test_a_budget_counts_how_often_a_problem_is_sampled_not_rounds() -> None:
    """ReST draws once for two rounds; IML samples 4 of 8 problems a round, so in 6 rounds a problem 3 times."""
    design = {"arms": ["rest", "iml", "star"], "seeds": [1], "budget": "samples", "amount": 16}
    arms = {
        "rest": {"loop": {"iterations": 4, "improve": 2, "thresholds": [0.0, 0.7]}},
        "iml": {"loop": {"iterations": 6, "problems": 4}},
        "star": {"loop": {"iterations": 2}},
    }
    rest, iml, star = (
        cell.config.generate.waves for cell in made(design, arms=arms, data={"train": {"limit": 8}}).cells
    )
    assert (rest, iml, star) == ((8,), (5,), (7,)), "a second try is a sample too"


def test_an_arm_can_keep_its_methods_own_samples_within_the_budget() -> None:
    arms = {"star": {"spends": "own", "loop": {"iterations": 2}}}
    design = {"arms": ["star"], "seeds": [1], "amount": 4}
    (cell,) = made(design, arms=arms).cells
    assert (cell.config.generate.waves, cell.arm.spends) == ((1,), "own")
    with pytest.raises(UserError, match=r"2 samples 2 times, 4 a train problem, and compare.amount is 3"):
        made({**design, "amount": 3}, arms=arms)


def test_what_a_comparison_names_beside_it_is_read_as_a_run_reads_it(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(json.dumps({"problem": "p", "gold": "3"}) + "\n")
    (tmp_path / "c.toml").write_text('[compare]\narms = ["rest_em", "raft"]\n[data]\ncorrections = "c.jsonl"\n')
    for cell in load_comparison(tmp_path / "c.toml").cells:
        assert [(one.problem, one.gold) for one in cell.config.data.corrections] == [("p", "3")]


@pytest.mark.parametrize("kind", ["tokens", "steps"])
def test_other_budgets_end_the_loop(kind: str) -> None:
    config = made({"arms": ["rest_em"], "budget": kind, "amount": 500}).cells[0].config
    assert getattr(config.loop, f"most_{kind}") == 500
    assert config.generate.waves == (16, 8, 8)


@given(st.lists(st.integers(1, 64), min_size=1, max_size=5), st.integers(1, 200))
def test_scaled_waves_add_up_and_none_is_empty(waves: list[int], total: int) -> None:
    scaled = scaled_waves(waves, total)
    assert sum(scaled) == total
    assert min(scaled) >= 1
    assert len(scaled) <= len(waves)


@pytest.mark.parametrize(
    "compare, sections, sentence",
    [
        ({"arms": ["rest_em", "nope"]}, {}, "preset 'nope' is not known"),
        ({"arms": ["rest_em", "rest_em"]}, {}, "names one twice"),
        ({"arms": ["rest_em"], "reference": "raft"}, {}, "reference 'raft' is none of the arms rest_em"),
        ({"arms": ["rest_em"]}, {"arms": {"raft": {}}}, "section [arms.raft] is none of compare.arms"),
        ({"arms": ["rest_em"], "amount": 2, "rounds": 3}, {}, "give at least one a time"),
        ({"arms": ["rest_em"], "unknown": 1}, {}, "compare.unknown"),
        ({"arms": ["rest_em"]}, {"generate": {"nope": 1}}, "arm rest_em: unknown key 'generate.nope'"),
        ({"arms": ["a" * 32]}, {}, "compare.arms.0"),
        ({"arms": ["rest_em"]}, {"arms": {"rest_em": {"spends": "all"}}}, "arms.rest_em.spends is 'all'"),
    ],
)
def test_a_mistake_is_one_sentence(compare: dict[str, Any], sections: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        made(compare, **sections)


def test_only_arms_that_are_compared_can_be_run_alone() -> None:
    comparison = made({"arms": ["rest_em", "raft", "rwr"], "seeds": [1, 2]})
    assert [cell.seed for cell in comparison.only(["raft"])] == [1, 2]
    assert [(cell.arm.name, cell.seed) for cell in comparison.only(["rwr", "rest_em"])] == [
        ("rest_em", 1), ("rwr", 1), ("rest_em", 2), ("rwr", 2),
    ]  # fmt: skip
    assert comparison.only([]) == comparison.cells
    with pytest.raises(UserError, match="'rft' is none of the arms rest_em, raft, rwr"):
        comparison.only(["raft", "rft"])


@pytest.mark.parametrize("name", comparison_config_names())
def test_a_committed_comparison_parses_and_is_named_as_its_file(name: str) -> None:
    assert load_comparison(CONFIGS / f"{name}.toml").settings.name == name
