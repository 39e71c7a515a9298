"""Reads stored comparisons: which runs are their cells, what these came to, and what is behind one cell.

A comparison stores no results of its own but its record and its page; every figure comes from the results of its runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from flows.stored.runs import result_of
from flows.stored.trace import ModelTrace, RunRecords, trace_model
from tasks.domain.arms import ComparisonResult, last_row, with_shared_seconds
from tasks.domain.errors import UserError
from tasks.domain.json_record import JsonRecord
from tasks.domain.run_result import IterationResult, RunResult, Tally
from tasks.domain.schema import Sample, Verdict
from tasks.store.artifacts import Manifest, Store
from tasks.store.places import COMPARISONS, ComparisonPlaces
from tasks.store.slots import Slot

CELL = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)/(\d+)(?:/(\d+))?$")


@dataclass(frozen=True)
class ComparedRun(JsonRecord):
    """One cell: its arm, its seed and its run; `failure` says in one sentence why it ended early, if it did."""

    arm: str
    seed: int
    run: str
    failure: str = ""


@dataclass(frozen=True)
class ComparisonRecord(JsonRecord):
    """What was agreed before the runs, and how to give the command again (`origin` is the config as it was named)."""

    name: str
    reference: str
    metric: str
    budget: str
    origin: str
    overrides: tuple[str, ...]
    methods: dict[str, str]
    cells: tuple[ComparedRun, ...]
    tree: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CellTrace:
    """What is behind one cell of a comparison: the commands that give it, and the artifacts in the order they were made."""

    comparison: str
    arm: str
    seed: int
    run: str
    round: int
    commands: tuple[str, ...]
    figures: dict[str, str]
    artifacts: dict[str, str]
    model: ModelTrace | None = field(default=None)


def comparison_names(store: Store) -> list[str]:
    """Return the names of all comparisons in the store."""
    return list(store.listdir(COMPARISONS))


def record_of(store: Store, name: str) -> ComparisonRecord | None:
    """Return the record of a comparison, or None when there is none of that name."""
    found = store.read_json(ComparisonPlaces(name).record)
    return ComparisonRecord.from_json(found) if found else None


def read_record(store: Store, name: str) -> ComparisonRecord:
    """Return the record of a comparison; UserError when there is none."""
    record = record_of(store, name)
    if record is None:
        known = ", ".join(comparison_names(store)) or "none"
        raise UserError(f"comparison {name!r} is not in store {store.root_url!r}; comparisons there: {known}")
    return record


def comparison_result(store: Store, record: ComparisonRecord) -> ComparisonResult:
    """Return the comparison as far as its runs have come."""
    arms: dict[str, dict[int, RunResult]] = {cell.arm: {} for cell in record.cells}
    for cell in record.cells:
        result = result_of(store, cell.run)
        if result is not None:
            arms[cell.arm][cell.seed] = with_second_tries(store, result)
    failures = {(cell.arm, cell.seed): cell.failure for cell in record.cells if cell.failure}
    return ComparisonResult(
        record.name, record.reference, record.metric, record.budget, len(record.cells), with_shared_seconds(arms),
        record.methods, failures, record.notes,
    )  # fmt: skip


def with_second_tries(store: Store, result: RunResult) -> RunResult:
    """Return the run with what its second tries drew, where its method gives hints."""
    if result.config.get("loop", {}).get("hint", "none") == "none":
        return result
    records = RunRecords(store, result.name)
    rows = (replace(row, hinted=_second_tries(records, row.number)) for row in result.iterations)
    return replace(result, iterations=tuple(rows))


def _second_tries(records: RunRecords, number: int) -> Tally:
    place, store = Slot.of(number, "hint"), records.store
    found = [one for _, one in records.slots(lambda slot: (slot.part, slot.set) == (place.part, place.set))]
    rows = {stage: [row for one in found if one.stage == stage for row in store.rows(store.ref(one), record)]
            for stage, record in (("generate", Sample), ("verify", Verdict))}  # fmt: skip
    return Tally.of(rows["generate"], rows["verify"])


def trace_cell(store: Store, name: str, cell: str) -> CellTrace:
    """Trace the cell ARM/SEED or ARM/SEED/ROUND of a comparison; without a round, its last one. UserError where there is none."""
    record, match = read_record(store, name), CELL.match(cell)
    if match is None:
        raise UserError(f"cell {cell!r} is not of the form ARM/SEED or ARM/SEED/ROUND, for example {_example(record)}")
    arm, seed = match.group(1), int(match.group(2))
    compared = next((one for one in record.cells if (one.arm, one.seed) == (arm, seed)), None)
    if compared is None:
        raise UserError(f"comparison {name!r} has no cell {arm}/{seed}; its cells are {_cells(record)}")
    result = result_of(store, compared.run)
    last = last_row(result) if result else None
    number = int(match.group(3)) if match.group(3) else last.number if last else 0
    row = next((one for one in result.rows if one.number == number), None) if result else None
    if row is None:
        raise UserError(f"cell {arm}/{seed} of comparison {name!r} has no round {number} yet; run the comparison again")
    overrides = "".join(f" --set {text}" for text in record.overrides)
    return CellTrace(
        name, arm, seed, compared.run, number,
        (f"restem compare {record.origin} --only {arm}{overrides}", f"restem report {compared.run}",
         *([f"restem trace {compared.run} --model {number}"] if number else [])),  # round 0 is the base, which was not trained
        _figures(row), artifacts_behind(RunRecords(store, compared.run), number),
        trace_model(store, compared.run, number) if row.refs.get("finetune") else None,  # a round may have trained nothing
    )  # fmt: skip


def artifacts_behind(records: RunRecords, number: int) -> dict[str, str]:
    """Return the artifacts of one round by slot, as `stage/key digest`: samples, verdicts, data set, training, and the scores."""
    place = Slot.of(number)
    return {str(slot): _named(manifest) for slot, manifest in records.slots(lambda slot: slot.part == place.part)}


def _named(manifest: Manifest) -> str:
    return f"{manifest.stage}/{manifest.key} {manifest.digest}"


def _figures(row: IterationResult) -> dict[str, str]:
    test = row.test
    if test is None:
        return {}
    found = {"greedy pass@1": test.greedy, "sampled pass@1": test.sampled}
    found |= {f"pass@{k}": value for k, value in test.pass_at_k.items()}
    found |= {f"maj@{k}": value for k, value in test.maj_at_k.items()}
    return {name: str(value) for name, value in found.items() if value is not None}


def _example(record: ComparisonRecord) -> str:
    return f"{record.cells[0].arm}/{record.cells[0].seed}"


def _cells(record: ComparisonRecord) -> str:
    return ", ".join(f"{one.arm}/{one.seed}" for one in record.cells)
