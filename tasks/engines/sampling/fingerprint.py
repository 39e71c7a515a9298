"""One number for the weights of a model, however they are laid out in memory.

It is a sum over all values, modulo 2^64, of a hash of each value's bits. So it is the same for a checkpoint's separate query, key and
value matrices and for the server's fused one, for transposed or reordered layouts, and with zeros as padding, whose hash is 0. Two
sets of weights that differ in any value have different numbers (but for one case in 2^64); only a permutation of the same values
would not show. Log-probabilities cannot tell nearly equal policies apart where 16 bits round them; this can.

torch is imported where it is used: the parent only passes the numbers on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.domain.adapters import WEIGHTS, Adapter, adapter_in

CHUNK = 1 << 24  # values at a time: their hashes take 8 bytes each
MULTIPLIERS = (-7046029254386353131, -4658895280553007687)  # odd, with bits well spread (the constants of splitmix64)
SHIFTS = (32, 29)
HEAD = "lm_head.weight"


def fingerprint(tensors: Iterable[Any]) -> int:
    """Return the number of these tensors of 16 or 32 bits; what is no floating-point number counts for nothing."""
    return sum(_hash_sum(tensor) for tensor in tensors if tensor.is_floating_point()) % 2**64


def of_checkpoint(folder: Path, dtype: str) -> int:
    """Return the number of a policy's folder with its weights rounded to `dtype`: of the adapter where it is one, else of the model."""
    adapter = adapter_in(folder)
    return fingerprint(_whole(folder, dtype) if adapter is None else _scaled(adapter, dtype))


def of_server(model: Any, adapter: bool) -> int:
    """Return the same of vLLM's module: of the adapter that lies over it, or of its parameters, each counted once."""
    return fingerprint(_laid_over(model) if adapter else model.parameters())


def _hash_sum(tensor: Any) -> int:
    import torch

    bits = {2: torch.int16, 4: torch.int32}.get(tensor.element_size())
    if bits is None:
        raise ValueError(f"a tensor of {tensor.dtype} has no fingerprint")
    flat, total = tensor.detach().contiguous().view(-1).view(bits), 0
    for start in range(0, flat.numel(), CHUNK):
        mixed = flat[start : start + CHUNK].to(torch.int64)
        for multiplier, shift in zip(MULTIPLIERS, SHIFTS, strict=True):
            mixed = mixed * multiplier
            mixed ^= mixed >> shift
        total += int(mixed.sum())
    return total


def _whole(folder: Path, dtype: str) -> Iterator[Any]:
    """Yield a checkpoint's tensors; an output head that is the embeddings counts once."""
    import torch
    from safetensors import safe_open

    from tasks.engines.architectures import read_config
    from tasks.engines.weight_files import weight_files

    tied = bool(read_config(folder).get("tie_word_embeddings", False))
    for file in weight_files(folder):
        with safe_open(file, "pt") as opened:
            for name in opened.keys():  # noqa: SIM118
                if not (tied and name == HEAD):
                    yield opened.get_tensor(name).to(getattr(torch, dtype))


def _scaled(adapter: Adapter, dtype: str) -> Iterator[Any]:
    """Yield an adapter's matrices as vLLM keeps them: the second ones multiplied by the scale, after rounding."""
    import torch
    from safetensors.torch import load_file

    tensors: Mapping[str, Any] = load_file(adapter.path / WEIGHTS)
    for name, tensor in tensors.items():
        rounded = tensor.to(getattr(torch, dtype))
        yield rounded * adapter.scale if ".lora_B." in name else rounded


def _laid_over(model: Any) -> Iterator[Any]:
    for module in model.modules():
        for name in ("lora_a_stacked", "lora_b_stacked"):
            yield from getattr(module, name, ())
