"""Computes the log-probabilities of a checkpoint by a forward pass that is independent of every inference engine.

`Forward` is the parent's handle, light to import; run as `python -m tasks.engines.sampling.forward` this module is the program.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.domain.errors import RestemError
from tasks.engines.policy_model import policy_model
from tasks.engines.sampling.fingerprint import of_checkpoint
from tasks.processes.json_child import JsonChild, answer_lines

FLOAT32_UP_TO = 2_000_000_000  # parameters; larger models are not computed in float32, their copy would not fit


class Forward:
    """A warm child program that computes on the CPU; values are remembered per (checkpoint, dtype, tokens)."""

    def __init__(self, log_path: Path) -> None:
        self._child = JsonChild("tasks.engines.sampling.forward", log_path, env={"CUDA_VISIBLE_DEVICES": ""})
        self._known: dict[tuple[Path, str, tuple[int, ...]], list[float]] = {}
        self._prints: dict[tuple[Path, str], str] = {}
        self._lock = threading.Lock()

    def prefetch(self, path: Path, dtype: str, token_ids: Sequence[int]) -> None:
        """Compute in the background: the imports and the pass are done while the server starts."""
        threading.Thread(target=self._prefetch, args=(path, dtype, token_ids), name="forward", daemon=True).start()

    def _prefetch(self, path: Path, dtype: str, token_ids: Sequence[int]) -> None:
        with contextlib.suppress(RestemError, OSError):  # told when it is asked for; one that ends asks no more
            self.prompt_logprobs(path, dtype, token_ids)

    def prompt_logprobs(self, path: Path, dtype: str, token_ids: Sequence[int], timeout_s: float = 600) -> list[float]:
        """Return the log-probability (nats) of each token but the first, with weights rounded to `dtype`. Raises EngineDied."""
        key = (path, dtype, tuple(token_ids))
        with self._lock:
            if key not in self._known:
                message = {"path": str(path), "dtype": dtype, "token_ids": list(token_ids)}
                self._known[key] = self._child.call(message, timeout_s)["logprobs"]
            return self._known[key]

    def fingerprint(self, path: Path, dtype: str, timeout_s: float = 600) -> str:
        """Return the number of the checkpoint's weights (`tasks.engines.sampling.fingerprint`). Raises EngineDied."""
        key = (path, dtype)
        with self._lock:
            if key not in self._prints:
                answer = self._child.call({"fingerprint": str(path), "dtype": dtype}, timeout_s)
                self._prints[key] = str(answer["number"])
            return self._prints[key]

    def close(self) -> None:
        self._child.close()


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    if "fingerprint" in message:
        return {"number": str(of_checkpoint(Path(message["fingerprint"]), message["dtype"]))}
    return _compute(message)


def _compute(message: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    model = policy_model(Path(message["path"]), message["dtype"])
    if model.num_parameters() <= FLOAT32_UP_TO:
        model = model.float()
    ids = torch.tensor([message["token_ids"]])
    with torch.inference_mode():
        logits = model(ids, use_cache=False).logits[0, :-1].float()
    picked = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    return {"logprobs": picked.tolist()}


def main() -> None:
    """Answer requests; the imports come first, so that the first request finds a warm program."""
    import os

    import torch
    import transformers

    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))  # the engine works beside it
    transformers.utils.logging.disable_progress_bar()
    answer_lines(_answer)


if __name__ == "__main__":
    main()
