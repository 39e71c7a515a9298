"""Equivalence by math-verify, inside a grading process."""

from __future__ import annotations

from typing import Any

from math_verify import parse, verify


def decide(payload: list[str]) -> tuple[str, dict[str, Any]]:
    """(label, evidence) for [gold, answer]."""
    gold, answer = (parse(f"${side}$", parsing_timeout=None) for side in payload)
    equal = bool(gold) and bool(answer) and verify(gold, answer, timeout_seconds=None)
    return ("correct" if equal else "wrong"), {"rule": "math_verify"}
