"""E-step, first half: it draws completions for one problem range from a policy.

Samples live in a *pool*, named by what decides their distribution (policy, prompt template, sampling, draw). An artifact
of this stage is a selection from the pool, problems x indices; only what the pool lacks is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow.compute as pc

from tasks.data.problems import ProblemSet
from tasks.domain.chat_template import template_of
from tasks.domain.failpoints import failpoint
from tasks.domain.fingerprint import digest_of, digest_of_rows, digest_of_text, row_hashes
from tasks.domain.schema import Completion, Hint, Policy, Problem, Sample, Sampling, to_table
from tasks.domain.settings import EngineSettings, ModelSettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost, host_for
from tasks.store.arrays import strings
from tasks.store.artifacts import Manifest, Part, key_of, new_attempt, select_wanted
from tasks.store.progress import Meter, meter
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment

VERSION = "1"


@dataclass(frozen=True)
class GenerateJob:
    """Draw indices [start, stop) of these problems. `slot` is the place in the run."""

    workspace: Workspace
    slot: str
    policy: Policy
    problems: ProblemSet
    ids: tuple[str, ...]
    model: ModelSettings
    engine: EngineSettings
    sampling: Sampling
    start: int
    stop: int
    draw: str = ""
    flush_seconds: float = 30.0
    hint: Hint = "none"

    @property
    def pool_recipe(self) -> dict[str, Any]:
        """Return everything that decides the distribution of completions."""
        hinted = {} if self.hint == "none" else {"hint": self.hint}
        return self.workspace.recipe(
            "samples", VERSION, policy=self.policy.digest, prompt=[template_of(self.model).digest, self.model.shots],
            sampling=asdict(self.sampling), engine=self.engine.content(), draw=self.draw, **hinted,
        )  # fmt: skip

    def recipe(self) -> dict[str, Any]:
        prompts = [(item.id, digest_of_text(prompt)) for item, prompt in self.prompted()]
        pool = {name: value for name, value in self.pool_recipe.items() if name not in ("stage", "version")}
        return self.workspace.recipe(
            "generate", VERSION, **pool, problems=digest_of(prompts), start=self.start, stop=self.stop
        )

    def prompted(self) -> list[tuple[Problem, str]]:
        """Return the range's problems, each with the exact prompt."""
        template = template_of(self.model)
        return [(item, template.render(item, self.model.shots, self.hint)) for item in self.problems.select(self.ids)]


@dataclass
class Drawing:
    """One attempt to fill a selection: what the pool held, what was drawn, and where it was stored."""

    job: GenerateJob
    pool: str
    attempt: str = field(default_factory=new_attempt)
    parts: list[Part] = field(default_factory=list)

    def store_rows(self, samples: list[Sample]) -> None:
        if not samples:
            return
        relative = f"samples/{self.pool}/{self.attempt}-{len(self.parts):05d}.parquet"
        self.parts.append(self.job.workspace.store.write_table(relative, to_table(samples, Sample)))
        failpoint("generate.flushed")


def run(job: GenerateJob) -> Outcome:
    """Fill the selection and commit its manifest; draws only what the pool lacks."""
    recipe = job.recipe()
    return job.workspace.once(recipe, job.slot, lambda: _fill(job, recipe))


def _fill(job: GenerateJob, recipe: dict[str, Any]) -> Manifest:
    started, pool, prompted = time.time(), key_of(job.pool_recipe), job.prompted()
    missing = _missing(job, pool, prompted)
    tokens = _draw(Drawing(job, pool), missing) if missing else 0
    failpoint("generate.drawn")
    return _commit(job, recipe, pool, prompted, started, tokens)


def _wanted(job: GenerateJob, prompted: list[tuple[Problem, str]]) -> dict[str, Any]:
    return {
        "problems": [item.id for item, _ in prompted],
        "prompts": sorted({digest_of_text(prompt) for _, prompt in prompted}),
        "start": job.start,
        "stop": job.stop,
    }


