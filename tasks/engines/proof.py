"""The policy proof: the weights that answer are the weights of the wanted checkpoint, and not those of the one before.

A server can load half a checkpoint with a mere warning, or keep the old weights. So its log-probabilities of a fixed probe
are compared with a forward pass of the checkpoint made elsewhere. The probe is token ids, not text: it needs no tokenizer.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.domain.errors import PolicyNotProved
from tasks.domain.schema import Policy

logger = logging.getLogger(__name__)

PROBE_TOKENS = 96
Logprobs = Callable[[Sequence[int]], list[float]]  # served: nats of each token but the first
Expected = Callable[[Path, Sequence[int]], list[float]]  # the same from a checkpoint folder


@dataclass(frozen=True)
class Tolerance:
    """What rounding may change, in nats: root mean square over the probe, and at one token."""

    rms: float
    largest: float


# float32: sums in another order. 16 bit: activations are rounded as well, the expectation is computed in float32.
TOLERANCES = {"float32": Tolerance(2e-3, 1e-2), "float16": Tolerance(0.03, 0.2), "bfloat16": Tolerance(0.15, 0.8)}


@dataclass(frozen=True)
class Proof:
    """How close the served policy is to its checkpoint (nats). `told_apart` is None without a previous policy."""

    rms: float
    largest: float
    told_apart: bool | None


def probe_tokens(vocab_size: int, max_tokens: int) -> tuple[int, ...]:
    """A fixed walk through the vocabulary, at most `max_tokens` long (one is left for the server to generate)."""
    ids, state = [], 12345
    for _ in range(max(2, min(PROBE_TOKENS, max_tokens - 1))):
        state = (1103515245 * state + 12345) % 2**31  # the C standard's example generator
        ids.append((state >> 8) % vocab_size)
    return tuple(ids)


def prove(
    policy: Policy,
    path: Path,
    previous_path: Path | None,
    probe_logprobs: Logprobs,
    *,
    expected: Expected,
    tokens: Sequence[int],
    dtype: str = "float32",
) -> Proof:
    """Raises PolicyNotProved unless the server's log-probabilities are those of `path` (and not of `previous_path`)."""
    limit = TOLERANCES[dtype]
    served, wanted = np.array(probe_logprobs(tokens)), np.array(expected(path, tokens))
    distance = served - wanted
    rms, largest = _rms(distance), float(np.max(np.abs(distance)))
    if not (rms <= limit.rms and largest <= limit.largest):  # NaN fails as well
        raise PolicyNotProved(
            f"the server was told to load {policy.name!r} ({policy.digest}) from {path}, but its log-probabilities differ from "
            f"that checkpoint's by {rms:.3g} nats rms ({largest:.3g} at most; allowed {limit.rms:g} and {limit.largest:g})"
        )
    if previous_path is None or previous_path == path:
        return Proof(rms, largest, None)
    return Proof(rms, largest, _differs(policy, served, wanted, np.array(expected(previous_path, tokens)), rms))


def _differs(policy: Policy, served: np.ndarray, wanted: np.ndarray, before: np.ndarray, noise: float) -> bool:
    """Whether the served policy lies at the new end of the way from the old log-probabilities to the new ones."""
    way = wanted - before
    length = float(np.linalg.norm(way))
    if not length > 4 * noise:  # noise is independent of the way: its share along it has this standard deviation
        logger.info("policy %s gives the probe the same log-probabilities as the one before it", policy.digest)
        return False
    share = float(np.dot(served - before, way)) / length**2
    if share < 0.5:
        raise PolicyNotProved(
            f"the server was told to load {policy.name!r} ({policy.digest}), but it still answers as the policy before it"
        )
    return True


def _rms(values: np.ndarray) -> float:
    return math.sqrt(float(np.mean(values**2)))
