"""Whether a run's reward tells answers that cannot be read from wrong ones. Only then a share of format failures says anything."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.domain.run_result import RunResult, Tally

READ_ANSWERS = frozenset({"math", "exact", "code"})  # of the built-in rewards those that label `unparseable`


def tells_what_cannot_be_read(result: RunResult) -> bool:
    """Return whether a built-in reward of this run does, or whether any other has called one of its samples unparseable.

    A function of somebody's own that says True or False has no word for it, and its source is not asked.
    """
    verify = result.config.get("verify") or {}
    named = {*(verify.get("parts") or ()), verify.get("reward", "math")}
    return bool(named & READ_ANSWERS) or any(one.labels.get("unparseable") for one in _tallies(result))


def _tallies(result: RunResult) -> Iterator[Tally]:
    for row in result.rows:
        yield row.train
        for score in (*([row.test] if row.test else []), *row.transfer.values()):
            yield score.tally
