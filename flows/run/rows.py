"""Protocols of one iteration while it runs and of its followers. A run's recorder and a plan are told the same things."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tasks.domain.run_result import EpochScore, PolicyScore
from tasks.domain.schema import Policy
from tasks.store.workspace import Outcome

Result = TypeVar("Result", covariant=True)
PHASES = ("E-step", "materialize", "M-step", "evaluate")


@dataclass(frozen=True)
class Maximized:
    """The chosen policy, each epoch's score on val, and the training's artifact."""

    policy: Policy
    epochs: tuple[EpochScore, ...]
    outcome: Outcome

    @property
    def chosen(self) -> EpochScore:
        return next(epoch for epoch in self.epochs if epoch.chosen)


class Row(Protocol):
    """One iteration; the loop fills in the result of each phase."""

    number: int
    test: PolicyScore | None
    transfer: Mapping[str, PolicyScore]
    dataset: Outcome | None
    maximized: Maximized | None
    policy: Policy | None  # with which the iteration ends, trained or not

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Enclose the work of one phase of `PHASES`, or of the evaluation on transfer sets."""


@dataclass
class Untimed:
    """An iteration that is not recorded."""

    number: int
    test: PolicyScore | None = None
    transfer: Mapping[str, PolicyScore] = field(default_factory=dict)
    dataset: Outcome | None = None
    maximized: Maximized | None = None
    policy: Policy | None = None

    def phase(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


class Told(Protocol[Result]):
    """A follower of a run through the loop."""

    def iteration(self, number: int) -> AbstractContextManager[Row]:
        """Enclose one iteration; number 0 is the base, whose only phase is its evaluation."""

    def should_stop(self) -> bool:
        """Return whether the stop rule ends the loop here."""

    def finish(self) -> Result:
        """Return the result at the end of the loop."""
