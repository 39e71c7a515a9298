"""How a trained policy is served: the arguments of vLLM's OpenAI-compatible server."""

from __future__ import annotations

from pathlib import Path

from flows.stored.runs import read_result
from flows.stored.trace import chosen_row, trace_model
from tasks.domain.errors import UserError
from tasks.store.artifacts import Store

SERVER = ("-m", "vllm.entrypoints.openai.api_server")  # the `vllm` command fails with the CPU package


def serving_argv(store: Store, run: str, iteration: int | None, host: str, port: int) -> list[str]:
    """Return the arguments of a Python that serves the policy under the name RUN/ITERATION.

    UserError for a run without a trained policy, for weights that are gone, and for a store that is not on this machine.
    """
    result = read_result(store, run)
    trace = trace_model(store, run, chosen_row(result, iteration).number)
    if "://" in trace.uri:
        raise UserError(
            f"the policy is in {trace.uri}, which vLLM cannot open; `restem export {run} DIR` copies it here"
        )
    if not Path(trace.uri).is_dir():
        raise store.gone(trace.uri)
    argv = [
        *SERVER,
        "--model",
        trace.uri,
        "--served-model-name",
        f"{run}/{trace.iteration}",
        "--host",
        host,
        "--port",
        str(port),
    ]
    length = result.config.get("engine", {}).get("max_model_len")
    return [*argv, "--max-model-len", str(length)] if length else argv
