"""Things a grading worker may be asked to do in tests, most of them bad."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tasks.domain.loading import loading


def act(payload: list[Any]) -> tuple[str, dict[str, Any]]:
    action, *rest = payload
    return globals()[f"_{action}"](*rest)  # type: ignore[no-any-return]


def _echo(value: Any) -> tuple[str, dict[str, Any]]:
    return "correct", {"echo": value}


def _load(seconds: float) -> tuple[str, dict[str, Any]]:
    """As a library that takes long to load does."""
    with loading():
        time.sleep(seconds)
    return "correct", {"loaded": True}


def _print() -> tuple[str, dict[str, Any]]:
    print("noise" * 1000, flush=True)
    return "correct", {"printed": True}


def _spin() -> tuple[str, dict[str, Any]]:
    while True:
        pass


def _big_power() -> tuple[str, dict[str, Any]]:
    """One C operation of hours that no Python signal handler interrupts."""
    return "correct", {"digits": len(bin(7 ** (10**10)))}


def _tell_then_big_power(fifo: str) -> tuple[str, dict[str, Any]]:
    Path(fifo).write_text("busy")
    return _big_power()


def _eat() -> tuple[str, dict[str, Any]]:
    hoard = []
    while True:
        hoard.append(bytearray(2**24))


def _die() -> tuple[str, dict[str, Any]]:
    os.abort()


def _raise() -> tuple[str, dict[str, Any]]:
    raise ValueError("a fault of the grader")


def _die_once(flag: str) -> tuple[str, dict[str, Any]]:
    if not Path(flag).exists():
        Path(flag).touch()
        os.abort()
    return "correct", {"died": "before"}
