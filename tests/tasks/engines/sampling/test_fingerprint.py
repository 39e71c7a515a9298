"""The fingerprint of weights: the same however they lie in memory, another for any other weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.domain.errors import PolicyNotProved
from tasks.domain.schema import Policy
from tasks.engines.sampling.fingerprint import fingerprint, of_checkpoint, of_server
from tasks.engines.sampling.proof import Fingerprints, Proof, probe_tokens, prove

POLICY = Policy("b" * 16, "", "trained")
TOKENS = probe_tokens(1000, 4096)


def fused(folder: Path, dtype: torch.dtype) -> torch.nn.Module:
    """A Llama as servers lay it out: fused matrices, one of them transposed, a padded vocabulary, the head tied to the embeddings."""
    weights = {name: tensor.to(dtype) for name, tensor in load_file(folder / "model.safetensors").items()}
    server = torch.nn.Module()
    embeddings = weights.pop("model.embed_tokens.weight")
    padded = torch.nn.Parameter(torch.cat([embeddings, embeddings.new_zeros(17, embeddings.shape[1])]))
    server.embeddings, server.head = padded, padded
    for layer in range(2):
        front = f"model.layers.{layer}"
        for name, parts in (("qkv", ("q", "k", "v")), ("gate_up", ("gate", "up"))):
            block = "self_attn" if name == "qkv" else "mlp"
            whole = torch.cat([weights.pop(f"{front}.{block}.{part}_proj.weight") for part in parts])
            server.register_parameter(f"{name}_{layer}", torch.nn.Parameter(whole.t()))
    for number, tensor in enumerate(weights.values()):
        server.register_parameter(f"rest_{number}", torch.nn.Parameter(tensor))
    return server


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_servers_layout_has_the_checkpoints_number(tiny_llama, dtype):
    server = fused(tiny_llama(1), getattr(torch, dtype))
    assert of_server(server, adapter=False) == of_checkpoint(tiny_llama(1), dtype) != 0
    assert of_checkpoint(tiny_llama(1), dtype) != of_checkpoint(tiny_llama(2), dtype)


def test_the_least_change_of_any_one_value_shows():
    torch.manual_seed(0)
    values = torch.randn(1000).bfloat16()
    for at in range(len(values)):
        changed = values.clone().view(torch.int16)
        changed[at] += 1
        assert fingerprint([changed.view(torch.bfloat16)]) != fingerprint([values])
    assert fingerprint([values[:500], values[500:]]) == fingerprint([values.flip(0)]) == fingerprint([values])
    assert fingerprint([torch.arange(9)]) == 0, "counters and masks are no weights"


def test_a_head_of_its_own_counts_and_a_tied_one_does_not(tiny_llama, tmp_path):
    for file in tiny_llama(1).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    head = {"lm_head.weight": weights["model.embed_tokens.weight"].clone()}
    save_file({**weights, **head}, tmp_path / "model.safetensors")
    assert of_checkpoint(tmp_path, "float32") == of_checkpoint(tiny_llama(1), "float32")
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace('"tie_word_embeddings": true', '"tie_word_embeddings": false'))
    assert of_checkpoint(tmp_path, "float32") != of_checkpoint(tiny_llama(1), "float32")


def test_files_beside_the_weights_do_not_count(tiny_llama, tmp_path):
    for file in tiny_llama(1).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "consolidated.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes())
    assert of_checkpoint(tmp_path, "float32") == of_checkpoint(tiny_llama(1), "float32")


def proof_of(loaded: str | None, understood: bool, served: str = "new", unlike: float = 0.0) -> Proof:
    """Prove `new` where two epochs are 1e-5 nats apart, far below the server's rounding; it holds the weights `loaded`."""
    random = np.random.default_rng(0)
    old = random.normal(-5, 2, len(TOKENS) - 1)
    values = {"new": list(old + random.normal(0, 1e-5, len(old))), "old": list(old)}
    noise = random.normal(0, 0.1, len(old)) + unlike
    return prove(
        POLICY, Path("new"), Path("old"), lambda ids: list(np.array(values[served]) + noise), dtype="bfloat16",
        expected=lambda path, ids: values[path.name], tokens=TOKENS,
        fingerprints=Fingerprints(lambda: loaded, lambda path: {"new": "1", "old": "2"}[path.name], understood),
    )  # fmt: skip


@pytest.mark.parametrize("understood", [True, False])
def test_nearly_equal_epochs_are_told_apart_by_their_weights(understood):
    proof = proof_of("1", understood)
    assert proof.told_apart and proof.by_weights
    with pytest.raises(PolicyNotProved, match="not that checkpoint's"):
        proof_of("2", understood, served="old")


def test_half_loaded_weights_are_caught_where_the_layout_is_understood():
    with pytest.raises(PolicyNotProved, match="not that checkpoint's"):
        proof_of("3", understood=True)


@pytest.mark.parametrize("loaded", ["3", None])
def test_an_unknown_layout_leaves_it_to_the_log_probabilities(loaded):
    assert proof_of(loaded, understood=loaded is None).by_weights is None


def test_equal_weights_do_not_excuse_other_log_probabilities():
    """A server that holds the right weights and computes something else with them is not proved."""
    with pytest.raises(PolicyNotProved, match="differ"):
        proof_of("1", understood=True, unlike=2.0)
