"""The paper's analyses of a comparison from what is stored: nothing is sampled, graded or trained again.

Each is a section of the page. One whose artifacts are gone, or that has nothing to say yet, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan

import numpy as np

from flows.stored.trace import RunRecords
from tasks.domain.arms import Against, ComparisonResult, Seeds, against, arm_figures, ended, last_row
from tasks.domain.comparison import by_difficulty
from tasks.domain.diversity import Diversity, diversity
from tasks.domain.overfitting import train_and_test
from tasks.domain.run_result import IterationResult, PolicyScore, RunResult
from tasks.domain.schema import Sample, Verdict
from tasks.report.analyses import (
    HEAD_DIVERSITY,
    HEAD_TURNOVER,
    READING_DIFFICULTY,
    READING_DIVERSITY,
    READING_TRAIN,
    READING_TURNOVER,
    turnover_cells,
)
from tasks.report.section import Section, section
from tasks.report.text import NOTHING, percent, points
from tasks.store.artifacts import Store
from tasks.store.slots import Slot

SEEDS = "Seeds are pooled."
READING_MOVED = (
    "Of each arm's last policy on problems of other sources (data.transfer), which decide nothing; means over seeds, and differences as "
    "in the tables above."
)


def analyses(store: Store, result: ComparisonResult) -> list[Section]:
    """Return the sections for which the store holds something."""
    made = [
        train_against_test(result.arms),
        difficulty_section(result.arms),
        turnover_section(store, result.arms),
        diversity_section(store, result.arms),
        transfer_section(result),
    ]
    return [one for one in made if one.rows]


def train_against_test(arms: Mapping[str, Seeds]) -> Section:
    """Return sampled pass@1 on train and on test of every policy that was sampled for training."""
    rows = []
    for name, runs in arms.items():
        pairs = [pair for result in runs.values() for pair in train_and_test(result)]
        for number in sorted({pair.number for pair in pairs}):
            train = float(np.mean([one.train.value for one in pairs if one.number == number]))
            test = float(np.mean([one.test.value for one in pairs if one.number == number]))
            seeds = sum(one.number == number for one in pairs)
            policy = f"round {number}" if number else "base"
            rows.append((name, policy, seeds, percent(train), percent(test), f"{100 * (train - test):+.1f}"))
    head = ("arm", "policy", "seeds", "train", "test", "train minus test")
    return section("Train against test", head, rows, READING_TRAIN)


def difficulty_section(arms: Mapping[str, Seeds]) -> Section:
    """Return each arm's gain in bins of the base's solve rate."""
    lines, names = [], {}
    for arm, runs in arms.items():
        pair = pooled(runs)
        for one in by_difficulty(*pair) if pair else ():
            names[one.name] = f"{one.name} ({one.problems})"
            lines.append((arm, one.name, points(one.difference)))
    found = {(arm, name): text for arm, name, text in lines}
    rows = [
        (arm, *(found.get((arm, name), NOTHING) for name in names)) for arm in dict.fromkeys(arm for arm, _, _ in lines)
    ]
    return section("By difficulty", ("arm", *names.values()), rows, f"{READING_DIFFICULTY} {SEEDS}")


def turnover_section(store: Store, arms: Mapping[str, Seeds]) -> Section:
    """Return what each arm newly solves and loses, and what it gains where format was not the problem."""
    rows = []
    for arm, runs in arms.items():
        pair = pooled(runs)
        if pair is None:
            continue
        first = next(iter(runs.values()))
        cells = turnover_cells(*pair, first.base.readable or base_readable(store, first.name))
        if cells is not None:
            rows.append((arm, *cells))
    return section("Newly solved, lost, and beyond format", ("arm", *HEAD_TURNOVER), rows, READING_TURNOVER)


def pooled(runs: Seeds) -> tuple[PolicyScore, PolicyScore] | None:
    """Return the last policy's score, with the samples of all seeds, and the base's; None until a seed has ended with an evaluated round."""
    last = [row.test for result in ended(runs).values() if (row := last_row(result)) and row.number and row.test]
    base = next((result.base.test for result in runs.values() if result.base.test), None)
    if not last or base is None or not all(score.sampled_outcomes for score in (*last, base)):
        return None
    texts = {name: "".join(score.sampled_outcomes.get(name, "") for score in last) for name in last[0].sampled_outcomes}
    return replace(last[0], sampled_outcomes=texts), base


def base_readable(store: Store, run: str) -> dict[str, str]:
    """Return by problem, a character a base sample on test in order of index, whether an answer could be read (1) or not (0)."""
    place = Slot.of(0, "test")
    found: dict[str, dict[int, str]] = {}
    for _, manifest in RunRecords(store, run).slots(lambda slot: _is_sampled_test(slot) and slot.part == place.part):
        for one in store.rows(store.ref(manifest), Verdict):
            found.setdefault(one.problem_id, {})[one.index] = "0" if one.label == "unparseable" else "1"
    return {name: "".join(text for _, text in sorted(cells.items())) for name, cells in found.items()}


def _is_sampled_test(slot: Slot) -> bool:
    return slot.stage == "verify" and slot.set == "test" and slot.sampling == "sampled"


def diversity_section(store: Store, arms: Mapping[str, Seeds]) -> Section:
    """Return how different the samples of each round are."""
    rows = []
    for arm, runs in arms.items():
        for number in sorted({row.number for result in runs.values() for row in result.iterations}):
            found = [one for result in runs.values() if (one := _diversity_at(store, result, number))]
            if found:
                rows.append((arm, number, *_means(found)))
    return section("Diversity", ("arm", "round", *HEAD_DIVERSITY), rows, READING_DIVERSITY)


def _diversity_at(store: Store, result: RunResult, number: int) -> Diversity | None:
    """Return what a run's data set says of its samples; of an older one it is counted now."""
    row: IterationResult | None = next((one for one in result.iterations if one.number == number), None)
    return row.diversity or first_wave_diversity(store, result.name, number) if row else None


