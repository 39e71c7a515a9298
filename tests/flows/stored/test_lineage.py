"""Every walk over parents ends and leaves nobody out, whatever weights trainings gave back."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from flows.stored.export import export
from flows.stored.gc import clean, policies_to_keep
from flows.stored.lineage import ancestors
from flows.stored.ls import finetune_of, list_store
from flows.stored.trace import trace_model
from tasks.domain.run_result import RunResult
from tasks.store.artifacts import Manifest, Store, key_of
from tests.handmade import make_store

NAMES = ("base", "a", "b", "c")


def test_a_walk_visits_what_can_be_reached_once() -> None:
    """Every graph of three trainings over four policies, own parents and circles among them."""
    for edges in itertools.product(itertools.product(NAMES, NAMES), repeat=3):
        starts: dict[str, set[str]] = {}
        for start, trained in edges:
            starts.setdefault(trained, set()).add(start)
        for policy in NAMES:
            reached = {policy}
            for _ in NAMES:
                reached |= {start for one in reached for start in starts.get(one, ())}
            assert sorted(ancestors(starts, [policy])) == sorted(reached - {policy}), edges


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """The store of a small run of one iteration, and its result."""
    folder = tmp_path_factory.mktemp("lineage")
    _, result = make_store(folder)
    return folder / "store", result


@pytest.fixture
def store(plain: tuple[Path, RunResult], tmp_path: Path) -> Store:
    shutil.copytree(plain[0], tmp_path / "store")
    return Store(str(tmp_path / "store"))


def train(store: Store, result: RunResult, start: str, gives: str) -> None:
    """Commit a training from `start` whose only epoch has the weights `gives`."""
    first = finetune_of(store, result.iterations[0].refs["finetune"])
    assert first is not None
    recipe = {**first.recipe, "start": start, "dataset": f"from {start} to {gives}"}
    epoch = {**first.meta["epochs"][0], "digest": gives, "path": f"finetune/{key_of(recipe)}/{first.attempt}/epoch-1"}
    store.write_bytes(f"{epoch['path']}/model.safetensors", b"weights")
    store.commit(
        Manifest("finetune", key_of(recipe), recipe, first.attempt, gives, 1, [], {**first.meta, "epochs": [epoch]})
    )


@pytest.mark.parametrize("length", [1, 2, 3])
def test_trace_export_ls_and_gc_end_on_a_circle_of_any_length(
    length: int, plain: tuple[Path, RunResult], store: Store, tmp_path: Path
) -> None:
    """Of length one: weights equal to the base's, a policy that is its own parent."""
    result = plain[1]
    base, chosen = result.base.policy_digest, result.iterations[0].policy_digest
    circle = (base, chosen, "another")[:length]
    for start, gives in zip(circle, (*circle[1:], circle[0]), strict=True):
        train(store, result, start, gives)
    parents = trace_model(store, result.name).parents
    assert parents[0] == base and sorted(parents) == sorted({base, *circle})
    assert export(store, result.name, tmp_path / "model").policy == chosen
    assert [line.name for line in list_store(store).runs] == [result.name]
    kept = policies_to_keep(store, [result], keep_last=1)
    assert kept == {base, chosen, *circle}
    assert set(clean(store, tmp_path / "scratch").kept) == kept


def test_weights_that_two_trainings_gave_keep_the_starts_of_both(plain: tuple[Path, RunResult], store: Store) -> None:
    """A training that leaves its start as it was must not hide where the start came from."""
    result = plain[1]
    base, chosen = result.base.policy_digest, result.iterations[0].policy_digest
    train(store, result, "grandparent", "parent")
    train(store, result, "parent", "parent")
    train(store, result, "parent", chosen)
    train(store, result, chosen, chosen)
    assert policies_to_keep(store, [result], keep_last=1) == {base, "grandparent", "parent", chosen}
