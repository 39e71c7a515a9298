"""Accuracy of one policy on train and on test problems, where both were measured: train rising alone is overfitting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from tasks.domain.run_result import RunResult
from tasks.domain.statistics import Interval


@dataclass(frozen=True)
class TrainTest:
    """Sampled pass@1 of the policy of one iteration (0: the base) on train, by the next round's first wave, and on test."""

    number: int
    train: Interval
    test: Interval


def train_and_test(result: RunResult) -> Iterator[TrainTest]:
    """Yield the policies of a run that were sampled on train and evaluated on test, in order.

    A teacher is no policy of the run, a round that trains on what an earlier one grew sampled nobody, and a base that was tuned on
    people's solutions before it was sampled is not the base that was evaluated. A round that sampled nothing has no share on train.
    """
    loop = result.config.get("loop", {})
    if loop.get("sampler", "policy") != "policy":
        return
    by_number = {row.number: row for row in result.rows}
    for row in result.iterations:
        grown_before = (row.number - 1) % loop.get("improve", 1) != 0
        tuned_first = row.number == 1 and loop.get("first", "base") == "sft"
        test = by_number[row.number - 1].test if row.number - 1 in by_number else None
        train = row.train_accuracy if row.train_accuracy and not isnan(row.train_accuracy.value) else None
        if train and test and test.sampled and not grown_before and not tuned_first:
            yield TrainTest(row.number - 1, train, test.sampled)
