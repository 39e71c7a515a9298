"""Self-training as a flow, started from the interface by a form, or by `restem run` with a config that has been checked."""

from __future__ import annotations

from typing import Any

from prefect import flow, tags
from prefect.states import Completed

from flows.config import RunConfig
from flows.loop.em import em_loop
from flows.operation.boundary import deployed_config
from flows.operation.flow_run import RUNNER
from flows.operation.form import DEFAULTS, NOTHING, Common, ConfigName, config_from_form
from flows.operation.names import run_name
from flows.operation.our_runs import OURS
from flows.operation.shown import publish_artifacts
from flows.run.fleet import executor_for
from flows.run.preflight import Checked, open_run
from flows.run.recorder import Recorder
from flows.run.run import Journal
from tasks.domain.run_result import RunResult
from tasks.report.tables import headline


@flow(name="self-train", flow_run_name=run_name, task_runner=RUNNER, persist_result=False, validate_parameters=False)
def self_train(
    start_from: ConfigName = DEFAULTS, common: Common = NOTHING, settings: tuple[str, ...] = (), config: RunConfig | None = None
) -> Any:  # fmt: skip
    """Sample, check, keep what is correct, train the base on it, evaluate, again (ReST-EM).

    Args:
        start_from: A committed config (deployments/configs); what is changed below wins over it.
        common: What most people change.
        settings: Further settings as section.key=value, one a line; they win over everything.
        config: Every setting; a field left at its default follows start_from and, below that, the preset.
    """

    def work(checked: Checked, journal: Journal) -> Any:
        return Completed(message=headline(whole_loop(checked, journal)))

    return deployed_config(lambda: config_from_form(start_from, config, settings, common), work)


def run_here(checked: Checked) -> RunResult:
    """Return the same loop as a flow of this process, whose failures are raised to the caller."""

    @flow(name="run", flow_run_name=checked.config.run.name, task_runner=RUNNER, persist_result=False)
    def run(config: RunConfig) -> RunResult:
        """Run the EM loop of `config`; results that are in the store already are used, not made again."""
        return whole_loop(checked, Journal())

    with tags(OURS):
        return run(checked.config)


def whole_loop(checked: Checked, journal: Journal) -> RunResult:
    """Run the whole loop; results that are in the store already are used, not made again."""
    with (
        open_run(checked, executor_for(checked.config), journal) as opened,
        Recorder(opened, publish_artifacts) as record,
    ):
        return em_loop(opened, record)
