"""The policy proof with a real forward pass; the server's side is another forward pass, right or wrong."""

import numpy as np
import pytest

from tasks.domain.errors import EngineDied, PolicyNotProved
from tasks.domain.schema import Policy
from tasks.engines.sampling.checkpoint import read_checkpoint
from tasks.engines.sampling.forward import Forward
from tasks.engines.sampling.proof import probe_tokens, prove

POLICY = Policy("b" * 16, "", "trained")


@pytest.fixture(scope="module")
def forward(tmp_path_factory):
    child = Forward(tmp_path_factory.mktemp("forward") / "log.txt")
    yield lambda path, ids: child.prompt_logprobs(path, "float32", ids)
    child.close()


def test_the_right_checkpoint_is_proved_and_told_apart(forward, tiny_llama):
    tokens = probe_tokens(47, 256)
    served = forward(tiny_llama(2), tokens)
    proof = prove(POLICY, tiny_llama(2), tiny_llama(1), lambda ids: served, expected=forward, tokens=tokens)
    assert proof.rms == 0
    assert proof.told_apart
    assert len(served) == len(tokens) - 1
    assert np.mean(served) < -1  # they are log-probabilities


@pytest.mark.parametrize("previous", [None, 1])
def test_another_checkpoint_is_not_proved(forward, tiny_llama, previous):
    tokens = probe_tokens(47, 256)
    before = None if previous is None else tiny_llama(previous)
    with pytest.raises(PolicyNotProved, match="trained"):
        prove(POLICY, tiny_llama(2), before, lambda ids: forward(tiny_llama(1), ids), expected=forward, tokens=tokens)


def test_nothing_but_numbers_is_not_proved(forward, tiny_llama):
    tokens = probe_tokens(47, 256)
    with pytest.raises(PolicyNotProved, match="nan"):
        prove(POLICY, tiny_llama(2), None, lambda ids: [float("nan")] * 95, expected=forward, tokens=tokens)


@pytest.mark.parametrize("share,proved", [(1.0, True), (0.0, False)])
def test_old_weights_are_caught_even_within_the_rounding_of_16_bits(share, proved):
    """Old and new differ by a tenth of bfloat16's tolerance; only the direction tells."""
    random = np.random.default_rng(0)
    tokens = probe_tokens(1000, 4096)
    old = random.normal(-5, 2, len(tokens) - 1)
    new = old + random.normal(0, 0.1, len(old))
    served = old + share * (new - old) + random.normal(0, 0.01, len(old))
    expected = {"new": list(new), "old": list(old)}
    ask = {"expected": lambda path, ids: expected[path], "tokens": tokens, "dtype": "bfloat16"}
    if proved:
        assert prove(POLICY, "new", "old", lambda ids: list(served), **ask).told_apart
    else:
        with pytest.raises(PolicyNotProved, match="one before"):
            prove(POLICY, "new", "old", lambda ids: list(served), **ask)


def test_answers_that_did_not_move_at_all_are_the_old_weights():
    """A change far below the rounding of 16 bits: only that the server answers exactly as before gives it away."""
    random = np.random.default_rng(0)
    tokens = probe_tokens(1000, 4096)
    old = random.normal(-5, 2, len(tokens) - 1)
    expected = {"new": list(old + random.normal(0, 0.005, len(old))), "old": list(old)}
    served_old = list(old + random.normal(0, 0.1, len(old)))
    served_new = list(np.array(served_old) + random.normal(0, 0.005, len(old)))
    ask = {"expected": lambda path, ids: expected[path], "tokens": tokens, "dtype": "bfloat16"}
    assert prove(POLICY, "new", "old", lambda ids: served_new, served_before=served_old, **ask).told_apart
    with pytest.raises(PolicyNotProved, match="one before"):
        prove(POLICY, "new", "old", lambda ids: served_old, served_before=served_old, **ask)


def test_equal_weights_are_proved_but_not_told_apart(forward, tiny_llama, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tiny_llama(1).iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    tokens = probe_tokens(47, 256)
    served = forward(copy, tokens)
    proof = prove(
        POLICY, copy, tiny_llama(1), lambda ids: served, expected=forward, tokens=tokens, served_before=served
    )
    assert proof.told_apart is None


def test_the_probe_fits_small_models():
    assert len(probe_tokens(5, 16)) == 15
    assert set(probe_tokens(5, 16)) <= set(range(5))
    assert probe_tokens(50000, 4096) == probe_tokens(50000, 2048)


def test_a_damaged_checkpoint_is_an_error_not_a_hang(forward, tiny_llama, tmp_path):
    (tmp_path / "config.json").write_bytes((tiny_llama(1) / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EngineDied, match="forward"):
        forward(tmp_path, probe_tokens(47, 256))


def test_shape_follows_network_tokenizer_and_stops_but_not_leftovers(tiny_llama, tmp_path):
    def changed(file, old, new):
        folder = tmp_path / f"{file}-{old}"
        folder.mkdir()
        for source in tiny_llama(1).iterdir():
            text = source.read_bytes()
            (folder / source.name).write_bytes(
                text.replace(old.encode(), new.encode()) if source.name == file else text
            )
        return read_checkpoint(folder).shape

    shape = read_checkpoint(tiny_llama(1)).shape
    assert read_checkpoint(tiny_llama(2)).shape == shape
    assert (
        changed("config.json", '"torch_dtype": "float32"', '"dtype": "float32", "transformers_version": "5"') == shape
    )
    assert changed("config.json", '"num_hidden_layers": 2', '"num_hidden_layers": 1') != shape
    assert changed("tokenizer.json", '"a":', '"A":') != shape
    assert changed("generation_config.json", '"eos_token_id": 2', '"eos_token_id": [2, 3]') != shape
