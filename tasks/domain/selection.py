"""Which verified samples become training rows (paper, Algorithm 1: reward 1, at most 10 solutions a problem).

Everything works on one range of problems at a time, so a data set larger than memory can be selected range by range;
only `choose_rows`, which caps the whole data set, looks at all row ids. Order never matters: samples are taken by
index, rows by hash.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from itertools import groupby, pairwise

from tasks.domain.equations import equation_list
from tasks.domain.errors import StageFailed
from tasks.domain.fingerprint import digest_of
from tasks.domain.json_record import JsonRecord
from tasks.domain.judged import Judged, finished, judge_group, known
from tasks.domain.paths import one_per_path
from tasks.domain.schema import Example, Problem, Sample, Verdict
from tasks.domain.settings import MaterializeSettings
from tasks.domain.weights import shared_anew, weights_of


@dataclass(frozen=True)
class SelectionStats(JsonRecord):
    """Counts of what happened to the samples of some problems. The counts of disjoint ranges can be added.

    `samples` = `verifier_errors` + `truncated` + `rejected` + `duplicates` + `over_cap` + `kept` (+ `over_max_rows`), where
    `kept` counts the `human` rows besides.
    """

    problems: int = 0
    samples: int = 0
    verifier_errors: int = 0
    truncated: int = 0  # ended by length (or aborted), so not acceptable
    rejected: int = 0  # not correct, or (materialize.equations) with a false equation
    duplicates: int = 0
    over_cap: int = 0
    over_max_rows: int = 0
    kept: int = 0
    human: int = 0  # of the kept: solutions by people
    short: int = 0  # problems with fewer rows than their target (materialize.target)
    rows_per_problem: Mapping[int, int] = field(default_factory=dict)  # kept rows -> problems with that many

    def __add__(self, other: SelectionStats) -> SelectionStats:
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        rows = Counter(self.rows_per_problem) + Counter(other.rows_per_problem)
        return SelectionStats(**counts, rows_per_problem=dict(sorted(rows.items())))


_COUNTS = tuple(name for name in SelectionStats.__dataclass_fields__ if name != "rows_per_problem")


@dataclass(frozen=True)
class Selection:
    """The rows of one range, by problem and index, and what was left out."""

    examples: list[Example]
    stats: SelectionStats


def row_id(example: Example) -> str:
    """Return the name of a row in `choose_rows` and `keep_rows`."""
    return f"{example.problem_id}/{example.index}"


def select_examples(
    problems: Sequence[Problem],
    samples: Iterable[Sample],
    verdicts: Iterable[Verdict],
    prompts_by_problem: Mapping[str, str],
    settings: MaterializeSettings,
    first_wave: int = 0,
) -> Selection:
    """Select the training rows of one range of problems.

    `prompts_by_problem` holds the full prompt by problem id. Of the acceptable samples of a problem the first `cap` by
    index are taken, equal texts counting once. `first_wave` samples a problem tell how hard it is, for a target that
    depends on it. Raises StageFailed when a sample has no verdict or two samples share an index.
    """
    judged = _judge(problems, samples, verdicts, settings)
    by_problem: dict[str, list[Judged]] = defaultdict(list)
    for item in judged:
        by_problem[item.sample.problem_id].append(item)
    selections = [_select_one(by_problem[p.id], prompts_by_problem, settings, first_wave) for p in problems]
    examples = [example for selection in selections for example in selection.examples]
    return Selection(examples, sum((selection.stats for selection in selections), SelectionStats()))


def accepted_count(samples: Iterable[Sample], verdicts: Iterable[Verdict], settings: MaterializeSettings) -> int:
    """Return how many solutions of one problem would be kept if no more were drawn, at most `cap`.

    `permuted` counts by the true rewards: its control arm must see the same samples as the arm it is compared with.
    """
    honest = _honest(settings)
    judged = _judged(samples, verdicts, honest)
    if len(problems := {item.sample.problem_id for item in judged}) > 1:
        raise ValueError(f"accepted_count is for one problem, got samples of {len(problems)}")
    return len(_first_distinct(judged, honest)[: settings.cap])


def remaining_problems(
    problems: Sequence[Problem],
    samples: Iterable[Sample],
    verdicts: Iterable[Verdict],
    settings: MaterializeSettings,
    first_wave: int = 0,
) -> list[Problem]:
    """Return the problems of a range that still lack accepted solutions after the waves so far, in their order.

    Dropping the others changes nothing in the data set: their cap is already filled by lower indices than a further
    wave would draw.
    """
    honest = _honest(settings)
    by_problem: dict[str, list[Judged]] = defaultdict(list)
    for item in _judged(samples, verdicts, honest):
        by_problem[item.sample.problem_id].append(item)
    return [
        p
        for p in problems
        if len(_first_distinct(by_problem[p.id], honest)) < target_of(by_problem[p.id], honest, first_wave)
    ]


def unsolved_problems(
    problems: Sequence[Problem], samples: Iterable[Sample], verdicts: Iterable[Verdict], settings: MaterializeSettings
) -> list[Problem]:
    """Return the problems of a range without any acceptable sample, in their order."""
    solved = {one.sample.problem_id for one in _judged(samples, verdicts, _honest(settings)) if one.accepted}
    return [problem for problem in problems if problem.id not in solved]


def target_of(judged: Sequence[Judged], settings: MaterializeSettings, first_wave: int) -> int:
    """Return how many rows a problem may give: `cap`, or (DART's Prop2Diff) the share of it that its fail rate is, at least 1.

    The fail rate is that of the first wave, which every problem has; so later waves cannot move their own target.
    """
    if settings.target != "prop2diff":
        return settings.cap
    first = [one for one in judged if 0 <= one.sample.index < first_wave and known(one.verdict)]
    failed = sum(one.verdict.label != "correct" for one in first)
    return max(1, round(settings.cap * failed / len(first))) if first else settings.cap


def choose_rows(row_ids: Iterable[str], max_rows: int | None, seed: int = 0) -> set[str]:
    """At most `max_rows` of the ids, those with the smallest hash: a uniform choice that neither the order of the ids
    nor their partition into ranges changes, and that grows by adding rows when `max_rows` grows."""
    ids = set(row_ids)
    if max_rows is None or len(ids) <= max_rows:
        return ids
    return set(nsmallest(max_rows, ids, key=lambda row: hashlib.sha256(f"{seed}:{row}".encode()).digest()))


def keep_rows(selection: Selection, chosen: set[str], settings: MaterializeSettings) -> Selection:
    """The selection of a range without the rows that `choose_rows` left out; shared weights are shared anew."""
    kept = [example for example in selection.examples if row_id(example) in chosen]
    kept = shared_anew(kept, settings)
    stats = replace(
        selection.stats,
        kept=len(kept),
        over_max_rows=selection.stats.over_max_rows + len(selection.examples) - len(kept),
        rows_per_problem=rows_per_problem(kept, selection.stats.problems),
    )
    return Selection(kept, stats)


def rows_per_problem(examples: Iterable[Example], problems: int) -> dict[int, int]:
    """Return a histogram: number of rows -> number of problems with that many, those without any included."""
    rows = Counter(example.problem_id for example in examples)
    histogram = Counter(rows.values())
    if problems > len(rows):
        histogram[0] = problems - len(rows)
    return dict(sorted(histogram.items()))


def _honest(settings: MaterializeSettings) -> MaterializeSettings:
    return settings.model_copy(update={"accept": "correct"}) if settings.accept == "permuted" else settings


def _judge(
    problems: Sequence[Problem], samples: Iterable[Sample], verdicts: Iterable[Verdict], settings: MaterializeSettings
) -> list[Judged]:
    """The range's samples by problem and index, accepted or not."""
    judged = _judged(samples, verdicts, _honest(settings))
    if strangers := {j.sample.problem_id for j in judged} - {p.id for p in problems}:
        raise StageFailed(
            f"samples of {len(strangers)} problems outside this range ({sorted(strangers)[0]} ...); pass its own only"
        )
    return _permute(judged, settings) if settings.accept == "permuted" else judged


def _judged(samples: Iterable[Sample], verdicts: Iterable[Verdict], settings: MaterializeSettings) -> list[Judged]:
    by_problem = groupby(_pair(samples, verdicts), key=lambda pair: pair[0].problem_id)
    return [one for _, pairs in by_problem for one in judge_group(list(pairs), settings)]


def _pair(samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> list[tuple[Sample, Verdict]]:
    by_place = {(v.problem_id, v.index): v for v in verdicts}
    ordered = sorted(samples, key=lambda s: (s.problem_id, s.index))
    for sample, following in pairwise(ordered):
        if (sample.problem_id, sample.index) == (following.problem_id, following.index):
            raise StageFailed(f"two samples are called {sample.id}; a cap by index needs each index once")
    if lost := [s.id for s in ordered if (s.problem_id, s.index) not in by_place]:
        raise StageFailed(f"{len(lost)} samples have no verdict ({', '.join(lost[:3])}); run verify on them first")
    return [(s, by_place[s.problem_id, s.index]) for s in ordered]


def _permute(judged: list[Judged], settings: MaterializeSettings) -> list[Judged]:
    """Rewards and acceptance dealt out anew among the acceptable samples of the range, so their number stays the same.

    The shuffle depends on the seed and on which samples the range holds, not on their order or on other ranges.
    """
    places = [i for i, j in enumerate(judged) if known(j.verdict) and finished(j.sample, settings) and not j.human]
    dealt = [(judged[i].accepted, judged[i].reward) for i in places]
    random.Random(digest_of([settings.seed, [judged[i].sample.id for i in places]])).shuffle(dealt)
    result = list(judged)
    for i, (accepted, reward) in zip(places, dealt, strict=True):
        result[i] = replace(judged[i], accepted=accepted, reward=reward)
    return result


def _select_one(
    judged: list[Judged], prompts: Mapping[str, str], settings: MaterializeSettings, first_wave: int
) -> Selection:
    """The rows of one problem. `judged` is in order of index."""
    drawn, people = [j for j in judged if not j.human], [j for j in judged if j.human and j.accepted]
    accepted = [j for j in drawn if j.accepted]
    distinct = _first_distinct(drawn, settings)
    target = target_of(drawn, settings, first_wave)
    chosen = _chosen(distinct, target, settings)
    kept = [*chosen, *people] if settings.human == "last" else [*people, *chosen]
    weights = weights_of([j.reward for j in kept], settings)
    examples = [_example(j, weight, prompts) for j, weight in zip(kept, weights, strict=True)]
    certain = [j for j in drawn if known(j.verdict)]
    ended = [j for j in certain if finished(j.sample, settings)]
    stats = SelectionStats(
        problems=1,
        samples=len(drawn),
        verifier_errors=len(drawn) - len(certain),
        truncated=len(certain) - len(ended),
        rejected=len(ended) - len(accepted),
        duplicates=len(accepted) - len(distinct),
        over_cap=len(distinct) - len(chosen),
        kept=len(kept),
        human=len(people),
        short=int(settings.target != "none" and len(chosen) < target),
        rows_per_problem={len(kept): 1},
    )
    return Selection(examples, stats)


def _first_distinct(judged: Sequence[Judged], settings: MaterializeSettings) -> list[Judged]:
    """The accepted samples, of equal ones the first (RFT's rule may take a later one)."""
    accepted = [j for j in judged if j.accepted]
    if settings.dedupe == "none":
        return accepted
    if settings.dedupe == "paths":
        return sorted(one_per_path(accepted, lambda j: j.sample.text), key=lambda j: j.sample.index)
    first: dict[str, Judged] = {}
    for item in accepted:
        first.setdefault(_sameness(item.sample.text, settings), item)
    return list(first.values())


def _chosen(distinct: Sequence[Judged], most: int, settings: MaterializeSettings) -> list[Judged]:
    """The first ones by index, or the best by reward, where the seed decides among equals."""
    if settings.choose == "index":
        return list(distinct[:most])
    best = nsmallest(most, distinct, key=lambda j: (-j.reward, _lot(j.sample, settings.seed)))
    return sorted(best, key=lambda j: j.sample.index)


def _lot(sample: Sample, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{sample.problem_id}/{sample.index}".encode()).digest()


def _sameness(text: str, settings: MaterializeSettings) -> str:
    """Return a text that is equal for two solutions exactly when they count as the same solution."""
    if settings.dedupe == "text":
        return text
    calculated = equation_list(text) if settings.dedupe == "equations" else ""
    return calculated or " ".join(text.split())


def _example(judged: Judged, weight: float, prompts: Mapping[str, str]) -> Example:
    sample = judged.sample
    if sample.problem_id not in prompts:
        raise StageFailed(f"no prompt for problem {sample.problem_id}; expected one for each problem of the range")
    return Example(
        sample.problem_id,
        sample.index,
        prompts[sample.problem_id],
        sample.text,
        weight,
        judged.reward,
        sample.token_ids,
    )
