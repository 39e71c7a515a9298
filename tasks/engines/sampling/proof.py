"""Proves the policy: the weights that answer are those of the wanted checkpoint, not those of the previous one.

A server can load half a checkpoint with only a warning, or keep the old weights. So its log-probabilities of a fixed probe
are compared with an independent forward pass of the checkpoint. The probe is token ids, not text, and needs no tokenizer.

Two epochs can differ by less than 16 bits round away in log-probabilities. What tells those apart is a fingerprint of the weights
(`fingerprint`), where the server's layout of them is understood: where it gave the expected number for the checkpoint that it started with.
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


# float32: sums in another order (SmolLM2-135M: 1e-5 rms). 16 bit: the server rounds activations as well, the expectation is
# computed in float32 from the rounded weights (SmolLM2-135M, bfloat16: 0.09 rms, 0.24 at most).
TOLERANCES = {"float32": Tolerance(2e-3, 1e-2), "float16": Tolerance(0.05, 0.3), "bfloat16": Tolerance(0.3, 1.5)}
NOTICEABLE = 1e-3  # nats rms: a change of this size changes some served value even in 16 bits


@dataclass(frozen=True)
class Proof:
    """How close the served policy is to its checkpoint (nats). `told_apart` is None without a previous policy."""

    rms: float
    largest: float
    told_apart: bool | None
    served: tuple[float, ...] = ()
    by_weights: bool | None = (
        None  # the fingerprint of what is loaded is the checkpoint's; None: it was not or cannot be told
    )


@dataclass(frozen=True)
class Fingerprints:
    """How to have the fingerprints of the weights that the server holds and of those in a folder (None: it cannot be told).

    `understood` says that the two were once equal in this server, so that a difference means other weights.
    """

    loaded: Callable[[], str | None]
    of: Callable[[Path], str | None]
    understood: bool = False


def probe_tokens(vocab_size: int, max_tokens: int) -> tuple[int, ...]:
    """Return a fixed walk through the vocabulary, at most `max_tokens` long (one token is left for the server to generate)."""
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
    served_before: Sequence[float] = (),
    fingerprints: Fingerprints | None = None,
) -> Proof:
    """Raise PolicyNotProved unless the server's log-probabilities are those of `path`, and not of `previous_path`.

    `served_before` are the log-probabilities that this server gave for the previous policy: kept weights would give them again.
    Where fingerprints tell, they decide which of two policies is there; log-probabilities must be the checkpoint's in any case.
    """
    limit = TOLERANCES[dtype]
    served, wanted = np.array(probe_logprobs(tokens)), np.array(expected(path, tokens))
    distance = served - wanted
    rms, largest = _rms(distance), float(np.max(np.abs(distance)))
    if not (rms <= limit.rms and largest <= limit.largest):  # NaN fails as well
        raise PolicyNotProved(
            f"the server was told to load {_named(policy)} from {path}, but its log-probabilities differ from that "
            f"checkpoint's by {rms:.3g} nats rms ({largest:.3g} at most; allowed {limit.rms:g} and {limit.largest:g})"
        )
    changed = previous_path is not None and previous_path != path
    by_weights = None if fingerprints is None else _by_weights(fingerprints, path, previous_path if changed else None)
    if by_weights is False:
        raise PolicyNotProved(
            f"the server was told to load {_named(policy)} from {path}, but the weights that it holds are not that checkpoint's"
        )
    told_apart: bool | None = by_weights
    if by_weights is None and previous_path is not None and previous_path != path:
        told_apart = _told_apart(
            served, wanted, np.array(expected(previous_path, tokens)), rms, np.array(served_before)
        )
        if told_apart is False:
            raise PolicyNotProved(
                f"the server was told to load {_named(policy)}, but it still answers as the one before"
            )
    return Proof(rms, largest, told_apart if changed else None, tuple(served.tolist()), by_weights)


def _by_weights(fingerprints: Fingerprints, path: Path, previous_path: Path | None) -> bool | None:
    """Return whether the loaded weights are those of `path`; None where the server's layout is not understood."""
    loaded, wanted = fingerprints.loaded(), fingerprints.of(path)
    if loaded is None or wanted is None:
        return None
    if loaded == wanted:
        return True
    kept = previous_path is not None and loaded == fingerprints.of(previous_path)
    return False if kept or fingerprints.understood else None


def _told_apart(
    served: np.ndarray, wanted: np.ndarray, before: np.ndarray, noise: float, served_before: np.ndarray
) -> bool | None:
    """Return whether the served policy is the new one rather than the old; None where the two hardly differ."""
    way = wanted - before
    length = float(np.linalg.norm(way))
    if _rms(way) > NOTICEABLE and np.array_equal(served, served_before):
        return False
    if length > 4 * noise:  # along the way independent noise has this standard deviation, in shares of the way
        return float(np.dot(served - before, way)) / length**2 > 0.5
    logger.info("new and old policy differ by %.1e nats rms on the probe, too little to tell their order", _rms(way))
    return True if _rms(way) > NOTICEABLE and served_before.size else None


def _named(policy: Policy) -> str:
    return f"{policy.name!r} ({policy.digest})"


def _rms(values: np.ndarray) -> float:
    return math.sqrt(float(np.mean(values**2)))
