"""Who runs when: repetitions run alone, blame needs three deaths, and nobody waits for ever."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest

from sandbox.job import Execution, Job
from sandbox.pool.dispatch import MAX_DEATHS, Dispatch, Ticket
from sandbox.pool.sessions import OpenSession
from sandbox.status import Ending

SLOW = Execution(Ending.TLE, contended=True)
OK = Execution(Ending.OK)


def ticket(**job: object) -> Ticket:
    return Ticket(Job(b"", **job), Future())  # type: ignore[arg-type]


def put(dispatch: Dispatch, *tickets: Ticket) -> None:
    for one in tickets:
        dispatch.put(one)


def taken(dispatch: Dispatch, room: int = 16) -> list[Ticket]:
    found = dispatch.take(room, busy=False)
    assert found is not None
    return found


def test_a_contended_timeout_runs_again_when_nothing_else_does() -> None:
    dispatch, slow, other = Dispatch(2), ticket(), ticket()
    put(dispatch, slow, other)
    assert taken(dispatch, 1) == [slow]
    assert taken(dispatch, 1) == [other]
    dispatch.done(slow, SLOW)
    assert not slow.future.done()
    assert taken(dispatch) == []  # the other one still runs
    dispatch.done(other, OK)
    assert taken(dispatch) == [slow]
    late = ticket()
    put(dispatch, late)
    assert taken(dispatch) == []  # it is alone
    dispatch.done(slow, OK)
    assert slow.future.result() == replace(OK, reruns=1)
    assert taken(dispatch) == [late]


def test_a_timeout_alone_is_believed() -> None:
    dispatch, slow = Dispatch(1), ticket()
    put(dispatch, slow)
    dispatch.done(taken(dispatch)[0], SLOW)
    dispatch.done(taken(dispatch)[0], SLOW)
    assert slow.future.result() == replace(SLOW, reruns=1)


def test_an_uncontended_timeout_is_believed_at_once() -> None:
    dispatch, slow = Dispatch(1), ticket()
    put(dispatch, slow)
    dispatch.done(taken(dispatch)[0], Execution(Ending.TLE))
    assert slow.future.result().reruns == 0


@pytest.mark.parametrize("contended, ending", [(True, "INFRA"), (False, "IDLE")])
def test_only_a_starved_program_is_not_to_blame_for_the_wall_clock(contended: bool, ending: str) -> None:
    dispatch, job = Dispatch(1), ticket(alone=True)
    put(dispatch, job)
    dispatch.done(taken(dispatch)[0], Execution(Ending.IDLE, contended=contended))
    assert job.future.result().ending == ending


def test_the_job_under_which_containers_die_is_hostile_and_those_behind_it_are_not() -> None:
    dispatch, killer, behind = Dispatch(1), ticket(), ticket()
    put(dispatch, killer, behind)
    first = taken(dispatch, 2)
    assert first == [killer, behind]
    dispatch.lost(first, "gone")
    for _ in range(MAX_DEATHS - 1):
        assert taken(dispatch, 2) == [killer]  # by itself now
        dispatch.lost([killer], "gone")
    assert killer.future.result().ending == "HOSTILE"
    assert taken(dispatch, 2) == [behind]
    assert behind.deaths == 0


def test_a_job_is_unfinished_until_its_slot_is_done_with_it() -> None:
    dispatch, job, session = Dispatch(2), ticket(), ticket()
    session.session = OpenSession()
    put(dispatch, job, session)
    for _ in range(2):
        taken(dispatch, 1)
    assert dispatch.unfinished == 2
    dispatch.lost([job], "gone")
    assert dispatch.unfinished == 2  # it waits again
    dispatch.done(session, OK)
    dispatch.done(taken(dispatch)[0], OK)
    assert dispatch.unfinished == 0


def test_what_waits_when_the_sandbox_closes_ends_as_infra() -> None:
    dispatch, waiting = Dispatch(1), ticket()
    put(dispatch, waiting)
    dispatch.close()
    late = ticket()
    dispatch.put(late)
    assert [one.future.result().ending for one in (waiting, late)] == ["INFRA", "INFRA"]
    assert dispatch.take(1, busy=False) is None


def test_what_runs_when_the_sandbox_closes_ends_as_infra_too() -> None:
    dispatch, running, ahead = Dispatch(1), ticket(), ticket()
    put(dispatch, running, ahead)
    flying = taken(dispatch)
    dispatch.close()
    dispatch.lost(flying, "its container was removed")
    assert [(one.future.result(timeout=1).ending, one.future.result().container_ended) for one in flying] == [
        ("INFRA", False)
    ] * len(flying)


def test_the_last_jobs_are_spread_over_the_slots() -> None:
    dispatch = Dispatch(4)
    put(dispatch, *[ticket() for _ in range(8)])
    assert [len(taken(dispatch)) for _ in range(8)] == [2, 1, 1, 1, 1, 1, 1, 0]
