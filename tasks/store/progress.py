"""Shows the progress of long work: a bar in a terminal, a progress artifact in Prefect, a line in a log; each with the time left."""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasks.store.workspace import log

if TYPE_CHECKING:  # imported where something is shown: commands that only read do not wait for it
    from rich.console import Console
    from rich.progress import Progress, TaskID

ARTIFACT_EVERY_S = 5.0  # each update is a request to the Prefect API
LOG_EVERY_S = 30.0


@functools.cache
def console() -> Console:
    """Return the process's terminal on standard error."""
    from rich.console import Console

    return Console(stderr=True)


class Bars:
    """The process's set of bars, shown only in a terminal and only while a meter runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._open = 0

    def add(self, label: str, total: int) -> TaskID | None:
        if not console().is_terminal:
            return None
        with self._lock:
            if self._progress is None:
                self._progress = _progress()
                self._progress.start()
            self._open += 1
            return self._progress.add_task(label, total=total, note="")

    def update(self, bar: TaskID | None, done: int, note: str) -> None:
        progress = self._progress
        if bar is not None and progress is not None:
            progress.update(bar, completed=done, note=note)

    def remove(self, bar: TaskID | None) -> None:
        if bar is None:
            return
        with self._lock:
            self._open -= 1
            if self._progress is not None:
                self._progress.remove_task(bar)
                if self._open == 0:
                    self._progress.stop()
                    self._progress = None


def _progress() -> Progress:
    from rich import progress as rich

    return rich.Progress(
        rich.TextColumn("{task.description}"), rich.BarColumn(), rich.MofNCompleteColumn(), rich.TextColumn("{task.fields[note]}"),
        rich.TimeElapsedColumn(), rich.TextColumn("left"), rich.TimeRemainingColumn(), console=console(), transient=True,
    )  # fmt: skip


bars = Bars()


class Meter:
    """Counts the work of one stage. `advance` may be called from any thread."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        self.label, self.total, self.unit = label, max(total, 1), unit
        self.done = self.tokens = self.accepted = 0
        self.started = time.monotonic()
        self._lock = threading.Lock()
        self._bar = bars.add(label, self.total)
        self._artifact = _Artifact(label)
        self._logged = self.started
        self._first: tuple[float, int] | None = (
            None  # when the first units were done, and how many: an engine started before
        )

    def advance(self, done: int = 1, *, tokens: int = 0, accepted: int = 0, note: str = "") -> None:
        with self._lock:
            self.done += done
            self._first = self._first or (time.monotonic(), self.done)
            self.tokens += tokens
            self.accepted += accepted
            text = note or self.note()
        bars.update(self._bar, self.done, text)
        self._artifact.update(
            100.0 * self.done / self.total, f"{self.done}/{self.total} {self.unit}, {text}, {self.time_left()}"
        )
        self._log(text)

    def note(self) -> str:
        seconds = max(time.monotonic() - self.started, 1e-9)
        words = [f"{self.done / seconds:.0f} {self.unit}/s"]
        if self.tokens:
            words.append(f"{self.tokens / seconds:.0f} tokens/s")
        if self.accepted:
            words.append(f"{self.accepted} accepted")
        return ", ".join(words)

    def seconds_left(self) -> float:
        """Estimate the seconds left from the mean rate since the first unit was done; infinite until there is a rate.

        Time before the first unit (the start of an engine, a queue) does not count, because it will not recur.
        """
        if self._first is None or self.done <= self._first[1]:
            return 0.0 if self.done >= self.total else float("inf")
        since, before = self._first
        return (time.monotonic() - since) * (self.total - self.done) / (self.done - before)

    def time_left(self) -> str:
        """Return `seconds_left` in words."""
        seconds = self.seconds_left()
        return "time left unknown" if seconds == float("inf") else f"{seconds:,.0f} s left"

    def close(self) -> None:
        bars.remove(self._bar)
        self._artifact.update(
            100.0 * min(self.done / self.total, 1.0), f"{self.done} {self.unit} {self.note()}", now=True
        )

    def _log(self, text: str) -> None:
        now = time.monotonic()
        if self._bar is None and now - self._logged >= LOG_EVERY_S:
            self._logged = now
            log.info("%s: %d/%d %s, %s, %s", self.label, self.done, self.total, self.unit, text, self.time_left())


class _Artifact:
    """A Prefect progress artifact of the current task run. It does nothing outside a task run, and it never makes work fail."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._id: UUID | None = None
        self._last = time.monotonic()
        self._inside = _inside_task_run()

    def update(self, percent: float, description: str, *, now: bool = False) -> None:
        moment = time.monotonic()
        due = moment - self._last >= ARTIFACT_EVERY_S
        if not self._inside or not (due or (now and self._id is not None)):
            return
        self._last = moment
        try:
            self._send(percent, f"{self.label}: {description}")
        except Exception as error:  # noqa: BLE001  boundary: the display must not stop the work
            log.debug("progress artifact not written: %s", error)

    def _send(self, percent: float, description: str) -> None:
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        made: Any
        if self._id is None:
            made = create_progress_artifact(progress=percent, description=description)
            self._id = made
        else:
            update_progress_artifact(self._id, progress=percent, description=description)


def _inside_task_run() -> bool:
    context = sys.modules.get("prefect.context")
    return context is not None and context.TaskRunContext.get() is not None


@contextmanager
def meter(label: str, total: int, unit: str) -> Iterator[Meter]:
    """Yield a meter for the length of a `with` block."""
    made = Meter(label, total, unit)
    try:
        yield made
    finally:
        made.close()
