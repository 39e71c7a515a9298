"""How different the samples of a problem are: distinct solutions, distinct answers, and unique correct ones among k.

Counted on the first wave of the E-step, where every problem has the same number of samples; later waves favour unsolved ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tasks.domain.equations import all_hold, equation_list
from tasks.domain.json_record import JsonRecord
from tasks.domain.schema import Sample, Verdict

ANSWER = "answer"  # key of a verdict's evidence, as in tasks.domain.scoring


@dataclass(frozen=True)
class Diversity(JsonRecord):
    """Counts over problems; those of disjoint sets of problems can be added.

    `drawn` counts samples; `solutions`, `answers` and `correct` those that differ from all others of their problem; `written` the
    accepted solutions that write an equation, and `false` those of them with one that does not hold.
    """

    problems: int = 0
    drawn: int = 0
    solutions: int = 0
    answers: int = 0
    correct: int = 0
    written: int = 0
    false: int = 0

    def __add__(self, other: Diversity) -> Diversity:
        mine, others = asdict(self), asdict(other)
        return Diversity(**{name: count + others[name] for name, count in mine.items()})

    @property
    def samples(self) -> float:
        """Return the samples a problem."""
        return self._mean(self.drawn)

    @property
    def distinct_solutions(self) -> float:
        """Return the distinct solutions a problem."""
        return self._mean(self.solutions)

    @property
    def distinct_answers(self) -> float:
        """Return the distinct answers a problem."""
        return self._mean(self.answers)

    @property
    def unique_correct(self) -> float:
        """Return the distinct correct solutions a problem."""
        return self._mean(self.correct)

    @property
    def false_equations(self) -> float:
        """Return how often an accepted solution writes an equation that does not hold; NaN where none writes one."""
        return self.false / self.written if self.written else float("nan")

    def _mean(self, count: int) -> float:
        return count / self.problems if self.problems else float("nan")


def diversity(samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> Diversity | None:
    """Count these samples by problem; None without any. Solutions that differ in white space only are the same."""
    verdict_of = {(one.problem_id, one.index): one for one in verdicts}
    by_problem: dict[str, list[tuple[str, Verdict]]] = defaultdict(list)
    for sample in samples:
        text = " ".join(sample.text.split())
        by_problem[sample.problem_id].append((text, verdict_of[sample.problem_id, sample.index]))
    counted = [_of_one_problem(rows) for rows in by_problem.values()]
    return sum(counted, Diversity()) if counted else None


def _of_one_problem(rows: list[tuple[str, Verdict]]) -> Diversity:
    accepted = [text for text, one in rows if one.label == "correct"]
    written = [text for text in accepted if equation_list(text)]
    return Diversity(
        1, len(rows), len({text for text, _ in rows}),
        len({answer for _, one in rows if (answer := one.evidence.get(ANSWER)) is not None}), len(set(accepted)),
        len(written), sum(not all_hold(text) for text in written),
    )  # fmt: skip
