"""The evaluation of any policy as a flow."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.config import RunConfig
from flows.loop.evaluation import evaluate_policy
from flows.operation.boundary import deployed_config
from flows.operation.flow_run import RUNNER
from flows.operation.form import DEFAULTS, NOTHING, Common, ConfigName, config_from_form
from flows.operation.names import evaluation_name
from flows.run.fleet import executor_for
from flows.run.policies import policy_named
from flows.run.preflight import Checked, open_run
from flows.run.run import Journal
from tasks.domain.run_result import IterationResult
from tasks.report.keys import artifact_key
from tasks.report.tables import score_markdown
from tasks.store.slots import EVALUATE, Slot


@flow(
    name="evaluate", flow_run_name=evaluation_name, task_runner=RUNNER, persist_result=False, validate_parameters=False
)
def evaluate(
    policy: str = "base",
    start_from: ConfigName = DEFAULTS,
    common: Common = NOTHING,
    settings: tuple[str, ...] = (),
    config: RunConfig | None = None,
) -> Any:
    """Score one policy on the test problems: greedy pass@1, sampled pass@1, pass@k, maj@k, with intervals.

    Args:
        policy: base, latest (the promoted one), RUN/ITERATION (say demo/2), a model folder, an fsspec URL or a Hub id.
        start_from: A committed config (deployments/configs); what is changed below wins over it.
        common: What most people change.
        settings: Further settings as section.key=value, one a line; they win over everything.
        config: Every setting; a field left at its default follows start_from and, below that, the preset.
    """

    def work(checked: Checked, journal: Journal) -> None:
        with open_run(checked, executor_for(checked.config), journal) as run:
            named = policy_named(run, policy)
            score = evaluate_policy(run, named, run.problems.test, Slot(f"{EVALUATE}/{named.digest}"))
            row = IterationResult(0, named.digest, test=score)
            create_markdown_artifact(
                score_markdown(row, policy, run.config.model_dump(mode="json")),
                key=artifact_key("score", run.config.run.name, policy),
                description=f"{policy} on the test problems of {run.config.run.name}",
            )  # fmt: skip

    return deployed_config(lambda: config_from_form(start_from, config, settings, common), work)
