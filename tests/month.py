"""Nights in a row on a real store, with an oracle of its own for what each must leave: `Month` runs them and checks each one.

Recorded samples answer for the policies: each policy has a skill, the share of problems that it solves, and the gate has to find
out which of two is better. Everything between samples and records is real. Prefect is left out, and so is the clock: a night's
date is a setting, and gc is told that two days have passed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from flows.config import RunConfig, make_config
from flows.loop.night import Ended, NightRun, one_night
from flows.loop.series import NightSettings, Series
from flows.run.preflight import Checked
from flows.run.run import Journal
from flows.stored.gc import Cleaning, clean
from flows.stored.ls import STAGES, manifests_in
from flows.stored.nights import Night
from flows.stored.policies import Promoted, promoted
from tasks.domain.errors import InfrastructureError
from tasks.domain.schema import Completion, Policy, Verdict
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.replay import ReplayEngine
from tasks.store.artifacts import Store, key_of
from tests.rig import record, small_config

SKILLS = (0.2, 0.5, 0.8)  # three policies that the gate can tell apart on twenty problems
SKILLED = "tests.month:BySkill"  # engine.kind
NAME, KEEP, TWO_DAYS_S = "month", 2, 2 * 24 * 3600.0
FAILS_AT = {"resume": "materialize.start:1=fail", "drop": "evaluate.start:2=fail"}  # before and after its training


class BySkill(ReplayEngine):
    """Answers as recorded for the skill of the policy, in words of tonight; a policy that was never seen has tonight's skill."""

    def __init__(self, settings: EngineSettings, log_dir: Path | None = None) -> None:
        super().__init__(settings, log_dir)
        self._folder = Path(str(settings.replay_path))

    def serve(self, policy: Policy, path: Path | None) -> None:
        known, self._tonight = _read(self._folder / "skills.json"), _read(self._folder / "tonight.json")
        if policy.digest not in known:
            known[policy.digest] = self._tonight["skill"]
            (self._folder / "skills.json").write_text(json.dumps(known))
        self._path, self._recorded = str(self._folder / str(known[policy.digest])), None
        super().serve(policy, path)

    def _answer(self, request: DrawRequest, sampling: str, index: int) -> Completion:
        """Put the date before an answer: nights that drew the same texts would have the same data set, and one training."""
        found = super()._answer(request, sampling, index)
        return replace(found, text=f"{self._tonight['date']}\n{found.text}")


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@dataclass(frozen=True)
class Plan:
    """What is to happen in a night: what it learns, what ends it early, whether it is cut off and what the next one does about it."""

    skill: int
    spends: str = ""  # "", tokens or hours
    cut_off: str = ""  # "", resume or drop: what the next night does about it


@dataclass(frozen=True)
class Sizes:
    """Bytes of the store after a night, and after gc; `weights` are those of trained `policies` that lie there then; `trained`: nights that trained."""

    night: str
    status: str
    before: int
    after: int
    weights: int
    policies: int
    trained: int


