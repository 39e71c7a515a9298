"""What the rounds so far have come to: the policy, whom to sample next, and what was drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tasks.domain.schema import Policy
from tasks.store.ranges import RangeSamples


@dataclass(frozen=True)
class Drawn:
    """The graded samples of one round; `hinted` are second tries at problems that failed."""

    ranges: tuple[RangeSamples, ...]
    hinted: tuple[RangeSamples, ...] = ()


@dataclass(frozen=True)
class Reached:
    """Where the loop stands between two rounds.

    `sampler` is the policy that is sampled, `sft` the base tuned on solutions by people where there is one. `idle` counts
    the rounds since the last one that accepted something: their samples are known, so the next ones are drawn afresh.
    """

    policy: Policy
    sampler: Policy
    sft: Policy | None = None
    earlier: tuple[Drawn, ...] = ()  # of the rounds before, the last one first
    idle: int = 0

    @classmethod
    def at(cls, policy: Policy, sft: Policy | None = None) -> Reached:
        """Return the state of a loop that samples from `policy` next."""
        return cls(policy, policy, sft)

    def sampling(self, *, anew: bool) -> Reached:
        """Return the state in which a round begins: with the policy as sampler, or with the samples that were grown before."""
        return replace(self, sampler=self.policy) if anew else self

    def trained(self, policy: Policy, drawn: Drawn) -> Reached:
        """Return the state after a round that ended with a new policy."""
        return replace(self, policy=policy, earlier=(drawn, *self.earlier), idle=0)

    def untrained(self, drawn: Drawn) -> Reached:
        """Return the state after a round that accepted nothing."""
        return replace(self, earlier=(drawn, *self.earlier), idle=self.idle + 1)
