"""Removes from a store and a scratch folder what nothing needs any more.

It keeps, for each run or series of nights, the promoted, the best and the last N policies and those that they were started from,
and it keeps all manifests, data sets, samples and verdicts, so that lineage stays complete and a repeated run stays cached. It removes the
weights of other epochs (once their iteration has chosen or their night was dropped) with this machine's copies of them, parts that
no manifest names and that are older than a day, and training states whose training is committed.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.stored.lineage import ancestors, starts_of
from flows.stored.ls import STAGES, finetune_of, manifests_in
from flows.stored.nights import DROPPED, nights_in, run_of_night
from flows.stored.policies import promoted_digests
from flows.stored.runs import best_by_val, results_in
from tasks.domain.adapters import ON_BASE
from tasks.domain.run_result import RunResult
from tasks.store.artifacts import Manifest, Store, key_of
from tasks.store.places import RunPlaces
from tasks.store.slots import Slot

ORPHAN_AGE_S = 24 * 3600.0
DROPPED_AT = str(Slot.of(1, stage="finetune"))  # a night is one iteration


@dataclass(frozen=True)
class Removal:
    """One thing to remove: a path below the store's root or, if `local`, on this machine."""

    path: str
    bytes: int
    why: str
    local: bool = False


@dataclass(frozen=True)
class Cleaning:
    """What is removed, and which policies stay."""

    removals: tuple[Removal, ...]
    kept: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(removal.bytes for removal in self.removals)


def clean(
    store: Store, scratch: Path, keep_last: int = 2, *, dry_run: bool = False, now: float | None = None
) -> Cleaning:
    """Find what can be removed and, unless `dry_run`, remove it. `now` is seconds since the epoch."""
    moment = time.time() if now is None else now
    results = list(results_in(store))
    kept = policies_to_keep(store, results, keep_last)
    removals = [
        *_other_weights(store, results, kept, moment),
        *_orphans(store, moment),
        *_training_states(store, scratch, moment),
        *_fetched_weights(store, scratch, kept, moment),
    ]
    if not dry_run:
        for removal in removals:
            _remove(store, removal)
    return Cleaning(tuple(removals), tuple(sorted(kept)))


def policies_to_keep(store: Store, results: list[RunResult], keep_last: int) -> set[str]:
    """Return the digests of the policies whose weights stay, with those that they were started from.

    The nights of a series count as one run, or a series would keep the weights of every night for ever. Its best is the promoted
    policy; what an unfinished night samples from stays too, and what it has made, which its gate may still promote.
    """
    nights = list(nights_in(store))
    kept = promoted_digests(store) | {one.samples_from for _, one in nights if one.samples_from}
    chosen = {result.name: [row.policy_digest for row in result.iterations if row.policy_digest] for result in results}
    for series, night in nights:
        if night.unfinished:
            kept.update(chosen.get(run_of_night(series, night.night), ()))
    for series in {name for name, _ in nights}:
        runs = [run_of_night(series, one.night) for name, one in nights if name == series]
        kept.update(_last([digest for run in runs for digest in chosen.pop(run, ())], keep_last))
    for result in results:
        kept.update(_last(chosen.get(result.name, []), keep_last))
        best = best_by_val(result) if result.name in chosen else None
        if best is not None:
            kept.add(best.policy_digest)
    return kept | set(ancestors(starts_of(store), kept))


def _last(digests: list[str], count: int) -> list[str]:
    """Return the last `count` different policies, because a night that held one back chose no new one."""
    return list(dict.fromkeys(reversed(digests)))[:count]


def _other_weights(store: Store, results: list[RunResult], kept: set[str], now: float) -> Iterator[Removal]:
    """Find epoch folders that no run keeps, of trainings whose iteration is finished in some run or whose night was dropped."""
    finished = {row.refs["finetune"] for result in results for row in result.iterations if "finetune" in row.refs}
    found = [finetune_of(store, uri) for uri in finished] + list(_dropped_trainings(store, now))
    for manifest in {one.key: one for one in found if one is not None}.values():
        for epoch in manifest.meta["epochs"]:
            size = 0 if epoch["digest"] in kept else store.size(epoch["path"])
            if size:
                yield Removal(epoch["path"], size, f"weights of epoch {epoch['epoch']}, which no run keeps")


