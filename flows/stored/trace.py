"""Traces a row to its policy, prompt, sampling and verifier, and a model to its training data.

A run's recipes name its artifacts; the recipes themselves say what those were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc

from flows.stored.lineage import ancestors, starts_of
from flows.stored.ls import finetune_of, manifests_in
from flows.stored.runs import best_by_val, read_result, result_of, stored_tree, unknown_run
from tasks.domain.chat_template import template_of
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.run_result import IterationResult, RunResult
from tasks.domain.schema import Example, Problem, Sample, Verdict, from_table
from tasks.domain.settings import ModelSettings
from tasks.store.artifacts import Manifest, Store, key_of, select_wanted
from tasks.store.places import RunPlaces
from tasks.store.slots import PROBLEMS, Slot


@dataclass(frozen=True)
class TrainedOn:
    """A training that used a row. `policies` are the digests of its epochs; `chosen` is the one that the traced run chose."""

    key: str
    policies: tuple[str, ...]
    chosen: str | None


@dataclass(frozen=True)
class SampleTrace:
    """One draw with its origin and its uses. `prompt` is None when the template has changed since."""

    slot: str
    sample: Sample
    policy: str
    policy_uri: str
    prompt: str | None
    question: str
    gold: str | None
    sampling: dict[str, Any]
    engine: str
    verdict: Verdict | None
    verifier: str
    dataset: str | None
    row: Example | None
    trained: tuple[TrainedOn, ...]


@dataclass(frozen=True)
class ModelTrace:
    """One trained policy, with its origin."""

    run: str
    iteration: int
    digest: str
    uri: str
    epoch: int
    val_reward: float | None
    dataset: dict[str, Any]
    dataset_rows: int
    sampled_from: str
    start: dict[str, Any]
    parents: tuple[str, ...]
    verifier: tuple[str, ...]
    settings: dict[str, Any]
    commit: str
    libraries: dict[str, str]
    created: float


class RunRecords:
    """The recipes and manifests of one run."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        self.places = RunPlaces(name)
        tree = stored_tree(store, name)
        if tree is None:
            raise unknown_run(store, name)
        self.config: dict[str, Any] = tree

    def slots(self, wanted: Callable[[Slot], bool]) -> Iterator[tuple[Slot, Manifest]]:
        """Return (slot, artifact) of every stored task run at a wanted slot, in order."""
        for path in self.store.walk(self.places.recipes):
            slot = Slot.parse(self.places.slot_of(path))
            manifest = self.at(slot) if wanted(slot) else None
            if manifest is not None:
                yield slot, manifest

    def at(self, slot: Slot) -> Manifest | None:
        """Return the artifact at one slot of the run."""
        recipe = self.store.read_json(self.places.recipe(str(slot)))
        return self.store.lookup(recipe["stage"], key_of(recipe)) if recipe else None

    def problem(self, problem_id: str) -> Problem | None:
        """Return the problem of that id from the run's sets."""
        for _, manifest in self.slots(lambda slot: slot.part == PROBLEMS and not slot.stage):
            for table in self.store.tables(self.store.ref(manifest)):
                for row in from_table(table.filter(pc.equal(table["id"], problem_id)), Problem):
                    found: Problem = row
                    return found
        return None


def trace_sample(store: Store, run: str, sample_id: str) -> list[SampleTrace]:
    """Return every draw of that id in the run: one for each policy that was sampled. UserError when there is none."""
    records = RunRecords(store, run)
    problem_id, index = _parse(sample_id)
    found = [
        _sample_trace(records, slot, manifest, sample)
        for slot, manifest in records.slots(lambda slot: slot.stage == "generate")
        for sample in _draws(store, manifest, problem_id, index)
    ]
    if not found:
        raise UserError(
            f"run {run!r} has no sample {sample_id!r}; an id is PROBLEM/INDEX, as in the columns problem_id and index of a data set"
        )
    return found


def trace_model(store: Store, run: str, iteration: int | None = None) -> ModelTrace:
    """Trace the policy that an iteration chose; without a number, the run's best by val reward."""
    result = read_result(store, run)
    row = chosen_row(result, iteration)
    manifest = finetune_of(store, row.refs.get("finetune", ""))
    if manifest is None:
        raise UserError(
            f"the training of iteration {row.number} of run {run!r} is gone from the store; run the config again"
        )
    epoch = next(one for one in manifest.meta["epochs"] if one["digest"] == row.policy_digest)
    dataset, environment = manifest.meta["dataset"], manifest.meta["environment"]
    return ModelTrace(
        run, row.number, row.policy_digest, store.uri(epoch["path"]), epoch["epoch"],
        row.val_reward.value if row.val_reward else None, dataset, dataset["rows"], _sampled_policy(store, run, row.number),
        manifest.meta["start"], _parents(store, manifest), _verifiers(store, run, row.number), manifest.recipe["settings"],
        environment["commit"], environment["libraries"], manifest.created,
    )  # fmt: skip


