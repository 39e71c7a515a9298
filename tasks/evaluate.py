"""Computes the statistics of one policy on one problem set, from samples and verdicts that generate and verify made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tasks.data.problems import ProblemSet
from tasks.domain.failpoints import failpoint
from tasks.domain.run_result import PolicyScore
from tasks.domain.schema import Policy, Sample, Verdict
from tasks.domain.scoring import score
from tasks.domain.settings import EvaluateSettings
from tasks.store.artifacts import ArtifactRef, Manifest, TableWriter
from tasks.store.ranges import RangeSamples
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment

VERSION = "1"


@dataclass(frozen=True)
class EvaluateJob:
    """Score a policy. `greedy` and `sampled` hold its graded completions, range by range; either may be empty."""

    workspace: Workspace
    slot: str
    policy: Policy
    problems: ProblemSet
    greedy: tuple[RangeSamples, ...]
    sampled: tuple[RangeSamples, ...]
    settings: EvaluateSettings

    def recipe(self) -> dict[str, Any]:
        def inputs(ranges: tuple[RangeSamples, ...]) -> list[Any]:
            return [[samples.digest, verdicts.digest] for one in ranges for samples, verdicts in one.waves]

        return self.workspace.recipe(
            "evaluate", VERSION, settings=self.settings.model_dump(mode="json"), policy=self.policy.digest,
            problems=self.problems.ref.digest, greedy=inputs(self.greedy), sampled=inputs(self.sampled),
        )  # fmt: skip


def run(job: EvaluateJob) -> Outcome:
    """Compute the score and store it as one JSON document."""
    recipe = job.recipe()
    return job.workspace.once(recipe, job.slot, lambda: _scored(job, recipe))


def _scored(job: EvaluateJob, recipe: dict[str, Any]) -> Manifest:
    writer = TableWriter(job.workspace.store, recipe)
    greedy, sampled = _graded(job, job.greedy), _graded(job, job.sampled)
    result = score(job.problems.all(), *greedy, *sampled, job.settings, policy=job.policy)
    writer.add_file("score.json", json.dumps(result.to_json(), sort_keys=True).encode(), content=True)
    failpoint("evaluate.written")
    return writer.commit({"environment": environment()})


def read_score(workspace: Workspace, ref: ArtifactRef) -> PolicyScore:
    part = workspace.store.manifest_of(ref).parts[0]
    return PolicyScore.from_json(workspace.store.read_bytes(part.path))


def _graded(job: EvaluateJob, ranges: tuple[RangeSamples, ...]) -> tuple[list[Sample], list[Verdict]]:
    store = job.workspace.store
    samples = [row for one in ranges for ref, _ in one.waves for row in store.rows(ref, Sample)]
    verdicts = [row for one in ranges for _, ref in one.waves for row in store.rows(ref, Verdict)]
    return samples, verdicts


evaluate = Stage("evaluate", run)