def _dropped_trainings(store: Store, now: float) -> Iterator[Manifest | None]:
    """Return the trainings of nights that a later night dropped a day ago, because nobody will finish them.

    Not before: a night that was taken for lost may still be at work, and its gate would promote what is gone.
    """
    for series, night in nights_in(store):
        dropped = night.status == DROPPED and now - (night.ended or 0) > ORPHAN_AGE_S
        run = run_of_night(series, night.night)
        recipe = store.read_json(RunPlaces(run).recipe(DROPPED_AT)) if dropped else None
        if recipe:
            yield store.lookup("finetune", key_of(recipe))


def _orphans(store: Store, now: float) -> Iterator[Removal]:
    """Find attempts and sample parts that no manifest names and that are older than a day by their own name."""
    for stage in STAGES:
        if stage != "samples":
            for key in store.listdir(stage):
                yield from _orphaned_attempts(store, stage, key, now)
    named = {part.path for manifest in manifests_in(store, "generate") for part in manifest.parts}
    for pool in store.listdir("samples"):
        for name in store.listdir(f"samples/{pool}"):
            path = f"samples/{pool}/{name}"
            if path not in named and _is_old(name, now):
                yield Removal(path, store.size(path), "samples that no manifest names")


def _orphaned_attempts(store: Store, stage: str, key: str, now: float) -> Iterator[Removal]:
    manifest = store.lookup(stage, key)
    for attempt in store.listdir(f"{stage}/{key}"):
        if attempt != "manifest.json" and not _is_named(manifest, attempt) and _is_old(attempt, now):
            path = f"{stage}/{key}/{attempt}"
            yield Removal(path, store.size(path), "an attempt that no manifest names")


def _is_named(manifest: Manifest | None, attempt: str) -> bool:
    return manifest is not None and (
        attempt == manifest.attempt or any(f"/{attempt}/" in part.path for part in manifest.parts)
    )


def _is_old(name: str, now: float) -> bool:
    """Return whether an attempt is old by its name, the millisecond in which it began; anything else here is left alone."""
    milliseconds = name.split("-", 1)[0]
    return milliseconds.isdigit() and now - int(milliseconds) / 1000 > ORPHAN_AGE_S


def _training_states(store: Store, scratch: Path, now: float) -> Iterator[Removal]:
    """Find local folders of trainings that are committed or were not touched for a day, but never one in progress."""
    for folder in sorted(path for path in (scratch / "train").glob("*") if path.is_dir()):
        committed = store.lookup("finetune", folder.name) is not None
        stale = now - max(path.stat().st_mtime for path in [folder, *folder.rglob("*")]) > ORPHAN_AGE_S
        if (committed or stale) and not _in_use(folder):
            why = "state of a training that is committed" if committed else "state of a training untouched for a day"
            yield Removal(str(folder), _local_bytes(folder), why, local=True)
    for folder in sorted((scratch / "models").glob("*.partial")):
        if now - folder.stat().st_mtime > ORPHAN_AGE_S:
            yield Removal(str(folder), _local_bytes(folder), "a download that was never finished", local=True)


def _fetched_weights(store: Store, scratch: Path, kept: set[str], now: float) -> Iterator[Removal]:
    """Find local copies of policies of this store that no run keeps and that were fetched more than a day ago."""
    folders = [path for path in (scratch / "models").glob("*") if path.is_dir() and _digest_in(path) not in kept]
    trained = set(starts_of(store)) if folders else set()
    for folder in sorted(folders):
        if _digest_in(folder) in trained and now - folder.stat().st_mtime > ORPHAN_AGE_S:
            yield Removal(str(folder), _local_bytes(folder), "a local copy of weights that no run keeps", local=True)


def _digest_in(folder: Path) -> str:
    """Return the policy's digest in the name of its local copy, or of an adapter's folder of links."""
    return folder.name.removesuffix(ON_BASE)


def _in_use(folder: Path) -> bool:
    """Return whether a training is in progress, which holds a lock beside its folder."""
    try:
        with folder.with_name(f"{folder.name}.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def _local_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _remove(store: Store, removal: Removal) -> None:
    if removal.local:
        shutil.rmtree(removal.path, ignore_errors=True)
    else:
        store.delete(removal.path)
