"""The paper's analyses of a comparison from what is stored: nothing is sampled, graded or trained again.

Each is a section of the page. One whose artifacts are gone, or that has nothing to say yet, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan

import numpy as np

from flows.stored.trace import RunRecords
from tasks.domain.arms import ComparisonResult, Seeds, last_row
from tasks.domain.comparison import by_difficulty
from tasks.domain.diversity import Diversity, diversity
from tasks.domain.results import PolicyScore, RunResult
from tasks.domain.schema import Sample, Verdict
from tasks.domain.turnover import beyond_format, turnover
from tasks.report.section import Section, section
from tasks.report.tables import NOTHING, percent, points
from tasks.store.artifacts import Store
from tasks.store.slots import Slot

READING_TRAIN = (
    "Sampled pass@1 of one policy on train problems (the next round's first wave, by its sampling) and on test problems (by the "
    "evaluation's). Train rising while test does not is overfitting; the two samplings differ, so read the change, not the level."
)
READING_DIFFICULTY = (
    "Sampled pass@1 minus the base, in points, by the base's solve rate on the problem (number of problems in the head). Half of the "
    "base's draws make the bins, the other half is compared with; seeds are pooled."
)
READING_TURNOVER = (
    "A third of the base's draws picks the problems, a second third is compared with, and in brackets the last third stands in for the "
    "policy: the figure for no change at all. New: solved at least once, of the problems that no picking draw solved. Lost: never "
    "solved, of those that one did. Beyond format: gain in sampled pass@1, in points, on problems whose picking draws could all be read."
)
READING_DIVERSITY = (
    "Of the first wave of each round's E-step, means over train problems and seeds; the figures are of the policy that was sampled. "
    "False equations: accepted solutions that write one, of those that write any."
)


def analyses(store: Store, result: ComparisonResult) -> list[Section]:
    """Return the sections for which the store holds something."""
    made = [
        train_against_test(result.arms),
        difficulty_section(result.arms),
        turnover_section(store, result.arms),
        diversity_section(store, result.arms),
    ]
    return [one for one in made if one.rows]


def train_against_test(arms: Mapping[str, Seeds]) -> Section:
    """Return sampled pass@1 on train and on test of every policy that was sampled for training."""
    rows = []
    for name, runs in arms.items():
        pairs = [pair for result in runs.values() for pair in _train_and_test(result)]
        for number in sorted({number for number, _, _ in pairs}):
            train = [one for at, one, _ in pairs if at == number]
            test = [one for at, _, one in pairs if at == number]
            policy = "base" if number == 0 else f"round {number}"
            gap = float(np.mean(train) - np.mean(test))
            rows.append(
                (
                    name,
                    policy,
                    len(train),
                    percent(float(np.mean(train))),
                    percent(float(np.mean(test))),
                    f"{100 * gap:+.1f}",
                )
            )
    head = ("arm", "policy", "seeds", "train", "test", "train minus test")
    return section("Train against test", head, rows, READING_TRAIN)


def _train_and_test(result: RunResult) -> Iterator[tuple[int, float, float]]:
    """Yield the number of each policy with its sampled pass@1 on train, which the next iteration measured, and on test."""
    by_number = {row.number: row for row in result.rows}
    for row in result.iterations:
        before = by_number.get(row.number - 1)
        if row.train_accuracy and before and before.test and before.test.sampled:
            yield before.number, row.train_accuracy.value, before.test.sampled.value


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
    return section("By difficulty", ("arm", *names.values()), rows, READING_DIFFICULTY)


def turnover_section(store: Store, arms: Mapping[str, Seeds]) -> Section:
    """Return what each arm newly solves and loses, and what it gains where format was not the problem."""
    rows = []
    for arm, runs in arms.items():
        pair = pooled(runs)
        changed = turnover(*pair) if pair else None
        if pair is None or changed is None:
            continue
        readable = base_readable(store, next(iter(runs.values())).name)
        gained = beyond_format(*pair, readable) if readable else None
        rows.append(
            (arm, f"{changed.new} ({percent(changed.new_base.value)})", changed.unsolved,
             f"{changed.lost} ({percent(changed.lost_base.value)})", changed.solved,
             f"{points(gained.gain)} ({points(gained.gain_base)})" if gained else NOTHING, gained.problems if gained else NOTHING)
        )  # fmt: skip
    head = (
        "arm",
        "newly solved (base again)",
        "of",
        "lost (base again)",
        "of",
        "beyond format (base again)",
        "problems",
    )
    return section("Newly solved, lost, and beyond format", head, rows, READING_TURNOVER)


def pooled(runs: Seeds) -> tuple[PolicyScore, PolicyScore] | None:
    """Return the last policy's score, with the samples of all seeds, and the base's; None until a seed has an evaluated round."""
    last = [row.test for result in runs.values() if (row := last_row(result)) and row.number and row.test]
    base = next((result.base.test for result in runs.values() if result.base.test), None)
    if not last or base is None or not all(score.sampled_outcomes for score in (*last, base)):
        return None
    texts = {name: "".join(score.sampled_outcomes.get(name, "") for score in last) for name in last[0].sampled_outcomes}
    return replace(last[0], sampled_outcomes=texts), base


def base_readable(store: Store, run: str) -> dict[str, str]:
    """Return by problem, a character a base sample on test in order of index, whether an answer could be read (1) or not (0)."""
    place = Slot.of(0, "test")
    found: dict[str, dict[int, str]] = {}
    for slot, manifest in RunRecords(store, run).slots(lambda slot: slot.stage == "verify" and slot.part == place.part):
        if slot.sampling == "sampled":
            for one in store.rows(store.ref(manifest), Verdict):
                found.setdefault(one.problem_id, {})[one.index] = "0" if one.label == "unparseable" else "1"
    return {name: "".join(text for _, text in sorted(cells.items())) for name, cells in found.items()}


def diversity_section(store: Store, arms: Mapping[str, Seeds]) -> Section:
    """Return how different the samples of each round are."""
    rows = []
    for arm, runs in arms.items():
        for number in sorted({row.number for result in runs.values() for row in result.iterations}):
            found = [one for result in runs.values() if (one := first_wave_diversity(store, result.name, number))]
            if found:
                rows.append((arm, number, *_means(found)))
    head = (
        "arm",
        "round",
        "samples a problem",
        "distinct solutions",
        "distinct answers",
        "unique correct",
        "false equations",
    )
    return section("Diversity", head, rows, READING_DIVERSITY)


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


def _means(found: Sequence[Diversity]) -> Iterator[str]:
    for name in ("samples", "distinct_solutions", "distinct_answers", "unique_correct"):
        yield f"{np.mean([getattr(one, name) for one in found]):.2f}"
    known = [one.false_equations for one in found if not isnan(one.false_equations)]
    yield percent(float(np.mean(known))) if known else NOTHING