@dataclass
class Month:
    """The series so far, and what the oracle knows: the skill that `latest` has, and what each night kept."""

    checked: Checked
    executor: Any
    history: int
    latest: Policy | None = None
    latest_skill: int = 0
    stopped: bool = False
    unfinished: tuple[str, Plan] | None = None
    kept: dict[str, int] = field(default_factory=dict)  # rows of each night that a data set may take
    told: list[str] = field(default_factory=list)  # nights that were announced as promoted
    sizes: list[Sizes] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.checked.workspace.store

    @property
    def recorded(self) -> Path:
        return Path(str(self.checked.config.engine.replay_path))

    def spend(self, date: str, plan: Plan) -> None:
        """One date of the schedule, checked from all sides."""
        if self.stopped:
            before = files(Path(self.store.root))
            assert self._night(date, NightSettings(night=date)).state == "Stopped"
            assert files(Path(self.store.root)) == before, "a series that was stopped does nothing"
        if plan.cut_off:
            self._cut_off(date, plan)
        else:
            self._ends(date, plan)
        assert self._latest() == self.latest, "latest is what the gate decided"
        self._clear(date)

    def _cut_off(self, date: str, plan: Plan) -> None:
        with failing(FAILS_AT[plan.cut_off]), pytest.raises(InfrastructureError, match="failpoint") as stopped:
            self._night(date, self._settings(date, plan), plan.skill)
        record = self._record(date)
        assert (record.status, record.sampled, record.message) == ("failed", self.latest, str(stopped.value))
        self.unfinished = (date, plan)

    def _ends(self, date: str, plan: Plan) -> None:
        settings = self._settings(date, plan)
        if self.unfinished is not None:
            cut, its = self.unfinished
            settings, resumes = settings.model_copy(update={"if_failed": its.cut_off}), its.cut_off == "resume"
        else:
            cut, resumes = "", False
        ended, worked_on = self._night(date, settings, plan.skill), cut if resumes else date
        self.unfinished = None
        assert not cut or resumes or self._record(cut).status == "dropped"
        assert resumes == (date not in self._dates()), (
            "a date whose call finished an earlier night has no record of its own"
        )
        self._judge(worked_on, plan, ended)
        again = files(Path(self.store.root))
        assert self._night(worked_on, NightSettings(night=worked_on, go_on=True)).state == "Cached"
        assert files(Path(self.store.root)) == again, "the same night again does nothing"

    def _judge(self, date: str, plan: Plan, ended: Ended) -> None:
        """Compare the night's record with what must come of a policy of that skill."""
        record, trained = self._record(date), plan.spends != "hours"
        decision = {1: "promoted", 0: "held", -1: "stopped"}[_sign(plan.skill - self.latest_skill) if trained else 0]
        status = "budget" if plan.spends and decision != "stopped" else decision
        assert (record.status, record.sampled) == (status, self.latest), (record, plan)
        assert ended.state == ("BudgetReached" if status == "budget" else "Completed")
        assert bool(record.policy) == trained and record.ended is not None
        assert {name for one in record.ranges for name in one.ids} <= set(self._train_ids())
        assert plan.spends or len({name for one in record.ranges for name in one.ids}) == len(self._train_ids())
        if record.ranges:
            self.kept[date] = accepted(self.store, record, self.checked.config.materialize.cap)
        if trained:
            assert rows_of(self.store, f"{NAME}-{date}") == sum(self.kept[one] for one in self._in_history(date))
        if trained and decision == "promoted":
            self.latest, self.latest_skill = self._latest(), plan.skill
            assert self.latest is not None and self.latest.digest == record.policy and self.told[-1] == date
        self.stopped = status == "stopped"

    def _clear(self, date: str) -> None:
        """gc after the night: it does what it said, removes nothing in use, and what stays is bounded."""
        store, root = self.store, Path(self.store.root)
        before, size = files(root), store.size("")
        said = self._clean(dry_run=True)
        assert files(root) == before
        did = self._clean()
        gone = before - files(root)
        assert did.removals == said.removals
        places = tuple(one.path.rstrip("/") for one in did.removals if not one.local)
        assert all(path.startswith(places) for path in gone) and (gone or not places)
        assert not gone & set(in_use(store, self.latest)), "nothing in use is removed"
        weights = weights_in(store)
        unfinished = self.checked.config.finetune.checkpoints if self.unfinished else 0
        assert len(weights) <= KEEP + 1 + unfinished, "the last two nights', the promoted one, and what is not finished"
        nights = Series(store, NAME).all()
        trained = len(list(manifests_in(store, "finetune")))
        found = Sizes(date, nights[-1].status, size, store.size(""), sum(weights.values()), len(weights), trained)
        self.sizes.append(found)

    def _clean(self, *, dry_run: bool = False) -> Cleaning:
        return clean(
            self.store, self.checked.workspace.scratch_path, KEEP, dry_run=dry_run, now=time.time() + TWO_DAYS_S
        )

    def _settings(self, date: str, plan: Plan) -> NightSettings:
        spends = {"tokens": {"tokens": 1}, "hours": {"hours": 1e-9}, "": {}}[plan.spends]
        return NightSettings(night=date, history=self.history, go_on=True, **spends)  # type: ignore[arg-type]

    def _night(self, date: str, settings: NightSettings, skill: int = 0) -> Ended:
        (self.recorded / "tonight.json").write_text(json.dumps({"skill": skill, "date": settings.night}))
        how = NightRun(self.executor, Journal(), lambda *_: None, self._announced, lambda _: None)
        return one_night(self.checked, settings, how)

    def _announced(self, series: str, made: Promoted) -> None:
        assert series == NAME
        self.told.append(made.night)

    def _latest(self) -> Policy | None:
        found = promoted(self.store, NAME)
        return found.policy if found else None

    def _record(self, date: str) -> Night:
        found = Series(self.store, NAME).get(date)
        assert found is not None, f"night {date} has no record"
        return found

    def _dates(self) -> list[str]:
        return [one.night for one in Series(self.store, NAME).all()]

    def _train_ids(self) -> list[str]:
        return [problem.id for problem in self.checked.sets.problems["train"]]

    def _in_history(self, date: str) -> list[str]:
        return [one for one in sorted(self.kept) if one <= date][-self.history :]


