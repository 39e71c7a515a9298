"""Turns samples and verdicts into result records: a policy on a set of problems, and the E-step on the train problems."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.domain.errors import StageFailed, UserError
from tasks.domain.run_result import (
    Bounds,
    LevelScore,
    PolicyScore,
    Tally,
    correct_matrix,
    outcome,
    share_correct,
)
from tasks.domain.schema import Policy, Problem, Sample, Verdict
from tasks.domain.settings import EvaluateSettings
from tasks.domain.specimens import shown_samples
from tasks.domain.statistics import (
    Bounded,
    Interval,
    bootstrap_mean,
    pass_at_k,
    wilson,
)
from tasks.domain.voting import maj_at_k

ANSWER = "answer"  # key of a verdict's evidence: the answer as it was read from the completion
Rows = dict[str, list[tuple[Sample, Verdict]]]  # by problem id, in order of index


@dataclass(frozen=True)
class TrainTally:
    """Counts of the E-step on some train problems. The counts of disjoint ranges can be added."""

    problems: int = 0
    solved_first_wave: int = 0
    solved: int = 0
    accuracies: tuple[float, ...] = ()  # a problem each: share of its first wave that is correct
    tally: Tally = field(default_factory=Tally)

    def __add__(self, other: TrainTally) -> TrainTally:
        return TrainTally(
            self.problems + other.problems,
            self.solved_first_wave + other.solved_first_wave,
            self.solved + other.solved,
            self.accuracies + other.accuracies,
            self.tally + other.tally,
        )

    @property
    def solve_rate(self) -> Interval:
        return wilson(self.solved_first_wave, self.problems)

    def accuracy(self, bootstrap: int = 2000, seed: int = 0) -> Interval:
        """Return sampled pass@1 on train problems, from the first wave only, because later waves favour unsolved problems."""
        return bootstrap_mean(self.accuracies, bootstrap, seed)


def tally_train(
    problems: Sequence[Problem], samples: Iterable[Sample], verdicts: Iterable[Verdict], first_wave: int
) -> TrainTally:
    """Count the E-step of one range; `first_wave` is the number of samples per problem in the first wave."""
    rows = _rows(problems, samples, verdicts)
    outcomes = [_outcomes(rows[p.id]) for p in problems]
    firsts = ["".join(outcome(v.label) for s, v in rows[p.id] if s.index < first_wave) for p in problems]
    return TrainTally(
        problems=len(problems),
        solved_first_wave=sum("1" in text for text in firsts),
        solved=sum("1" in text for text in outcomes),
        accuracies=tuple(share_correct(text) for text in firsts),
        tally=_tally(rows),
    )


def score(
    problems: Sequence[Problem],
    greedy_samples: Iterable[Sample],
    greedy_verdicts: Iterable[Verdict],
    samples: Iterable[Sample],
    verdicts: Iterable[Verdict],
    settings: EvaluateSettings,
    policy: Policy | None = None,
    seed: int = 0,
) -> PolicyScore:
    """Compute everything that is reported about one policy on one set.

    Either kind of samples may be absent, but if there are any, every problem must have as many: a problem that is
    missing would silently leave the denominator (StageFailed). maj@k is left out when no verdict names an extracted
    answer (code).
    """
    greedy = _complete(problems, greedy_samples, greedy_verdicts)
    sampled = _complete(problems, samples, verdicts)
    greedy_outcomes = {name: _outcomes(pairs) for name, pairs in greedy.items()}
    sampled_outcomes = {name: _outcomes(pairs) for name, pairs in sampled.items()}
    estimates = _estimates(sampled, settings.k)
    intervals = {name: bootstrap_mean(e.value_P, settings.bootstrap, seed) for name, e in estimates.items()}
    policy = policy or _policy_of(greedy, sampled)
    return PolicyScore(
        policy_digest=policy.digest,
        policy_name=policy.name,
        split=problems[0].split if problems else "",
        problems=len(problems),
        greedy=_wilson(greedy_outcomes.values()) if greedy else None,
        sampled=intervals.get("sampled"),
        pass_at_k=_by_k(intervals, "pass@"),
        maj_at_k=_by_k(intervals, "maj@"),
        bounds=_bounds(greedy_outcomes, estimates),
        greedy_tally=_tally(greedy),
        sampled_tally=_tally(sampled),
        by_level=_by_level(problems, greedy_outcomes, sampled_outcomes, settings.bootstrap, seed),
        greedy_outcomes=greedy_outcomes,
        sampled_outcomes=sampled_outcomes,
        maj_values={int(n[4:]): tuple(e.value_P.tolist()) for n, e in estimates.items() if n.startswith("maj@")},
        shown=shown_samples(problems, _flat(greedy), "greedy") + shown_samples(problems, _flat(sampled)),
    )


def _rows(problems: Sequence[Problem], samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> Rows:
    by_place = {(v.problem_id, v.index): v for v in verdicts}
    rows: Rows = {p.id: [] for p in problems}
    for sample in sorted(samples, key=lambda s: s.index):
        place = (sample.problem_id, sample.index)
        if place not in by_place:
            raise StageFailed(f"sample {sample.id} has no verdict; run verify on these samples first")
        if sample.problem_id not in rows:
            raise StageFailed(
                f"sample {sample.id} is of a problem outside this set; pass the samples of these problems only"
            )
        rows[sample.problem_id].append((sample, by_place[place]))
    return rows


def _complete(problems: Sequence[Problem], samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> Rows:
    """Rows with the same number of samples for every problem; empty when there are none at all."""
    rows = _rows(problems, samples, verdicts)
    most = max((len(pairs) for pairs in rows.values()), default=0)
    if most == 0:
        return {}
    if short := [name for name, pairs in rows.items() if len(pairs) < most]:
        raise StageFailed(
            f"{len(short)} of {len(rows)} problems have fewer than {most} samples ({', '.join(short[:3])}); "
            "an evaluation must not drop problems: generate the missing ones"
        )
    return rows


def _outcomes(pairs: Iterable[tuple[Sample, Verdict]]) -> str:
    return "".join(outcome(verdict.label) for _, verdict in pairs)


def _flat(rows: Rows) -> list[tuple[Sample, Verdict]]:
    return [pair for pairs in rows.values() for pair in pairs]


def _tally(rows: Rows) -> Tally:
    flat = _flat(rows)
    return Tally.of([s for s, _ in flat], [v for _, v in flat])


def _policy_of(*sets: Rows) -> Policy:
    digests = sorted({s.policy_digest for rows in sets for pairs in rows.values() for s, _ in pairs})
    if len(digests) > 1:
        raise UserError(f"samples of {len(digests)} policies ({', '.join(digests[:3])}) cannot be scored as one")
    return Policy(digests[0] if digests else "", "", "policy")


def _estimates(sampled: Rows, ks: Sequence[int]) -> dict[str, Bounded]:
    """Per-problem estimates by name: "sampled", "pass@k", "maj@k"."""
    if not sampled:
        return {}
    correct_PN = correct_matrix(_outcomes(pairs) for pairs in sampled.values())
    answers_PN = [[_answer(verdict) for _, verdict in pairs] for pairs in sampled.values()]
    fitting = [k for k in sorted(set(ks)) if k <= correct_PN.shape[1]]
    estimates = {"sampled": pass_at_k(correct_PN, 1)}
    estimates |= {f"pass@{k}": pass_at_k(correct_PN, k) for k in fitting}
    if any(answer is not None for answers in answers_PN for answer in answers):
        estimates |= {f"maj@{k}": maj_at_k(answers_PN, correct_PN, k) for k in fitting}
    return estimates


def _answer(verdict: Verdict) -> str | None:
    """The vote of a sample: its extracted answer without white space; None when it has none."""
    answer = verdict.evidence.get(ANSWER)
    return None if answer is None or verdict.label == "unparseable" else "".join(str(answer).split())


def _by_k(intervals: Mapping[str, Interval], prefix: str) -> dict[int, Interval]:
    return {int(name.removeprefix(prefix)): value for name, value in intervals.items() if name.startswith(prefix)}


def _wilson(outcomes: Iterable[str]) -> Interval:
    known = [text for text in outcomes if "?" not in text]
    return wilson(sum(text == "1" for text in known), len(known))


def _bounds(greedy_outcomes: Mapping[str, str], estimates: Mapping[str, Bounded]) -> dict[str, Bounds]:
    """Where something is unknown, how far it could move each mean."""
    bounds = {}
    if "?" in greedy_outcomes.values():
        right = sum(text == "1" for text in greedy_outcomes.values())
        lost, n = sum(text == "?" for text in greedy_outcomes.values()), len(greedy_outcomes)
        bounds["greedy"] = Bounds(right / n, (right + lost) / n)
    for name, estimate in estimates.items():
        low, high = float(estimate.if_wrong_P.mean()), float(estimate.if_right_P.mean())
        if low != high:
            bounds[name] = Bounds(low, high)
    return bounds


def _by_level(
    problems: Sequence[Problem], greedy: Mapping[str, str], sampled: Mapping[str, str], bootstrap: int, seed: int
) -> dict[str, LevelScore]:
    levels: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        if problem.level is not None:
            levels[problem.level].append(problem.id)
    return {
        level: LevelScore(
            len(levels[level]),
            _wilson(greedy[name] for name in levels[level]) if greedy else None,
            bootstrap_mean([share_correct(sampled[name]) for name in levels[level]], bootstrap, seed)
            if sampled
            else None,
        )
        for level in sorted(levels, key=_natural)
    }


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Sorts "Level 2" before "Level 10"."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
