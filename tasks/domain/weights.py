"""Weights of training rows: equal, shared by the rows of a problem, or by reward."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tasks.domain.errors import UserError
from tasks.domain.schema import Example
from tasks.domain.settings import MaterializeSettings

SHARED = ("per_problem", "exp_reward_per_problem")  # depend on which rows of a problem are kept


def weights_of(rewards: Sequence[float], settings: MaterializeSettings) -> list[float]:
    """Return the weights of the rows of one problem, in their order."""
    if settings.weight == "per_problem":
        return [1 / len(rewards) for _ in rewards]
    if settings.weight == "exp_reward_per_problem":
        return softmax(rewards, settings.beta)
    if settings.weight == "reward":
        return list(rewards)
    if settings.weight == "exp_reward":
        return [_exponential(reward, settings.beta) for reward in rewards]
    return [1.0 for _ in rewards]


def softmax(rewards: Sequence[float], beta: float) -> list[float]:
    """Return exp(reward / beta) over its sum; the best reward is taken off first, so nothing overflows."""
    best = max(rewards, default=0.0)
    raised = [math.exp((reward - best) / beta) for reward in rewards]
    return [one / sum(raised) for one in raised]


def shared_anew(examples: Sequence[Example], settings: MaterializeSettings) -> list[Example]:
    """Return the rows with weights that add up to one per problem again, after some rows were left out."""
    if settings.weight not in SHARED:
        return list(examples)
    rewards: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        rewards[example.problem_id].append(example.reward)
    weights = {name: weights_of(values, settings) for name, values in rewards.items()}
    taken = Counter[str]()
    result = []
    for example in examples:
        result.append(replace(example, weight=weights[example.problem_id][taken[example.problem_id]]))
        taken[example.problem_id] += 1
    return result


def _exponential(reward: float, beta: float) -> float:
    try:
        return math.exp(reward / beta)
    except OverflowError as error:
        raise UserError(
            f"materialize.beta = {beta} overflows exp({reward} / beta); raise it, 0.1 to 10 is usual"
        ) from error
