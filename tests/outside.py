"""A package that is no part of the checkout: modules of its own on sys.path, and entry points as an installed one has them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tasks.domain.registry import Registry


@dataclass
class Outside:
    """The folder that stands for another project's installation."""

    folder: Path
    points: dict[str, dict[str, str]] = field(default_factory=dict)

    def module(self, name: str, source: str) -> Path:
        """Write a module, say `theirs/reward`; one that was imported before is forgotten."""
        path = self.folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        self.forget()
        return path

    def declare(self, group: str, **values: str) -> None:
        """Entry points of the installed package: `declare("restem.commands", hello="theirs.hello:COMMAND")`."""
        self.points.setdefault(group, {}).update(values)
        info = self.folder / "theirs-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        lines = [
            f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in points.items()) for group, points in self.points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        importlib.invalidate_caches()

    def forget(self) -> None:
        """Drop the folder's modules, so that the next import reads them again."""
        importlib.invalidate_caches()
        ours = {path.stem for path in self.folder.iterdir()}  # by name: also what an earlier folder of that name left
        for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
            del sys.modules[name]


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """Importable and installed for the length of a test, also for the processes it starts."""
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within the same second must be seen
    registries = every_registry()
    before = {id(one): one.added() for one in registries}
    made = Outside(folder)
    yield made
    made.forget()
    for one in registries:
        for name in one.added() - before[id(one)] - one.built_in.keys():
            one.forget(name)


def every_registry() -> list[Registry[Any]]:
    """All that another package can add to."""
    from flows.cli.command import COMMANDS
    from tasks.domain.algorithms import METHODS
    from tasks.domain.extensions import COLUMNS, ENGINES, LOADERS
    from tasks.domain.rewards import REWARDS
    from tasks.report.figures import FIGURES

    return [COMMANDS, METHODS, COLUMNS, ENGINES, LOADERS, REWARDS, FIGURES]
