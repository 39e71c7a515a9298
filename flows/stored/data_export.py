"""Exports what a run drew, kept and refused as one data set of Parquet files, whose card names a config for each part.

problems                          the problems of the run: train, val, test, and those of all transfer sets together
iteration-N-kept                  the rows that iteration N was trained on
iteration-N-rejected              what was drawn for them and is no row, with the reason
iteration-N-verdicts              every verdict with its evidence, by set; `base-verdicts` are those of the base's evaluation
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.stored.data_card import data_card
from flows.stored.data_files import DataFile, DataFiles
from flows.stored.export import check_target, pushed_to, whole_or_not
from flows.stored.trace import RunRecords
from tasks.domain.chat_template import template_of
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.judged import HINTED
from tasks.domain.schema import Problem, Sample, Verdict, from_table
from tasks.domain.settings import ModelSettings
from tasks.store.artifacts import Manifest, Store
from tasks.store.slots import PROBLEMS, Slot

SPLITS = ("train", "hint", "val", "test")
REJECTED = pa.schema([
    ("problem_id", pa.string()), ("index", pa.int32()), ("prompt", pa.string()), ("completion", pa.string()), ("label", pa.string()),
    ("reward", pa.float64()), ("why", pa.string()), ("finish_reason", pa.string()),
])  # fmt: skip
VERDICTS = pa.schema([
    ("problem_id", pa.string()), ("index", pa.int32()), ("which", pa.string()), ("sampling", pa.string()), ("label", pa.string()),
    ("reward", pa.float64()), ("evidence", pa.string()), ("finish_reason", pa.string()), ("completion_tokens", pa.int32()),
    ("policy", pa.string()), ("grader", pa.string()),
])  # fmt: skip


@dataclass(frozen=True)
class ExportedData:
    """What was written, and where it was pushed."""

    folder: Path
    files: tuple[DataFile, ...]
    pushed: tuple[str, ...] = ()


def export_data(
    store: Store, run: str, folder: Path, iterations: Sequence[int] | None = None, push_hub: str | None = None, push: str | None = None,
    license: str | None = None,
) -> ExportedData:  # fmt: skip
    """Write the data of these iterations (None: all, and the base's evaluation) into `folder`, complete or not at all.

    UserError when the folder holds something, or when the run or an iteration of it is unknown.
    """
    check_target(folder)
    records = RunRecords(store, run)
    wanted = _numbers(records) if iterations is None else list(iterations)
    if unknown := set(wanted) - set(_numbers(records)):
        known = ", ".join(map(str, _numbers(records))) or "none"
        raise UserError(f"run {run!r} has no data of iteration {min(unknown)}; there is data of {known}")
    with whole_or_not(folder) as partial:
        with DataFiles(partial) as files:
            _write(records, wanted, files)
        (partial / "README.md").write_text(data_card(records, files.written, license), encoding="utf-8")
    return ExportedData(folder, tuple(files.written), pushed_to(folder, push_hub, push, "dataset"))


def _numbers(records: RunRecords) -> list[int]:
    """Return the iterations of which samples or rows are stored; 0 is the base."""
    found = (slot.iteration for slot, _ in records.slots(lambda slot: slot.stage in ("generate", "materialize")))
    return sorted({number for number in found if number is not None})


def _write(records: RunRecords, iterations: Sequence[int], files: DataFiles) -> None:
    problems = dict[str, Problem]()
    for slot, manifest in records.slots(lambda slot: slot.part == PROBLEMS and not slot.stage):
        for table in records.store.tables(records.store.ref(manifest)):
            files.add("problems", slot.set, table)
            if slot.set == "train":
                problems |= {one.id: one for one in from_table(table, Problem)}
    for number in iterations:
        kept = _write_kept(records, number, files)
        for slot, manifest in records.slots(lambda slot: slot.stage == "generate" and slot.set in SPLITS):
            if slot.iteration == number:
                _write_samples(records, slot, manifest, kept, problems, files)


def _write_kept(records: RunRecords, number: int, files: DataFiles) -> dict[tuple[str, int], str]:
    """Write the rows of an iteration, and return the completion of each (problem, index)."""
    manifest, kept = records.at(Slot.of(number, stage="materialize")), dict[tuple[str, int], str]()
    for table in records.store.tables(records.store.ref(manifest)) if manifest else ():
        files.add(f"{_name(number)}-kept", "train", table)
        names = (table[column].to_pylist() for column in ("problem_id", "index", "completion"))
        kept |= {(problem, index): completion for problem, index, completion in zip(*names, strict=True)}
    return kept


def _write_samples(
    records: RunRecords,
    slot: Slot,
    manifest: Manifest,
    kept: dict[tuple[str, int], str],
    problems: dict[str, Problem],
    files: DataFiles,
) -> None:
    """Write the verdicts of one slot, and of the E-step's what is no row."""
    verify = records.at(slot.at(stage="verify"))
    verdicts = {(one.problem_id, one.index): one for one in _rows(records, verify, Verdict)}
    samples = _rows(records, manifest, Sample)
    grader = str(verify.recipe["grader"]) if verify else ""
    graded = [(one, verdicts[one.problem_id, one.index]) for one in samples if (one.problem_id, one.index) in verdicts]
    rows = [_verdict_row(slot, one, verdict, manifest, grader) for one, verdict in graded]
    files.add(f"{_name(slot.iteration or 0)}-verdicts", slot.set, pa.Table.from_pylist(rows, VERDICTS))
    if slot.set not in ("train", "hint") or slot.is_evaluation:
        return
    model = ModelSettings.model_validate(records.config["model"])
    template, offset = template_of(model), HINTED if slot.set == "hint" else 0
    refused = [one for one in samples if kept.get((one.problem_id, one.index + offset)) != template.target(one.text)]
    rejected = [
        {
            "problem_id": one.problem_id, "index": one.index, "prompt": _prompt(one, problems, model), "completion": one.text,
            "label": verdict.label if verdict else None, "reward": verdict.reward if verdict else None, "why": _why(one, verdict),
            "finish_reason": one.finish_reason,
        }
        for one in refused
        for verdict in (verdicts.get((one.problem_id, one.index)),)
    ]  # fmt: skip
    files.add(f"{_name(slot.iteration or 0)}-rejected", slot.set, pa.Table.from_pylist(rejected, REJECTED))


def _verdict_row(slot: Slot, sample: Sample, verdict: Verdict, manifest: Manifest, grader: str) -> dict[str, object]:
    return {
        "problem_id": sample.problem_id, "index": sample.index, "which": slot.which, "sampling": slot.sampling, "label": verdict.label,
        "reward": verdict.reward, "evidence": json.dumps(dict(verdict.evidence), ensure_ascii=False), "finish_reason": sample.finish_reason,
        "completion_tokens": sample.completion_tokens, "policy": manifest.recipe.get("policy", sample.policy_digest), "grader": grader,
    }  # fmt: skip


def _why(sample: Sample, verdict: Verdict | None) -> str:
    """Return why a sample is no row, in the words of the viewer."""
    if verdict is None:
        return "not graded"
    if verdict.label != "correct":
        return "not accepted"
    return "left over" if sample.finish_reason == "stop" else "cut"


def _prompt(sample: Sample, problems: dict[str, Problem], model: ModelSettings) -> str | None:
    """Return the prompt that was answered; None where it was another than the problem alone gives (a hint)."""
    problem = problems.get(sample.problem_id)
    text = template_of(model).render(problem, model.shots) if problem else None
    return text if text is not None and digest_of_text(text) == sample.prompt_digest else None


def _rows(records: RunRecords, manifest: Manifest | None, row_type: type) -> list[Any]:
    return records.store.rows(records.store.ref(manifest), row_type) if manifest else []


def _name(number: int) -> str:
    return f"iteration-{number}" if number else "base"
