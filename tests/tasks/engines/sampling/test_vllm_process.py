"""What is said of a vLLM server that ends before it answers: whose fault it is decides whether the task is tried again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.domain.errors import EngineDied, UserError
from tasks.engines.sampling.vllm_process import VllmProcess
from tasks.processes.guard import spawn

VALIDATION = "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, "
LOGS = {
    "not a setting": ("vllm serve: error: unrecognized arguments: --fast", UserError, "correct the [engine] section"),
    "a refused value": (f"{VALIDATION}User-specified max_model_len (9999) is greater than 2048", UserError, "correct the"),
    "code that did not load": (
        f"{VALIDATION}Model architectures ['LlamaForCausalLM'] failed to be inspected. Please check the logs for more details.",
        EngineDied, "vLLM could not load its own code",
    ),
    "code that needs a package": (
        "ModuleNotFoundError: No module named 'torchvision'\n" + "later lines\n" * 1000
        + f"{VALIDATION}Model architectures ['Qwen3_5ForCausalLM'] failed to be inspected. Please check the logs for more details.",
        UserError, "vLLM needs the package torchvision",
    ),
    "no memory": ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", EngineDied, "too little memory"),
    "no card": ("RuntimeError: No CUDA GPUs are available", UserError, "found no GPU"),
    "nothing known": ("something odd", EngineDied, "before it answered"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOGS)
def test_a_server_that_ends_early_is_told_in_one_sentence(kind: str, tmp_path: Path) -> None:
    log, error, words = LOGS[kind]
    child = spawn([sys.executable, "-c", f"import sys; print({log!r}); sys.exit(1)"], log_path=tmp_path / "vllm.log")
    with pytest.raises(error) as raised:
        VllmProcess(child, 1).wait_until_healthy(lambda: False, 60.0)
    assert words in str(raised.value)
    assert str(tmp_path / "vllm.log") in str(raised.value)


def test_a_port_that_was_taken_is_tried_with_another(tmp_path: Path) -> None:
    text = "OSError: [Errno 98] Address already in use"
    child = spawn([sys.executable, "-c", f"import sys; print({text!r}); sys.exit(1)"], log_path=tmp_path / "vllm.log")
    assert VllmProcess(child, 1).wait_until_healthy(lambda: False, 60.0) is False
