"""The sections of a run's report: each figure is that of its own function, and a run of any age or stage can be shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.domain.comparison import by_difficulty
from tasks.domain.diversity import Diversity
from tasks.domain.overfitting import train_and_test
from tasks.domain.run_result import RunResult
from tasks.domain.turnover import beyond_format, turnover
from tasks.report.analyses import run_analyses
from tasks.report.page import render_html
from tasks.report.publish import artifacts_of
from tasks.report.section import Section
from tasks.report.text import percent, points
from tests.made_up_run import made_up_run

VARIED = Diversity(problems=100, drawn=1600, solutions=900, answers=300, correct=450, written=400, false=20)


def whole_run() -> RunResult:
    run = made_up_run()
    assert run.base.test is not None
    readable = {name: "1" * len(text) for name, text in run.base.test.sampled_outcomes.items()}
    rows = tuple(replace(row, diversity=VARIED) for row in run.iterations)
    return replace(run, base=replace(run.base, readable=readable), iterations=rows)


@pytest.fixture(scope="module")
def run() -> RunResult:
    return whole_run()


@pytest.fixture(scope="module")
def sections(run: RunResult) -> dict[str, Section]:
    return {one.title: one for one in run_analyses(run)}


def test_all_of_the_papers_analyses_stand_on_the_page_and_in_the_markdown(
    run: RunResult, sections: dict[str, Section]
) -> None:
    page, markdown = render_html(run), next(artifacts_of(run)).markdown
    assert list(sections) == [
        "Train against test", "Solutions per problem", "By difficulty", "Newly solved, lost, and beyond format", "Diversity",
    ]  # fmt: skip
    for title, one in sections.items():
        assert f"<h2>{title}</h2>" in page and f"## {title}" in markdown
        assert all(len(row) == len(one.head) for row in one.rows)


def test_train_and_test_are_of_the_same_policy(run: RunResult, sections: dict[str, Section]) -> None:
    pairs = list(train_and_test(run))
    assert [one.number for one in pairs] == [0, 1, 2]
    for one in pairs:
        assert one.train == run.iterations[one.number].train_accuracy
        assert run.rows[one.number].test is not None and one.test == run.rows[one.number].test.sampled
    gaps = [row[-1] for row in sections["Train against test"].rows]
    assert gaps == [f"{100 * (one.train.value - one.test.value):+.1f}" for one in pairs]


@pytest.mark.parametrize(
    ("loop", "numbers"),
    [({}, [0, 1, 2]), ({"sampler": "teacher"}, []), ({"improve": 3}, [0]), ({"first": "sft"}, [1, 2]), ({"first": "sft", "improve": 3}, [])],
)  # fmt: skip
def test_a_policy_that_was_not_sampled_on_train_is_left_out(
    run: RunResult, loop: dict[str, object], numbers: list[int]
) -> None:
    assert [one.number for one in train_and_test(replace(run, config={"loop": loop}))] == numbers


def test_solutions_per_problem_add_up_to_the_rows(run: RunResult, sections: dict[str, Section]) -> None:
    for row, shown in zip(run.iterations, sections["Solutions per problem"].rows, strict=True):
        number, rows, problems, mean, _, most = shown
        assert (int(number), int(rows)) == (row.number, row.kept_examples)
        assert float(mean) * int(problems) == pytest.approx(int(rows), abs=0.005 * int(problems))
        assert most.startswith("10 (")


def test_every_round_has_its_bins_its_turnover_and_its_diversity(run: RunResult, sections: dict[str, Section]) -> None:
    base = run.base.test
    assert base is not None
    bins, changes, varied = (
        sections[title].rows for title in ("By difficulty", "Newly solved, lost, and beyond format", "Diversity")
    )
    for place, row in enumerate(run.iterations):
        assert row.test is not None
        assert bins[place][1:] == tuple(points(one.difference) for one in by_difficulty(row.test, base))
        changed, gained = turnover(row.test, base), beyond_format(row.test, base, run.base.readable)
        assert changed is not None and gained is not None
        assert changes[place][1] == f"{changed.new} ({percent(changed.new_base.value)})"
        assert changes[place][5] == f"{points(gained.gain)} ({points(gained.gain_base)})"
        assert varied[place] == (str(row.number), "16.00", "9.00", "3.00", "4.50", "5.0 %")


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_a_run_of_any_stage_and_of_an_older_version_is_shown_without_what_it_does_not_hold(rounds: int) -> None:
    old = made_up_run()
    shown = {one.title for one in run_analyses(replace(old, iterations=old.iterations[:rounds]))}
    assert "Diversity" not in shown and ("By difficulty" in shown) == bool(rounds)
    untested = replace(
        old, base=replace(old.base, test=None), iterations=tuple(replace(row, test=None) for row in old.iterations)
    )
    assert {one.title for one in run_analyses(untested)} == {"Solutions per problem"}


def test_counts_of_disjoint_problems_add_up() -> None:
    assert Diversity(200, 3200, 1800, 600, 900, 800, 40) == VARIED + VARIED
    assert (VARIED + VARIED).unique_correct == VARIED.unique_correct
