"""Hosts on which the sandbox's containers run.

docker-py loads paramiko, which costs more than the rest of it, for a transport that only `ssh://` hosts use. Here it is put off
until something of it is used, and each `restem grade code` starts half a second sooner.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class PutOff(ModuleType):
    """Stands for a module of this name until one of its attributes is asked for, and passes that on."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") and attribute != "__path__":
            raise AttributeError(attribute)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


def put_off(name: str) -> None:
    """Let `import name` load nothing yet. Without effect where the module is loaded already, or missing."""
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is not None:
        sys.modules[name] = PutOff(name)
        sys.modules[name].__spec__ = spec


put_off("paramiko")
