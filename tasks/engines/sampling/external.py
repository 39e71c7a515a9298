"""Samples from external endpoints (a GPU fleet, a teacher): the same client with other URLs and a policy that never changes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tasks.domain.errors import ModelChangeRefused, UserError
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.engine import Drawn, DrawRequest, OnProgress, engine
from tasks.engines.sampling.openai_client import CompletionsClient, Endpoints

RETRIES = 6  # 0.5 s doubling: half a minute of patience per request


@engine("openai")
class ExternalEngine:
    """Samples from `settings.urls`, whose servers must know vLLM's sampling fields (top_k, min_p). OPENAI_API_KEY is sent when set."""

    needs_files = False
    library: str | None = None
    instead: str | None = None

    def __init__(self, settings: EngineSettings, log_dir: Path | None = None) -> None:
        if not settings.urls:
            raise UserError(
                "engine.kind is openai but engine.urls is empty; set it to base URLs such as http://host:8000/v1"
            )
        self._settings = settings
        self._client: CompletionsClient | None = None

    def serve(self, policy: Policy, path: Path | None) -> None:
        """Accept only the fixed policy; ModelChangeRefused for another one."""
        fixed = self._settings.fixed_policy
        if fixed is None:
            raise ModelChangeRefused(
                f"engine.urls are external endpoints and nothing says which policy they serve; if it is {policy.name!r}, "
                f"set engine.fixed_policy to its digest {policy.digest}"
            )
        if policy.digest != fixed:
            raise ModelChangeRefused(
                f"policy {policy.name!r} ({policy.digest}) was asked for, but the endpoints in engine.urls serve {fixed} and "
                "cannot load other weights; use engine.kind = vllm for iterations that train, or correct engine.fixed_policy"
            )
        if self._client is None:
            self._client = self._connect()

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        if self._client is None:
            raise UserError("no policy is being served; enter EngineHost.serving(policy) before sampling")
        return self._client.sample(requests, sampling, on_progress)

    def release(self) -> None:
        """Release nothing, because the devices are elsewhere."""

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def identity(self) -> dict[str, Any]:
        return {"kind": "openai", "urls": list(self._settings.urls), "model": self._settings.model}

    def _connect(self) -> CompletionsClient:
        key = os.environ.get("OPENAI_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        urls = tuple(url.rstrip("/") for url in self._settings.urls)
        timeout = self._settings.request_timeout_s
        model = self._settings.model or _only_model(
            Endpoints(urls, "", timeout, RETRIES, headers, through_proxies=True)
        )
        return CompletionsClient(
            Endpoints(urls, model, timeout, RETRIES, headers, through_proxies=True), self._settings.max_in_flight
        )


def _only_model(endpoints: Endpoints) -> str:
    client = CompletionsClient(endpoints, 1)
    try:
        names = [model["id"] for model in client.call("GET", "/models", timeout_s=30)["data"]]
    finally:
        client.close()
    if len(names) != 1:
        raise UserError(f"{endpoints.urls[0]} serves {names}; set engine.model to one of them")
    return str(names[0])
