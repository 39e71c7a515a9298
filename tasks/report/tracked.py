"""What a tracker is given of a run: figures by iteration, pictures, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.domain.run_result import RunResult
from tasks.report.figures import drawn
from tasks.report.publish import samples_of_row


@dataclass(frozen=True)
class Tracked:
    """The figures by iteration and name, the pictures as SVG by name, and the shown samples by iteration as markdown."""

    name: str
    status: str
    metrics: Mapping[int, Mapping[str, float]]
    ended: Mapping[int, float]  # by iteration: when it was done, seconds since 1970; 0 where that is not known
    pictures: Mapping[str, str]
    samples: Mapping[int, str]

    @classmethod
    def of(cls, result: RunResult, metrics: Mapping[int, Mapping[str, float]]) -> Tracked:
        ended = {row.number: datetime.fromisoformat(row.ended).timestamp() if row.ended else 0.0 for row in result.rows}
        pictures = {one.figure.name: one.svg for one in drawn(result)}
        samples = {row.number: samples_of_row(row) for row in result.rows if row.test and row.test.shown}
        return cls(result.name, result.status, metrics, ended, pictures, samples)
