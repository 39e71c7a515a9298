"""Where programs run when nobody says: sandbox, config and janitor agree."""

from __future__ import annotations

import pytest

from sandbox.settings import LOCAL_HOST, SandboxSettings, default_host
from tasks.domain.settings import SandboxPlace
from tasks.graders.place import sandbox_settings


def test_docker_host_is_the_default_and_a_config_that_names_hosts_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert sandbox_settings(SandboxPlace()).hosts == SandboxSettings().hosts == (default_host(),) == (LOCAL_HOST,)
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2376")
    assert (
        sandbox_settings(SandboxPlace()).hosts
        == SandboxSettings().hosts
        == (default_host(),)
        == ("tcp://elsewhere:2376",)
    )
    assert sandbox_settings(SandboxPlace(hosts=("ssh://there",))).hosts == ("ssh://there",)
