"""What every inference engine offers, and the one place that chooses among them."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.domain.schema import Completion, Policy, Sampling
from tasks.domain.settings import EngineSettings

logger = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]  # (completions, completion tokens) finished since the last call


@dataclass(frozen=True)
class DrawRequest:
    """`len(indices)` completions of one problem's prompt."""

    problem_id: str
    prompt: str
    indices: tuple[int, ...]


Drawn = tuple[DrawRequest, tuple[Completion, ...]]


class Engine(Protocol):
    """Serves one policy at a time. `sample` may run in several threads at once; the rest only while none samples."""

    def serve(self, policy: Policy, path: Path | None) -> None:
        """Make `policy` (its files in the folder `path`) the one that answers, and prove it.

        Raises UserError when it never can, PolicyNotProved or EngineDied when it could not this time.
        """

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        """Each request with its completions, as it finishes; together never more in progress than `max_in_flight`.

        `on_progress` is called in the thread that iterates. Raises EngineDied when the engine went away (what was not
        yielded may be asked for again), UserError when a prompt cannot be answered.
        """

    def release(self) -> None:
        """Give the device memory up, as far as `residency` says; the next `serve` takes it back."""

    def close(self) -> None:
        """End everything; the next `serve` starts anew."""

    def identity(self) -> dict[str, Any]:
        """Kind and versions, for manifests."""


def make_engine(settings: EngineSettings, log_dir: Path) -> Engine:
    """The engine that `settings.kind` names; nothing is started yet."""
    if settings.kind == "replay":
        from tasks.engines.sampling.replay import ReplayEngine

        return ReplayEngine(settings)
    if settings.kind == "openai":
        from tasks.engines.sampling.external import ExternalEngine

        return ExternalEngine(settings)
    if settings.kind == "vllm" and importlib.util.find_spec("vllm") is not None:
        from tasks.engines.sampling.vllm_server import VllmEngine

        return VllmEngine(settings, log_dir)
    if settings.kind == "vllm":
        logger.warning("engine.kind is vllm but vllm is not installed: transformers samples instead, many times slower")
    from tasks.engines.sampling.hf_sampler import HfEngine

    return HfEngine(settings, log_dir)
