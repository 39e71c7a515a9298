"""Finds policies in a store: those that runs chose, and the one that a series of nights has promoted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flows.stored.runs import result_of
from tasks.domain.errors import UserError
from tasks.domain.run_result import IterationResult
from tasks.domain.schema import Policy
from tasks.store.artifacts import Store

BASE, LATEST = "base", "latest"
PROMOTED = "promoted"  # <root>/promoted/<name>.json


@dataclass(frozen=True)
class Promoted:
    """The promoted policy of a series of nights: which night made it, and its paired gain on val at the time."""

    policy: Policy
    night: str
    gain: str
    created: float

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Promoted:
        policy = Policy(record["policy_digest"], record["uri"], LATEST)
        return cls(policy, record["night"], record["gain"], record["created"])

    def to_json(self) -> dict[str, Any]:
        return {
            "policy_digest": self.policy.digest, "uri": self.policy.uri, "night": self.night, "gain": self.gain,
            "created": self.created,
        }  # fmt: skip


def promoted(store: Store, name: str) -> Promoted | None:
    """Return the promoted policy of a series, or None before the first promotion."""
    record: dict[str, Any] | None = store.read_json(_place(name))
    return Promoted.from_json(record) if record else None


def promoted_digests(store: Store) -> set[str]:
    """Return the digests of the promoted policies of every series in the store, whoever wrote the record."""
    records = (store.read_json(f"{PROMOTED}/{file}") for file in store.listdir(PROMOTED))
    return {record["policy_digest"] for record in records if record}


def promote(store: Store, name: str, policy: Policy, night: str, gain: str) -> Promoted:
    """Make `policy` the one that `latest` means, by replacing the pointer in one write."""
    made = Promoted(policy, night, gain, time.time())
    store.write_json(_place(name), made.to_json())
    return made


def policy_of(store: Store, run: str, iteration: int) -> Policy:
    """Return the policy that an iteration of a stored run chose."""
    row = iteration_of(store, run, iteration)
    return Policy(row.policy_digest, row.refs["policy"], f"{run}/{iteration}")


def iteration_of(store: Store, run: str, iteration: int) -> IterationResult:
    """Return what a stored run recorded of an iteration; UserError when it has none of that number."""
    result = result_of(store, run)
    rows = {row.number: row for row in result.iterations} if result else {}
    if iteration not in rows:
        known = ", ".join(map(str, rows)) or "none"
        raise UserError(f"run {run!r} has no finished iteration {iteration}; finished ones: {known}")
    return rows[iteration]


def _place(name: str) -> str:
    return f"{PROMOTED}/{name}.json"
