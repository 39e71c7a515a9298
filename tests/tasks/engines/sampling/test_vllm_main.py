"""What our program of vLLM's server changes in vLLM on the CPU."""

import pytest

from tasks.engines.sampling import vllm_main
from tasks.engines.sampling.vllm_process import runs_on_cpu

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.engine,
    pytest.mark.skipif(not runs_on_cpu(), reason="vLLM for a GPU is installed"),
]
TOKENS, HEADS, SIZE = 10, 2, 32


@pytest.mark.parametrize("neox", [True, False], ids=["halves", "pairs"])
@pytest.mark.parametrize("sliced", [True, False], ids=["a part of wider rows", "rows of their own"])
def test_every_heads_positions_are_those_of_its_token(monkeypatch, neox, sliced):
    """Queries by token and head, by token alone, and without keys, are turned as vLLM's plain code turns them."""
    import torch
    from vllm.config import CompilationConfig, VllmConfig, set_current_vllm_config
    from vllm.model_executor.layers.rotary_embedding import get_rope
    from vllm.model_executor.layers.rotary_embedding.base import RotaryEmbedding

    monkeypatch.setattr(RotaryEmbedding, "forward_cpu", RotaryEmbedding.forward_cpu)  # is put back behind the test
    vllm_main._positions_by_token()
    with set_current_vllm_config(VllmConfig(compilation_config=CompilationConfig(custom_ops=["all"]))):
        how = {"rope_type": "default", "rope_theta": 1e4}
        rope = get_rope(SIZE, max_position=64, rope_parameters=how, is_neox_style=neox, dtype=torch.float32)
        positions = torch.arange(TOKENS) * 3
        wide = [torch.randn(TOKENS, heads, 2 * SIZE) for heads in (HEADS, 1)]
        query, key = (one[..., SIZE:] if sliced else one[..., SIZE:].clone() for one in wide)
        wanted = rope.forward_native(positions, query.clone(), key.clone())
        for found, one in zip(rope.forward_cpu(positions, query.clone(), key.clone()), wanted, strict=True):
            torch.testing.assert_close(found, one)
        flat = rope.forward_cpu(positions, query.flatten(-2).clone(), key.flatten(-2).clone())
        for found, one in zip(flat, wanted, strict=True):
            torch.testing.assert_close(found, one.flatten(-2))
        alone, none = rope.forward_cpu(positions, query.clone() if not sliced else query, None)
        assert none is None
        torch.testing.assert_close(alone, wanted[0])
