"""Records a run: it times each phase, keeps the result in the store up to date, writes the report and applies the stop rule."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psutil

from flows.config import RunConfig
from flows.run.rows import Maximized
from flows.run.run import NotStored, Run
from flows.run.stopping import Progress, progress_of, steps_of, stop_reason
from flows.stored.analyses import base_readable
from flows.stored.runs import audit_of, result_of
from flows.stored.viewer_address import run_address
from tasks.domain.disk import disk_faults_told
from tasks.domain.diversity import Diversity
from tasks.domain.errors import RestemError
from tasks.domain.run_result import IterationResult, PolicyScore, RunResult, Tally, unchanged_warning
from tasks.domain.schema import Policy
from tasks.domain.selection import SelectionStats
from tasks.domain.statistics import Interval
from tasks.report import differences_to_base, write_html
from tasks.report.tracking import track
from tasks.store.progress import console
from tasks.store.workspace import Outcome, code_commit, library_versions, log

Publish = Callable[[RunResult, str], None]  # told the result so far, and where its page lies


def keep_to_the_store(result: RunResult, page: str) -> None:
    """Publish nothing, because the store holds everything."""


@dataclass
class Timed:
    """One iteration while it runs: the result of each phase, the seconds it took, and whether it came from the store."""

    run: Run
    number: int
    seconds: dict[str, float] = field(default_factory=dict)
    cached: dict[str, bool] = field(default_factory=dict)
    partly: set[str] = field(default_factory=set)  # phases of which some came from the store
    device_seconds: dict[str, float] = field(default_factory=dict)
    ended: str = ""  # when what was recorded last was really done
    test: PolicyScore | None = None
    transfer: Mapping[str, PolicyScore] = field(default_factory=dict)
    dataset: Outcome | None = None
    maximized: Maximized | None = None
    policy: Policy | None = None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one phase and note whether all of it came from the store."""
        self.run.journal.take()
        started, jobs = time.monotonic(), len(self.run.journal.jobs)
        where = f"iteration {self.number}" if self.number else "base"
        console().print(f"[bold]{where}[/] {name} ...", highlight=False)
        yield
        outcomes = self.run.journal.take()
        self.seconds[name] = round(time.monotonic() - started, 2)
        self.cached[name] = all(outcome.cached for outcome in outcomes)
        stored = sum(outcome.cached for outcome in outcomes)
        if 0 < stored < len(outcomes):
            self.partly.add(name)
        self.device_seconds[name] = round(device_seconds(self.run, self.seconds[name], jobs), 2)
        self.ended = _done(self.run, outcomes) if self.cached[name] and outcomes else now()
        console().print(
            f"    {name}: {self.seconds[name]:.1f} s, {len(outcomes)} task runs, {stored} from the store",
            highlight=False,
        )

    def result(self) -> IterationResult:
        policy = self.policy or self.run.base
        made = IterationResult(
            self.number, policy.digest, test=self.test, seconds=dict(self.seconds), cached=dict(self.cached),
            device_seconds=dict(self.device_seconds), ended=self.ended,
            transfer=dict(self.transfer),
        )  # fmt: skip
        if self.number == 0:
            return replace(made, readable=base_readable(self.run.workspace.store, self.run.workspace.run))
        made = self._with_data(replace(made, refs={"policy": policy.uri}))
        return self._with_training(made, self.maximized) if self.maximized else made

    def _with_data(self, made: IterationResult) -> IterationResult:
        if self.dataset is None:
            return made
        meta = self.run.workspace.store.manifest_of(self.dataset.ref).meta
        train = meta["train"]
        return replace(
            made,
            solve_rate=Interval(**train["solve_rate"]),
            train_accuracy=Interval(**train["accuracy"]),
            train_problems=train["problems"],
            problems_solved=train["solved"],
            train=Tally(**train["tally"]),
            selection=SelectionStats(**meta["selection"] | {"rows_per_problem": _int_keys(meta["selection"])}),
            diversity=_diversity_in(meta),
            refs={"dataset": self.dataset.ref.uri, **made.refs},
        )

    def _with_training(self, made: IterationResult, trained: Maximized) -> IterationResult:
        return replace(
            made, epochs=trained.epochs, steps=steps_of(self.run.workspace.store, trained.outcome), val_reward=trained.chosen.val_reward, links=self._links(trained),
            refs={**made.refs, "finetune": trained.outcome.ref.uri},
        )  # fmt: skip

    def _links(self, made: Maximized) -> dict[str, str]:
        """Return links to the logs on this machine; the logs of a stage that ran elsewhere lie there."""
        logs = self.run.workspace.logs
        engine = sorted((path for kind in ("vllm", "hf") for path in logs.glob(f"{kind}-*.log")), key=os.path.getmtime)
        return {
            "training log": str(logs / f"train-{made.outcome.ref.key}.log"),
            **({"engine log": str(engine[-1])} if engine else {}),
        }


