"""What our vLLM workers do beyond vLLM's own: they tell a fingerprint of their weights, and on the CPU a reload reaches tied output embeddings.

On the CPU vLLM keeps a packed copy of every linear layer's weights. `reload_weights` packs anew what the checkpoint names,
but a tied output embedding is not named: its packed copy stays that of the old policy (seen in 0.32, caught by the proof).
"""

from __future__ import annotations

from typing import Any


class PolicyLoader:
    """Mixed into vLLM's worker by `--worker-extension-cls`; called through `/collective_rpc`."""

    model_runner: Any

    def load_policy(self, weights_path: str) -> None:
        """Replace the weights by those in the folder `weights_path`."""
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead

        self.model_runner.reload_weights(weights_path=weights_path)
        for module in self.model_runner.get_model().modules():
            if isinstance(module, ParallelLMHead):
                module.quant_method.process_weights_after_loading(module)

    def weights_fingerprint(self, of: str) -> str:
        """Return the number of what is loaded, as `tasks.engines.sampling.fingerprint` makes it, of the "model" or the "adapter" over it."""
        from tasks.engines.sampling.fingerprint import of_server

        return str(of_server(self.model_runner.get_model(), of == "adapter"))
