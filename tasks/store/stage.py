"""How a stage becomes a Prefect task: look in the store first, run with retries, return a reference.

The manifest is the only truth about "done", so Prefect's own result cache is off: a finished stage answers with a
`Completed(name="Cached")` state made from its manifest, and UI and store cannot disagree.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from tasks.domain.errors import StageFailed, UserError
from tasks.domain.settings import RetrySettings
from tasks.processes.guard import is_ending
from tasks.store.workspace import Outcome, log

Job = TypeVar("Job")


def worth_retrying(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Machines, networks and processes may recover; a user's mistake and a stage's own refusal will not."""
    if is_ending():  # cancelled: the failure is our own doing
        return False
    try:
        state.result(raise_on_failure=True)
    except (UserError, StageFailed):
        return False
    except BaseException:  # noqa: BLE001  boundary: every other failure of a task
        return True
    return False


def stage_task(stage: str) -> Callable[[Callable[[Job], Outcome]], Task[..., Outcome]]:
    """Decorator: `run(job) -> Outcome` as a Prefect task named after its stage. `job.slot` names the task run."""

    def wrap(run: Callable[[Job], Outcome]) -> Task[..., Outcome]:
        @functools.wraps(run)
        def run_stage(job: Job) -> Any:
            outcome = run(job)
            where = getattr(job, "slot", stage)
            if outcome.cached:
                return Completed(name="Cached", message=f"{where} is in the store: {outcome.ref.uri}", data=outcome)
            log.info("%s ran in %.1f s because: %s", where, outcome.seconds, outcome.why)
            return Completed(message=f"{outcome.ref.rows} rows; ran because: {outcome.why}", data=outcome)

        made: Any = task(
            name=stage,
            task_run_name="{job.slot}",
            cache_policy=NO_CACHE,
            persist_result=False,
            retry_condition_fn=worth_retrying,
        )(run_stage)
        return made

    return wrap


def with_retries(stage: Task[..., Outcome], settings: RetrySettings) -> Task[..., Outcome]:
    """The same task with the run's retries and exponential back-off."""
    if not settings.retries:
        return stage
    delays = exponential_backoff(backoff_factor=settings.delay_s)
    return stage.with_options(retries=settings.retries, retry_delay_seconds=delays)
