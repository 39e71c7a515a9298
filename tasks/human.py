"""Solutions by people as samples, so that they are graded, filtered and stored as a model's own are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.data.problems import ProblemSet
from tasks.domain.chat_template import template_of
from tasks.domain.fingerprint import digest_of, digest_of_text
from tasks.domain.schema import Problem, Sample, to_table
from tasks.domain.settings import ModelSettings
from tasks.store.artifacts import Manifest, TableWriter
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment

VERSION = "1"
AUTHOR = "human"  # stands where a sample names its policy and its sampling


@dataclass(frozen=True)
class HumanJob:
    """Write the solutions that came with the problems of one range; a problem without one has no row."""

    workspace: Workspace
    slot: str
    problems: ProblemSet
    ids: tuple[str, ...]
    model: ModelSettings

    def recipe(self) -> dict[str, Any]:
        rows = [[item.id, digest_of_text(prompt), text] for item, prompt, text in self.written()]
        return self.workspace.recipe("human", VERSION, solutions=digest_of(rows))

    def written(self) -> Iterator[tuple[Problem, str, str]]:
        """Yield each problem with its prompt and its solution, as the template writes both."""
        template = template_of(self.model)
        for item in self.problems.select(self.ids):
            if solution := str(item.meta.get("solution") or "").strip():
                yield item, template.render(item, self.model.shots), template.worked(item, solution)


def run(job: HumanJob) -> Outcome:
    """Store the solutions, or find them."""
    recipe = job.recipe()
    return job.workspace.once(recipe, job.slot, lambda: _stored(job, recipe))


def _stored(job: HumanJob, recipe: dict[str, Any]) -> Manifest:
    writer = TableWriter(job.workspace.store, recipe)
    writer.write(to_table([_sample(*one) for one in job.written()], Sample))
    return writer.commit({"environment": environment()})


def _sample(problem: Problem, prompt: str, text: str) -> Sample:
    return Sample(
        problem.id, AUTHOR, 0, text, "stop", None, 0, 0, digest_of_text(prompt), policy_digest=AUTHOR, sampling=AUTHOR
    )


human = Stage("human", run)