class Recorder:
    """Collects the rows; after each one it writes `result.json` and `report.html` to the store, which show how far the run is.

    `publish` receives the result after each iteration and shows it elsewhere (in the Prefect interface). A run that takes seconds
    is not shown `between` its iterations, because drawing takes longer than the run.
    """

    def __init__(self, run: Run, publish: Publish = keep_to_the_store, *, between: bool = True) -> None:
        self.run, self.publish, self.between = run, publish, between
        self.places = run.workspace.places
        self.rows: list[IterationResult] = []
        self.done: list[Progress] = []
        self.stopped_because: tuple[str, ...] = ()
        self.started = now()
        self.began, self.base_s = time.monotonic(), 0.0
        self.before = result_of(run.workspace.store, run.workspace.run)

    def __enter__(self) -> Self:
        self.run.workspace.store.write_json(self.places.config, self.run.config.model_dump(mode="json"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is not None and self.rows and not issubclass(kind, NotStored):
            try:
                self._save("failed", notes=(str(error).splitlines()[0],) if error and str(error) else ())
            except RestemError as second:  # the run's own failure must not be hidden by what followed from it
                log.warning("that the run failed could not be written: %s", second)

    @contextmanager
    def iteration(self, number: int) -> Iterator[Timed]:
        """Record one row of the table; number 0 is the base, whose only phase is its evaluation."""
        row = Timed(self.run, number)
        yield row
        self.rows.append(self._with_first_seconds(row.result(), row.partly))
        if row.dataset is not None and row.maximized is not None:
            self.done.append(progress_of(self.run.workspace.store, row.dataset, row.maximized))
        if self.between:
            self._show(number)

    def _show(self, number: int) -> None:
        """Show how far the run is; the last iteration's result is published when the run is finished."""
        result = self._save("running")
        if number < self.run.config.loop.iterations:
            self._publish(result)
        self._say_time_left(number)

    def should_stop(self) -> bool:
        """Return whether a rule of the loop's settings ends it here; test is never looked at. The reason becomes a note."""
        why = stop_reason(self.done, self.run.config.loop)
        self.stopped_because = (f"stopped after iteration {len(self.rows) - 1}: {why}",) if why else ()
        return why is not None

    def finish(self) -> RunResult:
        """Store and return the final result, with the report's address."""
        complete = len(self.rows) > self.run.config.loop.iterations
        result = self._save("completed" if complete else "stopped")
        self._publish(result)
        return result

    def _publish(self, result: RunResult) -> None:
        self.publish(result, self.run.workspace.store.uri(self.places.report))

    def _save(self, status: str, notes: tuple[str, ...] = ()) -> RunResult:
        store, name = self.run.workspace.store, self.run.workspace.run
        result = RunResult(
            name, self.run.config.model_dump(mode="json"), self.rows[0], tuple(self.rows[1:]), status, self._started(),
            self._finished(status), code_commit(), hardware(), library_versions(),
            notes=notes + self.stopped_because + self._left_out() + idle_notes(self.rows) + unchanged_notes(self.rows)
            + self.run.problems.notes + false_positive_notes(self.rows),
        )  # fmt: skip
        result = replace(result, differences=differences_to_base(result), audit=audit_of(store, name))
        store.write_bytes(self.places.result, json.dumps(result.to_json(), indent=1).encode())
        scratch = self.run.workspace.scratch_path
        with disk_faults_told(f"scratch folder {scratch}"):
            local = write_html(result, scratch / f"{name}-report.html", run_address(self.run.config.run.store, name))
            store.write_bytes(self.places.report, local.read_bytes())
            track(result, self.run.workspace.tracking, self.run.config.finetune.report_to)
        return result

    def _started(self) -> str:
        """Return when the first work was begun: a run that begins with what it has stored goes on with its earlier beginning."""
        base = self.rows[0]
        if not all(base.cached.values()):
            return self.started
        if self.before and self.before.started and self.before.base.policy_digest == base.policy_digest:
            return self.before.started
        return min(self.started, base.ended or self.started)

    def _finished(self, status: str) -> str | None:
        """Return when the last work was done, which is not when a rerun found all of it in the store."""
        if status == "running":
            return None
        return now() if status == "failed" else max(row.ended for row in self.rows)

    def _left_out(self) -> tuple[str, ...]:
        bad = self.run.problems.left_out
        return (
            (f"{len(bad)} train problems left out, their gold fails its own grader: {', '.join(bad[:20])}",)
            if bad
            else ()
        )

    def _with_first_seconds(self, row: IterationResult, partly: Collection[str]) -> IterationResult:
        """Give phases that came from the store, whole or in part, the seconds that they took when they really ran."""
        earlier = {old.number: old for old in self.before.rows} if self.before else {}
        old = earlier.get(row.number)
        if old is None or old.policy_digest != row.policy_digest:
            return row

        def first(earlier: Mapping[str, float], new: Mapping[str, float]) -> dict[str, float]:
            return {
                name: earlier.get(name, spent)
                if row.cached[name]
                else max(earlier.get(name, spent), spent)
                if name in partly
                else spent
                for name, spent in new.items()
            }

        kept = first(old.device_seconds or old.seconds, row.device_seconds)
        return replace(row, seconds=first(old.seconds, row.seconds), device_seconds=kept)

    def _say_time_left(self, number: int) -> None:
        total, spent = self.run.config.loop.iterations, time.monotonic() - self.began
        if number == 0:
            self.base_s = spent  # the base, its evaluation and the engine's start: they do not come again
        if 0 < number < total:
            left = (spent - self.base_s) / number * (total - number)
            console().print(
                f"iteration {number} of {total} done after {spent:.0f} s, about {left:.0f} s left", highlight=False
            )
        log.info("iteration %d of %d done after %.0f s", number, total, spent)


def idle_notes(rows: list[IterationResult]) -> tuple[str, ...]:
    """Return one line per iteration that accepted nothing, so that nothing was trained."""
    idle = [row.number for row in rows if row.selection is not None and not row.selection.kept]
    return tuple(
        f"iteration {number}: nothing was accepted, so nothing was trained and the policy stays" for number in idle
    )


def unchanged_notes(rows: list[IterationResult]) -> tuple[str, ...]:
    """Return a warning per iteration whose training left weights as they were."""
    return tuple(filter(None, (unchanged_warning(row.number, row.epochs) for row in rows)))


def false_positive_notes(rows: list[IterationResult]) -> tuple[str, ...]:
    """Return one line per iteration: how often the training reward accepted a program that the held-back tests refuse."""
    return tuple(
        f"iteration {row.number}: {tally.hidden_failed} of {tally.hidden_tested} accepted train programs fail their hidden "
        f"tests ({tally.false_positives:.1%} false positives)"
        for row in rows
        if (tally := row.train).hidden_tested
    )


def hardware() -> str:
    """Describe processor, cores and memory; the engine's log names the GPU."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    return f"{model}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []


def device_seconds(run: Run, seconds: float, first_job: int) -> float:
    """Return the seconds of a phase times the devices it held: those of its workers' jobs (`first_job` and later), or this process's."""
    devices = devices_of(run.config)
    if run.config.run.execution == "inline":
        return seconds * devices
    places, store = run.workspace.places, run.workspace.store
    notes = [store.read_json(places.job(str(job))) for job in run.journal.jobs[first_job:]]
    return sum(note["ended"] - note["started"] for note in notes if note) * devices


def devices_of(config: RunConfig) -> int:
    """Return how many GPUs one process of the run holds; the machine counts as one device where it uses none."""
    return max(config.engine.tensor_parallel_size * config.engine.data_parallel_size, config.finetune.processes)


def _done(run: Run, outcomes: Sequence[Outcome]) -> str:
    """Return when the last of these stored results was made."""
    made = run.workspace.store.manifest_of(outcomes[-1].ref).created
    return datetime.fromtimestamp(made, UTC).isoformat(timespec="seconds")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _diversity_in(meta: dict[str, Any]) -> Diversity | None:
    """Return what a data set says of its samples; None of one that is older than that, or made without samples."""
    found = Diversity(**meta.get("diversity", {}))
    return found if found.problems else None


def _int_keys(selection: dict[str, Any]) -> dict[int, int]:
    return {int(rows): count for rows, count in selection["rows_per_problem"].items()}