def chosen_row(result: RunResult, iteration: int | None) -> IterationResult:
    """Return the iteration asked for, or the one with the best val reward (among equals the earliest; test is never looked at)."""
    if not result.iterations:
        raise UserError(f"run {result.name!r} has no trained iteration yet; its status is {result.status}")
    if iteration is None:
        return best_by_val(result) or result.iterations[0]
    for row in result.iterations:
        if row.number == iteration:
            return row
    numbers = ", ".join(str(row.number) for row in result.iterations)
    raise UserError(f"run {result.name!r} has no trained iteration {iteration}; there are {numbers}")


def _parse(sample_id: str) -> tuple[str, int]:
    problem_id, slash, index = sample_id.rpartition("/")
    if not slash or not index.isdigit():
        raise UserError(f"sample id {sample_id!r} is not of the form PROBLEM/INDEX, for example gsm8k/0a1b2c/3")
    return problem_id, int(index)


def _draws(store: Store, manifest: Manifest, problem_id: str, index: int) -> list[Sample]:
    wanted = manifest.meta["wanted"]
    if problem_id not in wanted["problems"] or not wanted["start"] <= index < wanted["stop"]:
        return []
    narrowed = {**wanted, "problems": [problem_id], "start": index, "stop": index + 1}
    seen: set[tuple[str, int]] = set()
    return [
        row
        for part in manifest.parts
        for row in from_table(select_wanted(store.read_table(part.path), narrowed, seen), Sample)
    ]


def _sample_trace(records: RunRecords, slot: Slot, manifest: Manifest, sample: Sample) -> SampleTrace:
    store, recipe = records.store, manifest.recipe
    problem = records.problem(sample.problem_id)
    verify = records.at(slot.at(stage="verify"))
    dataset = records.at(Slot(slot.part, stage="materialize")) if slot.set == "train" else None
    row = _row(store, dataset, Example, sample)
    return SampleTrace(
        str(slot), sample, recipe["policy"], manifest.meta["policy_uri"], _prompt(records, problem, sample),
        problem.question if problem else "", problem.gold if problem else None, recipe["sampling"], manifest.meta["engine"],
        _row(store, verify, Verdict, sample), verify.recipe["grader"] if verify else "", dataset.key if dataset else None, row,
        _trainings(records, dataset) if dataset and row else (),
    )  # fmt: skip


def _row(store: Store, manifest: Manifest | None, row_type: type, sample: Sample) -> Any:
    """Return the artifact's row about this sample, or None when there is none."""
    for table in store.tables(store.ref(manifest)) if manifest else ():
        here = pc.and_(pc.equal(table["problem_id"], sample.problem_id), pc.equal(table["index"], sample.index))
        for row in from_table(table.filter(here), row_type):
            return row
    return None


def _prompt(records: RunRecords, problem: Problem | None, sample: Sample) -> str | None:
    model = ModelSettings.model_validate(records.config["model"])
    text = template_of(model).render(problem, model.shots) if problem else ""
    return text if digest_of_text(text) == sample.prompt_digest else None


def _trainings(records: RunRecords, dataset: Manifest) -> tuple[TrainedOn, ...]:
    """Return every training in the store that read this data set, in any run."""
    result = result_of(records.store, records.name)
    chosen = {row.policy_digest for row in result.iterations} if result else set()
    trained = (one for one in manifests_in(records.store, "finetune") if one.recipe["dataset"] == dataset.digest)
    return tuple(_trained_on(one, chosen) for one in trained)


def _trained_on(manifest: Manifest, chosen: set[str]) -> TrainedOn:
    policies = tuple(epoch["digest"] for epoch in manifest.meta["epochs"])
    return TrainedOn(manifest.key, policies, next((one for one in policies if one in chosen), None))


def _parents(store: Store, manifest: Manifest) -> tuple[str, ...]:
    """Return the digests from the start weights back to the base, each once."""
    start = str(manifest.recipe["start"])
    return (start, *ancestors(starts_of(store), [start]))


def _sampled_policy(store: Store, run: str, iteration: int) -> str:
    manifest = RunRecords(store, run).at(Slot.of(iteration, "train", stage="generate").at(range=0, wave=0))
    return str(manifest.recipe["policy"]) if manifest else ""


def _verifiers(store: Store, run: str, iteration: int) -> tuple[str, ...]:
    train = Slot.of(iteration, "train", stage="verify")
    slots = RunRecords(store, run).slots(lambda slot: replace(slot, range=None, wave=None) == train)
    return tuple(sorted({manifest.recipe["grader"] for _, manifest in slots}))
