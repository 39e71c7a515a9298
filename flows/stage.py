"""Runs one stage of one iteration again: alone, or with all stages that depend on it.

The inputs of the stage are looked up, never made: a missing input is refused with the name of the stage that makes it. A
result that is stored already is set aside first, and put back if the rerun fails. Later stages run only if the content came
out different, because their keys use content digests. The fleet does the stages of a run on a fleet.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.config import RunConfig, config_with, make_config
from flows.loop.em import em_loop
from flows.loop.rerun import rerun_stage
from flows.operation.boundary import deployed_config
from flows.operation.flow_run import RUNNER
from flows.operation.form import store_at_hand
from flows.operation.names import stage_name
from flows.operation.shown import publish_artifacts
from flows.run.fleet import executor_for
from flows.run.only_stage import OnlyStage, Rerun, StageName
from flows.run.preflight import Checked, open_run
from flows.run.recorder import Recorder
from flows.run.run import Journal
from flows.stored.runs import run_names, stored_tree
from tasks.domain.errors import UserError
from tasks.report.keys import artifact_key
from tasks.report.text import markdown_table, plain
from tasks.store.slots import Slot


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
        run: Name of the run, as `restem ls` lists it.
        stage: The stage to run.
        iteration: Its iteration, from 1; 0 is the evaluation of the base.
        downstream: Afterwards go through the rest of the loop; stages whose inputs came out the same stay as they are.
        if_stored: again does the stage anew even though its result is stored; keep does only what is missing.
        draw: generate only. A new name (a date, a number) asks for fresh samples; empty keeps the run's own draw.
        store: Folder or s3://bucket/prefix; empty is the worker's RESTEM_STORE, else .restem/store.
    """

    def read() -> RunConfig:
        return stored_config(run, store, draw, stage, iteration)

    def work(checked: Checked, journal: Journal) -> None:
        executor = executor_for(checked.config)
        with open_run(checked, executor, journal) as opened:
            only = OnlyStage(stage, iteration, executor, again=if_stored == "again")
            rerun_stage(opened, only)
            publish_reruns(opened.workspace.run, only)
            if downstream:
                with Recorder(opened, publish_artifacts) as record:
                    em_loop(opened, record)

    return deployed_config(read, work)


def stored_config(run: str, store_url: str, draw: str, stage: StageName, iteration: int) -> RunConfig:
    """Return the config that a stored run was made with; UserError when there is no such run, stage or iteration."""
    store = store_at_hand(store_url)
    tree = stored_tree(store, run)
    if tree is None:
        known = ", ".join(run_names(store)) or "none"
        raise UserError(f"there is no run {run!r} in {store.root_url!r}; runs there: {known}")
    if draw and stage != "generate":
        raise UserError(f"draw {draw!r} asks for fresh samples, which stage {stage!r} does not draw; choose generate")
    config = make_config(
        config_with(tree, {"run": {"store": store.root_url}}, {"loop": {"draw": draw}} if draw else {})
    )
    first = 0 if stage == "evaluate" else 1
    if not first <= iteration <= config.loop.iterations:
        raise UserError(
            f"run {run!r} has iterations 1 to {config.loop.iterations} (0: evaluation of the base); iteration {iteration} "
            f"has no stage {stage!r}"
        )
    return config


def publish_reruns(run: str, only: OnlyStage) -> None:
    """Publish beside the flow run what was done again, and whether it came out different."""
    rows = [
        [plain(one.slot), one.before or "-", one.outcome.ref.digest, _word(one), str(one.outcome.ref.rows), f"{one.outcome.seconds:.1f}"]
        for one in only.reruns
    ]  # fmt: skip
    table = markdown_table(["task run", "digest before", "digest now", "", "rows", "seconds"], rows)
    text = table if rows else "Everything was in the store; nothing ran."
    ends = sum(Slot.parse(miss.job.slot).range is not None for miss in only.misses)
    later = f"\n\n{ends} ranges end there: what comes next hangs on results that are not stored yet." if ends else ""
    key = artifact_key("stage", run, only.stage_name, str(only.iteration))
    create_markdown_artifact(text + later, key=key, description=f"{only.stage_name}, iteration {only.iteration}")


def _word(one: Rerun) -> str:
    return "first time" if one.before is None else "the same" if one.before == one.outcome.ref.digest else "changed"
