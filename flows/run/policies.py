"""Finds policies by the names that people use: base, latest, RUN/ITERATION, or whatever `model.base` accepts."""

from __future__ import annotations

import re

from flows.run.run import Run
from flows.stored.policies import BASE, LATEST, policy_of, promoted
from flows.stored.runs import run_names
from tasks.base import resolve
from tasks.domain.schema import Policy

OF_A_RUN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)/(\d+)$")


def policy_named(run: Run, name: str) -> Policy:
    """Return the policy of that name; UserError when there is none."""
    store = run.workspace.store
    if name == BASE:
        return run.base
    if name == LATEST:
        found = promoted(store, run.config.run.name)
        return found.policy if found else run.base
    if (match := OF_A_RUN.match(name)) and match.group(1) in run_names(store):
        return policy_of(store, match.group(1), int(match.group(2)))
    return resolve(run.workspace, run.config.model.model_copy(update={"base": name, "revision": None}))
