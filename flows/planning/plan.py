"""Finds out what a run would do, without doing it, by running the loop itself with stages that are only looked up.

The same jobs as in a run make the recipes, so a plan cannot disagree with it. Nothing is written, and nothing is started but
the grading workers that check the golds. Every stage after the first one whose result is unknown is listed as "runs".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.config import RunConfig
from flows.loop.em import em_loop
from flows.loop.rounds import most_draws
from flows.loop.warm_up import warms_up
from flows.planning.estimate import Amounts, Work, estimate
from flows.run.lookup import Look, Lookup
from flows.run.preflight import Checked, preflight
from flows.run.rows import PHASES, Maximized
from flows.run.run import NotStored, Run, Stages
from flows.run.stopping import progress_of, stop_reason
from tasks.base import BUILTIN, BaseJob, builtin_policy, pretrain
from tasks.data.problems import ProblemSet, ProblemSets
from tasks.domain.fingerprint import digest_of_problems
from tasks.domain.run_result import PolicyScore
from tasks.domain.schema import Policy, Problem
from tasks.generate import GenerateJob, lacking
from tasks.store.artifacts import ArtifactRef
from tasks.store.slots import TRANSFER, Slot, transfer_place
from tasks.store.workspace import Outcome
from tasks.verify import VerifyJob

EVALUATIONS = ("evaluate", TRANSFER)
UNKNOWN_INPUT = "what it needs is not in the store yet"


@dataclass(frozen=True)
class Step:
    """One line of the plan. `hits` task runs are answered from the store; at most `samples` are drawn."""

    iteration: int
    phase: str
    state: str  # "stored", "runs", "runs in part"
    why: str
    hits: int
    samples: int


@dataclass(frozen=True)
class Plan:
    """All lines, and what they add up to. `left_out` lists the train problems whose gold fails its own grader."""

    run: str
    store: str
    steps: tuple[Step, ...]
    left_out: int
    amounts: Amounts

    @property
    def all_stored(self) -> bool:
        return all(step.state == "stored" for step in self.steps)


@dataclass(frozen=True)
class ReadProblems(ProblemSet):
    """A problem set as its source gives it now; it need not be stored."""

    read: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[Problem]) -> ReadProblems:
        return cls("", ArtifactRef("problems", "", digest_of_problems(rows), "", len(rows)), tuple(rows))

    def all(self) -> list[Problem]:
        return list(self.read)

    def select(self, ids: Sequence[str]) -> list[Problem]:
        by_id = {problem.id: problem for problem in self.read}
        return [by_id[name] for name in ids]


def plan(config: RunConfig) -> Plan:
    """Plan a run; UserError for whatever the run would refuse."""
    return plan_of(preflight(config, looking=True))


def plan_of(checked: Checked) -> Plan:
    """Plan the run of a config that has passed the checks."""
    lookup = Lookup()
    stages = Stages(checked.config, checked.workspace, lookup)
    planner = Planner(checked, lookup)
    base, why = _base(checked, stages)
    planner.steps.append(Step(0, "base", "stored" if base else "runs", why, int(bool(base)), 0))
    if base is not None:
        planner.follow(Run(stages, _as_read(checked), base))
    else:
        planner.rest()
    amounts = estimate(checked.config, checked.workspace, planner.work(), checked.sets.problems, base)
    return Plan(
        checked.config.run.name, checked.workspace.store_url, tuple(planner.steps), len(checked.sets.left_out), amounts
    )


def _as_read(checked: Checked) -> ProblemSets:
    train, val, test = (ReadProblems.of(checked.sets.problems[split]) for split in ("train", "val", "test"))
    transfer = {name: ReadProblems.of(rows) for name, rows in checked.sets.transfer.items()}
    return ProblemSets(train, val, test, transfer=transfer)


def _base(checked: Checked, stages: Stages) -> tuple[Policy | None, str]:
    """Return the base if it is at hand, else why it is not."""
    if checked.config.model.base not in BUILTIN:
        return checked.base, "" if checked.base else "it is not on this machine yet and must be fetched"
    try:
        made = stages.do(pretrain, BaseJob(checked.workspace, checked.config.model))
    except NotStored as missing:
        return None, missing.why
    return builtin_policy(checked.workspace, made), ""


@dataclass
class PlannedRow:
    """One iteration of a plan. Phases are looked up; later phases do not depend on an evaluation, so one may be missing."""

    planner: Planner
    number: int
    test: PolicyScore | None = None
    transfer: Mapping[str, PolicyScore] = field(default_factory=dict)
    dataset: Outcome | None = None
    maximized: Maximized | None = None
    policy: Policy | None = None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.planner.looks.clear()
        try:
            yield
        except NotStored as missing:
            self.planner.add(self.number, name, missing.why)
            if name not in EVALUATIONS:
                raise
        else:
            self.planner.add(self.number, name)


@dataclass
class Planner:
    """Follows the loop in place of a recorder and notes which part of each phase is stored."""

    checked: Checked
    lookup: Lookup
    steps: list[Step] = field(default_factory=list)
    rows: list[PlannedRow] = field(default_factory=list)

    @property
    def looks(self) -> list[Look]:
        return self.lookup.looks

    def follow(self, run: Run) -> None:
        """Follow the loop as far as its results are stored; the rest is listed as "runs"."""
        try:
            em_loop(run, self)
        except NotStored:
            self.rest()

    # -- what the loop tells

    @contextmanager
    def iteration(self, number: int) -> Iterator[PlannedRow]:
        self.rows.append(PlannedRow(self, number))
        yield self.rows[-1]

    def should_stop(self) -> bool:
        """Apply the run's own stop rule."""
        store = self.checked.workspace.store
        done = [progress_of(store, row.dataset, row.maximized) for row in self.rows if row.dataset and row.maximized]
        return stop_reason(done, self.checked.config.loop) is not None

    def finish(self) -> None:
        """Return nothing, because a plan has no result but its steps."""

    # -- what comes of it

    def add(self, number: int, phase: str, why: str | None = None) -> None:
        """Add a phase that was looked up; `why` says why it is not stored, if it is not."""
        hits = sum(look.outcome is not None for look in self.looks)
        state = "stored" if why is None else "runs in part" if hits else "runs"
        self.steps.append(Step(number, phase, state, why or "", hits, 0 if why is None else self._samples(phase)))

    def rest(self) -> None:
        """Add every step that was not reached because its input is unknown."""
        known = {(step.iteration, step.phase) for step in self.steps}
        transfer = (TRANSFER,) if self.checked.sets.transfer else ()
        tuned = ("materialize", "M-step") if warms_up(self.checked.config) else ()
        phases = [(0, name) for name in ("evaluate", *transfer, *tuned)]
        rounds = range(1, self.checked.config.loop.iterations + 1)
        phases += [(number, name) for number in rounds for name in (*PHASES, *transfer)]
        for number, name in phases:
            if (number, name) not in known:
                self.steps.append(Step(number, name, "runs", UNKNOWN_INPUT, 0, self.most_samples(name)))

    def work(self) -> Work:
        """Return what the steps add up to."""
        samples = {
            name: sum(step.samples for step in self.steps if step.phase == name)
            for name in ("E-step", "M-step", *EVALUATIONS)
        }
        trainings = sum(step.phase == "M-step" and not step.hits for step in self.steps)
        return Work(samples.pop("E-step"), sum(samples.values()), trainings, self.steps[0].state != "stored")

    def _samples(self, phase: str) -> int:
        """Return the most samples that are drawn: those that looked-up selections lack, later waves of their problems, and epochs
        not reached."""
        ends = [look for look in self.looks if look.outcome is None and Slot.parse(look.job.slot).range is not None]
        if phase == "M-step" and not ends:
            return self.most_samples(phase)
        drawn = sum(self._lacking(end) for end in ends)
        if phase == TRANSFER:
            reached = {Slot.parse(look.job.slot).which for look in self.looks}
            return drawn + self._transfer_samples(reached)
        epochs = len({slot.which for look in self.looks if (slot := Slot.parse(look.job.slot)).set == "val"})
        return drawn + (
            self._val_samples(self.checked.config.finetune.checkpoints - epochs) if phase == "M-step" else 0
        )

    def _lacking(self, end: Look) -> int:
        """Return how many samples a range lacks, from the wave at which it ends."""
        slot, job = Slot.parse(end.job.slot), end.job
        waves = self.checked.config.generate.waves
        later = sum(waves[slot.wave + 1 :]) if slot.set == "train" and slot.wave is not None else 0
        problems = len(job.ids) if isinstance(job, GenerateJob | VerifyJob) else 0
        return (lacking(job) if isinstance(job, GenerateJob) else 0) + problems * later

    def _val_samples(self, epochs: int) -> int:
        return epochs * self.checked.config.evaluate.val_samples * len(self.checked.sets.problems["val"])

    def _transfer_samples(self, but: Collection[str] = ()) -> int:
        """Return the samples of one policy on the transfer sets, without those at these slots."""
        settings, sets = self.checked.config.evaluate, self.checked.sets.transfer
        return (settings.samples + settings.greedy) * sum(
            len(rows) for name, rows in sets.items() if transfer_place(name) not in but
        )

    def most_samples(self, phase: str) -> int:
        """Return the samples of a phase when nothing is stored and no problem drops out early."""
        settings, problems = self.checked.config.evaluate, self.checked.sets.problems
        return {
            "E-step": most_draws(self.checked.config, len(problems["train"])),
            "M-step": self._val_samples(self.checked.config.finetune.checkpoints),
            "evaluate": (settings.samples + settings.greedy) * len(problems["test"]),
            TRANSFER: self._transfer_samples(),
        }.get(phase, 0)
