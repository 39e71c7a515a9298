"""What every inference engine offers, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.domain.extensions import ENGINES
from tasks.domain.schema import Completion, Policy, Sampling
from tasks.domain.settings import EngineSettings

OnProgress = Callable[[int, int], None]  # (completions, completion tokens) finished since the last call


@dataclass(frozen=True)
class DrawRequest:
    """A request asks for `len(indices)` completions of one problem's prompt.

    A `complete` prompt holds its special tokens, as a chat template writes them, and the tokenizer must add none.
    """

    problem_id: str
    prompt: str
    indices: tuple[int, ...]
    complete: bool = False


Drawn = tuple[DrawRequest, tuple[Completion, ...]]


class Engine(Protocol):
    """Serves one policy at a time. `sample` may run in several threads at once; the rest only while none samples."""

    def serve(self, policy: Policy, path: Path | None) -> None:
        """Make `policy`, whose files lie in the folder `path`, the one that answers, and prove it.

        Raises UserError when this can never succeed, PolicyNotProved or EngineDied when it failed this time.
        """

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        """Yield each request with its completions, as it finishes; at most `max_in_flight` completions are in progress.

        `on_progress` is called in the thread that iterates. Raises EngineDied when the engine went away (what was not
        yielded may be asked for again), UserError when a prompt cannot be answered.
        """

    def release(self) -> None:
        """Release device memory, as far as `residency` says; the next `serve` takes it back."""

    def close(self) -> None:
        """End everything; the next `serve` starts anew."""

    def identity(self) -> dict[str, Any]:
        """Return kind and versions, for manifests."""


class EngineClass(Protocol):
    """A declared engine: its class, constructed from the settings and the folder for its logs.

    With `needs_files` the policy's weights must lie in a local folder. Where `library` is not installed, `instead` samples.
    """

    needs_files: bool
    library: str | None
    instead: str | None

    def __call__(self, settings: EngineSettings, log_dir: Path) -> Engine: ...


engine = ENGINES.declare
