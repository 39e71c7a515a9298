"""Generate against raw requests, and the E-step with its verifier against accept-all; ratios from one run on one server.

`generate_share`: tokens/s of the generate stage (our client, Parquet parts, manifest) over that of bare concurrent requests to the
same vLLM server with the same prompts and limits, rounds alternating. Target at least 0.95.
`verifier_cost`: wall time of the E-step graded by math over that graded by accept_all. Target at most 1.15.

The base is RESTEM_BENCH_BASE (a model folder, SmolLM2-135M-Instruct by default); questions are built-in arithmetic.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from flows.config import RunConfig, make_config
from flows.loop.expectation import expectation
from flows.run.inline import Inline
from flows.run.preflight import open_run, preflight
from flows.run.run import Run
from tasks.domain.prompts import template_named
from tasks.generate import GenerateJob, engine_host
from tasks.generate import run as generate
from tasks.store.ranges import split_ranges

BASE = os.environ.get("RESTEM_BENCH_BASE", ".restem/models/smollm2-135m-instruct")
PROBLEMS, SAMPLES, MAX_TOKENS, ROUNDS = 32, 16, 64, 3


def main() -> dict[str, Any]:
    from prefect import flow

    from flows.operation.server.api import prefect_api

    with tempfile.TemporaryDirectory() as folder, prefect_api(Path(folder) / "prefect"):
        return flow(measure, name="bench-estep", persist_result=False)(config_in(folder))


def config_in(folder: str, **sections: dict[str, Any]) -> RunConfig:
    tree: dict[str, Any] = {
        "run": {"name": "bench", "store": f"{folder}/store", "scratch": f"{folder}/scratch"},
        "model": {"base": str(Path(BASE).absolute()), "prompt": "gsm8k", "shots": 2},
        "data": {"train": {"split": "train", "limit": PROBLEMS}},
        "generate": {"waves": (SAMPLES,), "max_tokens": MAX_TOKENS, "range_size": PROBLEMS // 4},
        "engine": {"dtype": "bfloat16", "max_model_len": 512, "max_in_flight": PROBLEMS * SAMPLES},
        "evaluate": {"max_tokens": MAX_TOKENS},
    }
    return make_config(tree | sections)


def measure(config: RunConfig) -> dict[str, Any]:
    with open_run(preflight(config), Inline()) as run:
        staged, raw = [], []
        stage_rate(run, "warm")
        for number in range(ROUNDS):
            raw.append(raw_rate(run))
            staged.append(stage_rate(run, f"round-{number}"))
        graded = [seconds(run, "math", number) for number in range(ROUNDS)]
        accepted = [seconds(run, "accept_all", number + ROUNDS) for number in range(ROUNDS)]
    return {
        "raw_tokens_per_s": rounded(raw), "stage_tokens_per_s": rounded(staged),
        "generate_share": round(statistics.median(staged) / statistics.median(raw), 3),
        "estep_math_s": rounded(graded), "estep_accept_all_s": rounded(accepted),
        "verifier_cost": round(statistics.median(graded) / statistics.median(accepted), 3),
    }  # fmt: skip


def stage_rate(run: Run, draw: str) -> float:
    """Completion tokens a second of one generate task over all problems."""
    config = run.config
    ids = tuple(problem.id for problem in run.problems.train.all())
    sampling = config.generate.sampling(template_named(config.model.prompt).stop)
    job = GenerateJob(
        run.workspace,
        f"bench/{draw}",
        run.base,
        run.problems.train,
        ids,
        config.model,
        config.engine,
        sampling,
        0,
        SAMPLES,
        draw,
    )
    tokens, spent = timed(lambda: run.workspace.store.manifest_of(run.do(generate, job).ref).meta["tokens_drawn"])
    return tokens / spent


def raw_rate(run: Run) -> float:
    """The same requests with nothing around them."""
    job_ids = [problem.id for problem in run.problems.train.all()]
    template = template_named(run.config.model.prompt)
    prompts = [template.render(problem, run.config.model.shots) for problem in run.problems.train.select(job_ids)]
    tokens, spent = timed(lambda: asyncio.run(_raw(_server_url(run), prompts, template.stop)))
    return tokens / spent


async def _raw(url: str, prompts: list[str], stop: tuple[str, ...]) -> int:
    limits = httpx.Limits(max_connections=PROBLEMS)
    async with httpx.AsyncClient(timeout=600, limits=limits) as client:
        body = {
            "model": "policy",
            "n": SAMPLES,
            "max_tokens": MAX_TOKENS,
            "temperature": 0.7,
            "top_k": 40,
            "stop": list(stop),
        }
        answers = await asyncio.gather(
            *(client.post(f"{url}/completions", json={**body, "prompt": one}) for one in prompts)
        )
    return sum(answer.json()["usage"]["completion_tokens"] for answer in answers)


def _server_url(run: Run) -> str:
    config = run.config
    ids = split_ranges(run.problems.train.all(), 1)[0]
    sampling = config.generate.sampling()
    job = GenerateJob(
        run.workspace, "url", run.base, run.problems.train, ids, config.model, config.engine, sampling, 0, 1
    )
    engine: Any = engine_host(job).engine
    url: str = engine._process.url  # the one number a bench needs that the engine does not offer
    return url


def seconds(run: Run, reward: str, draw: int) -> float:
    """Wall time of an E-step with fresh samples."""
    tree = run.config.model_dump(mode="json")
    tree["verify"]["reward"], tree["loop"]["draw"] = reward, f"estep-{draw}"
    again = replace(run, stages=replace(run.stages, config=make_config(tree)))
    return timed(lambda: len(expectation(again, run.base, draw)))[1]


def timed(work: Callable[[], int]) -> tuple[int, float]:
    started = time.monotonic()
    return work(), time.monotonic() - started


def rounded(values: list[float]) -> list[float]:
    return [round(value, 1) for value in values]
