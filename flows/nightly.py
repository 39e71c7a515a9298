"""A night: sample from the promoted policy, train the base on what was accepted, and let val decide what comes of it.

The samples of a night are drawn under its date, so that every night adds fresh ones; the training data may reach back
some nights. The gate compares with the promoted policy on val samples that chose nothing. A night that was cut off is
one record with everything it stored: the next one goes on from there, or drops it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prefect import flow, runtime
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.states import Completed

from flows.config import RunConfig, config_with, make_config
from flows.loop.em import dataset_job
from flows.loop.evaluation import evaluate_policy
from flows.loop.expectation import expectation
from flows.loop.maximization import Maximized, maximization
from flows.loop.series import Budget, BudgetedRun, Night, NightSettings, Series, Verdict, gate
from flows.operation.boundary import deployed_config
from flows.operation.form import DEFAULTS, NOTHING, Common, ConfigName, config_from_form
from flows.operation.names import night_name
from flows.operation.shown import show_config
from flows.run.preflight import open_run, workspace_of
from flows.run.recorder import Record
from flows.run.run import Journal
from flows.self_train import RUNNER
from flows.stored.policies import LATEST, promote, promoted
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy
from tasks.materialize import materialize
from tasks.report.keys import artifact_key
from tasks.report.tables import markdown_table, plain

PROMOTED_EVENT = "restem.policy.promoted"
ANY_NIGHT = NightSettings()


@flow(name="nightly", flow_run_name=night_name, task_runner=RUNNER, persist_result=False, validate_parameters=False)
def nightly(
    start_from: ConfigName = DEFAULTS, common: Common = NOTHING, nights: NightSettings = ANY_NIGHT, settings: tuple[str, ...] = (),
    config: RunConfig | None = None,
) -> Any:  # fmt: skip
    """One night of self-training; the nights of one run name are a series.

    Args:
        start_from: A committed config (deployments/configs); what is changed below wins over it.
        common: What most people change.
        nights: History, gate and budget.
        settings: Further settings as section.key=value, one a line; they win over everything.
        config: Every setting; a field left at its default follows start_from and, below that, the preset.
    """
    chosen: list[NightSettings] = []

    def read() -> RunConfig:
        chosen.append(night_settings(nights))
        return night_config(config_from_form(start_from, config, settings, common))

    return deployed_config(read, lambda checked, journal: one_night(checked, chosen[0], journal), shows=False)


def night_settings(given: Any) -> NightSettings:
    """The settings, with the night's name filled in; UserError in one sentence."""
    from pydantic import ValidationError

    try:
        settings = given if isinstance(given, NightSettings) else NightSettings.model_validate(given or {})
        zone = ZoneInfo(settings.timezone)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"nights.{'.'.join(map(str, first['loc']))}: {first['msg']} (found {first['input']!r})"
        ) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UserError(
            f"nights.timezone {settings.timezone!r} is unknown; write it as Europe/Berlin or UTC"
        ) from error
    moment = runtime.flow_run.scheduled_start_time or datetime.now(UTC)
    return settings.model_copy(update={"night": settings.night or f"{moment.astimezone(zone):%Y-%m-%d}"})


def night_config(config: RunConfig) -> RunConfig:
    """The config as nights can use it; UserError for what they cannot."""
    if config.run.execution != "inline":
        raise UserError("run.execution is 'deployments', which cannot keep a night's budget; use inline for nights")
    if config.finetune.start != "base":
        raise UserError("finetune.start is 'previous', but a night trains from the base; set it to base")
    return config


def one_night(config: RunConfig, settings: NightSettings, journal: Journal) -> Any:
    """Begin or resume the night, work, and record how it ended."""
    store = workspace_of(config).store
    series = Series(store, config.run.name)
    if (stopped := series.stopped()) and not settings.go_on:
        message = f"the series was stopped by night {stopped.night} ({stopped.gain}); set nights.go_on to go on"
        return Completed(name="Stopped", message=message)
    stands_at = promoted(store, config.run.name)
    night = series.begin(settings.night, stands_at.policy if stands_at else Policy("", ""), settings)
    if not night.unfinished:
        return Completed(name="Cached", message=f"night {night.night} is done: {night.status} {night.gain}")
    try:
        ended = _work(config, settings, night, series, journal)
    except BaseException as error:
        series.put(replace(series.get(night.night) or night, status="failed", message=str(error)[:500]))
        raise
    publish(series)
    if ended.status == "budget":
        return Completed(name="BudgetReached", message=ended.message)
    return Completed(message=f"night {ended.night}: {ended.status}, {ended.gain}")


