"""How different the samples of a problem are: distinct solutions, distinct answers, and unique correct ones among k.

Counted on the first wave of the E-step, where every problem has the same number of samples; later waves favour unsolved ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tasks.domain.equations import all_hold, equation_list
from tasks.domain.schema import Sample, Verdict

ANSWER = "answer"  # key of a verdict's evidence, as in tasks.domain.scoring


@dataclass(frozen=True)
class Diversity:
    """Means over problems, each of `samples` samples; and how often an accepted solution writes an equation that does not hold.

    `false_equations` is NaN where no accepted solution writes an equation.
    """

    problems: int
    samples: float
    distinct_solutions: float
    distinct_answers: float
    unique_correct: float
    false_equations: float


def diversity(samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> Diversity | None:
    """Count these samples by problem; None without any. Solutions that differ in white space only are the same."""
    verdict_of = {(one.problem_id, one.index): one for one in verdicts}
    by_problem: dict[str, list[tuple[str, Verdict]]] = defaultdict(list)
    for sample in samples:
        text = " ".join(sample.text.split())
        by_problem[sample.problem_id].append((text, verdict_of[sample.problem_id, sample.index]))
    if not by_problem:
        return None
    accepted = [text for rows in by_problem.values() for text, verdict in rows if verdict.label == "correct"]
    written = [text for text in accepted if equation_list(text)]
    false = sum(not all_hold(text) for text in written)
    return Diversity(
        len(by_problem),
        _mean(by_problem, len),
        _mean(by_problem, lambda rows: len({text for text, _ in rows})),
        _mean(by_problem, lambda rows: len({answer for _, one in rows if (answer := one.evidence.get(ANSWER)) is not None})),
        _mean(by_problem, lambda rows: len({text for text, one in rows if one.label == "correct"})),
        false / len(written) if written else float("nan"),
    )  # fmt: skip


def _mean(by_problem: Mapping[str, list[tuple[str, Verdict]]], count: object) -> float:
    assert callable(count)
    return float(sum(count(rows) for rows in by_problem.values())) / len(by_problem)
