"""Whether the machine or the program ended a container: three in a row are the program's doing, anything else is nobody's."""

from __future__ import annotations

import pytest

from sandbox.grading.grading import repeated
from sandbox.grading.outcome import outcome_of
from sandbox.job import Execution
from sandbox.status import Ending

GONE = Execution(Ending.INFRA, detail="starved by the machine, a program might have written", container_ended=True)
AWAY = Execution(Ending.INFRA, detail="the engine went away")


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
    sessions = iter(endings)
    assert str(repeated(lambda alone: outcome_of(next(sessions))).verdict) == verdict