def _work(config: RunConfig, settings: NightSettings, night: Night, series: Series, journal: Journal) -> Night:
    tonight = {"run": {"name": f"{series.name}-{night.night}"}, "loop": {"draw": night.night, "iterations": 1}}
    journal.config = make_config(config_with(config.model_dump(mode="json"), tonight))
    show_config(journal.config)
    with open_run(journal.config, journal) as opened:
        run = BudgetedRun(opened.config, opened.workspace, opened.problems, opened.base, journal)
        run = replace(run, budget=Budget(settings, night.started, run))
        policy = night.sampled if night.sampled.digest else run.base
        with Record(run) as record:
            with record.iteration(0) as base:
                base.test = evaluate_policy(run, run.base, run.problems.test, "base/test")
            made: Maximized | None = None
            with record.iteration(1) as row:
                with row.phase("E-step"):
                    ranges = expectation(run, policy, 1)
                night = series.put(replace(night, ranges=tuple(ranges), tokens=_tokens(run)))
                known = {problem.id for problem in run.problems.train.all()}
                earlier = series.earlier_ranges(night, settings.history - 1)
                data = [*(one for one in earlier if known.issuperset(one.ids)), *ranges]
                if data and _budget(run).allows_training():
                    with row.phase("materialize"):
                        row.dataset = run.result(run.submit(materialize, dataset_job(run, data, 1)))
                    with row.phase("M-step"):
                        row.maximized = made = maximization(run, run.base, row.dataset.ref, 1)
                with row.phase("evaluate"):
                    row.test = evaluate_policy(
                        run, made.policy if made else policy, run.problems.test, "iteration-1/test"
                    )
            ended = _decided(run, settings, night, policy, made, series)
            record.finish()
            return ended


def _decided(
    run: BudgetedRun, settings: NightSettings, night: Night, policy: Policy, made: Maximized | None, series: Series
) -> Night:
    """The gate's word, and what becomes of it."""
    spent, verdict = _budget(run).spent(), None
    if made is not None:
        draw = f"gate-{night.night}"  # fresh samples: those of the M-step have chosen the epoch
        new = evaluate_policy(run, made.policy, run.problems.val, "iteration-1/gate/new", val=True, draw=draw)
        old = evaluate_policy(run, policy, run.problems.val, "iteration-1/gate/promoted", val=True, draw=draw)
        verdict = gate(new, old, settings, run.config.evaluate.bootstrap)
        if verdict.decision == "promote":
            _promote(run, series, night, made.policy, verdict)
    status = {"promote": "promoted", "hold": "held", "stop": "stopped"}[verdict.decision] if verdict else "held"
    gain = verdict.sentence if verdict else "nothing was trained"
    message = f"the budget was reached ({spent}); {gain}" if spent else ""
    return series.put(
        replace(
            night, status="budget" if spent and status != "stopped" else status, policy=made.policy.digest if made else "",
            gain=gain, message=message, tokens=_tokens(run), ended=time.time(),
        )
    )  # fmt: skip


def _promote(run: BudgetedRun, series: Series, night: Night, policy: Policy, verdict: Verdict) -> None:
    promote(run.workspace.store, series.name, policy, night.night, verdict.sentence)
    emit_event(
        PROMOTED_EVENT,
        resource={"prefect.resource.id": f"restem.series.{series.name}", "prefect.resource.name": series.name},
        payload={"series": series.name, "night": night.night, "policy": policy.digest, "gain": verdict.sentence},
    )


def _budget(run: BudgetedRun) -> Budget:
    assert run.budget is not None
    return run.budget


def _tokens(run: BudgetedRun) -> int:
    return _budget(run).tokens


def publish(series: Series) -> None:
    """All nights of the series as a table beside the flow run."""
    rows = [
        [one.night, one.status, plain(one.gain or one.message), f"{one.tokens:,}", one.sampled.digest[:8] or "base", one.policy[:8] or "-"]
        for one in series.all()[-60:]
    ]  # fmt: skip
    table = markdown_table(["night", "status", "gain on val", "tokens", "sampled", "trained"], rows)
    stands_at = promoted(series.store, series.name)
    now = (
        f"`{LATEST}` is {stands_at.policy_digest} of night {stands_at.night}"
        if stands_at
        else f"`{LATEST}` is the base"
    )
    create_markdown_artifact(
        f"# Nights of {plain(series.name)}\n\n{now}.\n\n{table}\n", key=artifact_key("nights", series.name)
    )
