"""E-step, second half: grade the samples of one generate artifact. The same task grades evaluation samples."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from tasks.data.problems import ProblemSet
from tasks.domain.corrections import Rulings
from tasks.domain.errors import StageFailed
from tasks.domain.failpoints import failpoint
from tasks.domain.fingerprint import digest_of
from tasks.domain.rewards.grader import Grader, grader_for
from tasks.domain.schema import Problem, Sample, Verdict, from_table, to_table
from tasks.domain.settings import VerifySettings
from tasks.store.artifacts import ArtifactRef, Manifest, TableWriter
from tasks.store.progress import meter
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment

VERSION = "1"
BATCH = 512  # rows graded between two progress reports; the pool keeps its workers busy with far fewer


@dataclass(frozen=True)
class VerifyJob:
    """Grade one samples artifact."""

    workspace: Workspace
    slot: str
    samples: ArtifactRef
    problems: ProblemSet
    ids: tuple[str, ...]
    settings: VerifySettings

    def recipe(self) -> dict[str, Any]:
        grader = grader_for(self.settings)
        answers = [grader.reads(item) for item in self.problems.select(self.ids)]
        return self.workspace.recipe(
            "verify", VERSION, settings=self.settings.content(), grader=grader.version,
            samples=self.samples.digest, answers=digest_of(answers), **self.rulings().content(),
        )  # fmt: skip

    def rulings(self) -> Rulings:
        """Return the verdicts with which a person overruled the grader."""
        return Rulings(self.settings.overruled, self.ids)


def run(job: VerifyJob) -> Outcome:
    """Grade every sample, refuse too many verifier errors, and commit the verdicts."""
    recipe = job.recipe()
    return job.workspace.once(recipe, job.slot, lambda: _verdicts(job, recipe))


def _verdicts(job: VerifyJob, recipe: dict[str, Any]) -> Manifest:
    writer = TableWriter(job.workspace.store, recipe)
    counts = _grade(job, writer)
    _refuse_too_many_errors(counts, job)
    failpoint("verify.written")
    return writer.commit({"labels": counts, "grader": grader_for(job.settings).version, "environment": environment()})


def _grade(job: VerifyJob, writer: TableWriter) -> dict[str, int]:
    by_id = {problem.id: problem for problem in job.problems.select(job.ids)}
    grader, rulings, counts = grader_for(job.settings), job.rulings(), dict[str, int]()
    with meter(f"verify {job.slot}", job.samples.rows, "samples") as progress:
        for table in job.workspace.store.tables(job.samples):
            samples = from_table(table, Sample)
            verdicts: list[Verdict] = []
            for first in range(0, len(samples), BATCH):
                some = samples[first : first + BATCH]
                batch = [
                    rulings.applied(*one) for one in zip(grade_batch(grader, by_id, some), _texts(some), strict=True)
                ]
                verdicts += batch
                progress.advance(len(batch), accepted=sum(one.label == "correct" for one in batch))
            writer.write(to_table(verdicts, Verdict))
            for verdict in verdicts:
                counts[verdict.label] = counts.get(verdict.label, 0) + 1
    return counts


def _texts(samples: list[Sample]) -> list[str]:
    return [sample.text for sample in samples]


def grade_batch(grader: Grader, by_id: dict[str, Problem], samples: list[Sample]) -> list[Verdict]:
    """Return one verdict per sample; after a fault of the verifier the sample is graded once more."""
    verdicts = grader.grade_many([(by_id[sample.problem_id], sample) for sample in samples])
    again = [i for i, verdict in enumerate(verdicts) if verdict.label == "verifier_error"]
    if again:
        second = grader.grade_many([(by_id[samples[i].problem_id], samples[i]) for i in again])
        for i, verdict in zip(again, second, strict=True):
            verdicts[i] = verdict
    return [
        replace(verdict, problem_id=s.problem_id, index=s.index) for verdict, s in zip(verdicts, samples, strict=True)
    ]


def _refuse_too_many_errors(counts: dict[str, int], job: VerifyJob) -> None:
    errors, total = counts.get("verifier_error", 0), sum(counts.values())
    if errors > job.settings.max_error_share * total:
        raise StageFailed(
            f"{errors} of {total} samples ended in a verifier error at {job.slot}, at most "
            f"{job.settings.max_error_share:.1%} may; labels: {json.dumps(counts)}; see the verify log and `restem doctor`"
        )


verify = Stage("verify", run)
