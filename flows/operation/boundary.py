"""The boundary of a deployed flow run: one sentence instead of a traceback, a notice, and no orphan left behind."""

from __future__ import annotations

import faulthandler
import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.exceptions import FailedRun, TerminationSignal
from prefect.states import Crashed, Failed

from flows.config import RunConfig
from flows.operation.device import device
from flows.operation.form import validate
from flows.operation.notice import EVENT, Notice, Where, notice_of
from flows.operation.parent import watch_parent
from flows.operation.processes import label_this_process
from flows.operation.server_away import ask_again
from flows.operation.shown import show_config
from flows.run.fleet import cancel_jobs
from flows.run.preflight import Checked, preflight
from flows.run.run import Failure, Journal
from tasks.domain.errors import RestemError, one_sentence
from tasks.processes.ending import ending_at_once
from tasks.report.keys import artifact_key
from tasks.store.workspace import Workspace, code_commit

Work = Callable[[Checked, Journal], Any]
log = logging.getLogger("restem")

BEGUN = "everything is checked; the work begins after %.1f s of CPU"


def deployed_config(read: Callable[[], RunConfig], work: Work, *, shows: bool = True) -> Any:
    """Read and validate the config, then call `work(checked, journal)`; a failure becomes a `Failed` state with one sentence.

    `shows` means that the config that was read is the one that runs; it becomes the first artifact.
    """
    guard_this_run()
    passed: list[Checked] = []
    validated = validate(lambda: passed.append(preflight(read())), return_state=True)
    if validated.is_failed():
        return _refused(str(validated.message))
    (checked,) = passed
    config = checked.config
    journal = Journal()
    try:
        note_commit(checked.workspace)
        if shows:
            show_config(config)
        log.info(BEGUN, time.process_time())
        with ending_at_once(), device(config.run.execution):
            return work(checked, journal)
    except RestemError as error:
        return failed(journal.config or config, journal.failure or Failure("opening", "", error))
    except Exception as error:  # a defect: told like any failure, but it keeps its traceback
        failed(journal.config or config, journal.failure or Failure("a defect", "", error))
        raise
    except TerminationSignal:
        if journal.jobs:
            cancel_jobs(journal)
        raise


def guard_this_run() -> None:
    """Report our own errors in one sentence, also in the log, and end this run when its worker is killed.

    A run that stands still can be asked where: SIGUSR1 makes it write the stacks of all its threads to its worker's log.
    """
    faulthandler.register(signal.SIGUSR1)
    log.setLevel(logging.INFO)  # why each stage ran, in the run's log
    for name in ("prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(without_our_traceback)
    flow_run = runtime.flow_run.id
    if flow_run and runtime.deployment.id:
        ask_again()
        label_this_process(flow_run)
        watch_parent(lambda: _report_crash(flow_run))


def without_our_traceback(record: logging.LogRecord) -> bool:
    """Drop the traceback that Prefect logs for each of our errors: their sentence says everything, and `Failed` states are told."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, FailedRun):
        return False
    if isinstance(error, RestemError):
        record.msg, record.args = f"{type(error).__name__}: {one_sentence(error)}", ()
    if error is None or isinstance(error, RestemError):
        record.exc_info = record.exc_text = None
    return True


def note_commit(workspace: Workspace) -> None:
    """Log that the code has changed since this run was last started, as it has in a retry after a deploy."""
    store, path = workspace.store, workspace.places.commit
    before, now = (store.read_json(path) or {}).get("commit"), code_commit()
    if before not in (None, now):
        log.warning("the code changed since run %s was last started: %s -> %s", workspace.run, before, now)
    if before != now:
        store.write_json(path, {"commit": now})


def failed(config: RunConfig, failure: Failure) -> Any:
    """Send the notice and return the failed state of this flow run."""
    notice = notice_of(config, failure, str(runtime.flow_run.id or ""))
    log.error("%s failed: %s", notice.stage, notice.sentence)
    publish(notice)
    return Failed(message=f"{notice.stage}: {notice.sentence}")


def publish(notice: Notice) -> None:
    """Publish the notice as an artifact beside the run and as an event that automations pass on."""
    with suppress(Exception):  # the run's own failure must not be hidden by a server that does not answer
        create_markdown_artifact(
            notice.to_markdown(), key=artifact_key("failure", notice.run), description=notice.sentence
        )
        emit_event(
            EVENT,
            resource={"prefect.resource.id": f"restem.run.{notice.run}", "prefect.resource.name": notice.run},
            payload={"run": notice.run, "stage": notice.stage, "notice": notice.to_markdown()},
        )


def _refused(sentence: str) -> Any:
    log.error("refused: %s", sentence)
    where = Where.of(str(runtime.flow_run.id or ""))
    go_on = "correct the input and run it again"
    publish(
        Notice(
            str(runtime.flow_run.name),
            "validate",
            "",
            where,
            sentence,
            "",
            "",
            "nothing was started",
            go_on,
            "nothing yet",
        )
    )
    return Failed(message=sentence)


def _report_crash(flow_run_id: str) -> None:
    """Report this run as crashed, because its worker can no longer say how it ended."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(
            flow_run_id,
            Crashed(message="The worker that ran this was killed; Retry goes on from what is stored."),
            force=True,
        )
