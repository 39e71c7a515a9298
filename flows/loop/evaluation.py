"""Evaluates any policy on any problem set: generate and verify with evaluation sampling, then statistics."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from flows.run.draws import Draws, RangeWork
from flows.run.rows import Row
from flows.run.run import NotStored, Run
from flows.run.waves import drive_to_the_end
from tasks.data.problems import ProblemSet
from tasks.domain.chat_template import template_of
from tasks.domain.errors import StageFailed
from tasks.domain.run_result import PolicyScore
from tasks.domain.schema import Policy
from tasks.domain.settings import EvaluateSettings
from tasks.evaluate import EvaluateJob, evaluate, read_score
from tasks.store.ranges import RangeSamples
from tasks.store.slots import TRANSFER, Slot, transfer_place
from tasks.store.workspace import Outcome

# Task runs cost a few milliseconds each and crowd the interface: at most so many for all epochs on val, and for one test.
VAL_TASK_RUNS, TEST_TASK_RUNS = 48, 32


@dataclass(frozen=True)
class Scoring:
    """One evaluation: of which policy, and its place in the run."""

    policy: Policy
    slot: Slot


def evaluate_policy(
    run: Run, policy: Policy, problems: ProblemSet, slot: Slot, *, val: bool = False, draw: str = ""
) -> PolicyScore:
    """Measure greedy pass@1, sampled pass@1, pass@k and maj@k. On `val` it draws a few samples only and measures the reward that
    chooses the epoch."""
    (score,) = evaluate_policies(run, [Scoring(policy, slot)], problems, val=val, draw=draw)
    return score


def evaluate_policies(
    run: Run, wanted: Sequence[Scoring], problems: ProblemSet, *, val: bool = False, draw: str = ""
) -> list[PolicyScore]:
    """Measure several policies on the same problems. Their ranges are driven together: a fleet works on all of them side by side, and
    one engine takes policy after policy."""
    return [read_score(run.workspace, one.ref) for one in scored(run, wanted, problems, val=val, draw=draw)]


def evaluate_everywhere(run: Run, policy: Policy, row: Row) -> None:
    """Evaluate the policy with which an iteration ends on test, and on every transfer set where the run has some."""
    with row.phase("evaluate"):
        row.test = evaluate_policy(run, policy, run.problems.test, Slot.of(row.number, "test"))
    if run.problems.transfer:
        with row.phase(TRANSFER):
            row.transfer = {
                name: evaluate_policy(run, policy, problems, Slot.of(row.number, TRANSFER, transfer_place(name)))
                for name, problems in run.problems.transfer.items()
            }


def scored(
    run: Run, wanted: Sequence[Scoring], problems: ProblemSet, *, val: bool = False, draw: str = ""
) -> list[Outcome]:
    """Return the evaluations as artifacts; greedy and sampled ranges share the engine. A new `draw` asks for fresh samples."""
    plans = [_planned(run, one, problems, val=val, draw=draw) for one in wanted]
    outcomes: dict[int, Outcome] = {}
    for turn in _turns(wanted):
        drawn, failure = _drawn(run, [plans[number] for number in turn])
        for number, ranges in zip(turn, drawn, strict=True):
            if ranges is not None:
                outcomes[number] = run.do(evaluate, _job(run, wanted[number], plans[number], problems, ranges))
        if failure is not None:
            raise failure
    return [outcomes[number] for number in range(len(wanted))]


def _job(run: Run, wanted: Scoring, plan: _Plan, problems: ProblemSet, ranges: tuple[RangeSamples, ...]) -> EvaluateJob:
    greedy = len(plan.greedy)
    slot = str(replace(wanted.slot, stage="score"))
    return EvaluateJob(
        run.workspace, slot, wanted.policy, problems, ranges[:greedy], ranges[greedy:], plan.settings
    )  # fmt: skip


def _drawn(run: Run, plans: Sequence[_Plan]) -> tuple[list[tuple[RangeSamples, ...] | None], BaseException | None]:
    """Return the ranges of each plan, None where they are not whole: an evaluation of fewer problems would be a different figure.

    What is whole is scored before the failure, the second of the two, is raised: its score is on record and need not be made again.
    """
    works = [work for plan in plans for work in plan.works]
    driven = drive_to_the_end(run.stages, works)
    if isinstance(driven.failure, NotStored) or not isinstance(driven.failure, Exception | None):
        raise driven.failure  # nothing is to be made, or all is to end
    ranges = iter(driven.done)
    drawn = [_whole(tuple(islice(ranges, len(plan.works)))) for plan in plans]
    lacking = driven.done.count(None)
    undone = StageFailed(f"{lacking} of {len(works)} ranges of an evaluation were left without samples")
    return drawn, driven.failure or (undone if lacking else None)


def _whole(ranges: tuple[RangeSamples | None, ...]) -> tuple[RangeSamples, ...] | None:
    found = tuple(one for one in ranges if one is not None)
    return found if len(found) == len(ranges) else None


def _turns(wanted: Sequence[Scoring]) -> list[list[int]]:
    """Return positions that may be driven together: of equal weights, which draw the same samples, the later finds what the earlier
    has stored."""
    turns: dict[int, list[int]] = defaultdict(list)
    before: Counter[str] = Counter()
    for number, one in enumerate(wanted):
        turns[before[one.policy.digest]].append(number)
        before[one.policy.digest] += 1
    return list(turns.values())


@dataclass(frozen=True)
class _Plan:
    """The ranges of one evaluation, and what is measured on them."""

    greedy: list[RangeWork]
    sampled: list[RangeWork]
    settings: EvaluateSettings

    @property
    def works(self) -> list[RangeWork]:
        return [*self.greedy, *self.sampled]


def _planned(run: Run, wanted: Scoring, problems: ProblemSet, *, val: bool, draw: str) -> _Plan:
    settings = run.config.evaluate
    stop = template_of(run.config.model).stop
    count = settings.val_samples if val else settings.samples
    most = VAL_TASK_RUNS // run.config.finetune.checkpoints if val else TEST_TASK_RUNS // 2
    greedy = Draws(
        replace(wanted.slot, sampling="greedy"), wanted.policy, problems, settings.greedy_sampling(stop), ((0, 1),), draw,
        most_task_runs=most,
    )  # fmt: skip
    sampled = Draws(
        replace(wanted.slot, sampling="sampled"), wanted.policy, problems, settings.sampling(stop), ((0, count),), draw,
        most_task_runs=most,
    )  # fmt: skip
    size = run.config.generate.range_size
    first = greedy.ranges(size) if settings.greedy and not val else []
    second = sampled.ranges(size) if count else []
    if val:
        settings = settings.model_copy(update={"samples": count, "k": (1,), "greedy": False})
    return _Plan(first, second, settings)
