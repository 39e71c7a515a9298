"""Remembers what a grader said of the golds of a set of problems, so that they are not graded again at every start.

Only rewards that compare answers are remembered: their version says all that decides. Whether a program passes its tests depends on
the sandbox as well. A gold that ran out of time is asked again, because the machine may have been busy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.domain.fingerprint import digest_of, digest_of_problems
from tasks.domain.rewards.grader import BadGold, Grader
from tasks.domain.schema import Problem
from tasks.store.manifest import new_attempt

LASTING = ("wrong", "unparseable")  # labels that come out the same on every machine


@dataclass(frozen=True)
class KnownGolds:
    """The memory in one folder. Without a folder nothing is known; where it `writes` not, nothing new is remembered."""

    folder: Path | None = None
    writes: bool = False

    def bad(self, grader: Grader, problems: Sequence[Problem]) -> list[BadGold]:
        """Return the problems whose gold this grader does not accept."""
        path = self._path(grader, problems)
        if path is None or not path.is_file():
            return grader.check_gold(problems)
        return [BadGold(**one) for one in json.loads(path.read_text())]

    def remember(self, grader: Grader, problems: Sequence[Problem], bad: Sequence[BadGold]) -> None:
        """Remember what `bad` returned; call it once nothing stands against the run, because a refused run leaves no files."""
        path = self._path(grader, problems) if self.writes else None
        if path is not None and not path.is_file() and all(one.label in LASTING for one in bad):
            _write(path, json.dumps([asdict(one) for one in bad]))

    def _path(self, grader: Grader, problems: Sequence[Problem]) -> Path | None:
        if self.folder is None or grader.reward.kind != "math":
            return None
        asked = digest_of([grader.version, grader.settings.content(), digest_of_problems(problems)])
        return self.folder / f"{asked}.json"


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all, because another run may read it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{new_attempt()}.new")
    draft.write_text(text)
    draft.replace(path)
