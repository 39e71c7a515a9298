"""What is reported of train problems is unbiased though problems drop out of later waves: 10,000 simulated problems each."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from tasks.domain.schema import Problem, Sample, Verdict
from tasks.domain.scoring import tally_train
from tasks.domain.selection import remaining_problems, target_of
from tasks.domain.settings import MaterializeSettings
from tests.tasks.domain.test_family_selection import problem, sample, verdict

PROBLEMS = 10_000
WAVES = (4, 2, 2)
METHODS = {
    "waves": MaterializeSettings(cap=2, dedupe="none"),
    "dart_uniform": MaterializeSettings(cap=3, dedupe="none", target="uniform"),
    "dart_prop2diff": MaterializeSettings(cap=6, dedupe="none", target="prop2diff"),
}


def drawn(settings: MaterializeSettings) -> tuple[list[Problem], list[Sample], list[Verdict], np.ndarray]:
    """Problems of their own solve rate, each sampled until it has enough, and these rates."""
    rng = np.random.default_rng(0)
    rates = rng.beta(0.8, 1.2, PROBLEMS)
    left = problems = [problem(f"p{at:05}") for at in range(PROBLEMS)]
    samples, verdicts, first = list[Sample](), list[Verdict](), 0
    for wave in WAVES:
        for one in left:
            outcomes = rng.random(wave) < rates[int(one.id[1:])]
            samples += [sample(one.id, first + at) for at in range(wave)]
            verdicts += [verdict(one.id, first + at, float(right)) for at, right in enumerate(outcomes)]
        first += wave
        left = remaining_problems(left, *_of(left, samples, verdicts), settings, WAVES[0])
    return problems, samples, verdicts, rates


def _of(left: list[Problem], samples: list[Sample], verdicts: list[Verdict]) -> tuple[list[Sample], list[Verdict]]:
    names = {one.id for one in left}
    return [one for one in samples if one.problem_id in names], [one for one in verdicts if one.problem_id in names]


@pytest.mark.parametrize("name", METHODS)
def test_pass_at_1_and_the_solve_rate_on_train_are_unbiased_and_all_samples_would_not_be(name: str) -> None:
    problems, samples, verdicts, rates = drawn(METHODS[name])
    tally = tally_train(problems, samples, verdicts, WAVES[0])
    within = 4 / sqrt(PROBLEMS)  # four standard errors of a share, at most
    noise = np.array(tally.accuracies) - rates
    assert abs(noise.mean()) < 4 * noise.std() / sqrt(PROBLEMS)
    assert tally.solved_first_wave / PROBLEMS == pytest.approx((1 - (1 - rates) ** WAVES[0]).mean(), abs=within / 2)
    everything = np.mean([one.reward for one in verdicts])
    assert everything < rates.mean() - 0.03, "later waves hold the problems that fail: their samples pull the mean down"


def test_the_target_of_prop2diff_is_on_average_the_share_of_its_cap_that_the_true_fail_rate_is() -> None:
    """At a cap of the first wave's size nothing is rounded; only a problem that never failed has one row more than its share."""
    from tasks.domain.judged import judge_group

    settings = MaterializeSettings(cap=4, dedupe="none", target="prop2diff")
    rng, rate, targets = np.random.default_rng(1), 0.6, list[int]()
    for _ in range(PROBLEMS):
        outcomes = rng.random(4) < rate
        pairs = [(sample("p", at), verdict("p", at, float(right))) for at, right in enumerate(outcomes)]
        targets.append(target_of(judge_group(pairs, settings), settings, 4))
    expected = 4 * (1 - rate) + rate**4
    assert np.mean(targets) == pytest.approx(expected, abs=4 * np.std(targets) / sqrt(PROBLEMS))
