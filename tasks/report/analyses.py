"""The paper's analyses of one run as sections of its report, from its result alone: nothing is sampled, graded or read again.

One that has nothing to say yet is left out. A comparison's page has the same of its arms (flows/stored/analyses.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan

from tasks.domain.comparison import by_difficulty, compare
from tasks.domain.diversity import Diversity
from tasks.domain.overfitting import train_and_test
from tasks.domain.run_result import IterationResult, PolicyScore, RunResult
from tasks.domain.turnover import beyond_format, turnover
from tasks.report.section import Section, section
from tasks.report.tables import policy_name
from tasks.report.text import NOTHING, interval_lines, percent, points

READING_TRAIN = (
    "Sampled pass@1 of one policy on train problems (the next round's first wave, by its sampling) and on test problems (by the "
    "evaluation's). Train rising while test does not is overfitting; the two samplings differ, so read the change, not the level."
)
READING_SOLUTIONS = (
    "Rows of the data set that a problem has. Problems without a row are not trained on; those at the most are held there by the cap "
    "(materialize.cap), or no other had more."
)
READING_DIFFICULTY = (
    "Sampled pass@1 minus the base, in points, by the base's solve rate on the problem (number of problems in the head). Half of the "
    "base's draws make the bins, the other half is compared with."
)
READING_TURNOVER = (
    "A third of the base's draws picks the problems, a second third is compared with, and in brackets the last third stands in for the "
    "policy: the figure for no change at all. New: solved at least once, of the problems that no picking draw solved. Lost: never "
    "solved, of those that one did. Beyond format: gain in sampled pass@1, in points, on problems whose picking draws could all be read."
)
READING_DIVERSITY = (
    "Of the first wave of each round's E-step, means over train problems; the figures are of the policy that was sampled. "
    "False equations: accepted solutions that write one, of those that write any."
)
READING_TRANSFER = (
    "The same policies on problems of other sources (data.transfer), which decide nothing. Differences to the base are paired by "
    "problem; intervals as in the table above. Prompt and reward are the run's own."
)
HEAD_TURNOVER = (
    "newly solved (base again)", "of", "lost (base again)", "of", "beyond format (base again)", "problems",
)  # fmt: skip
HEAD_DIVERSITY = (
    "samples a problem", "distinct solutions", "distinct answers", "unique correct", "false equations",
)  # fmt: skip


def run_analyses(result: RunResult, bootstrap: int = 2000) -> list[Section]:
    """Return the sections for which the result holds something."""
    made = [
        _train_against_test(result),
        _solutions(result),
        _difficulty(result, bootstrap),
        _turnover(result, bootstrap),
        _diversity(result),
        _transfer(result, bootstrap),
    ]
    return [one for one in made if one.rows]


def turnover_cells(
    policy: PolicyScore, base: PolicyScore, readable: Mapping[str, str], bootstrap: int = 2000
) -> tuple[object, ...] | None:
    """Return the cells under `HEAD_TURNOVER`; None where the base has too few draws."""
    changed = turnover(policy, base, bootstrap)
    if changed is None:
        return None
    gained = beyond_format(policy, base, readable, bootstrap) if readable else None
    return (
        f"{changed.new} ({percent(changed.new_base.value)})", changed.unsolved,
        f"{changed.lost} ({percent(changed.lost_base.value)})", changed.solved,
        f"{points(gained.gain)} ({points(gained.gain_base)})" if gained else NOTHING, gained.problems if gained else NOTHING,
    )  # fmt: skip


def _train_against_test(result: RunResult) -> Section:
    rows = [
        (_name(one.number), " ".join(interval_lines(one.train)), " ".join(interval_lines(one.test)),
         f"{100 * (one.train.value - one.test.value):+.1f}")
        for one in train_and_test(result)
    ]  # fmt: skip
    return section("Train against test", ("policy", "train", "test", "train minus test"), rows, READING_TRAIN)


def _solutions(result: RunResult) -> Section:
    rows = [
        (row.number, row.kept_examples, _with(row, least=1), f"{_mean_rows(row):.2f}", row.rows_per_problem.get(1, 0),
         f"{most} ({row.rows_per_problem[most]} problems)")
        for row in result.iterations
        if (most := max(row.rows_per_problem, default=0))
    ]  # fmt: skip
    head = ("round", "rows", "problems with a row", "rows a problem", "problems with one", "the most")
    return section("Solutions per problem", head, rows, READING_SOLUTIONS)


def _with(row: IterationResult, least: int) -> int:
    return sum(problems for rows, problems in row.rows_per_problem.items() if rows >= least)


def _mean_rows(row: IterationResult) -> float:
    return sum(rows * problems for rows, problems in row.rows_per_problem.items()) / max(1, _with(row, least=1))


def _evaluated(result: RunResult) -> Iterator[tuple[IterationResult, PolicyScore, PolicyScore]]:
    """Yield the iterations that drew samples on test, each with its score and the base's."""
    base = result.base.test
    for row in result.iterations:
        if base is not None and base.sampled_outcomes and row.test is not None and row.test.sampled_outcomes:
            yield row, row.test, base


