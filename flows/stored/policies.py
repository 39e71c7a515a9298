"""Policies by the names that people use: base, latest, RUN/ITERATION, or whatever `model.base` accepts."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from typing import Any

from flows.run.recorder import read_result
from flows.run.run import Run
from tasks.base import resolve
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy
from tasks.store.artifacts import Store

BASE, LATEST = "base", "latest"
PROMOTED = "promoted"  # <root>/promoted/<name>.json
OF_A_RUN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)/(\d+)$")


@dataclass(frozen=True)
class Promoted:
    """The policy that a series of nights stands at: which night made it, and its paired gain on val at the time."""

    policy_digest: str
    uri: str
    night: str
    gain: str
    created: float

    @property
    def policy(self) -> Policy:
        return Policy(self.policy_digest, self.uri, LATEST)


def promoted(store: Store, name: str) -> Promoted | None:
    """The promoted policy of a series, None before the first promotion."""
    record: dict[str, Any] | None = store.read_json(f"{PROMOTED}/{name}.json")
    return Promoted(**record) if record else None


def promote(store: Store, name: str, policy: Policy, night: str, gain: str) -> Promoted:
    """Make `policy` the one that `latest` means; replaces the pointer in one write."""
    made = Promoted(policy.digest, policy.uri, night, gain, time.time())
    store.write_json(f"{PROMOTED}/{name}.json", asdict(made))
    return made


def policy_named(run: Run, name: str) -> Policy:
    """UserError when nothing of that name is there."""
    store = run.workspace.store
    if name == BASE:
        return run.base
    if name == LATEST:
        found = promoted(store, run.config.run.name)
        return found.policy if found else run.base
    if (match := OF_A_RUN.match(name)) and match.group(1) in store.listdir("runs"):
        return policy_of(store, match.group(1), int(match.group(2)))
    return resolve(run.workspace, run.config.model.model_copy(update={"base": name, "revision": None}))


def policy_of(store: Store, run: str, iteration: int) -> Policy:
    """The policy that an iteration of a stored run chose."""
    result = read_result(store, run)
    rows = {row.number: row for row in result.iterations} if result else {}
    if iteration not in rows:
        known = ", ".join(map(str, rows)) or "none"
        raise UserError(f"run {run!r} has no finished iteration {iteration}; finished ones: {known}")
    row = rows[iteration]
    return Policy(row.policy_digest, row.refs["policy"], f"{run}/{iteration}")
