"""What a run would do, without doing it: the flow's own code is walked over the store until the first unknown result.

The recipes are made by the same jobs as in a run, so a plan cannot disagree with it. Nothing is started or written, apart
from grading workers that check the golds. Behind the first stage whose result is unknown everything "runs".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flows.config import RunConfig
from flows.loop.em import dataset_job
from flows.loop.evaluation import evaluate_policy
from flows.loop.expectation import expectation
from flows.loop.maximization import maximization
from flows.planning.estimate import Amounts, Work, estimate
from flows.run.preflight import check_engine, check_prompts, check_trackers, workspace_of
from flows.run.run import Pipeline, Run, Stored
from tasks.base import BUILTIN, BaseJob, known_base
from tasks.data.problems import ProblemSet, ProblemSets, check_gold, load_sets
from tasks.domain.fingerprint import digest_of_tables
from tasks.domain.schema import Policy, Problem, Split, to_table
from tasks.generate import lacking
from tasks.materialize import materialize
from tasks.store.artifacts import ArtifactRef
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import Outcome, Workspace

UNKNOWN_INPUT = "what it needs is not in the store yet"
T = TypeVar("T")


class NotStored(Exception):
    """The walk came to a stage whose result is not in the store; the message says why."""


@dataclass(frozen=True)
class Look:
    """One task run of the plan: found in the store, or why not. `samples`: how many it would draw."""

    stage: str
    slot: str
    outcome: Outcome | None
    why: str
    problems: int
    samples: int = 0


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
    """All lines, and what they add up to. `left_out`: train problems whose gold fails its own grader."""

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
    """A problem set as its source gives it now; it need not be in the store."""

    read: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[Problem]) -> ReadProblems:
        digest = digest_of_tables([to_table(rows, Problem)])
        return cls("", ArtifactRef("problems", "", digest, "", len(rows)), tuple(rows))

    def all(self) -> list[Problem]:
        return list(self.read)

    def select(self, ids: Sequence[str]) -> list[Problem]:
        by_id = {problem.id: problem for problem in self.read}
        return [by_id[name] for name in ids]


@dataclass(frozen=True)
class PlannedRun(Run):
    """A run whose stages are only looked up. `ends`: where pipelines came to a miss."""

    looks: list[Look] = field(default_factory=list, compare=False)
    ends: list[Look] = field(default_factory=list, compare=False)

    def submit(self, stage: Any, job: Any) -> Look:
        found = Stored.look(self.workspace, job)
        samples = lacking(job) if found.outcome is None and stage.name == "generate" else 0
        self.looks.append(Look(stage.name, job.slot, found.outcome, found.why, len(getattr(job, "ids", ())), samples))
        return self.looks[-1]

    def result(self, future: Any) -> Outcome:
        if future.outcome is None:
            raise NotStored(future.why)
        outcome: Outcome = future.outcome
        return outcome

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> list[RangeSamples]:
        """Each pipeline to its end or its first miss, so that every range is counted."""
        found = [pipeline.looked_up() for pipeline in pipelines]
        misses = [one for one in found if not isinstance(one, RangeSamples)]
        self.ends.extend(misses)
        if misses:
            raise NotStored(self.ends[0].why)
        return found


def plan(config: RunConfig) -> Plan:
    """Walk the loop; UserError for whatever a run would refuse."""
    check_engine(config.engine)
    check_trackers(config)
    sets = load_sets(config.data)
    check_prompts(config, *sets.values())
    left_out = check_gold(sets, config.data, config.verify)
    sets["train"] = [problem for problem in sets["train"] if problem.id not in left_out]
    workspace = workspace_of(config)
    walk = Walk(config, workspace, sets)
    walk.loop()
    amounts = estimate(config, workspace, walk.work(), sets, walk.base)
    return Plan(config.run.name, workspace.store_url, tuple(walk.steps), len(left_out), amounts)


class Walk:
    """The loop of `flows.loop.em`, phase by phase, on a `PlannedRun`."""

    def __init__(self, config: RunConfig, workspace: Workspace, sets: dict[Split, list[Problem]]) -> None:
        self.config, self.workspace, self.sets = config, workspace, sets
        self.steps: list[Step] = []
        self.base = self._find_base()
        train, val, test = (ReadProblems.of(sets[split]) for split in ("train", "val", "test"))
        problems = ProblemSets(train, val, test)
        self.run = PlannedRun(config, workspace, problems, self.base or Policy("", ""))

    def loop(self) -> None:
        """Phases in the flow's order; one whose input is unknown is counted without looking."""
        policy, test = self.base, self.run.problems.test
        self._phase(0, "evaluate", lambda start: evaluate_policy(self.run, start, test, "base/test"), policy)
        for number in range(1, self.config.loop.iterations + 1):
            policy = self._iteration(number, policy)

    def work(self) -> Work:
        """What the steps add up to."""
        samples = {
            name: sum(step.samples for step in self.steps if step.phase == name)
            for name in ("E-step", "M-step", "evaluate")
        }
        trainings = sum(step.phase == "M-step" and not step.hits for step in self.steps)
        return Work(
            samples["E-step"], samples["M-step"] + samples["evaluate"], trainings, self.steps[0].state != "stored"
        )

    def _iteration(self, number: int, policy: Policy | None) -> Policy | None:
        run, slot = self.run, f"iteration-{number}"
        samples = self._phase(number, "E-step", lambda given: expectation(run, given, number), policy)
        dataset = self._phase(
            number,
            "materialize",
            lambda given: run.result(run.submit(materialize, dataset_job(run, given, number))),
            samples,
        )
        start = run.base if self.config.finetune.start == "base" else policy
        made = self._phase(
            number, "M-step", lambda given: maximization(run, start or run.base, given.ref, number), dataset
        )
        trained = made.policy if made else None
        self._phase(
            number, "evaluate", lambda given: evaluate_policy(run, given, run.problems.test, f"{slot}/test"), trained
        )
        return trained

    def _find_base(self) -> Policy | None:
        if self.config.model.base not in BUILTIN:
            policy = known_base(self.workspace, self.config.model)
            self._note_base(policy, "it is not on this machine yet and must be fetched")
            return policy
        job = BaseJob(self.workspace, self.config.model)
        found = self.workspace.look(job.recipe(), job.slot)
        manifest = found.manifest
        made = Policy(manifest.digest, self.workspace.store.uri(manifest.meta["path"])) if manifest else None
        self._note_base(made, found.why)
        return made

    def _note_base(self, policy: Policy | None, why: str) -> None:
        self.steps.append(Step(0, "base", "stored" if policy else "runs", "" if policy else why, int(bool(policy)), 0))

    def _phase(self, number: int, name: str, look: Callable[[Any], T], given: Any) -> T | None:
        """Look one phase up; None when its result is unknown, or already its input (`given` is None)."""
        if given is None:
            self.steps.append(Step(number, name, "runs", UNKNOWN_INPUT, 0, self.most_samples(name)))
            return None
        self.run.looks.clear()
        self.run.ends.clear()
        try:
            made, why = look(given), ""
        except NotStored as missing:
            made, why = None, str(missing)
        hits = sum(one.outcome is not None for one in self.run.looks)
        state = "stored" if made is not None else "runs in part" if hits else "runs"
        self.steps.append(Step(number, name, state, why, hits, self._samples(name) if made is None else 0))
        return made

    def _samples(self, name: str) -> int:
        """At most: what the looked-up selections lack, the later waves of their problems, and epochs not reached."""
        if name == "M-step" and not self.run.ends:
            return self.most_samples(name)
        drawn = sum(end.samples + end.problems * self._later_waves(end.slot) for end in self.run.ends)
        epochs = len({one.slot.split("/")[2] for one in self.run.looks if "/val/" in one.slot})
        return drawn + (self._val_samples(self.config.finetune.epochs - epochs) if name == "M-step" else 0)

    def _later_waves(self, slot: str) -> int:
        wave = re.search(r"/train/.*/wave-(\d+)/", slot)
        return sum(self.config.generate.waves[int(wave.group(1)) + 1 :]) if wave else 0

    def _val_samples(self, epochs: int) -> int:
        return epochs * self.config.evaluate.val_samples * len(self.sets["val"])

    def most_samples(self, phase: str) -> int:
        """Samples of a phase when nothing is stored and no problem drops out early."""
        settings = self.config.evaluate
        return {
            "E-step": sum(self.config.generate.waves) * len(self.sets["train"]),
            "M-step": self._val_samples(self.config.finetune.epochs),
            "evaluate": (settings.samples + settings.greedy) * len(self.sets["test"]),
        }.get(phase, 0)
