"""One stage of one iteration of a run again: alone, or with everything that hangs on it.

What the stage needs is looked up, never made: a missing input is refused with the name of the stage that makes it. A
result that is stored already is set aside first and put back should the rerun fail. Stages behind it run only if the
content came out different, because their keys use content digests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.config import RunConfig, config_with, make_config
from flows.loop.em import dataset_job, em_loop
from flows.loop.evaluation import evaluate_policy
from flows.loop.expectation import expectation
from flows.loop.maximization import finetune_job, maximization
from flows.operation.boundary import deployed_config
from flows.operation.form import store_at_hand
from flows.operation.names import stage_name
from flows.run.preflight import open_run
from flows.run.run import Journal, Pipeline, Run, Stored
from flows.self_train import RUNNER
from flows.stored.policies import policy_of
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy
from tasks.finetune import finetune
from tasks.materialize import materialize
from tasks.report.keys import artifact_key
from tasks.report.tables import markdown_table, plain
from tasks.store.artifacts import key_of
from tasks.store.ranges import RangeSamples
from tasks.store.workspace import Outcome

StageName = Literal["generate", "verify", "materialize", "finetune", "evaluate"]
MAKER = {"verify": "generate", "materialize": "verify", "finetune": "materialize", "evaluate": "finetune"}


@flow(
    name="stage", flow_run_name=stage_name, task_runner=RUNNER, persist_result=False,
    validate_parameters=False,
)  # fmt: skip
def stage(
    run: str,
    stage: StageName = "verify",
    iteration: int = 1,
    downstream: bool = False,
    if_stored: Literal["again", "keep"] = "again",
    draw: str = "",
    store: str = "",
) -> Any:
    """Run one stage of one iteration of a stored run again.

    Args:
        run: Name of the run, as in runs/ of the store.
        stage: The stage to run.
        iteration: Its iteration, from 1; 0 is the evaluation of the base.
        downstream: Afterwards go through the rest of the loop; stages whose inputs came out the same stay as they are.
        if_stored: again does the stage anew even though its result is stored; keep does only what is missing.
        draw: generate only. A new name (a date, a number) asks for fresh samples; empty keeps the run's own draw.
        store: Folder or s3://bucket/prefix; empty is the worker's RESTEM_STORE, else .restem/store.
    """

    def read() -> RunConfig:
        return stored_config(run, store, draw, stage, iteration)

    def work(config: RunConfig, journal: Journal) -> None:
        with open_run(config, journal) as opened:
            rerun = StageRun.of(opened, stage, iteration, again=if_stored == "again")
            rerun.whole()
            publish(rerun)
            if downstream:
                em_loop(opened)

    return deployed_config(read, work)


def stored_config(run: str, store_url: str, draw: str, stage: str, iteration: int) -> RunConfig:
    """The config that a stored run was made with; UserError when there is no such run, stage or iteration."""
    store = store_at_hand(store_url)
    tree = store.read_json(f"runs/{run}/config.json") if run else None
    if tree is None:
        known = ", ".join(store.listdir("runs")) or "none"
        raise UserError(f"there is no run {run!r} in {store.root_url!r}; runs there: {known}")
    if draw and stage != "generate":
        raise UserError(f"draw {draw!r} asks for fresh samples, which stage {stage!r} does not draw; choose generate")
    config = make_config(
        config_with(tree, {"run": {"store": store.root_url}}, {"loop": {"draw": draw}} if draw else {})
    )
    if not (stage == "evaluate") <= iteration <= config.loop.iterations and not (
        stage == "evaluate" and iteration == 0
    ):
        raise UserError(
            f"run {run!r} has iterations 1 to {config.loop.iterations} (0: evaluation of the base); iteration {iteration} "
            f"has no stage {stage!r}"
        )
    return config


@dataclass(frozen=True)
class Rerun:
    """One task run of the stage: the digest before (None: it was not stored) and its outcome."""

    slot: str
    before: str | None
    outcome: Outcome


@dataclass(frozen=True)
class StageRun(Run):
    """A run in which only `stage` of `iteration` really runs; everything else is looked up."""

    stage: str = ""
    iteration: int = 0
    again: bool = True
    aside: dict[str, tuple[str, bytes, str]] = field(default_factory=dict, compare=False)
    reruns: list[Rerun] = field(default_factory=list, compare=False)
    misses: list[Stored] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, run: Run, stage: str, iteration: int, *, again: bool) -> StageRun:
        return cls(run.config, run.workspace, run.problems, run.base, run.journal, stage, iteration, again)

    @property
    def slot(self) -> str:
        return f"iteration-{self.iteration}" if self.iteration else "base"

    def whole(self) -> None:
        """Run the stage. Results that were set aside come back when it fails."""
        try:
            getattr(self, f"_{self.stage}")()
        finally:
            for path, manifest, _ in self.aside.values():
                self.workspace.store.put_if_absent(path, manifest)
                self.workspace.store.delete(f"{path}.before")

    # -- the stages

    def _generate(self) -> list[RangeSamples | None]:
        return list(expectation(self, self._sampled(), self.iteration))

    def _verify(self) -> None:
        self._generate()

    def _materialize(self) -> Outcome:
        ranges = self._generate()
        if None in ranges:
            raise self._missing("verify")
        return self.result(self.submit(materialize, dataset_job(self, [one for one in ranges if one], self.iteration)))

    def _finetune(self) -> Outcome:
        start = self.base if self.config.finetune.start == "base" else self._sampled()
        dataset = self._materialize().ref
        return self.result(self.submit(finetune, finetune_job(self, start, dataset, self.iteration)))

    def _evaluate(self) -> None:
        evaluate_policy(self, self._trained(), self.problems.test, f"{self.slot}/test")

    def _sampled(self) -> Policy:
        """The policy that this iteration samples from."""
        if self.iteration == 1:
            return self.base
        return policy_of(self.workspace.store, self.workspace.run, self.iteration - 1)

    def _trained(self) -> Policy:
        """The policy that this iteration trained; its epochs are scored on val if that is missing."""
        if not self.iteration:
            return self.base
        start = self.base if self.config.finetune.start == "base" else self._sampled()
        return maximization(self, start, self._materialize().ref, self.iteration).policy

    # -- what runs and what is looked up

    def _covers(self, stage: str, slot: str) -> bool:
        if self.stage == "evaluate":
            return slot.startswith((f"{self.slot}/val/", f"{self.slot}/test/"))
        return stage == self.stage and slot.startswith((f"{self.slot}/train/", f"{self.slot}/{stage}"))

    def submit(self, stage: Any, job: Any) -> Any:
        stored = Stored.look(self.workspace, job)
        if not self._covers(stage.name, job.slot):
            return stored
        if self.again and stored.outcome and stage.name == self.stage:
            self._set_aside(job, stored.outcome.ref.digest)
        return super().submit(stage, job)

    def result(self, future: Any) -> Outcome:
        if isinstance(future, Stored):
            if future.outcome is None:
                raise self._missing(MAKER.get(self.stage, "generate"), future)
            return future.outcome
        slot = self.journal.submitted.get(id(future), ("", ""))[1]
        outcome = super().result(future)
        if not outcome.cached:
            self.reruns.append(Rerun(slot, self.aside[slot][2] if slot in self.aside else None, outcome))
        return outcome

    def drive(self, pipelines: Iterable[Pipeline], in_flight: int) -> Any:
        """Each pipeline as far as its inputs are stored; None for one that could not be finished."""
        done = super().drive([self._as_far_as_stored(one) for one in pipelines], in_flight)
        first = [one for one in self.misses if "/wave-0/" in one.slot]
        if first and self.stage != "generate":
            raise self._missing(MAKER.get(self.stage, "generate"), first[0])
        return done

    def _as_far_as_stored(self, pipeline: Pipeline) -> Any:
        try:
            future = next(pipeline)
            while not (isinstance(future, Stored) and future.outcome is None):
                outcome = yield future
                future = pipeline.send(outcome)
        except StopIteration as end:
            return end.value
        self.misses.append(future)
        pipeline.close()
        return None

    def _set_aside(self, job: Any, digest: str) -> None:
        recipe, store = job.recipe(), self.workspace.store
        path = f"{recipe['stage']}/{key_of(recipe)}/manifest.json"
        manifest = store.read_bytes(path)
        store.write_bytes(f"{path}.before", manifest)
        self.aside[job.slot] = (path, manifest, digest)
        store.delete(path)

    def _missing(self, maker: str, found: Stored | None = None) -> UserError:
        where = f" ({found.slot}: {found.why})" if found else ""
        return UserError(
            f"{self.stage} of iteration {self.iteration} of run {self.workspace.run!r} needs results of {maker} that are not "
            f"in the store{where}; run {maker} first, or the whole run"
        )


def publish(rerun: StageRun) -> None:
    """What was done again, and whether it came out different, beside the flow run."""
    rows = [
        [plain(one.slot), one.before or "-", one.outcome.ref.digest, _verdict(one), str(one.outcome.ref.rows), f"{one.outcome.seconds:.1f}"]
        for one in rerun.reruns
    ]  # fmt: skip
    table = markdown_table(["task run", "digest before", "digest now", "", "rows", "seconds"], rows)
    text = table if rows else "Everything was in the store; nothing ran."
    ends = len(rerun.misses)
    later = f"\n\n{ends} ranges end there: what comes next hangs on results that are not stored yet." if ends else ""
    key = artifact_key("stage", rerun.workspace.run, rerun.stage, str(rerun.iteration))
    create_markdown_artifact(text + later, key=key, description=f"{rerun.stage}, iteration {rerun.iteration}")


def _verdict(one: Rerun) -> str:
    return "first time" if one.before is None else "the same" if one.before == one.outcome.ref.digest else "changed"
