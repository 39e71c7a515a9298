"""Answers from recorded samples instead of a model: for tests, demonstrations and reruns of what a stage saw.

With RESTEM_REPLAY_LOG set, each request appends one JSON line to that file when it is sent, so that a test that kills the
flow can count what was asked for twice.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of, digest_of_text
from tasks.domain.schema import Completion, Policy, Sample, Sampling, from_table
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.engine import Drawn, DrawRequest, OnProgress, engine

LOG_VARIABLE = "RESTEM_REPLAY_LOG"
_ANSWER = ("text", "finish_reason", "stop_reason", "prompt_tokens", "completion_tokens", "token_ids")
_Key = tuple[str, str, int]  # prompt digest, sampling digest, index


@engine("replay")
class ReplayEngine:
    """Serves any policy from `settings.replay_path`: a parquet file, a folder of them, or a glob."""

    needs_files = False
    library: str | None = None
    instead: str | None = None

    def __init__(self, settings: EngineSettings, log_dir: Path | None = None) -> None:
        if settings.replay_path is None:
            raise UserError(
                "engine.kind is replay but engine.replay_path is not set; set it to a folder of sample parquet files"
            )
        self._path = settings.replay_path
        self._recorded: dict[_Key, Completion] | None = None

    def serve(self, policy: Policy, path: Path | None) -> None:
        """Accept any policy, because its answers are recorded."""
        if self._recorded is None:
            self._recorded = _read(self._path)

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        digest = digest_of(sampling)
        for request in requests:
            _note(request)
            completions = tuple(self._answer(request, digest, index) for index in request.indices)
            if on_progress is not None:
                on_progress(len(completions), sum(one.completion_tokens for one in completions))
            yield request, completions

    def release(self) -> None:
        """Release nothing."""

    def close(self) -> None:
        self._recorded = None

    def identity(self) -> dict[str, Any]:
        return {"kind": "replay", "replay_path": self._path}

    def _answer(self, request: DrawRequest, sampling: str, index: int) -> Completion:
        found = (self._recorded or {}).get((digest_of_text(request.prompt), sampling, index))
        if found is None:
            raise UserError(
                f"{self._path} holds no sample {index} of problem {request.problem_id} for this prompt "
                f"({digest_of_text(request.prompt)}) and sampling ({sampling}); record it, or choose another engine.kind"
            )
        return found


def _read(where: str) -> dict[_Key, Completion]:
    files = _files(where)
    if not files:
        raise UserError(f"engine.replay_path = {where} holds no parquet file; expected recorded samples there")
    recorded: dict[_Key, Completion] = {}
    for file in files:
        for row in from_table(pq.read_table(file), Sample):
            key = (row.prompt_digest, row.sampling, row.index)
            recorded.setdefault(key, Completion(**{name: getattr(row, name) for name in _ANSWER}))
    return recorded


def _files(where: str) -> list[str]:
    if Path(where).is_dir():
        return sorted(map(str, Path(where).rglob("*.parquet")))
    return sorted(glob.glob(where, recursive=True))


def _note(request: DrawRequest) -> None:
    log = os.environ.get(LOG_VARIABLE)
    if log:
        line = json.dumps({"problem_id": request.problem_id, "indices": list(request.indices)}) + "\n"
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
