"""Decides from the processor what computes fast on it: the data type, and how many threads for a model of a given size."""

from __future__ import annotations

import os
from pathlib import Path

# Processors with these instructions multiply bfloat16 directly: 2 to 3 times as fast as float32 (one EPYC core with avx512_bf16,
# layers of 576 x 1536). Without them bfloat16 is emulated: vLLM sampled about 4 times slower than in float32.
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
# From this size of the weights on a further thread is worth more than a free core: SmolLM2-135M (538 MB) sampled 1.6 times
# faster with both of two cores, a model of 108,000 parameters slower.
LARGE_BYTES = 80_000_000


def flags() -> frozenset[str]:
    """Return the instruction sets that Linux names for the first core; empty where it names none."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    named = (line.split(":", 1)[1].split() for line in lines if line.lower().startswith(("flags", "features")))
    return frozenset(next(named, ()))


def fast_dtype(found: frozenset[str]) -> str:
    """Return the data type in which a processor with these flags computes fastest."""
    return "bfloat16" if found & BFLOAT16_FLAGS else "float32"


def cores() -> int:
    return len(os.sched_getaffinity(0))


def sampling_threads(weight_bytes: int) -> int:
    """Return OpenMP threads for serving weights of this size: all cores, or for a small model all but the one its clients need."""
    return cores() if weight_bytes >= LARGE_BYTES else max(1, cores() - 1)
