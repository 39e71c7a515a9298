"""Parts `start`, `reload`, `sleep` and `speed`: one vLLM server, driven as a run drives it.

A reload counts only when the server that was there did it: the engine would start a new one where a reload is not proved, and
this test calls that a failure.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from flows.checks.memory import engine_bytes, gpu_engine_bytes, shape_of
from tasks.data.problems import ProblemSet, _store
from tasks.domain.chat_template import template_of
from tasks.domain.errors import RestemError
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings, ModelSettings, SourceSettings
from tasks.engines.sampling.checkpoint import read_checkpoint
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost, close_all, host_for
from tasks.engines.sampling.openai_client import CompletionsClient, Endpoints
from tasks.engines.sampling.proof import prove
from tasks.engines.sampling.vllm_process import SERVED_NAME, runs_on_cpu
from tasks.generate import GenerateJob
from tasks.generate import run as generate
from tasks.store.workspace import Workspace
from tests.gpu.card import used_mib
from tests.gpu.materials import model_folder, model_settings, nudged, problems
from tests.gpu.results import NotHere, PartFailed
from tests.gpu.settings import Smoke

PATIENCE_S = 70.0  # no further round of the speed part is begun after this
CALL_S = 120.0


@dataclass
class Serving:
    """One engine, the two policies that it changes between, and the warnings that it gave."""

    settings: Smoke
    workspace: Workspace
    engine_settings: EngineSettings
    base: Policy
    nudging: Future[Path]
    warnings: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def other(self) -> Policy:
        """Return the second policy; it is written while the server starts."""
        return Policy("c" * 16, str(self.nudging.result()), "nudged")

    @property
    def host(self) -> EngineHost:
        return host_for(self.engine_settings, self.workspace.localize, self.workspace.logs)

    @property
    def engine(self) -> Any:
        """The VllmEngine itself: what is measured here it need not offer to anybody else."""
        return self.host.engine

    @property
    def server(self) -> int:
        """Return the server's process id."""
        return int(self.engine._process.child.pid)

    def started(self) -> None:
        """Start the server unless it runs; without CUDA graphs where it does not start with them."""
        try:
            self._serve_base()
        except RestemError as error:
            if self.engine_settings.enforce_eager or runs_on_cpu():
                raise
            self.notes.append(f"the server did not start with CUDA graphs and was started without: {error}")
            close_all()
            self.engine_settings = self.engine_settings.model_copy(update={"enforce_eager": True})
            self._serve_base()

    def _serve_base(self) -> None:
        with self.host.serving(self.base):
            pass

    def served(self, policy: Policy) -> dict[str, Any]:
        """Make the server change to `policy`, and return how that went; PartFailed when it was not this server that did."""
        before, told, started = self.server, len(self.warnings), time.monotonic()
        with self.host.serving(policy):
            figures = {**self._timings("reload", "proof"), "seconds": _since(started), **self.proof()}
        if self.server != before:
            raise PartFailed(f"a new server was started instead: {'; '.join(self.warnings[told:])}", figures)
        return figures

    def proof(self) -> dict[str, Any]:
        found = self.engine._proof
        return {
            "rms_nats": float(f"{found.rms:.3g}"),
            "largest_nats": float(f"{found.largest:.3g}"),
            "told_apart": found.told_apart,
        }

    def _timings(self, *names: str) -> dict[str, float]:
        return {f"{name}_s": self.engine.timings_s[name] for name in names if name in self.engine.timings_s}


@contextmanager
def opened(settings: Smoke) -> Iterator[Serving]:
    """Yield the parts' bench; nothing is started yet. The server ends with the block."""
    base, work = model_folder(settings), settings.folder.absolute() / "work"
    workspace = Workspace(str(work / "store"), str(work / "scratch"), "gpu")
    with ThreadPoolExecutor(1) as beside:
        nudging = beside.submit(nudged, base, work / "nudged-model")
        policy = Policy("b" * 16, str(base), "base")
        try:
            yield Serving(settings, workspace, engine_settings(settings), policy, nudging, _collected_warnings())
        finally:
            close_all()


