"""Solutions by people, graded like a model's: they join a data set, or are all of it."""

from __future__ import annotations

from flows.run.run import Run
from tasks.data.problems import ProblemSet
from tasks.human import HumanJob, human
from tasks.store.ranges import RangeSamples, split_ranges
from tasks.store.slots import PROBLEMS, Slot
from tasks.verify import VerifyJob, verify


def solutions_by_people(run: Run, ids: tuple[str, ...] | None = None) -> tuple[RangeSamples, ...]:
    """Return the solutions that came with the train problems (with all, or with those of a round) and their verdicts."""
    problems, train = run.problems.train, run.problems.train
    rows = train.all() if ids is None else train.select(ids)
    ranges = split_ranges(rows, run.config.generate.range_size)
    return tuple(_graded(run, problems, number, some) for number, some in enumerate(ranges))


def _graded(run: Run, problems: ProblemSet, number: int, ids: tuple[str, ...]) -> RangeSamples:
    slot = Slot(PROBLEMS, "train", range=number)
    job = HumanJob(run.workspace, str(slot.at(stage="human")), problems, ids, run.config.model)
    written = run.do(human, job).ref
    grading = VerifyJob(run.workspace, str(slot.at(stage="verify")), written, problems, ids, run.config.verify)
    return RangeSamples(ids, ((written, run.do(verify, grading).ref),))
