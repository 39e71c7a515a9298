"""Reports a run to the trackers that its trainings report to: figures of each iteration, plots, and some samples.

TensorBoard and MLflow get all of it; other trackers get the metrics of the trainings, which TRL sends by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from math import isnan
from pathlib import Path

from tasks.domain.errors import one_sentence
from tasks.domain.run_result import IterationResult, RunResult
from tasks.domain.statistics import Interval
from tasks.domain.trackers import chosen
from tasks.report import to_mlflow, to_tensorboard
from tasks.report.readable import tells_what_cannot_be_read
from tasks.report.tables import estimate
from tasks.report.tracked import Tracked

log = logging.getLogger("restem")

WRITERS: dict[str, Callable[[Tracked, Path], None]] = {"mlflow": to_mlflow.write, "tensorboard": to_tensorboard.write}


def track(result: RunResult, folder: Path, names: Iterable[str]) -> None:
    """Write the run as it stands; writing it again changes nothing. A tracker that fails is told in the log and costs nothing more."""
    asked = chosen(names)
    writers = {name: write for name, write in WRITERS.items() if name in asked}
    if not writers:
        return
    failures = tells_what_cannot_be_read(result)
    tracked = Tracked.of(result, {row.number: dict(metrics(row, failures)) for row in result.rows})
    for name, write in writers.items():
        try:
            write(tracked, folder)
        except Exception as error:  # noqa: BLE001  boundary: a tracker's library may raise anything, and the run must go on
            log.warning("tracker %s failed and was left out: %s", name, one_sentence(error))


def metrics(row: IterationResult, failures: bool = True) -> Iterator[tuple[str, float]]:
    """Yield name and value of an iteration's figures; unknown ones are left out, and `failures` of the format if they say nothing."""
    named: dict[str, Interval | float | None] = {
        "test/greedy": estimate(row, "greedy"), "test/sampled": estimate(row, "sampled"), "val/reward": row.val_reward,
        "train/accuracy": row.train_accuracy, "train/solve_rate": row.solve_rate, "train/kept_examples": row.kept_examples,
        "test/format_failures": row.test.format_failures if row.test and failures else None, "tokens": row.tokens or None,
    }  # fmt: skip
    if row.test:
        named |= {f"test/pass_at_{k}": value for k, value in row.test.pass_at_k.items()}
        named |= {f"test/maj_at_{k}": value for k, value in row.test.maj_at_k.items()}
    named |= {f"seconds/{phase}": spent for phase, spent in row.seconds.items()}
    named |= {f"device_seconds/{phase}": spent for phase, spent in row.device_seconds.items()}
    for name, value in named.items():
        number = value.value if isinstance(value, Interval) else value
        if number is not None and not isnan(number):
            yield name, float(number)
