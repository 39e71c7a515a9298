"""Which verified samples become training rows (paper, Algorithm 1: reward 1, at most 10 solutions a problem).

Everything works on one range of problems at a time, so a data set larger than memory can be selected range by range;
only `choose_rows`, which caps the whole data set, looks at all row ids. Order never matters: samples are taken by
index, rows by hash.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from itertools import pairwise

from tasks.domain.equations import all_hold, equation_list
from tasks.domain.errors import StageFailed, UserError
from tasks.domain.fingerprint import digest_of
from tasks.domain.json_record import JsonRecord
from tasks.domain.schema import Example, Problem, Sample, Verdict
from tasks.domain.settings import MaterializeSettings


@dataclass(frozen=True)
class SelectionStats(JsonRecord):
    """Counts of what happened to the samples of some problems. The counts of disjoint ranges can be added.

    `samples` = `verifier_errors` + `truncated` + `rejected` + `duplicates` + `over_cap` + `kept` (+ `over_max_rows`).
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


@dataclass(frozen=True)
class Judged:
    """A sample with its verdict; `reward` is the one that selection reads (shuffled for the `permuted` arm)."""

    sample: Sample
    verdict: Verdict
    accepted: bool
    reward: float


def row_id(example: Example) -> str:
    """Return the name of a row in `choose_rows` and `keep_rows`."""
    return f"{example.problem_id}/{example.index}"


def select_examples(
    problems: Sequence[Problem],
    samples: Iterable[Sample],
    verdicts: Iterable[Verdict],
    prompts_by_problem: Mapping[str, str],
    settings: MaterializeSettings,
) -> Selection:
    """Select the training rows of one range of problems.

    `prompts_by_problem` holds the full prompt by problem id. Of the acceptable samples of a problem the first `cap` by
    index are taken, equal texts counting once. Raises StageFailed when a sample has no verdict or two samples share an
    index.
    """
    judged = _judge(problems, samples, verdicts, settings)
    by_problem: dict[str, list[Judged]] = defaultdict(list)
    for item in judged:
        by_problem[item.sample.problem_id].append(item)
    selections = [_select_one(by_problem[p.id], prompts_by_problem, settings) for p in problems]
    examples = [example for selection in selections for example in selection.examples]
    return Selection(examples, sum((selection.stats for selection in selections), SelectionStats()))


def accepted_count(samples: Iterable[Sample], verdicts: Iterable[Verdict], settings: MaterializeSettings) -> int:
    """Return how many solutions of one problem would be kept if no more were drawn, at most `cap`.

    `permuted` counts by the true rewards: its control arm must see the same samples as the arm it is compared with.
    """
    honest = _honest(settings)
    judged = _pair(samples, verdicts, honest)
    if len(problems := {item.sample.problem_id for item in judged}) > 1:
        raise ValueError(f"accepted_count is for one problem, got samples of {len(problems)}")
    return len(_first_distinct(judged, honest)[: settings.cap])


def remaining_problems(
    problems: Sequence[Problem],
    samples: Iterable[Sample],
    verdicts: Iterable[Verdict],
    settings: MaterializeSettings,
) -> list[Problem]:
    """Return the problems of a range that still lack accepted solutions after the waves so far, in their order.

    Dropping the others changes nothing in the data set: their cap is already filled by lower indices than a further
    wave would draw.
    """
    honest = _honest(settings)
    by_problem: dict[str, list[Judged]] = defaultdict(list)
    for item in _pair(samples, verdicts, honest):
        by_problem[item.sample.problem_id].append(item)
    return [p for p in problems if len(_first_distinct(by_problem[p.id], honest)) < settings.cap]


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
    if settings.weight == "per_problem":
        rows = Counter(example.problem_id for example in kept)
        kept = [replace(example, weight=1 / rows[example.problem_id]) for example in kept]
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
    judged = _pair(samples, verdicts, _honest(settings))
    if strangers := {j.sample.problem_id for j in judged} - {p.id for p in problems}:
        raise StageFailed(
            f"samples of {len(strangers)} problems outside this range ({sorted(strangers)[0]} ...); pass its own only"
        )
    return _permute(judged, settings) if settings.accept == "permuted" else judged


