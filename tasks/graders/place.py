"""Where programs run: the configuration's words for it as the sandbox's own settings."""

from __future__ import annotations

from sandbox.settings import SandboxSettings
from tasks.domain.settings import SandboxPlace


def sandbox_settings(place: SandboxPlace) -> SandboxSettings:
    """Return the sandbox's own settings; what the config leaves out keeps the sandbox's defaults."""
    given = place.model_dump()
    return SandboxSettings(**{name: value for name, value in given.items() if name != "hosts" or value})
