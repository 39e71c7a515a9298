"""Parts that go wrong in every way, for the tests of what runs parts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.gpu.results import NotHere, PartFailed
from tests.gpu.settings import Part, Smoke


@contextmanager
def opened(settings: Smoke) -> Iterator[list[str]]:
    yield []


def fine(bench: list[str]) -> Mapping[str, Any]:
    bench.append("fine")
    return {"parts of this child": len(bench), "small": {"value": 0.5}}


def raises(bench: list[str]) -> Mapping[str, Any]:
    raise ValueError("a <fault>\nof two lines")


def measures_a_fault(bench: list[str]) -> Mapping[str, Any]:
    raise PartFailed("it is not equal", {"apart": 0.5})


def cannot_run_here(bench: list[str]) -> Mapping[str, Any]:
    raise NotHere("there is no card")


def dies(bench: list[str]) -> Mapping[str, Any]:
    print("killed by hand", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def hangs(bench: list[str]) -> Mapping[str, Any]:
    time.sleep(3600)
    return {}


PARTS = {
    "fine": fine, "raises": raises, "needs it": fine, "measures": measures_a_fault, "not here": cannot_run_here, "dies": dies,
    "needs the dead": fine, "hangs": hangs, "last": fine,
}  # fmt: skip
TABLE = {
    name: Part(
        "tests.gpu.faulty",
        1.0 if name == "hangs" else 60.0,
        {"needs it": "raises", "needs the dead": "dies"}.get(name, ""),
    )
    for name in PARTS
}