def accepted(store: Store, night: Night, cap: int) -> int:
    """How many rows a night gives: correct samples, at most `cap` a problem."""
    count: dict[str, int] = {}
    for one in night.ranges:
        for _, verdicts in one.waves:
            for row in store.rows(verdicts, Verdict):
                count[row.problem_id] = count.get(row.problem_id, 0) + (row.label == "correct")
    return sum(min(cap, rows) for rows in count.values())


def rows_of(store: Store, run: str) -> int:
    """Rows of the data set that a run trained on."""
    recipe = store.read_json(f"runs/{run}/recipes/iteration-1/materialize.json")
    manifest = store.lookup("materialize", key_of(recipe))
    assert manifest is not None
    return manifest.rows


def in_use(store: Store, latest: Policy | None) -> Iterator[str]:
    """Files below the store's root that a later night or a rerun reads."""
    for stage in STAGES:
        for manifest in manifests_in(store, stage) if stage not in ("samples", "finetune") else ():
            yield f"{stage}/{manifest.key}/manifest.json"
            yield from (part.path for part in manifest.parts)
    if latest is not None:
        folder = Path(latest.uri)
        yield from (str(path.relative_to(store.root)) for path in folder.rglob("*") if path.is_file())


def weights_in(store: Store) -> dict[str, int]:
    """Digest -> bytes of the trained policies whose files are there."""
    epochs = [epoch for manifest in manifests_in(store, "finetune") for epoch in manifest.meta["epochs"]]
    return {epoch["digest"]: size for epoch in epochs if (size := store.size(epoch["path"]))}


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def month_config(folder: Path, base: Path) -> RunConfig:
    """A series on twenty-four problems a night, with answers recorded for each skill."""
    tree = small_config(
        folder, base, run={"name": NAME, "store": str(folder / "store"), "scratch": str(folder / "scratch")},
        data={"train": {"split": "train", "limit": 24}, "val": {"split": "val", "limit": 20}, "test": {"split": "test", "limit": 8}},
        evaluate={"samples": 4, "k": (1, 4), "max_tokens": 64, "bootstrap": 200, "val_samples": 4},
    ).model_dump(mode="json")  # fmt: skip
    for skill, share in enumerate(SKILLS):
        tree["engine"] = {"kind": "replay", "replay_path": str(folder / "recorded" / str(skill))}
        record(make_config(tree), solve_rate=share)
    tree["engine"] = {"kind": SKILLED, "replay_path": str(folder / "recorded")}
    return make_config(tree)


def open_month(checked: Checked, executor: Any, history: int) -> Month:
    """The series before its first night: the base has the least skill."""
    assert checked.base is not None
    month = Month(checked, executor, history)
    (month.recorded / "skills.json").write_text(json.dumps({checked.base.digest: 0}))
    return month


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


@contextmanager
def failing(points: str) -> Iterator[None]:
    """Planned failures in this process (tasks.domain.failpoints), whose visits are counted anew."""
    from tasks.domain import failpoints

    failpoints._reached.clear()
    os.environ["RESTEM_FAILPOINTS"] = points
    try:
        yield
    finally:
        del os.environ["RESTEM_FAILPOINTS"]
