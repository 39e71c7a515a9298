"""One Docker sandbox for all grading tests, and the public data sets; without either a test skips, loudly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.grading.grading import Grading
from sandbox.pool.pool import Sandbox
from tests.sandbox.conftest import docker_sandbox
from tests.sandbox.grading import references


@pytest.fixture(scope="session")
def grading() -> Iterator[Grading]:
    with docker_sandbox(slots=2) as sandbox:
        made = Grading(sandbox)
        yield made
        made.close()


@pytest.fixture(scope="module")
def unsafe(plain_processes: Sandbox) -> Iterator[Grading]:
    """Without containers: for what is computed, not for what is kept apart."""
    made = Grading(plain_processes)
    yield made
    made.close()


@pytest.fixture(scope="session")
def public_data() -> None:
    if not references.available():
        pytest.skip(f"no public data sets at {references.root()}; set RESTEM_SHARED_DATA")
