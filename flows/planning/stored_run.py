"""A run of which everything is stored: its result and report are made again from the store, without Prefect, engine or task runs."""

from __future__ import annotations

from flows.loop.em import em_loop
from flows.planning.plan import plan_of
from flows.run.lookup import Lookup
from flows.run.preflight import Checked, open_run
from flows.run.recorder import Recorder
from flows.run.run import NotStored
from tasks.domain.run_result import RunResult
from tasks.store.workspace import log


def stored_run(checked: Checked) -> RunResult | None:
    """Return the result of the run, recorded as after any other; None where some of it is not in the store."""
    if not plan_of(checked).all_stored:
        return None
    try:
        with open_run(checked, Lookup(notes=True)) as run, Recorder(run, between=False) as record:
            return em_loop(run, record)
    except NotStored as gone:  # removed since it was planned
        log.info("%s is no longer stored: %s", gone.slot, gone.why)
        return None
