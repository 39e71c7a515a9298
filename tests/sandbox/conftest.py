"""Sandboxes that several test modules share; without a Docker engine they skip, loudly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sandbox.pool.pool import Sandbox, open_sandbox
from sandbox.settings import SandboxSettings
from tasks.domain.errors import UserError

OpenSandbox = Callable[..., Sandbox]


def docker_sandbox(**settings: object) -> Sandbox:
    """Open one, or skip the test that wants it."""
    try:
        return open_sandbox(SandboxSettings.model_validate(settings))
    except UserError as error:
        if "no Docker engine answers" in str(error) and "hosts" not in settings:
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="session")
def one_slot() -> Iterator[Sandbox]:
    """A Docker sandbox with one container at work: the next job runs where the last one did."""
    with docker_sandbox(slots=1) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def two_slots() -> Iterator[Sandbox]:
    with docker_sandbox(slots=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def plain_processes() -> Iterator[Sandbox]:
    """The backend without isolation."""
    with open_sandbox(SandboxSettings(slots=1, backend="process", unsafe=True)) as sandbox:
        yield sandbox