def _pair(samples: Iterable[Sample], verdicts: Iterable[Verdict], settings: MaterializeSettings) -> list[Judged]:
    by_place = {(v.problem_id, v.index): v for v in verdicts}
    ordered = sorted(samples, key=lambda s: (s.problem_id, s.index))
    for sample, following in pairwise(ordered):
        if (sample.problem_id, sample.index) == (following.problem_id, following.index):
            raise StageFailed(f"two samples are called {sample.id}; a cap by index needs each index once")
    if lost := [s.id for s in ordered if (s.problem_id, s.index) not in by_place]:
        raise StageFailed(f"{len(lost)} samples have no verdict ({', '.join(lost[:3])}); run verify on them first")
    return [_judged(s, by_place[s.problem_id, s.index], settings) for s in ordered]


def _judged(sample: Sample, verdict: Verdict, settings: MaterializeSettings) -> Judged:
    right = settings.accept == "any" or (verdict.label == "correct" and _sound(sample, settings))
    accepted = right and _known(verdict) and _finished(sample, settings)
    return Judged(sample, verdict, accepted, verdict.reward or 0.0)


def _sound(sample: Sample, settings: MaterializeSettings) -> bool:
    return settings.equations == "ignore" or all_hold(sample.text)


def _known(verdict: Verdict) -> bool:
    return verdict.label != "verifier_error" and verdict.reward is not None


def _finished(sample: Sample, settings: MaterializeSettings) -> bool:
    return sample.finish_reason == "stop" or (settings.accept_truncated and sample.finish_reason == "length")


def _permute(judged: list[Judged], settings: MaterializeSettings) -> list[Judged]:
    """Rewards and acceptance dealt out anew among the acceptable samples of the range, so their number stays the same.

    The shuffle depends on the seed and on which samples the range holds, not on their order or on other ranges.
    """
    places = [i for i, j in enumerate(judged) if _known(j.verdict) and _finished(j.sample, settings)]
    dealt = [(judged[i].accepted, judged[i].reward) for i in places]
    random.Random(digest_of([settings.seed, [judged[i].sample.id for i in places]])).shuffle(dealt)
    result = list(judged)
    for i, (accepted, reward) in zip(places, dealt, strict=True):
        result[i] = replace(judged[i], accepted=accepted, reward=reward)
    return result


def _select_one(judged: list[Judged], prompts: Mapping[str, str], settings: MaterializeSettings) -> Selection:
    """The rows of one problem. `judged` is in order of index."""
    accepted = [j for j in judged if j.accepted]
    distinct = _first_distinct(judged, settings)
    kept = distinct[: settings.cap]
    weights = [_weight(j.reward, len(kept), settings) for j in kept]
    examples = [_example(j, weight, prompts) for j, weight in zip(kept, weights, strict=True)]
    known = [j for j in judged if _known(j.verdict)]
    finished = [j for j in known if _finished(j.sample, settings)]
    stats = SelectionStats(
        problems=1,
        samples=len(judged),
        verifier_errors=len(judged) - len(known),
        truncated=len(known) - len(finished),
        rejected=len(finished) - len(accepted),
        duplicates=len(accepted) - len(distinct),
        over_cap=len(distinct) - len(kept),
        kept=len(kept),
        rows_per_problem={len(kept): 1},
    )
    return Selection(examples, stats)


def _first_distinct(judged: Sequence[Judged], settings: MaterializeSettings) -> list[Judged]:
    """The accepted samples, of equal ones the first."""
    accepted = [j for j in judged if j.accepted]
    if settings.dedupe == "none":
        return accepted
    first: dict[str, Judged] = {}
    for item in accepted:
        first.setdefault(_sameness(item.sample.text, settings), item)
    return list(first.values())


def _sameness(text: str, settings: MaterializeSettings) -> str:
    """Return a text that is equal for two solutions exactly when they count as the same solution."""
    if settings.dedupe == "text":
        return text
    calculated = equation_list(text) if settings.dedupe == "equations" else ""
    return calculated or " ".join(text.split())


def _weight(reward: float, rows: int, settings: MaterializeSettings) -> float:
    if settings.weight == "per_problem":
        return 1 / rows
    if settings.weight == "one":
        return 1.0
    try:
        return math.exp(reward / settings.beta)
    except OverflowError as error:
        raise UserError(
            f"materialize.beta = {settings.beta} overflows exp({reward} / beta); raise it, 0.1 to 10 is usual"
        ) from error


def _example(judged: Judged, weight: float, prompts: Mapping[str, str]) -> Example:
    sample = judged.sample
    if sample.problem_id not in prompts:
        raise StageFailed(f"no prompt for problem {sample.problem_id}; expected one for each problem of the range")
    return Example(sample.problem_id, sample.index, prompts[sample.problem_id], sample.text, weight, judged.reward)
