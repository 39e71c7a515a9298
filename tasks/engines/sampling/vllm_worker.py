"""What our vLLM workers on the CPU do beyond vLLM's own: a reload that reaches tied output embeddings.

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
