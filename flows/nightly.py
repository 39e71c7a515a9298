"""One night of self-training as a flow, which a schedule starts; with its form and its table of nights."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prefect import flow, runtime
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.states import Completed
from pydantic import ValidationError

from flows.config import RunConfig
from flows.loop.night import NightRun, night_config, one_night
from flows.loop.series import NightSettings, Series
from flows.operation.boundary import deployed_config
from flows.operation.flow_run import RUNNER
from flows.operation.form import DEFAULTS, NOTHING, Common, ConfigName, config_from_form
from flows.operation.names import night_name
from flows.operation.shown import publish_artifacts, show_config
from flows.run.fleet import executor_for
from flows.run.preflight import Checked
from flows.run.run import Journal
from flows.stored.policies import LATEST, Promoted, promoted
from tasks.domain.errors import UserError
from tasks.report.keys import artifact_key
from tasks.report.text import markdown_table, plain

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

    def work(checked: Checked, journal: Journal) -> Any:
        how = NightRun(executor_for(checked.config), journal, publish_artifacts, announce, show_config)
        ended = one_night(checked, chosen[0], how)
        publish_nights(Series(checked.workspace.store, checked.config.run.name))
        return Completed(name=ended.state, message=ended.message)

    return deployed_config(read, work, shows=False)


def night_settings(given: Any) -> NightSettings:
    """Return the settings with the night's name filled in; UserError for an invalid setting."""
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


def announce(series: str, made: Promoted) -> None:
    """Emit an event that automations pass on."""
    emit_event(
        PROMOTED_EVENT,
        resource={"prefect.resource.id": f"restem.series.{series}", "prefect.resource.name": series},
        payload={"series": series, "night": made.night, "policy": made.policy.digest, "gain": made.gain},
    )


def publish_nights(series: Series) -> None:
    """Publish all nights of the series as a table beside the flow run."""
    rows = [
        [one.night, one.status, plain(one.gain or one.message), f"{one.tokens:,}",
         one.sampled.digest[:8] if one.sampled else "base", one.policy[:8] or "-"]
        for one in series.all()[-60:]
    ]  # fmt: skip
    table = markdown_table(["night", "status", "gain on val", "tokens", "sampled", "trained"], rows)
    stands_at = promoted(series.store, series.name)
    now = (
        f"`{LATEST}` is {stands_at.policy.digest} of night {stands_at.night}"
        if stands_at
        else f"`{LATEST}` is the base"
    )
    create_markdown_artifact(
        f"# Nights of {plain(series.name)}\n\n{now}.\n\n{table}\n", key=artifact_key("nights", series.name)
    )
