"""Format failures are shown where the reward tells what cannot be read, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.domain.rewards import REWARDS, reward_named
from tasks.domain.run_result import IterationResult, RunResult, Tally
from tasks.domain.schema import Problem
from tasks.report import as_markdown, as_table
from tasks.report.page import render_html
from tasks.report.readable import READ_ANSWERS
from tasks.report.tables import score_markdown
from tasks.report.tracking import metrics
from tests.made_up_run import made_up_run

OWN = {"verify": {"reward": "rewards:is_short", "parts": []}}


@pytest.mark.parametrize("name", sorted(REWARDS.built_in))
def test_the_built_in_rewards_that_call_a_sample_unparseable_are_these(name: str) -> None:
    decided = reward_named(name).prepare(Problem("p", "s", "test", "math", "2 + 2?", "4"), "").decided
    assert (decided is not None and decided.label == "unparseable") == (name in READ_ANSWERS)


def yes_or_no(tally: Tally) -> Tally:
    """The same samples, graded by a reward that says True or False."""
    labels = dict(tally.labels)
    unread = labels.pop("unparseable", 0)
    return replace(tally, labels=labels | {"wrong": labels.get("wrong", 0) + unread})


def graded(row: IterationResult) -> IterationResult:
    test = row.test and replace(
        row.test, greedy_tally=yes_or_no(row.test.greedy_tally), sampled_tally=yes_or_no(row.test.sampled_tally)
    )
    return replace(row, train=yes_or_no(row.train), test=test)


def told(result: RunResult) -> str:
    """The run's figures, as text."""
    score = score_markdown(result.base, "base", result.config)
    return "".join([as_markdown(result), as_table(result, 80), score])


def test_a_reward_that_says_true_or_false_has_no_format_failures() -> None:
    run = made_up_run()
    own = replace(run, config=OWN, base=graded(run.base), iterations=tuple(map(graded, run.iterations)))
    assert "ormat failures" not in told(own)
    page = render_html(own)
    assert "ormat failures" not in page and "no readable answer" not in page
    assert "test/format_failures" not in dict(metrics(own.base, False))
    for built_in in ({"reward": "math"}, {"reward": "all_of", "parts": ["math", "rewards:is_short"]}):
        assert "ormat failures" in told(replace(own, config={"verify": built_in})), "none failed: a figure"


def test_a_reward_of_ones_own_that_says_so_has_them() -> None:
    run = replace(made_up_run(), config=OWN)
    assert "format failures" in told(run) and "no readable answer" in render_html(run)
