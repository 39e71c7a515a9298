"""What changes from round to round: settings that follow a schedule, and the problems whose turn it is.

A round counts from 1. A grown set of samples serves `loop.improve` rounds; schedules count from the round that grew it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from flows.config import RunConfig
from flows.run.run import Run
from tasks.domain.settings import FinetuneSettings, LoopSettings, MaterializeSettings


def at_round(run: Run, number: int) -> Run:
    """Return the run with the settings of one round."""
    return replace(run, stages=replace(run.stages, config=config_at(run.config, number)))


def config_at(config: RunConfig, number: int) -> RunConfig:
    """Return the config of one round; without schedules it is the config itself."""
    sections = {
        "finetune": _finetune_at(config.finetune, config.loop, number),
        "materialize": _materialize_at(config.materialize, config.loop, number),
    }
    return config.model_copy(update=sections)


def grows(loop: LoopSettings, number: int) -> bool:
    """Return whether a round draws samples anew."""
    return (number - 1) % loop.improve == 0


def growth(loop: LoopSettings, number: int) -> int:
    """Return the number of the grown set that a round trains on, from 1."""
    return (number - 1) // loop.improve + 1


def problems_of(config: RunConfig, ids: Sequence[str], number: int) -> tuple[str, ...] | None:
    """Return the problems whose turn it is, None for all; every problem has its turn before one has a second.

    Each pass over the problems is shuffled anew, by the draw and the number of the pass.
    """
    size = config.loop.problems
    if size is None or size >= len(ids):
        return None
    a_pass = -(-len(ids) // size)
    passed, turn = divmod(growth(config.loop, number) - 1, a_pass)
    order = list(ids)
    random.Random(f"problems of a round/{config.loop.draw}/{passed}").shuffle(order)
    return tuple(order[turn * size : (turn + 1) * size])


def most_draws(config: RunConfig, problems: int) -> int:
    """Return the most samples of one E-step."""
    if config.materialize.human == "only":
        return 0
    hinted = int(config.loop.hint != "none")
    return (sum(config.generate.waves) + hinted) * min(problems, config.loop.problems or problems)


def _finetune_at(settings: FinetuneSettings, loop: LoopSettings, number: int) -> FinetuneSettings:
    since = _rounds_since(loop, number)
    rate = settings.learning_rate * loop.learning_rate_factor**since
    steps = settings.steps
    if steps is not None:
        steps = round(steps * loop.steps_factor ** (number - 1)) + loop.steps_added * (number - 1)
    return settings.model_copy(update={"learning_rate": rate, "steps": steps})


def _materialize_at(settings: MaterializeSettings, loop: LoopSettings, number: int) -> MaterializeSettings:
    """A buffer of all rounds from which `max_rows` are drawn gives other rows every round."""
    changes: dict[str, object] = {}
    if loop.thresholds:
        changes["threshold"] = loop.thresholds[min(_rounds_since(loop, number), len(loop.thresholds) - 1)]
    if loop.pool == "all" and settings.max_rows is not None:
        changes["seed"] = settings.seed + number - 1
    return settings.model_copy(update=changes)


def _rounds_since(loop: LoopSettings, number: int) -> int:
    """Return how many rounds ago the samples were drawn, or the loop began where every round draws its own."""
    return (number - 1) % loop.improve if loop.improve > 1 else number - 1
