"""Publishes the config that a run really uses (form, config file, preset and settings merged) as its first artifact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from prefect.artifacts import create_markdown_artifact

from flows.config import RunConfig
from flows.operation.form import differences
from flows.stored.viewer_address import address_of
from tasks.domain.run_result import RunResult
from tasks.report.keys import artifact_key
from tasks.report.publish import artifacts_of
from tasks.report.text import plain, without_password


def publish_artifacts(result: RunResult, address: str = "") -> None:
    """Create the run's artifacts; each call adds a version. `address` is where report.html lies.

    Call it inside a flow or task run: the artifacts then show beside it.
    """
    for shown in artifacts_of(result, address, address_of(result)):
        create_markdown_artifact(shown.markdown, key=shown.key, description=shown.description)


def show_config(config: RunConfig) -> None:
    """Create the artifact `config-RUN`; the Parameters tab shows only what the form sent."""
    create_markdown_artifact(
        config_markdown(config), key=artifact_key("config", config.run.name),
        description=f"What run {config.run.name} runs with, and what of it differs from the defaults",
    )  # fmt: skip


def config_markdown(config: RunConfig) -> str:
    """Return the settings that differ from the defaults, one a line as *settings* takes them, and below them every setting."""
    different = without_password("\n".join(_lines(differences(config))) or "nothing")
    whole = without_password(json.dumps(config.model_dump(mode="json"), indent=1, ensure_ascii=False))
    return (
        f"# What {plain(config.run.name)} runs with\n\nDifferent from the defaults:\n\n{_fenced(different)}\n\n"
        f"All of it:\n\n{_fenced(whole)}\n"
    )


def _lines(tree: dict[str, Any], where: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _lines(value, f"{where}{name}.")
        else:
            yield f"{where}{name} = {json.dumps(value, ensure_ascii=False)}"


def _fenced(text: str) -> str:
    return "```text\n" + text.replace("```", "'''") + "\n```"
