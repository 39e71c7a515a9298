"""tcmalloc and Intel's OpenMP under the vLLM server on the CPU, by LD_PRELOAD, against neither: tokens a second, alternating in one process.

One server for each way runs at the same time, and only one is asked at a time. RESTEM_BENCH_TCMALLOC and RESTEM_BENCH_OPENMP name the
libraries (`libtcmalloc_minimal.so.4` of Debian's libtcmalloc-minimal4, `libiomp5.so` of PyPI's intel-openmp); without one its ways are left out.
The models are one of the demo base's shape, hardly trained, and RESTEM_BENCH_BASE; RESTEM_BENCH_MODELS names `demo` or `base` alone. A ratio is
the median over rounds.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings, ModelSettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost, Session
from tasks.engines.training.pretrain import pretrain_base
from tasks.processes.processor import fast_dtype, flags

ROUNDS = int(os.environ.get("RESTEM_BENCH_ROUNDS", "4"))
BASE = Path(os.environ.get("RESTEM_BENCH_BASE", ".restem/models/smollm2-135m-instruct"))
MODELS = os.environ.get("RESTEM_BENCH_MODELS", "demo,base").split(",")
LIBRARIES = {"tcmalloc": os.environ.get("RESTEM_BENCH_TCMALLOC"), "openmp": os.environ.get("RESTEM_BENCH_OPENMP")}
# prompts, samples of each, and the most tokens of one
LOADS = {"demo": (64, 16, 40), "base": (4, 8, 64)}


def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return {name: compare(path, *LOADS[name], Path(folder)) for name, path in _models(Path(folder)).items()}


def _models(folder: Path) -> dict[str, Path]:
    found = {}
    if "demo" in MODELS:
        found["demo"] = pretrain_base(ModelSettings(pretrain_steps=1), folder / "demo", folder / "pretrain.log")
    return found | ({"base": BASE.resolve()} if "base" in MODELS else {})


def ways() -> dict[str, str]:
    """What is preloaded for each way; the first is nothing, the last all of them."""
    given = {name: path for name, path in LIBRARIES.items() if path}
    return {"neither": "", **given, **({"both": ":".join(given.values())} if len(given) > 1 else {})}


def compare(model: Path, prompts: int, samples: int, max_tokens: int, folder: Path) -> dict[str, Any]:
    sampling = Sampling(temperature=1.0, top_k=0, max_tokens=max_tokens)
    with ExitStack() as stack:
        sessions = {
            name: stack.enter_context(_session(model, prompts * samples, preload, folder / f"{model.name}-logs"))
            for name, preload in ways().items()
        }
        rates: dict[str, list[float]] = {name: [] for name in sessions}
        for number in range(ROUNDS + 1):  # the first warms up
            for name, session in sessions.items():
                requests = [
                    DrawRequest(f"{number}-{at}", f"{at}+{number}-7=", tuple(range(samples))) for at in range(prompts)
                ]
                rates[name].append(_rate(session, requests, sampling))
                print(model.name, number, name, f"{rates[name][-1]:.0f} tokens/s", flush=True)
    return _figures({name: values[1:] for name, values in rates.items()})


@contextmanager
def _session(model: Path, in_flight: int, preload: str, logs: Path) -> Iterator[Session]:
    settings = EngineSettings(kv_cache_gib=0.5, max_in_flight=min(in_flight, 256), dtype=fast_dtype(flags()))
    host = EngineHost(settings, lambda policy: Path(policy.uri), logs)
    before = os.environ.pop("LD_PRELOAD", None)
    os.environ |= {"LD_PRELOAD": preload} if preload else {}
    try:
        with host.serving(Policy("0" * 16, str(model), model.name)) as session:
            os.environ.pop("LD_PRELOAD", None)
            yield session
    finally:
        os.environ |= {"LD_PRELOAD": before} if before else {}
        host.close()


def _rate(session: Session, requests: list[DrawRequest], sampling: Sampling) -> float:
    started = time.perf_counter()
    tokens = sum(one.completion_tokens for _, drawn in session.sample(requests, sampling) for one in drawn)
    return tokens / (time.perf_counter() - started)


def _figures(rates: Mapping[str, list[float]]) -> dict[str, Any]:
    plain = rates["neither"]
    over = {
        f"{name} / neither": round(statistics.median(a / b for a, b in zip(values, plain, strict=True)), 3)
        for name, values in rates.items()
        if name != "neither"
    }
    return {"tokens_per_s": {name: round(statistics.median(values)) for name, values in rates.items()}, **over}
