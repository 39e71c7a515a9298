"""How a trained policy is served: the arguments of vLLM's OpenAI-compatible server."""

from __future__ import annotations

import json
from pathlib import Path

from flows.stored.runs import read_result
from flows.stored.trace import chosen_row, trace_model
from tasks.domain.adapters import CONFIG, adapter_room, is_adapter
from tasks.domain.errors import UserError
from tasks.domain.schema import Policy
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
    name = f"{run}/{trace.iteration}"
    models = ["--model", trace.uri, "--served-model-name", name]
    if is_adapter(Path(trace.uri)):
        models = _on_its_base(store.start_of(Policy(trace.digest, trace.uri)), Path(trace.uri), name)
    argv = [*SERVER, *models, "--host", host, "--port", str(port)]
    length = result.config.get("engine", {}).get("max_model_len")
    return [*argv, "--max-model-len", str(length)] if length else argv


def _on_its_base(base: Policy, adapter: Path, name: str) -> list[str]:
    """Return the arguments that serve an adapter under its name, and its base beside it."""
    if not Path(base.uri).is_dir():
        raise UserError(f"{base.uri}, the base of the adapter {adapter}, is gone; put it back")
    rank = json.loads((adapter / CONFIG).read_text("utf-8"))["r"]
    return [
        "--model", base.uri, "--served-model-name", f"{name}/base", "--enable-lora", "--max-lora-rank", str(adapter_room(rank)),
        "--lora-modules", f"{name}={adapter}",
    ]  # fmt: skip
