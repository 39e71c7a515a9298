"""Checks a base model that a person brought with this run's own prompts; validate, plan, run and the form share the check."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from flows.config import RunConfig
from tasks.domain.chat_template import template_of
from tasks.domain.schema import Policy, Problem
from tasks.engines.look.asked import Asked
from tasks.engines.look.look import look
from tasks.engines.sampling.choose import kind_at_hand
from tasks.engines.sampling.vllm_process import runs_on_cpu
from tasks.store.workspace import Workspace

logger = logging.getLogger("restem")
MOST_PROMPTS = 8  # the longest ones: a text that a tokenizer cannot keep is seldom in one prompt alone


def check_model(
    config: RunConfig, workspace: Workspace, base: Policy, problems: Iterable[Problem], *, remember: bool = True
) -> None:
    """Raise UserError when this run could not sample from the model or train it. Notes go to the log."""
    folder = Path(base.uri)
    if folder.is_dir():
        scratch = workspace.scratch_path if remember else Path(workspace.scratch).absolute()
        for note in look(folder, base, asked(config, list(problems)), scratch, remember=remember):
            logger.info("model.base: %s", note)


def asked(config: RunConfig, problems: list[Problem]) -> Asked:
    """Return what the run will do with its model."""
    template, shots = template_of(config.model), config.model.shots
    prompts = sorted(
        {template.render(problem, shots, config.loop.hint) for problem in problems}, key=lambda text: (-len(text), text)
    )
    return Asked(
        tuple(prompts[:MOST_PROMPTS]), template.specimen(), template.stop,
        max(config.generate.max_tokens, config.evaluate.max_tokens), config.engine.max_model_len, config.finetune.packing,
        template.complete, template.end, _server(config), config.engine.dtype,
    )  # fmt: skip


def _server(config: RunConfig) -> Literal["", "cpu", "gpu"]:
    """Return which vLLM of this machine serves the policies, if one does."""
    if kind_at_hand(config.engine.kind) != "vllm":
        return ""
    return "cpu" if runs_on_cpu() else "gpu"
