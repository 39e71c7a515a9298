"""Turns accepted solutions into a data set: Parquet parts with a card beside them, written range by range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from tasks.data.problems import ProblemSet
from tasks.domain.chat_template import template_of
from tasks.domain.column import columns_named, with_columns
from tasks.domain.diversity import Diversity, diversity
from tasks.domain.errors import StageFailed
from tasks.domain.failpoints import failpoint
from tasks.domain.fingerprint import digest_of
from tasks.domain.schema import Sample, Verdict
from tasks.domain.scoring import TrainTally, tally_train
from tasks.domain.selection import Selection, SelectionStats, choose_rows, keep_rows, row_id, select_examples
from tasks.domain.settings import MaterializeSettings, ModelSettings
from tasks.store.artifacts import Manifest, TableWriter
from tasks.store.progress import meter
from tasks.store.ranges import Extra, RangeSamples
from tasks.store.stage import Stage
from tasks.store.workspace import Outcome, Workspace, environment

VERSION = "1"


@dataclass(frozen=True)
class MaterializeJob:
    """Turn the E-step's verified samples into training rows."""

    workspace: Workspace
    slot: str
    ranges: tuple[RangeSamples, ...]
    problems: ProblemSet
    model: ModelSettings
    settings: MaterializeSettings
    first_wave: int = 16  # samples a problem in the first wave, on which the train statistics rest
    extras: tuple[Extra, ...] = ()  # further graded samples: of earlier rounds, of second tries, by people
    may_be_empty: bool = False  # else a data set without rows is a failure

    def recipe(self) -> dict[str, Any]:
        inputs = [_digests(one) for one in self.ranges]
        dropped = {"reasoning": "drop"} if self.model.chat.reasoning == "drop" else {}
        extras = [[one.first, [[_digests(part), digest_of(part.ids)] for part in one.ranges]] for one in self.extras]
        return self.workspace.recipe(
            "materialize", VERSION, settings=self.settings.content(), inputs=inputs, first_wave=self.first_wave,
            problems=digest_of([one.ids for one in self.ranges]),
            prompt=[template_of(self.model).digest, self.model.shots], **({"extras": extras} if extras else {}),
            **dropped,
        )  # fmt: skip


def run(job: MaterializeJob) -> Outcome:
    """Select range by range, so that memory holds one range; two passes when `max_rows` thins the whole."""
    recipe = job.recipe()
    outcome = job.workspace.once(recipe, job.slot, lambda: _data_set(job, recipe))
    if not outcome.ref.rows and not job.may_be_empty:  # a run that goes on without rows has stored it
        raise StageFailed(nothing_accepted(job, job.workspace.store.manifest_of(outcome.ref).meta))
    return outcome


def _data_set(job: MaterializeJob, recipe: dict[str, Any]) -> Manifest:
    writer = TableWriter(job.workspace.store, recipe)
    meta = _write(job, writer)
    rows = sum(part.rows for part in writer.parts)
    if not rows and not job.may_be_empty:
        raise StageFailed(nothing_accepted(job, meta))
    writer.add_file("README.md", _card(job, rows, meta).encode())
    failpoint("materialize.written")
    return writer.commit(meta | {"environment": environment()})


def nothing_accepted(job: MaterializeJob, meta: dict[str, Any]) -> str:
    """Say that the data set is empty, and what could fill it."""
    return (
        f"no sample of {len(job.ranges)} problem ranges was accepted (labels {meta['train']['tally']['labels']}), so there is nothing to "
        "train on; draw more samples, add few-shot examples, or take easier problems"
    )


def _digests(one: RangeSamples) -> list[list[str]]:
    return [[samples.digest, verdicts.digest] for samples, verdicts in one.waves]


