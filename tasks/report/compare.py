"""Compares policies with the base, and runs (control arms) with each other, always paired over the same test problems."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.domain.comparison import compare
from tasks.domain.errors import UserError
from tasks.domain.run_result import Difference, IterationResult, RunResult
from tasks.report.tables import Block, blocks
from tasks.report.text import markdown_table, plain, points, within_limit


def differences_to_base(result: RunResult, bootstrap: int = 2000, seed: int = 0) -> tuple[Difference, ...]:
    """Return the difference of every evaluated iteration to the base; empty while either is missing."""
    base = result.base.test
    return tuple(
        difference
        for row in result.iterations
        if base is not None and row.test is not None
        for difference in compare(row.test, base, row.number, bootstrap, seed)
    )


def compare_markdown(results: Mapping[str, RunResult], bootstrap: int = 2000, seed: int = 0) -> str:
    """Return arms side by side at their last evaluated iteration, then each minus the first arm, in percentage points.

    The last iteration is always used: choosing an arm's best one by test score would favour arms with more iterations. Raises
    UserError when nothing was evaluated or the arms were scored on different problems.
    """
    last = {name: _last(name, result) for name, result in results.items()}
    if not last:
        raise UserError("no runs to compare; name at least one")
    reference, *others = last
    parts = [
        *(_side_by_side(block, last) for block in blocks(next(iter(results.values())))),
        *(_difference(other, reference, last, bootstrap, seed) for other in others),
    ]
    return within_limit("\n\n".join(parts) + "\n")


def _side_by_side(block: Block, last: Mapping[str, IterationResult]) -> str:
    rows = [[plain(name), *(column.one_line(row) for column in block.columns)] for name, row in last.items()]
    return markdown_table(["arm", *block.titles], rows)


def _difference(arm: str, reference: str, last: Mapping[str, IterationResult], bootstrap: int, seed: int) -> str:
    after, before = last[arm].test, last[reference].test
    assert after is not None
    assert before is not None
    rows = [[d.metric, points(d.interval)] for d in compare(after, before, last[arm].number, bootstrap, seed)]
    return f"{plain(arm)} minus {plain(reference)}, paired, in points:\n\n" + markdown_table(
        ["metric", "difference"], rows
    )


def _last(name: str, result: RunResult) -> IterationResult:
    evaluated = [row for row in result.rows if row.test is not None]
    if not evaluated:
        raise UserError(f"run {name!r} has no evaluated policy yet; wait for its first evaluation to compare it")
    return evaluated[-1]
