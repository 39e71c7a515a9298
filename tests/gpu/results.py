"""What the parts gave, kept in one JSON file that is written anew after each of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["done", "failed", "timed out", "not run"]


@dataclass(frozen=True)
class PartResult:
    """The outcome of one part; `reason` says why it is not done. A failed part may have figures of what it did before."""

    part: str
    state: State
    seconds: float
    reason: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lost(self) -> bool:
        return self.state in ("failed", "timed out")


class PartFailed(Exception):
    """Raised by a part whose measurement shows a fault; it takes along what was measured."""

    def __init__(self, reason: str, figures: Mapping[str, Any], state: State = "failed") -> None:
        super().__init__(reason)
        self.figures, self.state = figures, state


class NotHere(Exception):
    """Raised by a part that this machine cannot run, with the reason."""


@dataclass
class Results:
    """All parts of one or several commands into the same folder; a part that ran again replaces its earlier result."""

    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    parts: dict[str, PartResult] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        plain = {**self.__dict__, "parts": [asdict(part) for part in self.parts.values()]}
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(json.dumps(plain, indent=1, default=str))
        draft.replace(file)

    def take_over(self, file: Path) -> None:
        """Keep the parts of an earlier command that ran on the same card and commit."""
        if not file.is_file():
            return
        told = json.loads(file.read_text())
        if all(told["machine"].get(name) == self.machine.get(name) for name in ("card", "commit")):
            self.parts = {one["part"]: PartResult(**one) for one in told["parts"]} | self.parts