def engine_settings(settings: Smoke) -> EngineSettings:
    return EngineSettings(
        max_model_len=settings.max_model_len, max_in_flight=max(settings.in_flight), kv_cache_gib=settings.kv_cache_gib,
        gpu_memory_utilization=settings.gpu_memory, enforce_eager=settings.eager, residency="auto",
    )  # fmt: skip


def start(bench: Serving) -> Mapping[str, Any]:
    before, started = used_mib(), time.monotonic()
    bench.started()
    used = used_mib()
    shape = shape_of(Path(bench.base.uri))
    predict = engine_bytes if runs_on_cpu() else gpu_engine_bytes
    identity = bench.engine.identity()
    return {
        "seconds": _since(started), **bench._timings("start", "proof"), **bench.proof(), "device": identity["device"], "dtype": identity["dtype"],
        "cuda_graphs": not (bench.engine_settings.enforce_eager or runs_on_cpu()), "residency": bench.engine._residency(),
        "used_before_mib": before, "used_mib": used, "least_needed_mib_predicted": predict(shape, bench.engine_settings) >> 20,
        "parameters": shape.parameters, "notes": bench.notes,
    }  # fmt: skip


def reload(bench: Serving) -> Mapping[str, Any]:
    """Change to the other policy and back, in place."""
    bench.started()
    there = bench.served(bench.other)
    return {"to the other policy": there, "and back": bench.served(bench.base)}


def sleep(bench: Serving) -> Mapping[str, Any]:
    """Sleep at level 2 and wake with other weights, as a run does; then at level 1, whose weights wait in host memory."""
    bench.started()
    if bench.engine._residency() != "sleep":
        raise NotHere("vLLM's sleep mode does nothing on the CPU")
    figures: dict[str, Any] = {"used_serving_mib": used_mib()}
    started = time.monotonic()
    bench.host.release()
    if not bench.engine._asleep:
        raise PartFailed(f"the server did not sleep and was stopped: {'; '.join(bench.warnings[-2:])}", figures)
    figures["level 2"] = {"sleep_s": _since(started), "used_asleep_mib": used_mib()}
    before = bench.engine._process.child.pid
    with bench.host.serving(bench.other):
        figures["level 2"] |= {**bench._timings("reload", "proof"), **bench.proof(), "used_awake_mib": used_mib()}
    if bench.server != before:
        raise PartFailed(f"waking was not proved, a new server was started: {'; '.join(bench.warnings[-2:])}", figures)
    figures["level 1"] = _level_1(bench)
    figures["completions_after"] = _completions_after(bench)
    return figures


def _level_1(bench: Serving) -> dict[str, Any]:
    """Sleep and wake the server with the weights it has, and prove that they are those of before."""
    client, engine = bench.engine._client, bench.engine
    started = time.monotonic()
    client.call("POST", "//sleep?level=1", timeout_s=CALL_S)
    figures: dict[str, Any] = {"sleep_s": _since(started), "used_asleep_mib": used_mib()}
    started = time.monotonic()
    client.call("POST", "//wake_up", timeout_s=CALL_S)
    figures |= {"wake_s": _since(started), "used_awake_mib": used_mib()}
    checkpoint = read_checkpoint(Path(bench.other.uri))
    dtype = engine._dtype(checkpoint)
    found = prove(
        bench.other, checkpoint.path, None, client.prompt_logprobs,
        expected=lambda path, ids: engine._forward.prompt_logprobs(path, dtype, ids), tokens=engine._probe(checkpoint), dtype=dtype,
    )  # fmt: skip
    return {**figures, "rms_nats": float(f"{found.rms:.3g}"), "largest_nats": float(f"{found.largest:.3g}")}


def _completions_after(bench: Serving) -> int:
    """Sample a little after waking; a server whose cache was lost would fail here."""
    requests = [DrawRequest(str(number), "12+34=", (0,)) for number in range(8)]
    with bench.host.serving(bench.other) as session:
        return sum(
            len(drawn) for _, drawn in session.sample(requests, Sampling(temperature=1.0, top_k=0, max_tokens=8))
        )


@dataclass(frozen=True)
class Draw:
    """Work for one level of requests in flight."""

    problems: ProblemSet
    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    model: ModelSettings
    sampling: Sampling
    in_flight: int


