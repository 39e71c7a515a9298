"""Names flow runs after what they work on, so that a person finds them in the interface. A name that a person typed is kept."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from coolname.data import config as generated
from prefect import runtime
from pydantic import BaseModel

from flows.operation.form import DEFAULTS
from flows.operation.server.interface import AUTOMATIC

TWO_WORDS = re.compile(r"([a-z]+)-([a-z]+)")


def run_name() -> str:
    """Return the name of the run, if the form holds one."""
    return _typed() or _run(runtime.flow_run.parameters)


def night_name() -> str:
    """Return the name of the series with the night's date, which is also the name of the night's record."""
    given = runtime.flow_run.parameters
    return _typed() or f"{_run(given)}-{_night(given.get('nights'))}"


def stage_name() -> str:
    """Return run, stage and iteration as one name."""
    given = runtime.flow_run.parameters
    return _typed() or f"{given.get('run')}: {given.get('stage')} {given.get('iteration')}"


def evaluation_name() -> str:
    """Return the name of the policy and of the run whose problems it is scored on."""
    given = runtime.flow_run.parameters
    return _typed() or f"{_run(given)}: evaluate {given.get('policy')}"


def comparison_name() -> str:
    """Return the name of the comparison's config, with the arm if only one is run."""
    given = runtime.flow_run.parameters
    only = f": {given['only']}" if given.get("only") else ""
    return _typed() or f"{given.get('start_from')}{only}"


def is_generated(name: str) -> bool:
    """Return whether Prefect made up the name (two words of its lists) or the form filled it in."""
    if name == AUTOMATIC:
        return True
    words = TWO_WORDS.fullmatch(name)
    return words is not None and set(words.groups()) <= _vocabulary()


def _typed() -> str:
    now = str(runtime.flow_run.name or "")
    return "" if is_generated(now) else now


def _run(given: dict[str, Any]) -> str:
    for setting in given.get("settings") or ():
        if str(setting).replace(" ", "").startswith("run.name="):
            return str(setting).partition("=")[2].strip().strip("\"'")
    if common := _plain(given.get("common")).get("name"):
        return str(common)
    section = _plain(given.get("config")).get("run", {})
    named = section.get("name", "run") if isinstance(section, dict) else "run"
    start = given.get("start_from", DEFAULTS)
    return str(start) if named == "run" and start != DEFAULTS else str(named)


def _night(given: Any) -> str:
    plain = _plain(given)
    if plain.get("night"):
        return str(plain["night"])
    moment = runtime.flow_run.scheduled_start_time or datetime.now(UTC)
    try:
        zone = ZoneInfo(plain.get("timezone") or "UTC")
    except (OSError, ValueError, KeyError):  # the form's own check refuses it with a sentence
        zone = ZoneInfo("UTC")
    return f"{moment.astimezone(zone):%Y-%m-%d}"


def _plain(form: Any) -> dict[str, Any]:
    """Return what the form sent as a dictionary; anything else is refused later, with a sentence."""
    sent = form.model_dump() if isinstance(form, BaseModel) else form
    return sent if isinstance(sent, dict) else {}


@functools.cache
def _vocabulary() -> frozenset[str]:
    lists: list[dict[str, Any]] = [dict(one) for one in generated.values()]  # type: ignore[call-overload]
    words = {str(word) for one in lists if one["type"] == "words" for word in one["words"]}
    return frozenset(words | {str(one["value"]) for one in lists if one["type"] == "const"})
