"""Says before a comparison what it would cost and what it could find.

Costs are the plans of its cells added up, with shared work counted once: the base, its evaluation, and within a seed the samples
of round 1 of all arms that sample alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flows.comparison.checks import CheckedCell, checked_cells
from flows.comparison.design import CompareSettings, Comparison
from flows.config import RunConfig
from flows.planning.estimate import ENGINE_START_S, Amounts, Work, estimate
from flows.planning.plan import EVALUATIONS, Plan, Step, plan_of
from flows.stored.comparisons import comparison_result, record_of
from tasks.domain.arms import seed_spread
from tasks.domain.inference import Detectable, detectable

# the phases that cells can share, and the sections beside model and engine that decide whether they do
SHARED = {
    (0, "base"): (),
    **{(0, name): ("evaluate",) for name in EVALUATIONS},
    (0, "materialize"): (),
    (0, "M-step"): ("finetune",),
    (1, "E-step"): ("generate",),
}


@dataclass(frozen=True)
class PlannedCell:
    """One cell: its run, the rounds that it would make, what is still to be done, and how long that takes."""

    arm: str
    seed: int
    run: str
    rounds: int
    state: str  # "stored", "runs", "runs in part"
    amounts: Amounts


@dataclass(frozen=True)
class Sensitivity:
    """The smallest differences that the design can find: over problems, over seeds, and over seeds with all arms corrected for.

    `measured` says whether the spread over seeds comes from this comparison's own runs, or is assumed.
    """

    over_problems: Detectable
    over_seeds: Detectable
    corrected: Detectable
    measured: bool


@dataclass(frozen=True)
class ComparisonPlan:
    """All cells, what they add up to, and what could be found."""

    name: str
    store: str
    cells: tuple[PlannedCell, ...]
    amounts: Amounts
    sensitivity: Sensitivity


def plan_comparison(comparison: Comparison) -> ComparisonPlan:
    """Plan a comparison; UserError for whatever it would refuse. Nothing is written or started."""
    checked = checked_cells(comparison.cells, looking=True)
    counted: set[str] = set()
    cells = tuple(_planned(one, plan_of(one.checked), counted) for one in checked)
    problems = len(checked[0].checked.sets.problems["test"])
    return ComparisonPlan(
        comparison.settings.name, checked[0].checked.workspace.store_url, cells, _total(one.amounts for one in cells),
        _sensitivity(comparison.settings, checked[0], problems),
    )  # fmt: skip


def _planned(one: CheckedCell, plan: Plan, counted: set[str]) -> PlannedCell:
    """Return the cell without the work that an earlier cell does for it too."""
    steps = [step for step in plan.steps if step.state != "stored" and not _done_before(one, step, counted)]
    whole = all(step.state == "stored" for step in plan.steps)
    touched = any(step.state != "runs" for step in plan.steps if step.phase != "base")
    checked = one.checked
    work = Work(
        sum(step.samples for step in steps if step.phase == "E-step"),
        sum(step.samples for step in steps if step.phase in ("M-step", *EVALUATIONS)),
        sum(step.phase == "M-step" and not step.hits for step in steps),
        any(step.phase == "base" for step in steps),
    )
    amounts = estimate(checked.config, checked.workspace, work, checked.sets.problems, checked.base)
    state = "stored" if whole else "runs in part" if touched else "runs"
    return PlannedCell(
        one.cell.arm.name, one.cell.seed, plan.run, checked.config.loop.iterations, state, amounts,
    )  # fmt: skip


def _done_before(one: CheckedCell, step: Step, counted: set[str]) -> bool:
    """Return whether an earlier cell does this step; the first to ask does it."""
    place = (step.iteration, step.phase)
    if place not in SHARED:
        return False
    same = json.dumps([*place, _what_is_shared(one.checked.config, *place)], sort_keys=True)
    done = same in counted
    counted.add(same)
    return done


def _what_is_shared(config: RunConfig, iteration: int, phase: str) -> list[Any]:
    """Return what two cells must have alike for one to do the other's step."""
    parts: list[Any] = [config.model.content(), config.engine.content()]
    parts += [getattr(config, section).content() for section in SHARED[iteration, phase]]
    if phase == "base":
        return parts
    if phase == "evaluate":
        return [*parts, config.data.test.model_dump(mode="json")]
    if phase == "E-step":
        loop = config.loop
        parts += [loop.draw, loop.first, loop.problems, loop.sampler, loop.hint, max(config.generate.waves)]
        parts += [config.finetune.content()] if loop.first == "sft" else []
    return [*parts, config.data.model_dump(mode="json")]


def _total(cells: Iterable[Amounts]) -> Amounts:
    """Add up the amounts of all cells; one engine serves them all, and scratch is used by one at a time."""
    every = list(cells)
    started = sum(one.samples > 0 for one in every)
    return Amounts(
        sum(one.samples for one in every), sum(one.tokens for one in every), sum(one.store_bytes for one in every),
        max(one.scratch_bytes for one in every),
        sum(one.seconds for one in every) - ENGINE_START_S * max(started - 1, 0), every[0].basis,
    )  # fmt: skip


def _sensitivity(settings: CompareSettings, one: CheckedCell, problems: int) -> Sensitivity:
    """Return what can be found: from the spread of the comparison's own runs where there are any, else from what is assumed."""
    store = one.checked.workspace.store
    record = record_of(store, settings.name)
    result = comparison_result(store, record) if record else None
    spread = seed_spread(result.arms, settings.compared_with, settings.metric) if result else None
    used = settings.seed_spread if spread is None else spread
    seeds, others = len(settings.seeds), max(len(settings.arms) - 1, 1)
    return Sensitivity(
        detectable(settings.discordant**0.5, problems), detectable(used, seeds), detectable(used, seeds, 0.05 / others),
        spread is not None,
    )  # fmt: skip
