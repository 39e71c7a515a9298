"""Examines whether the model and the data of a config fit each other, before anything is spent: `restem doctor CONFIG.toml`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flows.checks.model_check import asked
from flows.config import RunConfig
from flows.operation.doctor import Finding
from flows.run.preflight import check_prompts, named_base, with_chat_template, workspace_of
from tasks.base import BUILTIN
from tasks.data.problems import read_sets
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy, Problem
from tasks.engines.look.look import look

NOTHING = "nothing: the run takes care of it"


def examine_model(config: RunConfig) -> list[Finding]:
    """Return what a look at the base and at the run's own prompts finds. Nothing is fetched or written."""
    problems: list[Problem] = []
    findings = [_checked("data", lambda: _read(config, problems))]
    if config.model.base in BUILTIN:
        return [*findings, Finding("model", "ok", f"{config.model.base} is made by the run itself")]
    bases: list[Policy] = []
    findings.append(_checked("model", lambda: _base(config, bases)))
    if bases and problems:
        findings += _looked(config, bases[0], problems)
    return findings


def _read(config: RunConfig, problems: list[Problem]) -> str:
    loaded = read_sets(config.data)
    problems += [problem for one in loaded.values() for problem in one.problems]
    counts = ", ".join(f"{len(one.problems)} {split}" for split, one in loaded.items())
    return f"{counts} problems are read"


def _base(config: RunConfig, bases: list[Policy]) -> str:
    base = named_base(config, workspace_of(config), fetch=False)
    if base is None:
        raise UserError(f"{config.model.base} is not on this machine yet; start the run once, which fetches it")
    bases.append(base)
    return f"{config.model.base} is at {base.uri}"


def _looked(config: RunConfig, base: Policy, problems: list[Problem]) -> list[Finding]:
    try:
        config = with_chat_template(config, base)
        check_prompts(config, problems)
        notes = look(Path(base.uri), base, asked(config, problems), Path(config.run.scratch).absolute(), remember=False)
    except UserError as error:
        return [_fault("prompts", error)]
    told = [Finding("prompts", "note", note, NOTHING) for note in notes]
    return told or [Finding("prompts", "ok", "prompts and a worked solution come back from the tokenizer as they are")]


def _checked(part: str, look_at: Callable[[], str]) -> Finding:
    try:
        return Finding(part, "ok", look_at())
    except UserError as error:
        return _fault(part, error)


def _fault(part: str, error: UserError) -> Finding:
    """The errors of checks say what was found, and behind the last semicolon what to do."""
    found, mark, todo = str(error).rpartition("; ")
    return Finding(part, "fault", found if mark else todo, todo if mark else "correct it in the config")
