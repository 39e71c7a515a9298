"""Which policy was trained from which: the one walk over parents, for whoever asks.

A digest names weights, not a training. Training may leave weights as they were (a policy that is its own parent), come back
to earlier ones (a circle), or reach the same weights from two starts (two parents), so every policy is visited once.
"""

from __future__ import annotations

from collections.abc import Iterable

from flows.stored.ls import manifests_in
from tasks.store.artifacts import Store


def starts_of(store: Store) -> dict[str, set[str]]:
    """Return, by policy digest, the digests of the weights that trainings in the store made it from."""
    starts: dict[str, set[str]] = {}
    for manifest in manifests_in(store, "finetune"):
        for epoch in manifest.meta["epochs"]:
            starts.setdefault(epoch["digest"], set()).add(str(manifest.recipe["start"]))
    return starts


def ancestors(starts: dict[str, set[str]], policies: Iterable[str]) -> list[str]:
    """Return all that the policies were started from, each once and the nearest first, without the policies themselves."""
    waiting = list(policies)
    seen, found = set(waiting), list[str]()
    while waiting:
        above = sorted(starts.get(waiting.pop(0), set()) - seen)
        seen.update(above)
        found += above
        waiting += above
    return found
