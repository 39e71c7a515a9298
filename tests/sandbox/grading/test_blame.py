"""Whether the machine or the program ended a container: three in a row are the program's doing, anything else is nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.grading.grading import Grading, Program
from sandbox.grading.tests import CallTest
from sandbox.job import Execution, Job
from sandbox.pool.sessions import OpenSession
from sandbox.verdict import Ending

GONE = Execution(Ending.INFRA, detail="starved by the machine, a program might have written", container_ended=True)
AWAY = Execution(Ending.INFRA, detail="the engine went away")
CALL = Program(b"def f(): return 5", (CallTest("f", (), 5),))


class EndingSandbox:
    """Every session ends as told, before it answers."""

    slots = 1

    def __init__(self, endings: list[Execution]) -> None:
        self._endings: Iterator[Execution] = iter(endings)

    def session(self, job: Job) -> OpenSession:
        session = OpenSession()
        session.ended(next(self._endings))
        return session


@pytest.mark.parametrize(
    ("endings", "verdict"),
    [
        ([GONE] * 3, "HOSTILE"),
        ([AWAY] * 3, "INFRA"),
        ([GONE, GONE, AWAY], "INFRA"),
        ([AWAY, AWAY, GONE], "INFRA"),
        ([GONE, GONE, Execution(Ending.MLE)], "MLE"),
        ([AWAY, Execution(Ending.RE)], "RE"),
    ],
)
def test_only_three_containers_in_a_row_are_the_programs_doing(endings: list[Execution], verdict: str) -> None:
    grading = Grading(EndingSandbox(endings))  # type: ignore[arg-type]
    assert str(grading.grade(CALL).verdict) == verdict
    grading.close()
