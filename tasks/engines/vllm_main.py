"""The program of our vLLM server on the CPU: vLLM's own entrypoint, with worker processes forked instead of spawned.

vLLM starts three processes one after the other (API server, engine core, worker), and each imports torch and vLLM anew:
on 2 cores 52 s until it answers, 17-28 s when they are forked from the first. On GPUs vLLM forks by default; on the CPU it
forces spawn because OpenMP's thread binding must be set before import. We bind no threads, so nothing is lost.
"""

from __future__ import annotations

import os
import runpy
from typing import Any

ENTRYPOINT = "vllm.entrypoints.openai.api_server"


def _fork_workers() -> None:
    from vllm.platforms.cpu import CpuPlatform

    forces_spawn = CpuPlatform.check_and_update_config.__func__

    def then_fork(cls: type, config: Any) -> None:
        forces_spawn(cls, config)
        os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"

    CpuPlatform.check_and_update_config = classmethod(then_fork)


def main() -> None:
    """Arguments are those of vLLM's API server."""
    if os.environ.get("VLLM_CPU_OMP_THREADS_BIND") == "nobind":
        _fork_workers()
    runpy.run_module(ENTRYPOINT, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