def _difficulty(result: RunResult, bootstrap: int) -> Section:
    found = {row.number: by_difficulty(test, base, bootstrap) for row, test, base in _evaluated(result)}
    names = {one.name: f"{one.name} ({one.problems})" for bins in found.values() for one in bins}
    rows = []
    for number, bins in found.items():
        cells = {one.name: points(one.difference) for one in bins}
        rows.append((_name(number), *(cells.get(name, NOTHING) for name in names)))
    return section("By difficulty", ("policy", *names.values()), rows if names else [], READING_DIFFICULTY)


def _turnover(result: RunResult, bootstrap: int) -> Section:
    rows = [
        (policy_name(row), *cells)
        for row, test, base in _evaluated(result)
        if (cells := turnover_cells(test, base, result.base.readable, bootstrap))
    ]
    return section("Newly solved, lost, and beyond format", ("policy", *HEAD_TURNOVER), rows, READING_TURNOVER)


def _diversity(result: RunResult) -> Section:
    rows = [(row.number, *diversity_cells(row.diversity)) for row in result.iterations if row.diversity]
    return section("Diversity", ("round", *HEAD_DIVERSITY), rows, READING_DIVERSITY)


def diversity_cells(found: Diversity) -> tuple[str, ...]:
    """Return the cells under `HEAD_DIVERSITY`."""
    means = (found.samples, found.distinct_solutions, found.distinct_answers, found.unique_correct)
    known = not isnan(found.false_equations)
    return (*(f"{mean:.2f}" for mean in means), percent(found.false_equations) if known else NOTHING)


def _transfer(result: RunResult, bootstrap: int) -> Section:
    names = [name for row in result.rows for name in row.transfer]
    rows = [
        (name, score.problems, policy_name(row), *_scores(score), *_against_base(row, name, result.base, bootstrap))
        for name in dict.fromkeys(names)
        for row in result.rows
        if (score := row.transfer.get(name)) is not None
    ]
    head = ("set", "problems", "policy", "greedy pass@1", "sampled pass@1", "greedy minus base", "sampled minus base")
    return section("Transfer", head, rows, READING_TRANSFER)


def _scores(score: PolicyScore) -> tuple[str, str]:
    return " ".join(interval_lines(score.greedy)), " ".join(interval_lines(score.sampled))


def _against_base(row: IterationResult, name: str, base: IterationResult, bootstrap: int) -> tuple[str, str]:
    if row is base or name not in base.transfer:
        return NOTHING, NOTHING
    differences = compare(row.transfer[name], base.transfer[name], row.number, bootstrap)
    found = {one.metric: points(one.interval) for one in differences}
    return found.get("greedy", NOTHING), found.get("sampled", NOTHING)


def _name(number: int) -> str:
    return f"iteration {number}" if number else "base"
