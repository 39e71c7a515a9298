"""Which samples each method keeps, seen in the data sets of real runs against the verdicts of all that was drawn."""

from __future__ import annotations

import logging
from math import exp
from pathlib import Path

import pytest

from flows.config import RunConfig
from tasks.domain.schema import Verdict
from tests.flows.loop.family import TRAIN, kept, manifest, rows, run_method, verdicts

Graded = dict[str, dict[int, Verdict]]


def right(graded: Graded) -> dict[str, list[int]]:
    """The indices of correct samples, by problem."""
    return {name: [at for at, one in sorted(of.items()) if one.label == "correct"] for name, of in graded.items()}


def few(name: str, folder: Path, samples: int = 2, **materialize: object) -> tuple[RunConfig, Graded]:
    """A round of a method, some of whose problems are solved by some of their samples and some by none."""
    materialize = {"cap": samples, **materialize}
    sections = {"generate": {"waves": (samples,)}, "materialize": materialize, "loop": {"iterations": 1}}
    config, _ = run_method(folder, name, solve_rate=0.7, **sections)
    graded = verdicts(config, 1)
    assert len(graded) == TRAIN and {0, samples} <= {len(found) for found in right(graded).values()}
    return config, graded


def test_raft_keeps_one_of_the_right_ones_a_prompt_and_tells_of_prompts_without_any(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    config, graded = few("raft", tmp_path, cap=1)
    solved = {name: found for name, found in right(graded).items() if found}
    chosen = kept(config, 1)
    assert chosen.keys() == solved.keys()
    assert all(len(found) == 1 and found[0] in solved[name] for name, found in chosen.items())
    assert any(found[0] != solved[name][0] for name, found in chosen.items()), "by seed, not the first one"
    lost = TRAIN - len(solved)
    assert lost and f"of {lost} of {TRAIN} problems no sample has a reward above 0" in caplog.text
    assert "gives no row" in caplog.text


def test_raft_positives_keeps_all_that_are_right(tmp_path: Path) -> None:
    config, graded = few("raft_positives", tmp_path)
    assert kept(config, 1) == {name: found for name, found in right(graded).items() if found}


def test_reinforce_rej_drops_prompts_that_are_all_right_and_those_that_are_all_wrong(tmp_path: Path) -> None:
    config, graded = few("reinforce_rej", tmp_path)
    found = right(graded)
    assert {0, 1, 2} == {len(one) for one in found.values()}
    assert kept(config, 1) == {name: one for name, one in found.items() if len(one) == 1}


def test_rwr_keeps_wrong_samples_with_the_lower_weight_and_a_problem_sums_to_one(tmp_path: Path) -> None:
    config, graded = few("rwr", tmp_path, beta=0.5)
    weights = {(row.problem_id, row.index): row.weight for row in rows(config, 1)}
    assert weights.keys() == {(name, at) for name, of in graded.items() for at in of}
    for name, of in graded.items():
        assert sum(weights[name, at] for at in of) == pytest.approx(1)
    mixed = [name for name, found in right(graded).items() if len(found) == 1]
    for name in mixed:
        good, bad = sorted(graded[name], key=lambda at: graded[name][at].label != "correct")
        assert weights[name, good] / weights[name, bad] == pytest.approx(exp(1 / 0.5))
    assert mixed


def test_iml_weighs_by_the_reward_and_leaves_out_what_has_none(tmp_path: Path) -> None:
    config, graded = few("iml", tmp_path)
    assert kept(config, 1) == {name: found for name, found in right(graded).items() if found}
    assert {row.weight for row in rows(config, 1)} == {1.0}


def test_unfiltered_keeps_whatever_was_drawn_and_permuted_as_many_as_were_right(tmp_path: Path) -> None:
    every, graded = few("unfiltered", tmp_path / "every", dedupe="none")
    assert kept(every, 1) == {name: sorted(of) for name, of in graded.items()}
    shuffled, graded = few("permuted", tmp_path / "shuffled", dedupe="none")
    chosen, good = kept(shuffled, 1), right(graded)
    assert sum(map(len, chosen.values())) == sum(map(len, good.values()))
    assert any(at not in good[name] for name, found in chosen.items() for at in found)


def test_ssd_keeps_a_sample_a_problem_whatever_its_verdict(tmp_path: Path) -> None:
    config, graded = few("ssd", tmp_path, 1)
    assert kept(config, 1) == {name: [0] for name in graded}


def test_dart_uniform_stops_exactly_at_its_target_and_counts_who_fell_short(tmp_path: Path) -> None:
    sections = {"generate": {"waves": (2, 2, 4)}, "materialize": {"cap": 3}}
    config, _ = run_method(tmp_path, "dart_uniform", **sections)
    graded, chosen = verdicts(config, 1), kept(config, 1)
    for name, found in right(graded).items():
        assert chosen.get(name, []) == found[:3]
        ends = [end for end in (2, 4, 8) if sum(at < end for at in found) >= 3] or [8]
        assert len(graded[name]) == ends[0], "sampled until the wave that reaches the target, and no further"
    short = sum(len(found) < 3 for found in right(graded).values())
    assert 0 < short < TRAIN
    assert manifest(config, 1, "materialize").meta["selection"]["short"] == short


def test_dart_prop2diff_wants_rows_in_proportion_to_how_often_the_first_wave_failed(tmp_path: Path) -> None:
    sections = {"generate": {"waves": (4, 4)}, "materialize": {"cap": 8}}
    config, _ = run_method(tmp_path, "dart_prop2diff", **sections)
    graded, chosen = verdicts(config, 1), kept(config, 1)
    wanted = {}
    for name, found in right(graded).items():
        wanted[name] = max(1, 8 * (4 - sum(at < 4 for at in found)) // 4)
        assert chosen.get(name, []) == found[: wanted[name]]
        assert len(graded[name]) == (4 if sum(at < 4 for at in found) >= wanted[name] else 8)
    assert len(set(wanted.values())) > 2
