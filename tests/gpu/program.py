"""The child's side: `python -m tests.gpu.program REQUEST.json` runs parts of one module, one after the other, in one process.

Each part's outcome is a line in the request's file of lines as soon as it is known, so that a child that is ended loses only the
part it was in.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.domain.errors import one_sentence
from tests.gpu.results import NotHere, PartFailed, PartResult, State
from tests.gpu.settings import Smoke

Work = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Request:
    """What a child is asked for: parts of one module, each with the part that it needs, those that failed before, and the file for its lines."""

    module: str
    needs: Mapping[str, str]
    lost: tuple[str, ...]
    lines: str
    settings: Smoke

    def to_json(self) -> str:
        return json.dumps({**self.__dict__, "settings": json.loads(self.settings.to_json())})

    @classmethod
    def from_json(cls, text: str) -> Request:
        told = json.loads(text)
        return cls(**{**told, "lost": tuple(told["lost"]), "settings": Smoke.from_json(json.dumps(told["settings"]))})


def main(file: str) -> int:
    """Run the request; the exit code is 0 however the parts ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    request = Request.from_json(Path(file).read_text())
    module, lost = importlib.import_module(request.module), set(request.lost)
    parts: Mapping[str, Work] = module.PARTS
    opened: AbstractContextManager[Any] = module.opened(request.settings)
    with opened as bench:
        for name, needed in request.needs.items():
            if needed in lost:
                result = PartResult(name, "not run", 0.0, f"it needs {needed}, which failed")
            else:
                result = outcome(name, parts[name], bench)
            lost |= {name} if result.lost else set()
            tell(request, result)
    return 0


def outcome(name: str, work: Work, bench: Any) -> PartResult:
    """Run one part. This is the boundary at which whatever goes wrong in it becomes a line with its reason."""
    started = time.monotonic()

    def result(state: State, reason: str, figures: Mapping[str, Any]) -> PartResult:
        return PartResult(name, state, round(time.monotonic() - started, 1), reason, figures)

    logging.info("part %s begins", name)
    try:
        return result("done", "", work(bench))
    except NotHere as reason:
        return result("not run", str(reason), {})
    except PartFailed as fault:
        return result(fault.state, str(fault), fault.figures)
    except Exception as error:  # noqa: BLE001 - named boundary: the other parts go on
        traceback.print_exc()
        return result("failed", f"{type(error).__name__}: {one_sentence(error)}", {})


def tell(request: Request, result: PartResult) -> None:
    with Path(request.lines).open("a") as stream:
        stream.write(json.dumps(asdict(result), default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