def _have(job: GenerateJob, pool: str, prompted: list[tuple[Problem, str]]) -> dict[str, set[tuple[str, int]]]:
    """Return for each stored part, oldest first, the (problem, index) pairs of this selection that no earlier part holds."""
    wanted_prompt = {item.id: digest_of_text(prompt) for item, prompt in prompted}
    ids = strings(wanted_prompt)
    owned: dict[str, set[tuple[str, int]]] = {}
    seen: set[tuple[str, int]] = set()
    for part, columns in job.workspace.store.sample_index(pool):
        rows = columns.filter(pc.is_in(columns["problem_id"], value_set=ids)).to_pydict()
        here = {
            (problem, index)
            for problem, prompt, index in zip(rows["problem_id"], rows["prompt_digest"], rows["index"], strict=True)
            if job.start <= index < job.stop and wanted_prompt[problem] == prompt
        } - seen
        if here:
            owned[part] = here
            seen |= here
    return owned


def lacking(job: GenerateJob) -> int:
    """Return how many samples of the selection the pool does not hold yet."""
    return sum(len(request.indices) for request in _missing(job, key_of(job.pool_recipe), job.prompted()))


def _missing(job: GenerateJob, pool: str, prompted: list[tuple[Problem, str]]) -> list[DrawRequest]:
    have = set().union(*_have(job, pool, prompted).values())
    requests, complete = [], template_of(job.model).complete
    for item, prompt in prompted:
        indices = tuple(i for i in range(job.start, job.stop) if (item.id, i) not in have)
        if indices:
            requests.append(DrawRequest(item.id, prompt, indices, complete))
    return requests


def engine_host(job: GenerateJob) -> EngineHost:
    return host_for(job.engine, job.workspace.localize, job.workspace.logs)


def _draw(drawing: Drawing, missing: list[DrawRequest]) -> int:
    """Sample what is missing, storing finished problems as they come; returns completion tokens."""
    job, waiting, tokens = drawing.job, [], 0
    last_flush = time.monotonic()
    total = sum(len(request.indices) for request in missing)
    with meter(f"generate {job.slot}", total, "samples") as progress:
        try:
            for request, completions in _completions(job, missing, progress):
                samples = _samples(job, request, completions)
                waiting.extend(samples)
                tokens += sum(sample.completion_tokens for sample in samples)
                if time.monotonic() - last_flush >= job.flush_seconds:
                    drawing.store_rows(waiting)
                    waiting, last_flush = [], time.monotonic()
        finally:  # a failed engine costs only what was in flight
            drawing.store_rows(waiting)
    return tokens


def _completions(
    job: GenerateJob, missing: list[DrawRequest], progress: Meter
) -> Iterator[tuple[DrawRequest, tuple[Completion, ...]]]:
    with engine_host(job).serving(job.policy) as session:
        yield from session.sample(missing, job.sampling, lambda done, tokens: progress.advance(done, tokens=tokens))


def _samples(job: GenerateJob, request: DrawRequest, completions: Iterable[Completion]) -> list[Sample]:
    prompt_digest, sampling = digest_of_text(request.prompt), digest_of(job.sampling)
    return [
        Sample(
            problem_id=request.problem_id, draw=job.draw, index=index, text=one.text, finish_reason=one.finish_reason,
            stop_reason=one.stop_reason, prompt_tokens=one.prompt_tokens, completion_tokens=one.completion_tokens,
            prompt_digest=prompt_digest, policy_digest=job.policy.digest, sampling=sampling, token_ids=one.token_ids,
        )
        for index, one in zip(request.indices, completions, strict=True)
    ]  # fmt: skip


def _commit(
    job: GenerateJob,
    recipe: dict[str, Any],
    pool: str,
    prompted: list[tuple[Problem, str]],
    started: float,
    tokens: int,
) -> Manifest:
    """Name the parts that hold the selection; the digest is over the selected rows, wherever they lie."""
    store, wanted = job.workspace.store, _wanted(job, prompted)
    owned = _have(job, pool, prompted)
    hashes: list[bytes] = []
    seen: set[tuple[str, int]] = set()
    parts = []
    for path in owned:
        table = select_wanted(store.read_table(path), wanted, seen)
        hashes.extend(row_hashes(table))
        parts.append(Part(path, table.num_rows, 0))
    meta = {
        "wanted": wanted, "pool": pool, "tokens_drawn": tokens, "seconds": round(time.time() - started, 3),
        "engine": job.engine.kind, "environment": environment(), "policy_uri": job.policy.uri,
    }  # fmt: skip
    return store.commit(
        Manifest(
            "generate",
            key_of(recipe),
            recipe,
            new_attempt(),
            digest_of_rows(hashes),
            len(hashes),
            parts,
            meta,
            time.time(),
        )
    )


generate = Stage("generate", run)
