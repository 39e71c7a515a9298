"""What an audit of a run's verdicts found: how often an independent grader disagrees, and what people say of a random choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.domain.json_record import JsonRecord
from tasks.domain.statistics import Interval


@dataclass(frozen=True)
class AuditPlace(JsonRecord):
    """One stage of one iteration (`iteration-1/train`, `base/test/greedy`). All but `compared` and `disagreed` count every sample.

    `compared` samples were shown to the second grader and could be read by it; the hidden tests and the equations are those of
    accepted samples. `rules` counts accepted samples by the rule that accepted them, `proofs` those of mathematics by the way of
    proof (`tasks.domain.equivalence.proofs`).
    """

    name: str
    samples: int = 0
    accepted: int = 0
    refused: int = 0
    errors: int = 0
    compared: int = 0
    disagreed: int = 0
    only_ours: int = 0  # of those that disagreed: accepted here, refused by the second grader
    hidden_tested: int = 0
    hidden_failed: int = 0
    false_equations: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)
    proofs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Rates(JsonRecord):
    """These are people's labels of samples drawn at random among the accepted, and among the refused."""

    accepted: int
    accepted_wrongly: int
    refused: int
    refused_wrongly: int
    unsure: int
    false_accept: Interval
    false_reject: Interval


@dataclass(frozen=True)
class Disagreement(JsonRecord):
    """A sample on which the two graders disagree; texts are shortened."""

    place: str
    problem_id: str
    index: int
    label: str
    rule: str
    gold: str
    answer: str
    text: str


@dataclass(frozen=True)
class AuditSummary(JsonRecord):
    """The audit of a run. `second` names the other grader, or says why there is none."""

    run: str
    second: str
    places: tuple[AuditPlace, ...]
    disagreements: tuple[Disagreement, ...] = ()
    rates: Rates | None = None