def _write(job: MaterializeJob, writer: TableWriter) -> dict[str, Any]:
    chosen, columns = _thinned(job), columns_named(job.settings.columns)
    stats, train, varied = SelectionStats(), TrainTally(), Diversity()
    with meter(f"materialize {job.slot}", len(job.ranges), "ranges") as progress:
        for one in _units(job):
            samples, verdicts = _read(job, one)
            if one.waves:
                train += tally_train(job.problems.select(one.ids), samples, verdicts, job.first_wave)
                varied += diversity((row for row in samples if row.index < job.first_wave), verdicts) or Diversity()
            selection = _select(job, one, samples, verdicts)
            if chosen is not None:
                selection = keep_rows(selection, chosen, job.settings)
            stats += selection.stats
            if selection.examples:
                writer.write(with_columns(selection.examples, columns))
            progress.advance(accepted=len(selection.examples))
            failpoint("materialize.range")
    return {"train": train_summary(train), "selection": stats.to_json(), "diversity": varied.to_json()}


def train_summary(train: TrainTally) -> dict[str, Any]:
    """Return the E-step's figures on the train problems, as the manifest holds them."""
    return {
        "problems": train.problems, "solved": train.solved, "solve_rate": asdict(train.solve_rate),
        "accuracy": asdict(train.accuracy()), "tally": train.tally.to_json(),
    }  # fmt: skip


def _read(job: MaterializeJob, one: RangeSamples) -> tuple[list[Sample], list[Verdict]]:
    store = job.workspace.store
    samples = [row for ref, _ in one.waves for row in store.rows(ref, Sample)]
    return samples, [row for _, ref in one.waves for row in store.rows(ref, Verdict)]


def _units(job: MaterializeJob) -> Iterator[RangeSamples]:
    """Yield this round's ranges, then the problems that only the extras have; each problem comes once."""
    yield from job.ranges
    seen = {name for one in job.ranges for name in one.ids}
    for one in (part for extra in job.extras for part in extra.ranges):
        if ids := tuple(name for name in one.ids if name not in seen):
            seen.update(ids)
            yield RangeSamples(ids, ())


def _joined(job: MaterializeJob, ids: tuple[str, ...]) -> tuple[list[Sample], list[Verdict]]:
    """Return the extras' samples and verdicts of these problems, with their indices in the data set."""
    wanted, samples, verdicts = set(ids), list[Sample](), list[Verdict]()
    for extra in job.extras:
        for one in (part for part in extra.ranges if wanted.intersection(part.ids)):
            some, graded = _read(job, one)
            samples += [replace(row, index=extra.first + row.index) for row in some if row.problem_id in wanted]
            verdicts += [replace(row, index=extra.first + row.index) for row in graded if row.problem_id in wanted]
    return samples, verdicts


def _select(job: MaterializeJob, one: RangeSamples, samples: list[Sample], verdicts: list[Verdict]) -> Selection:
    further = _joined(job, one.ids)
    samples, verdicts = [*samples, *further[0]], [*verdicts, *further[1]]
    template = template_of(job.model)
    problems = job.problems.select(one.ids)
    prompts = {item.id: template.render(item, job.model.shots) for item in problems}
    samples = [replace(sample, text=template.target(sample.text)) for sample in samples]
    return select_examples(problems, samples, verdicts, prompts, job.settings, job.first_wave)


def _thinned(job: MaterializeJob) -> set[str] | None:
    """Return the ids of the rows to keep when `max_rows` asks for fewer, chosen by hash over the whole data set."""
    if job.settings.max_rows is None:
        return None
    ids = (row_id(row) for one in _units(job) for row in _select(job, one, *_read(job, one)).examples)
    return choose_rows(ids, job.settings.max_rows, job.settings.seed)


def _card(job: MaterializeJob, rows: int, meta: dict[str, Any]) -> str:
    """Return a data set card that `datasets` and the Hub read (a YAML head, then text)."""
    further = "".join(f", {column.name}" for column in columns_named(job.settings.columns))
    return f"""---
configs:
- config_name: default
  data_files: "part-*.parquet"
---
# Accepted solutions of {job.workspace.run}, {job.slot}

{rows} prompt/completion rows, each a model's own solution (ReST-EM, arXiv 2312.06585). Columns: problem_id, index (draw),
prompt, completion, weight, reward{further}. Selection: {job.settings.model_dump_json()}. Labels of all samples: {meta["train"]["tally"]["labels"]}.
Selection counts: {meta["selection"]}. Code: {environment()["commit"]}.

Open it with `datasets.load_dataset("parquet", data_files="part-*.parquet")`.
"""


materialize = Stage("materialize", run)
