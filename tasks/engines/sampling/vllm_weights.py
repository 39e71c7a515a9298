"""The weights that one vLLM server holds: how others get in, how adapters are laid over them, and what tells which they are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from tasks.domain.errors import EngineDied
from tasks.engines.sampling.checkpoint import Checkpoint
from tasks.engines.sampling.forward import Forward
from tasks.engines.sampling.openai_client import CompletionsClient
from tasks.engines.sampling.proof import Fingerprints, Proof
from tasks.engines.sampling.vllm_process import SERVED_NAME, runs_on_cpu

logger = logging.getLogger(__name__)
LOAD_TIMEOUT_S = 300.0
Told = TypeVar("Told")


class ServedWeights:
    """Those of a server that was started with room for adapters of `lora_rank` (0: for none) over its model."""

    def __init__(self, client: CompletionsClient, lora_rank: int) -> None:
        self.lora_rank = lora_rank
        self._client = client
        self._asked = SERVED_NAME  # what requests ask for: the model, or the adapter over it
        self._adapters = 0
        self._understood: dict[
            bool, bool
        ] = {}  # of models (False) and adapters (True): had they the expected fingerprint

    def can_become(self, loaded: Checkpoint, wanted: Checkpoint) -> bool:
        """Return whether `wanted`, of the same shape as what is `loaded`, can be had without a new server."""
        if self.lora_rank:  # vLLM has wrapped the layers, and they take no new weights
            resident = loaded.weights.resolve() == wanted.weights.resolve()
            return resident and (wanted.adapter is None or wanted.adapter.rank <= self.lora_rank)
        return wanted.adapter is None and (wanted.reloads or not runs_on_cpu())

    def become(self, wanted: Checkpoint) -> None:
        """Load a model in place of the one before, or an adapter over the resident one. Raises EngineDied."""
        if self.lora_rank:
            self.lay_over(wanted)
        else:
            self._load(wanted)

    def lay_over(self, wanted: Checkpoint) -> None:
        """Lay the checkpoint's adapter over the model, or ask for the model itself where it has none.

        Each load has a name of its own, so that no request can be answered by an adapter of before.
        """
        before, adapter = self._asked, wanted.adapter
        if before != SERVED_NAME:
            self._order("/unload_lora_adapter", {"lora_name": before})
        self._asked = SERVED_NAME
        if adapter is not None:
            self._adapters += 1
            self._asked = f"adapter-{self._adapters}"
            self._order("/load_lora_adapter", {"lora_name": self._asked, "lora_path": str(adapter.path)})
        self._client.ask_for(self._asked)

    def fingerprints(self, wanted: Checkpoint, dtype: str, forward: Forward) -> Fingerprints | None:
        """Return how to compare weights themselves; None where this server's layout of them is known to be another.

        On the CPU vLLM packs a model's matrices into a layout of its own and drops them; those of an adapter stay as they are. That
        the resident model is there says nothing about what lies over it, so there the model alone is not compared.
        """
        layered = wanted.adapter is not None
        understood = self._understood.get(layered)
        if understood is False or (not layered and (runs_on_cpu() or self.lora_rank)):
            return None
        return Fingerprints(
            lambda: self._loaded_fingerprint("adapter" if layered else "model"),
            lambda path: _told(lambda: forward.fingerprint(path, dtype)),
            understood is True,
        )

    def learn(self, wanted: Checkpoint, proof: Proof) -> None:
        """Remember by the first proof whether the layout is understood, so that a later difference means other weights."""
        self._understood.setdefault(wanted.adapter is not None, proof.by_weights is True)

    def _load(self, wanted: Checkpoint) -> None:
        method = "load_policy" if runs_on_cpu() else "reload_weights"
        body = {"method": method, "kwargs": {"weights_path": str(wanted.path)}}
        self._client.call("POST", "//collective_rpc", body, timeout_s=LOAD_TIMEOUT_S)

    def _loaded_fingerprint(self, of: str) -> str | None:
        body = {"method": "weights_fingerprint", "kwargs": {"of": of}}
        call = self._client.call
        told = _told(lambda: call("POST", "//collective_rpc", body, timeout_s=LOAD_TIMEOUT_S)["results"])
        if told is None or len(told) != 1:  # of several workers each has a part of the weights
            return None
        return str(told[0])

    def _order(self, path: str, body: Mapping[str, object]) -> None:
        """Ask for something whose answer is a sentence, not JSON."""
        self._client.call("POST", path, body, timeout_s=LOAD_TIMEOUT_S, as_json=False)


def _told(ask: Callable[[], Told]) -> Told | None:
    """Return an answer about fingerprints, or None where there is none: log-probabilities alone prove the policy then."""
    try:
        return ask()
    except EngineDied as error:
        logger.info("no fingerprint of the weights: %s", error)
        return None
