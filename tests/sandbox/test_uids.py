"""No two containers of an engine share uids, whoever starts them."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from sandbox.hosts.docker_launcher import DockerLauncher
from sandbox.hosts.engine import engine_at
from sandbox.hosts.launch import LaunchFailed
from sandbox.hosts.uids import UIDS_PER_CONTAINER, claim
from sandbox.settings import SandboxSettings, default_host
from tasks.domain.errors import UserError

FIRST = 1 << 29  # far from where other sandboxes of this machine choose
ONE_BLOCK = SandboxSettings(uid_first=FIRST, uid_last=FIRST + UIDS_PER_CONTAINER)
TWO_BLOCKS = SandboxSettings(uid_first=FIRST, uid_last=FIRST + 2 * UIDS_PER_CONTAINER)
WITHIN_S = 120


def test_a_block_that_was_claimed_meanwhile_is_left_alone() -> None:
    claimed: list[int] = []

    def create(uids: range) -> str | None:
        claimed.append(uids.start)
        return None if len(claimed) == 1 else f"{uids.start}"

    assert claim(TWO_BLOCKS, set, create) == str(claimed[1])
    assert sorted(claimed) == [FIRST, FIRST + UIDS_PER_CONTAINER]


def test_where_all_uids_are_in_use_no_container_starts() -> None:
    with pytest.raises(LaunchFailed, match="in use"):
        claim(ONE_BLOCK, lambda: {FIRST}, lambda uids: "never")
    with pytest.raises(LaunchFailed, match="in use"):
        claim(TWO_BLOCKS, set, lambda uids: None)


@pytest.mark.heavy
def test_of_two_processes_that_choose_one_block_at_the_same_moment_one_gets_it() -> None:
    try:
        engine_at(default_host()).close()
    except UserError as error:
        pytest.skip(str(error))
    spawning = multiprocessing.get_context("spawn")
    chosen, done, said = spawning.Barrier(2), spawning.Barrier(2), spawning.Queue()
    processes = [spawning.Process(target=start_one, args=(chosen, done, said)) for _ in range(2)]
    for process in processes:
        process.start()
    try:
        assert sorted(said.get(timeout=WITHIN_S) for _ in processes) == ["all uids in use", "started"]
    finally:
        for process in processes:
            process.join(WITHIN_S)


class Together(DockerLauncher):
    """A launcher that has seen which uids are taken at the moment at which another process has."""

    chosen: Any = None

    def _taken_uids(self) -> set[int]:
        found = super()._taken_uids()
        if self.chosen is not None:
            chosen, self.chosen = self.chosen, None
            chosen.wait(WITHIN_S)
        return found


def start_one(chosen: Any, done: Any, said: Any) -> None:
    """Start a container, and keep it until the other process has tried to."""
    launcher = Together(default_host(), ONE_BLOCK)
    launcher.chosen = chosen
    try:
        launcher.launch(trusted=False)
        said.put("started")
    except LaunchFailed as error:
        said.put("all uids in use" if "are in use" in str(error) else str(error))
    done.wait(WITHIN_S)
    launcher.close()
