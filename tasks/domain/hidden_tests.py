"""Holds back some tests of a code problem, to measure how often a program passes the others although it is wrong.

30-60 % of accepted programs are false positives on data sets with weak tests (AlphaCode, arXiv 2203.07814, table 2). Held-back
tests stand under `hidden` in the tests' record; the reward never reads them, and a prompt that shows asserts does not show them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tasks.domain.python_source import parsed
from tasks.domain.schema import Problem


def hold_back(problem: Problem, number: int) -> Problem:
    """Return the problem with its last `number` tests hidden, but at least one visible; unchanged where there is only one."""
    tests = json.loads(problem.tests or "{}")
    if not number or not isinstance(tests, dict):
        return problem
    if "inputs" in tests:
        keep = max(1, len(tests["inputs"]) - number)
        return _with(problem, _cases(tests, slice(keep)), _cases(tests, slice(keep, None)))
    parts = _split_asserts(str(tests.get("test", "")), number)
    if parts is None:
        return problem
    question = "\n".join(line for line in problem.question.split("\n") if line.strip() not in parts.hidden_asserts)
    hidden = {**tests, "test": parts.hidden}
    return _with(replace(problem, question=question), {**tests, "test": parts.visible}, hidden)


def _cases(tests: Mapping[str, Any], part: slice) -> dict[str, Any]:
    return {**tests, "inputs": tests["inputs"][part], "outputs": tests["outputs"][part]}


def _with(problem: Problem, visible: dict[str, Any], hidden: dict[str, Any]) -> Problem:
    empty = not hidden.get("inputs", True)
    record = visible if empty else {**visible, "hidden": hidden}
    return replace(problem, tests=json.dumps(record, ensure_ascii=False))


@dataclass(frozen=True)
class _Parts:
    """Test code with some asserts left out, and with the others left out."""

    visible: str
    hidden: str
    hidden_asserts: frozenset[str]


def _split_asserts(test: str, number: int) -> _Parts | None:
    """Asserts of the module or directly in a function of it; None when there are not two, or it is no Python."""
    try:
        tree = parsed(test)
    except (SyntaxError, ValueError, RecursionError):
        return None
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.FunctionDef))]
    asserts = [node for body in bodies for node in body if isinstance(node, ast.Assert)]
    asserts.sort(key=lambda node: node.lineno)
    keep = max(1, len(asserts) - number)
    if not asserts[keep:]:
        return None
    texts = frozenset(ast.get_source_segment(test, node) or "" for node in asserts[keep:])
    return _Parts(_without(test, asserts[keep:]), _without(test, asserts[:keep]), texts)


def _without(test: str, nodes: list[ast.Assert]) -> str:
    gone = {line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return "\n".join(line for number, line in enumerate(test.split("\n"), 1) if number not in gone)
