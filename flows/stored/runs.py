"""Reads stored runs: their names, their configs and their results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasks.domain.audit import AuditSummary
from tasks.domain.errors import UserError
from tasks.domain.run_result import IterationResult, RunResult
from tasks.store.artifacts import Store
from tasks.store.places import RUNS, RunPlaces


def run_names(store: Store) -> list[str]:
    """Return the names of all runs in the store, finished or not."""
    return list(store.listdir(RUNS))


def stored_tree(store: Store, name: str) -> dict[str, Any] | None:
    """Return the config that a run was last started with, as a nested dictionary; None where there is no such run."""
    tree: dict[str, Any] | None = store.read_json(RunPlaces(name).config) if name else None
    return tree


def unknown_run(store: Store, name: str, what: str = "is not") -> UserError:
    """Return the error for a run that the store does not have."""
    known = ", ".join(run_names(store)) or "none"
    return UserError(f"run {name!r} {what} in store {store.root_url!r}; runs there: {known}")


def result_of(store: Store, name: str) -> RunResult | None:
    """Return the stored result of a run, or None before its first iteration has ended."""
    try:
        return RunResult.from_json(store.read_bytes(RunPlaces(name).result))
    except FileNotFoundError:
        return None


def audit_of(store: Store, name: str) -> AuditSummary | None:
    """Return the last audit of a run, or None where it was never audited."""
    try:
        return AuditSummary.from_json(store.read_bytes(RunPlaces(name).audit))
    except FileNotFoundError:
        return None


def read_result(store: Store, name: str) -> RunResult:
    """Return the stored result of a run; UserError when there is no such run."""
    result = result_of(store, name)
    if result is None:
        raise unknown_run(store, name, "has no result")
    return result


def results_in(store: Store) -> Iterator[RunResult]:
    """Return the stored result of every run that has one."""
    for name in run_names(store):
        result = result_of(store, name)
        if result is not None:
            yield result


def best_by_val(result: RunResult) -> IterationResult | None:
    """Return the iteration with the best val reward, among equals the earliest; test is never looked at.

    It is None where no iteration has a val reward.
    """
    scored = [(row.val_reward.value, -row.number, row) for row in result.iterations if row.val_reward is not None]
    return max(scored, key=lambda one: one[:2])[2] if scored else None
