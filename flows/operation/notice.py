"""Tells a person about a failed run: where and why it failed, what is stored, how to go on and what that will cost."""

from __future__ import annotations

import logging
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flows.config import RunConfig
from flows.planning.plan import Plan, Step, plan
from flows.run.preflight import workspace_of
from flows.run.run import Failure
from flows.stored.viewer_address import run_address
from tasks.domain.errors import one_sentence
from tasks.report.text import without_password

log = logging.getLogger("restem")

LOG_LINES = 50
MOST_BYTES = 100_000  # of one artifact
LOGS_OF = {"finetune": ("train-*.log",), "generate": ("vllm-*.log", "hf-*.log"), "pretrain": ("pretrain*.log",)}
EVENT = "restem.run.failed"
SECRET = re.compile(r"(?i)\b([\w-]*(?:token|secret|password|api[_-]?key|authorization))(\s*[=:]\s*)(\S+)")


@dataclass(frozen=True)
class Where:
    """The machine that a flow run works on, and its page in the interface."""

    host: str
    link: str

    @classmethod
    def of(cls, flow_run_id: str) -> Where:
        from prefect.utilities.urls import url_for

        return cls(platform.node(), (url_for("flow-run", flow_run_id) or "") if flow_run_id else "")


@dataclass(frozen=True)
class Notice:
    """What is known about one failure, as plain values."""

    run: str
    stage: str
    slot: str
    where: Where
    sentence: str
    log_name: str
    log_tail: str
    stored: str
    go_on: str
    cost: str
    viewer: str = ""

    def to_markdown(self) -> str:
        """Return the artifact's text, at most `MOST_BYTES` long."""
        where = f"{self.stage} (`{self.slot}`)" if self.slot else self.stage
        log = (
            f"\n\nLast {LOG_LINES} lines of `{self.log_name}`:\n\n```text\n{self.log_tail}\n```"
            if self.log_tail
            else ""
        )
        page = f"* **Page:** {self.where.link}\n" if self.where.link else ""
        page += f"* **Samples and report:** {self.viewer}\n" if self.viewer else ""
        text = (
            f"# {self.run} failed in {where} on {self.where.host}\n\n**{_plain(self.sentence)}**\n\n"
            f"{page}* **Stored:** {self.stored}\n* **To go on:** {self.go_on}\n* **Cost of going on:** {self.cost}{log}\n"
        )
        return text.encode()[:MOST_BYTES].decode("utf-8", "ignore")


def notice_of(config: RunConfig | None, failure: Failure, flow_run_id: str) -> Notice:
    """Collect what is known; what cannot be found out is reported as unknown and never becomes a second failure."""
    sentence = without_secrets(one_sentence(failure.error))
    newest = _newest_log(config, failure.stage) if config else None
    left = _plan(config) if config else None
    return Notice(
        config.run.name if config else "the run", failure.stage, failure.slot, Where.of(flow_run_id), sentence,
        newest.name if newest else "", _tail(newest) if newest else "", _stored(left), _go_on(flow_run_id), _cost(left),
        run_address(config.run.store, config.run.name) if config else "",
    )  # fmt: skip


def without_secrets(text: str) -> str:
    """Replace passwords in addresses, and values whose names look like secrets, by stars."""
    return SECRET.sub(r"\1\2***", without_password(text))


def _plan(config: RunConfig) -> Plan | None:
    try:
        return plan(config)
    except Exception as error:  # noqa: BLE001  boundary: what failed is told, whatever state it left the inputs in
        log.warning("what is stored could not be found out: %s", one_sentence(error))
        return None


def _stored(left: Plan | None) -> str:
    if left is None:
        return "unknown: the store or the inputs cannot be read; what was committed stays"
    done = [_name(step) for step in left.steps if step.state == "stored"]
    part = [_name(step) for step in left.steps if step.state == "runs in part"]
    words = [f"{', '.join(done) or 'nothing whole'} in `{without_password(left.store)}`"]
    return "; ".join([*words, *([f"in part: {', '.join(part)}"] if part else [])])


def _name(step: Step) -> str:
    if step.iteration:
        return f"iteration {step.iteration} {step.phase}"
    return "the base" if step.phase == "base" else f"base {step.phase}"


def _go_on(flow_run_id: str) -> str:
    button = f"press **Retry** on the page of the run, or `prefect flow-run retry {flow_run_id}`" if flow_run_id else ""
    return button or "the same command again"


def _cost(left: Plan | None) -> str:
    if left is None:
        return "unknown"
    amounts = left.amounts
    time = timedelta(seconds=round(amounts.seconds))
    return (
        f"about {time} (h:mm:ss), at most {amounts.samples:,} samples and {amounts.tokens:,} tokens ({amounts.basis})"
    )


def _newest_log(config: RunConfig, stage: str) -> Path | None:
    patterns = LOGS_OF.get(stage, ("*.log",) if stage in ("verify", "opening") else ())
    logs = workspace_of(config).scratch_path / "logs" / config.run.name
    found = sorted((path for pattern in patterns for path in logs.glob(pattern)), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def _tail(path: Path) -> str:
    lines = path.read_bytes()[-256_000:].decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    return "\n".join(without_secrets(line) for line in _fenced(lines))


def _fenced(lines: list[str]) -> Iterator[str]:
    """Put a log between fences that no fence inside the log can end."""
    for line in lines:
        yield line.replace("```", "'''")


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#|])", r"\\\1", text)