def first_wave_diversity(store: Store, run: str, number: int) -> Diversity | None:
    """Count the first wave of one iteration of a run; None where its samples or verdicts are not stored."""
    records, place = RunRecords(store, run), Slot.of(number, "train")
    stages = {"generate": Sample, "verify": Verdict}
    rows: dict[str, list] = {"generate": [], "verify": []}
    for slot, manifest in records.slots(
        lambda slot: slot.part == place.part and slot.set == "train" and slot.wave == 0
    ):
        rows[slot.stage] += store.rows(store.ref(manifest), stages[slot.stage])
    known = {(one.problem_id, one.index) for one in rows["verify"]}
    samples = [one for one in rows["generate"] if (one.problem_id, one.index) in known]
    return diversity(samples, rows["verify"])


def transfer_section(result: ComparisonResult) -> Section:
    """Return what the arms' last policies do on each transfer set, and how far that lies from the reference."""
    names = dict.fromkeys(name for runs in result.arms.values() for run in runs.values() for name in run.base.transfer)
    rows = []
    for name in names:
        moved = {arm: {seed: _moved(run, name) for seed, run in runs.items()} for arm, runs in result.arms.items()}
        figures = [one for arm, runs in moved.items() if (one := arm_figures(arm, runs))]
        for metric in ("greedy", "sampled"):
            lines = {line.arm: line for line in against(moved, result.reference, metric)}
            rows += [
                (
                    name,
                    metric,
                    one.name,
                    len(one.seeds),
                    percent(one.metrics[metric].value),
                    *_distance(lines.get(one.name)),
                )
                for one in figures
                if metric in one.metrics
            ]
    head = ("set", "metric", "arm", "seeds", "pass@1", "minus reference, over problems", "over seeds")
    return section("Transfer", head, rows, READING_MOVED)


def _moved(run: RunResult, name: str) -> RunResult:
    """Return the run with its scores on a transfer set in the place of those on test."""
    base, *rows = (replace(row, test=row.transfer.get(name)) for row in run.rows)
    return replace(run, base=base, iterations=tuple(rows))


def _distance(line: Against | None) -> tuple[str, str]:
    return (points(line.over_problems), points(line.over_seeds)) if line else (NOTHING, NOTHING)


def _means(found: Sequence[Diversity]) -> Iterator[str]:
    for name in ("samples", "distinct_solutions", "distinct_answers", "unique_correct"):
        yield f"{np.mean([getattr(one, name) for one in found]):.2f}"
    known = [one.false_equations for one in found if not isnan(one.false_equations)]
    yield percent(float(np.mean(known))) if known else NOTHING
