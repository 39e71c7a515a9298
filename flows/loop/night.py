"""A night samples from the promoted policy, trains the base on the accepted samples, and lets val decide about promotion.

The samples of a night are drawn under its date, so that every night adds fresh ones; the training data may include samples
of earlier nights. The gate compares the new policy with the promoted one on val samples that took no part in choosing the
epoch. A night that was cut off keeps its record and everything it stored: the next night resumes it or drops it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flows.config import RunConfig, config_with, make_config
from flows.loop.em import evaluate_base, iteration
from flows.loop.evaluation import Scoring, evaluate_policies
from flows.loop.gate import GateDecision, gate
from flows.loop.reached import Reached
from flows.loop.series import NightSettings, Series
from flows.run.budget import Budget, Limits
from flows.run.preflight import Checked, open_run, workspace_of
from flows.run.recorder import Publish, Recorder
from flows.run.rows import Maximized
from flows.run.run import Executor, Journal, Run
from flows.stored.nights import Night, run_of_night
from flows.stored.policies import Promoted, promote, promoted
from tasks.domain.errors import StoreUnavailable, UserError
from tasks.domain.schema import Policy
from tasks.store.ranges import RangeSamples
from tasks.store.slots import Slot
from tasks.store.workspace import log

Announce = Callable[[str, Promoted], None]  # told the series and what it now stands at


@dataclass(frozen=True)
class NightRun:
    """How the work of this night is executed, and who is told of it."""

    executor: Executor
    journal: Journal
    publish: Publish
    announce: Announce
    show: Callable[[RunConfig], None]  # told the config that really runs


@dataclass(frozen=True)
class Ended:
    """How a night ended: the state that the interface shows, and a sentence."""

    state: str  # Completed, Cached, Stopped or BudgetReached
    message: str


def night_config(config: RunConfig) -> RunConfig:
    """Return the config as a night uses it; UserError for settings that a night cannot use."""
    if config.finetune.start != "base":
        raise UserError("finetune.start is 'previous', but a night trains from the base; set it to base")
    if config.materialize.human != "none" or config.loop.pool == "all" or config.loop.sampler != "policy":
        raise UserError(
            "a night trains on what it and earlier nights drew (nights.history); materialize.human, loop.pool and "
            "loop.sampler must keep their defaults"
        )
    if config.loop.first != "base" or config.loop.improve > 1:
        raise UserError(
            "a night is one round from the promoted policy; loop.first and loop.improve must keep their defaults"
        )
    return config


def one_night(checked: Checked, settings: NightSettings, how: NightRun) -> Ended:
    """Begin or resume the night, do its work, and record how it ended."""
    store = checked.workspace.store
    series = Series(store, checked.config.run.name)
    if (stopped := series.stopped()) and not settings.go_on:
        message = f"the series was stopped by night {stopped.night} ({stopped.gain}); set nights.go_on to go on"
        return Ended("Stopped", message)
    stands_at = promoted(store, series.name)
    night = series.begin(settings.night, stands_at.policy if stands_at else None, settings)
    if not night.unfinished:
        return Ended("Cached", f"night {night.night} is done: {night.status} {night.gain}")
    try:
        ended = _work(tonight(checked, night), settings, night, series, how)
    except BaseException as error:
        _note_failure(series, night, error)
        raise
    if ended.status == "budget":
        return Ended("BudgetReached", ended.message)
    return Ended("Completed", f"night {ended.night}: {ended.status}, {ended.gain}")


def _note_failure(series: Series, night: Night, error: BaseException) -> None:
    """Record why the night was cut off; where the store is what failed, its record stays unfinished as it is."""
    try:
        series.put(replace(series.get(night.night) or night, status="failed", message=str(error)[:500]))
    except (UserError, StoreUnavailable) as second:
        log.warning("that night %s was cut off could not be recorded: %s", night.night, second)


def tonight(checked: Checked, night: Night) -> Checked:
    """Return the config of one night: a run of its own, with one iteration and samples drawn under the night's name."""
    own = {
        "run": {"name": run_of_night(checked.config.run.name, night.night)},
        "loop": {"draw": night.night, "iterations": 1},
    }
    config = make_config(config_with(checked.config.model_dump(mode="json"), own))
    return replace(checked, config=config, workspace=workspace_of(config))


def _work(checked: Checked, settings: NightSettings, night: Night, series: Series, how: NightRun) -> Night:
    how.journal.config = checked.config
    how.show(checked.config)
    limits = Limits(settings.tokens, settings.hours, settings.disk_gib, since=night.started, began=time.time())
    budget = Budget.of(limits, checked.workspace)
    with open_run(checked, how.executor, how.journal, budget) as run, Recorder(run, how.publish) as record:
        policy = night.sampled or run.base
        with record.iteration(0) as base:
            evaluate_base(run, base)
        with record.iteration(1) as row:
            iteration(run, Reached.at(policy), row, lambda drawn: _data(run, drawn, night, series, settings, budget))
        night = series.get(night.night) or night
        ended = _decided(run, settings, night, policy, row.maximized, series, budget, how.announce)
        record.finish()
        return ended


def _data(
    run: Run, drawn: Sequence[RangeSamples], night: Night, series: Series, settings: NightSettings, budget: Budget
) -> list[RangeSamples]:
    """Return the ranges of earlier nights followed by those of this night; none when the budget leaves no room for training."""
    night = series.put(replace(night, ranges=tuple(drawn), tokens=budget.tokens()))
    known = {problem.id for problem in run.problems.train.all()}
    earlier = series.earlier_ranges(night, settings.history - 1)
    data = [*(one for one in earlier if known.issuperset(one.ids)), *drawn]
    return data if budget.allows_training() else []


def _decided(
    run: Run, settings: NightSettings, night: Night, policy: Policy, made: Maximized | None, series: Series,
    budget: Budget, announce: Announce,
) -> Night:  # fmt: skip
    """Ask the gate, and promote or hold the policy as it decides."""
    spent, gated = budget.spent(), None
    if made is not None:
        gated = _compared(run, settings, night, policy, made.policy)
        if gated.decision == "promote":
            store = run.workspace.store
            announce(series.name, promote(store, series.name, made.policy, night.night, gated.sentence))
    status = {"promote": "promoted", "hold": "held", "stop": "stopped"}[gated.decision] if gated else "held"
    gain = gated.sentence if gated else "nothing was trained"
    message = f"the budget was reached ({spent.sentence}); {gain}" if spent else ""
    return series.put(
        replace(
            night, status="budget" if spent and status != "stopped" else status, policy=made.policy.digest if made else "",
            gain=gain, message=message, tokens=budget.tokens(), ended=time.time(),
        )
    )  # fmt: skip


def _compared(run: Run, settings: NightSettings, night: Night, old: Policy, new: Policy) -> GateDecision:
    """Evaluate both policies on fresh val samples, because the M-step's val samples chose the epoch."""
    draw = f"gate-{night.night}"
    both = Scoring(new, Slot.of(1, "gate", "new")), Scoring(old, Slot.of(1, "gate", "promoted"))
    after, before = evaluate_policies(run, both, run.problems.val, val=True, draw=draw)
    return gate(after, before, settings, run.config.evaluate.bootstrap)
