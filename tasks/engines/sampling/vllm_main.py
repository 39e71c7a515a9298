"""The program of our vLLM server on the CPU: vLLM's own entrypoint with fewer processes, and one of its kernels called as it must be.

By default vLLM starts three one after the other (API server, engine core, worker) and each imports torch and vLLM anew: 52 s
until it answers, on 2 busy cores. And while the worker computes, the engine core polls for its answer and takes up to a whole
core for that. Here the worker is part of the engine core, and that is forked from the API server: 17-30 s, and 3,620 tokens
per CPU second instead of 2,840 (5M-parameter Llama). vLLM does both by itself on GPUs; on the CPU it forbids them because
OpenMP's thread binding must be set before import, and we bind no threads.
"""

from __future__ import annotations

import os
import runpy
from typing import Any

ENTRYPOINT = "vllm.entrypoints.openai.api_server"


def _fewer_processes() -> None:
    from vllm.platforms.cpu import CpuPlatform

    as_vllm_wants = CpuPlatform.check_and_update_config.__func__

    def as_we_want(cls: type, config: Any) -> None:
        as_vllm_wants(cls, config)
        os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
        config.parallel_config.distributed_executor_backend = "uni"

    CpuPlatform.check_and_update_config = classmethod(as_we_want)


def _positions_by_token() -> None:
    """Lay a token's heads out in one row for vLLM's kernel of rotary positions.

    On the CPU (0.32) it takes queries of three dimensions, as LFM 2 and DeepSeek give them, for several sequences, and turns their heads by
    the positions of other tokens.
    """
    from vllm.model_executor.layers.rotary_embedding.base import RotaryEmbedding

    as_vllm_does = RotaryEmbedding.forward_cpu

    def as_we_want(self: Any, positions: Any, query: Any, key: Any = None) -> Any:
        rows = [one if one is None or one.dim() < positions.dim() + 2 else one.flatten(-2) for one in (query, key)]
        turned = as_vllm_does(self, positions, *rows)
        return tuple(
            one if one is None else one.reshape(as_given.shape)
            for one, as_given in zip(turned, (query, key), strict=True)
        )

    RotaryEmbedding.forward_cpu = as_we_want


def main() -> None:
    """Arguments are those of vLLM's API server."""
    _positions_by_token()
    if os.environ.get("VLLM_CPU_OMP_THREADS_BIND") == "nobind":
        _fewer_processes()
    runpy.run_module(ENTRYPOINT, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
