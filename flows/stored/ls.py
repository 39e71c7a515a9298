"""Lists what a store holds: its runs with their iterations and models, and bytes by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.stored.nights import nights_of, series_in
from flows.stored.runs import results_in, run_names
from tasks.domain.run_result import IterationResult, RunResult
from tasks.store.artifacts import Manifest, Store
from tasks.store.places import RUNS

ENDED_NIGHTS = ("promoted", "held", "stopped", "budget")
STAGES = ("problems", "base", "samples", "generate", "verify", "materialize", "finetune", "evaluate")


@dataclass(frozen=True)
class Model:
    """A trained policy that a run chose. `bytes` is 0 when its weights were removed."""

    run: str
    iteration: int
    digest: str
    val_reward: float | None
    bytes: int
    uri: str


@dataclass(frozen=True)
class RunLine:
    """One run of the store, or one series of nights, whose iterations are its nights that ended."""

    name: str
    status: str
    iterations: int
    finished: str | None
    models: tuple[Model, ...]


@dataclass(frozen=True)
class Listing:
    """A store's runs, and bytes by stage."""

    store: str
    runs: tuple[RunLine, ...]
    bytes_by_stage: dict[str, int]

    @property
    def bytes(self) -> int:
        return sum(self.bytes_by_stage.values())


def list_store(store: Store) -> Listing:
    """List everything below the store's root, by run and by stage."""
    lines = {result.name: _line(store, result) for result in results_in(store)}
    series = {name: _series(store, name) for name in series_in(store)}
    begun = (name for name in run_names(store) if name not in lines and name not in series)
    started = (RunLine(name, "started", 0, None, ()) for name in begun)
    runs = tuple(sorted((*series.values(), *lines.values(), *started), key=lambda line: line.name))
    sizes = {stage: store.size(stage) for stage in (*STAGES, RUNS)}
    return Listing(store.root_url, runs, sizes)


def manifests_in(store: Store, stage: str) -> Iterator[Manifest]:
    """Return every committed artifact of a stage."""
    for key in store.listdir(stage):
        manifest = store.lookup(stage, key)
        if manifest is not None:
            yield manifest


def finetune_of(store: Store, uri: str) -> Manifest | None:
    """Return the training behind a result's `refs["finetune"]`, an address whose last part is the key."""
    return store.lookup("finetune", uri.rstrip("/").rsplit("/", 1)[-1])


def _series(store: Store, name: str) -> RunLine:
    """Return the line of one series of nights; each night that began a run also has a line of its own."""
    nights = nights_of(store, name)
    ended = [one for one in nights if one.status in ENDED_NIGHTS]
    last = nights[-1] if nights else None
    end = last.ended if last else None
    finished = datetime.fromtimestamp(end, UTC).isoformat(timespec="seconds") if end else None
    return RunLine(name, f"nights, last {last.status if last else 'none'}", len(ended), finished, ())


def _line(store: Store, result: RunResult) -> RunLine:
    models = tuple(model for row in result.iterations for model in _models(store, result.name, row))
    return RunLine(result.name, result.status, len(result.iterations), result.finished, models)


def _models(store: Store, run: str, row: IterationResult) -> Iterator[Model]:
    manifest = finetune_of(store, row.refs.get("finetune", ""))
    for epoch in manifest.meta["epochs"] if manifest else ():
        if epoch["digest"] == row.policy_digest:
            reward = row.val_reward.value if row.val_reward else None
            yield Model(run, row.number, row.policy_digest, reward, store.size(epoch["path"]), store.uri(epoch["path"]))
