"""Runs stages as Prefect tasks of this flow run, named after their slot, with the run's retries, shown as Cached if stored.

The manifest is the only truth about "done", so Prefect's own result cache is off: a finished stage answers with a
`Completed(name="Cached")` state made from its manifest, and UI and store cannot disagree.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff
from prefect.utilities.annotations import quote

from flows.run.draws import RangeWork
from flows.run.makers import Makers
from flows.run.run import Stages
from flows.run.waves import walk
from tasks.domain.errors import StageFailed, UserError
from tasks.domain.schema import Policy
from tasks.domain.settings import RetrySettings
from tasks.processes.guard import is_ending
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Job, Stage
from tasks.store.workspace import Outcome, log


class Inline:
    """The executor of a run that does everything in its own flow run."""

    keeps_going = False

    def __init__(self) -> None:
        self.makers = Makers()

    def in_flight(self, stages: Stages, ranges: int) -> int:
        return stages.config.generate.ranges_in_flight

    def base(self, stages: Stages, base: Policy) -> Policy:
        return base

    def stage(self, stages: Stages, stage: Stage, job: Job) -> Outcome:
        future = with_retries(as_task(stage), stages.config.retry).submit(quote(job), wait_for=self.makers.of(job))
        outcome: Outcome = future.result()
        self.makers.note(stage.name, future, outcome, stages.workspace.store)
        return outcome

    def range(self, stages: Stages, work: RangeWork, going: Callable[[], bool]) -> RangeSamples:
        return walk(stages, work, going)


def worth_retrying(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Return whether a retry can help: machines, networks and processes may recover, but a user's mistake and a stage's own
    refusal stay."""
    if is_ending():  # cancelled: the failure is our own doing
        return False
    try:
        state.result(raise_on_failure=True)
    except (UserError, StageFailed):
        return False
    except BaseException:  # noqa: BLE001  boundary: every other failure of a task
        return True
    return False


@functools.lru_cache(maxsize=32)
def as_task(stage: Stage) -> Task[..., Outcome]:
    """Return the stage as a Prefect task of its name; a job's `slot` names its task run."""

    @functools.wraps(stage.run)
    def run_stage(job: Job) -> Any:
        outcome = stage.run(job)
        if outcome.cached:
            return Completed(name="Cached", message=f"{job.slot} is in the store: {outcome.ref.uri}", data=outcome)
        log.info("%s ran in %.1f s because: %s", job.slot, outcome.seconds, outcome.why)
        return Completed(message=f"{outcome.ref.rows} rows; ran because: {outcome.why}", data=outcome)

    made: Any = task(
        name=stage.name, task_run_name="{job.slot}", cache_policy=NO_CACHE, persist_result=False,
        retry_condition_fn=worth_retrying,
    )(run_stage)  # fmt: skip
    return made


def with_retries(stage: Task[..., Any], settings: RetrySettings) -> Task[..., Any]:
    """Return the same task with the run's retries and exponential back-off."""
    if not settings.retries:
        return stage
    delays = exponential_backoff(backoff_factor=settings.delay_s)
    return stage.with_options(retries=settings.retries, retry_delay_seconds=delays)