def speed(bench: Serving) -> Mapping[str, Any]:
    """Compare tokens a second of the generate stage with those of bare requests to the same server, rounds alternating."""
    bench.started()
    began, smoke = time.monotonic(), bench.settings
    most = draw_of(bench, max(smoke.in_flight))
    with bench.host.serving(bench.base):
        pass
    _staged(bench, replace(most, in_flight=min(smoke.in_flight)), "warm")
    figures: dict[str, Any] = {"max_tokens": smoke.max_tokens, "samples_a_problem": smoke.samples}
    for level in smoke.in_flight:
        raw, staged = [], []
        for number in range(smoke.rounds):
            if number and time.monotonic() - began > PATIENCE_S:
                break
            draw = draw_of(bench, level)
            raw.append(_raw(bench, draw))
            staged.append(_staged(bench, draw, f"{level}-{number}"))
        figures[str(level)] = {
            "raw_tokens_per_s": _rounded(raw), "stage_tokens_per_s": _rounded(staged), "share": round(sum(staged) / sum(raw), 3),
        }  # fmt: skip
    return figures


def draw_of(bench: Serving, level: int) -> Draw:
    """Return problems for twice `level` completions, at least 256 of them where that is less (small tests: 32)."""
    smoke, model = bench.settings, model_settings(bench.settings)
    completions = max(2 * level, 256 if level >= 64 else 32)
    rows = problems(smoke, max(1, completions // smoke.samples))
    template = template_of(model)
    return Draw(
        _store(bench.workspace, "train", SourceSettings(), rows), tuple(row.id for row in rows),
        tuple(template.render(row, model.shots) for row in rows), model,
        Sampling(temperature=0.7, top_k=40, max_tokens=smoke.max_tokens, stop=template.stop), level,
    )  # fmt: skip


def _staged(bench: Serving, draw: Draw, name: str) -> float:
    """Return the stage's completion tokens a second, with `in_flight` of them in the server at once."""
    smoke, engine = bench.settings, bench.engine
    job = GenerateJob(
        bench.workspace, f"gpu/{name}", bench.base, draw.problems, draw.ids, draw.model, bench.engine_settings, draw.sampling, 0,
        smoke.samples, f"{name}-{time.time_ns()}",
    )  # fmt: skip
    usual = engine._client
    endpoints = Endpoints((engine._process.url,), SERVED_NAME)
    engine._client = CompletionsClient(endpoints, draw.in_flight, read_checkpoint(Path(bench.base.uri)).special)
    started = time.monotonic()
    try:
        manifest = bench.workspace.store.manifest_of(generate(job).ref)
    finally:
        engine._client.close()
        engine._client = usual
    return float(manifest.meta["tokens_drawn"]) / (time.monotonic() - started)


def _raw(bench: Serving, draw: Draw) -> float:
    """Return the same for the requests with nothing around them."""
    started = time.monotonic()
    tokens = asyncio.run(_bare_requests(bench.engine._process.url, draw, bench.settings.samples))
    return tokens / (time.monotonic() - started)


async def _bare_requests(url: str, draw: Draw, samples: int) -> int:
    limits = httpx.Limits(max_connections=max(1, draw.in_flight // samples))
    body = {
        "model": SERVED_NAME, "n": samples, "max_tokens": draw.sampling.max_tokens, "temperature": draw.sampling.temperature,
        "top_k": draw.sampling.top_k, "stop": list(draw.sampling.stop),
    }  # fmt: skip
    async with httpx.AsyncClient(timeout=CALL_S, limits=limits, trust_env=False) as client:
        posts = (client.post(f"{url}/completions", json={**body, "prompt": prompt}) for prompt in draw.prompts)
        answers = await asyncio.gather(*posts)
    return sum(answer.raise_for_status().json()["usage"]["completion_tokens"] for answer in answers)


def _collected_warnings() -> list[str]:
    """Return a list into which the engines' warnings go."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    logging.getLogger("tasks.engines").addHandler(Collect(logging.WARNING))
    return found


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]


PARTS = {"start": start, "reload": reload, "sleep": sleep, "speed": speed}
